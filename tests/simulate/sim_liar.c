#include "sim_liar.h"

#include "sim.h"
#include "sim_center.h"
#include "truth.h"

#include "../../wire/frame.h"
#include "../../wire/record.h"

#include <stdlib.h>
#include <string.h>

#define SAYS_MAX 12u

static const uint64_t numbers[] = { 0, 1, 2, 3, 1000, UINT32_MAX, INT64_MAX,
                                    UINT64_MAX - 1, UINT64_MAX };

static uint64_t number(struct sim *sim)
{
	if (sim_chance(sim, 60))
		return sim->truth->revision + sim_below(sim, 5) - 2;
	return numbers[sim_below(sim, sizeof numbers / sizeof numbers[0])];
}

static void put_prefixes(struct sim *sim, struct rh_record_writer *writer,
                         const char *name)
{
	static const char *const roots[] = { "resource/", "out/", "in/", "", "/" };
	char                     prefix[80];

	for (uint32_t i = sim_below(sim, 4); i > 0; i--) {
		snprintf(prefix, sizeof prefix, "%s%s%s", roots[sim_below(sim, 5)], name,
		         sim_chance(sim, 60) ? "/" : "");
		rh_record_put_text(writer, RH_TAG_PREFIX, prefix);
	}
}

static void say(struct sim *sim, uint8_t type)
{
	unsigned char           bytes[1024];
	struct rh_record_writer writer;
	const char             *name = sim_names[sim_below(sim, sim->shape.names)];
	unsigned char           store[17] = { 1 };
	uint64_t                grant = number(sim);

	if (sim_chance(sim, 80))
		memcpy(store, sim->truth->store, 16);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, name);
	put_prefixes(sim, &writer, name);
	rh_record_put(&writer, RH_TAG_STORE, store, sim_chance(sim, 95) ? 16 : 17);
	rh_record_put_u64(&writer, RH_TAG_REVISION, number(sim));
	rh_record_put_u64(&writer, RH_TAG_BYTES, grant);
	sim_counts[LIAR_SPOKE]++;
	if (wire_send(sim, sim->liar, WIRE_AGENT, type, &writer) != 0)
		sim_liar_leave(sim);
	else if (sim->liar->granted < UINT64_MAX / 2)
		sim->liar->granted += grant < UINT32_MAX ? grant : UINT32_MAX;
}

void sim_liar_turn(struct sim *sim)
{
	static const uint8_t types[] = { RH_FRAME_SUBSCRIBE, RH_FRAME_SUBSCRIBE,
	                                 RH_FRAME_CREDIT, RH_FRAME_CREDIT,
	                                 RH_FRAME_RESULT, RH_FRAME_HELLO,
	                                 RH_FRAME_DELTA };

	sim_liar_leave(sim);
	sim->liar = sim_center_dial(sim->center);
	if (!sim->liar)
		return;
	sim->liar->is_liar = 1;
	if (sim_chance(sim, 95))
		say(sim, RH_FRAME_HELLO);
	for (uint32_t i = sim_below(sim, SAYS_MAX); i > 0 && sim->liar; i--)
		say(sim, types[sim_below(sim, sizeof types)]);
}

void sim_liar_leave(struct sim *sim)
{
	if (sim->liar)
		wire_close(sim, sim->liar, WIRE_AGENT, 1);
	sim->liar = NULL;
}
