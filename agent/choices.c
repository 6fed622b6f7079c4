#include "choices.h"

#include "agent.h"
#include "inlink.h"
#include "instance.h"

#include <string.h>

#define RECORD_BYTES 16u

/* ---- the callee's agent ------------------------------------------------- */

static void put_all(const struct rh_inlink *link, struct rh_record_writer *writer)
{
	unsigned max = link->choices_max, count = 0;

	if (max > RH_CHOICES_MAX)
		max = RH_CHOICES_MAX;
	RH_LIST_EACH(node, &link->agent->instances) {
		if (count == max)
			break;
		rh_record_put_u64(writer, RH_TAG_INSTANCE,
		                  RH_CONTAINER(node, struct rh_instance, in_agent)->id);
		count++;
	}
}

void rh_choices_tell(struct rh_inlink *link)
{
	unsigned char           bytes[RH_CHOICES_MAX * RECORD_BYTES];
	struct rh_record_writer writer;

	if (RH_LINK_VERSION < 3 || link->choices_max == 0 || !link->has_new_choices ||
	    !rh_conn_is_flushed(link->conn))
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	put_all(link, &writer);
	if (rh_conn_send(link->conn, RH_FRAME_CHOICES, 0, &writer, NULL, 0) == RH_OK)
		link->has_new_choices = 0;
}

void rh_choices_changed(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->links) {
		struct rh_inlink *link = RH_CONTAINER(node, struct rh_inlink, in_agent);

		link->has_new_choices = 1;
		rh_choices_tell(link);
	}
}

/* ---- the caller's agent ------------------------------------------------- */

struct told {
	uint32_t ids[RH_CHOICES_MAX];
	unsigned count;
};

static int is_among(const uint32_t *ids, unsigned count, uint32_t id)
{
	for (unsigned i = 0; i < count; i++) {
		if (ids[i] == id)
			return 1;
	}
	return 0;
}

static int read_told(struct rh_frame *frame, struct told *told)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        record;
	uint64_t                id;

	told->count = 0;
	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0 && told->count < RH_CHOICES_MAX) {
		if (record.tag != RH_TAG_INSTANCE)
			continue;
		if (record.len != sizeof id)
			return RH_EPROTO;
		memcpy(&id, record.bytes, sizeof id);
		if (id == 0 || id > UINT32_MAX ||
		    is_among(told->ids, told->count, (uint32_t)id))
			return RH_EPROTO;
		told->ids[told->count++] = (uint32_t)id;
	}
	return RH_OK;
}

static int has_place(const struct rh_choices *choices, uint32_t id)
{
	for (unsigned i = 0; i < RH_CHOICES_MAX; i++) {
		if (choices->is_here[i] && choices->ids[i] == id)
			return 1;
	}
	return 0;
}

static void take_place(struct rh_choices *choices, uint32_t id)
{
	unsigned place = 0;

	while (choices->is_here[place])
		place++; /* there are as many as can be told */
	choices->ids[place] = id;
	choices->is_here[place] = 1;
}

int rh_choices_learn(struct rh_choices *choices, struct rh_frame *frame)
{
	struct told told;
	int         r = read_told(frame, &told);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < RH_CHOICES_MAX; i++)
		choices->is_here[i] = choices->ids[i] != 0 &&
		                      is_among(told.ids, told.count, choices->ids[i]);
	for (unsigned i = 0; i < told.count; i++) {
		if (!has_place(choices, told.ids[i]))
			take_place(choices, told.ids[i]);
	}
	choices->count = RH_CHOICES_MAX;
	while (choices->count > 0 && !choices->is_here[choices->count - 1])
		choices->count--; /* H1 */
	return RH_OK;
}

void rh_choices_lost(struct rh_choices *choices)
{
	memset(choices->is_here, 0, sizeof choices->is_here);
	choices->count = 0;
}

uint32_t rh_choices_at(const struct rh_choices *choices, uint32_t place)
{
	return place < choices->count && choices->is_here[place] ? choices->ids[place] : 0;
}
