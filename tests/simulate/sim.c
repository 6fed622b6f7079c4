#include "sim.h"

#include "sim_agent.h"
#include "sim_center.h"
#include "sim_liar.h"
#include "truth.h"

#include "../../model/interface.h"
#include "../../wire/limits.h"
#include "../../wire/record.h"

#include <sodium.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX    600u
#define QUIET_MS     300000u

/* ---- randomness --------------------------------------------------------- */

static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint32_t sim_below(struct sim *sim, uint32_t limit)
{
	return limit ? (uint32_t)(draw(&sim->random) % limit) : 0;
}

uint64_t sim_between(struct sim *sim, uint64_t low, uint64_t high)
{
	return low + draw(&sim->random) % (high - low + 1);
}

int sim_chance(struct sim *sim, unsigned percent)
{
	return sim_below(sim, 100) < percent;
}

/* The center draws seeds of its tables: also from the run. */
static uint64_t sodium_state;

static const char *sodium_name(void)
{
	return "seed";
}

static uint32_t sodium_random(void)
{
	return (uint32_t)draw(&sodium_state);
}

static void sodium_buffer(void *const at, const size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)at)[i] = (unsigned char)draw(&sodium_state);
}

static randombytes_implementation sodium_seeded = {
	.implementation_name = sodium_name, .random = sodium_random, .buf = sodium_buffer,
};

/* ---- counting ----------------------------------------------------------- */

uint64_t sim_counts[SIM_COUNTS];

const char *const sim_count_names[SIM_COUNTS] = {
	[DID_CHANGE] = "changes", [DID_REFUSE] = "changes refused",
	[DID_RETELL] = "items told again", [DID_SAME] = "items with the same bytes", [DID_RAISE] = "rings raised",
	[DID_RESTORE] = "restored backups", [DID_RESTART] = "centers restarted",
	[SENT_SNAPSHOT] = "snapshots", [SENT_SNAPSHOT_ITEM] = "parts of snapshots",
	[SENT_SNAPSHOT_END] = "whole snapshots", [SENT_DELTA] = "deltas",
	[SENT_PART] = "parts of deltas", [SENT_BOOKMARK] = "bookmarks",
	[GAVE_UP_SNAPSHOT] = "snapshots given up", [SENT_AWAY] = "peers sent away",
	[WAITED_FOR_SNAPSHOT] = "waits for a snapshot", [FULL_SOCKET] = "full sockets",
	[NO_CREDIT] = "waits for credit", [CUT_FRAME] = "frames cut off",
	[AGENT_CONTINUED] = "agents that went on with deltas",
	[AGENT_FOREIGN_STORE] = "agents with another store",
	[AGENT_FORGOT] = "agents without memory",
	[AGENT_FROM_CACHE] = "starts from a cache",
	[AGENT_FROM_PART_OF_CACHE] = "starts from a cache that was not whole",
	[AGENT_CORRUPT_CACHE] = "starts beside a corrupt cache",
	[AGENT_STAGED] = "items staged", [AGENT_REJECTED] = "items rejected",
	[AGENT_KEPT_FATE] = "fates told again",
	[AGENT_RESYNCED] = "gaps closed by a snapshot", [LIAR_SPOKE] = "lies",
	[LOST_FRAME] = "frames lost",
};

/* ---- telling ------------------------------------------------------------ */

void sim_violation(struct sim *sim, const char *format, ...)
{
	char    text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (sim->violations++ == 0)
		snprintf(sim->said, sizeof sim->said, "step %lu: %s", sim->step, text);
	if (sim->verbose)
		fprintf(sim->verbose, "VIOLATION: %s\n", text);
}

void sim_note(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (!sim->verbose)
		return;
	fprintf(sim->verbose, "%lu %lu.%03lu ", sim->step, sim->now / 1000,
	        sim->now % 1000);
	va_start(args, format);
	vfprintf(sim->verbose, format, args);
	va_end(args);
	fputc('\n', sim->verbose);
}

void sim_history(struct sim *sim, const char *who, const char *event,
                 const char *subject, uint64_t revision, const char *detail)
{
	sim_note(sim, "%s: history %s %s %s %lu %s", who, who, event, subject, revision,
	         detail);
	if (history_event(sim->history, who, event, subject, revision, detail) != 1)
		sim_violation(sim, "%s %s is no event", who, event);
}

/* ---- keys --------------------------------------------------------------- */

const char *const sim_names[NAMES_MAX] = { "a", "ab", "abc", "b", "b_", "c", "ca" };

unsigned sim_number(const struct rh_name *name)
{
	unsigned i = 0;

	while (strcmp(sim_names[i], name->text) != 0)
		i++;
	return i;
}

void sim_key_text(const struct rh_item_key *key, char text[RH_NAME_MAX * 2 + 8])
{
	if (key->callee.len)
		sprintf(text, "edge/%s/%s", key->caller.text, key->callee.text);
	else
		sprintf(text, "resource/%s", key->caller.text);
}

void sim_what(const void *body, size_t len, char text[17])
{
	struct rh_record_reader reader;
	struct rh_record        record;

	rh_record_read(&reader, body, len);
	if (rh_record_next(&reader, &record) == 1)
		snprintf(text, 17, "%016lx",
		         rh_fnv1a(RH_FNV_SEED, record.bytes, record.len));
	else
		strcpy(text, "gone");
}

/* ---- a run -------------------------------------------------------------- */

enum fault { CENTER_RESTARTS, CENTER_IS_RESTORED, BACKUP, AGENT_IS_KILLED,
             DISK_IS_CORRUPT, AGENT_STOPS, AGENT_STARVES, AGENT_CUTS, CENTER_CUTS, LIAR,
             FRAME_IS_LOST, FAULTS };

static unsigned pick(struct sim *sim, const unsigned *choices, unsigned count)
{
	return choices[sim_below(sim, count)];
}

/* Mostly small, so that everything overflows often; now and then as it really is. */
static void draw_shape(struct sim *sim)
{
	struct shape *shape = &sim->shape;
	int           is_large = sim_chance(sim, 10);

	shape->names = 3 + sim_below(sim, NAMES_MAX - 2);
	shape->body_max = is_large ? BODY_MAX :
	                  pick(sim, (unsigned[]){ 10, 300, 3000 }, 3);
	shape->window = pick(sim, (unsigned[]){ 1, 400, 5000, RH_CREDIT_BYTES }, 4);
	shape->deltas = pick(sim, (unsigned[]){ 2, 8, 64, 512 }, 4);
	shape->ring_bytes = pick(sim, (unsigned[]){ 600, 8000, 200000, 2000000 }, 4);
	shape->snapshots = 1 + sim_below(sim, 3);
	shape->pipe_bytes = pick(sim, (unsigned[]){ RH_FRAME_MAX, 212992 }, 2);
	shape->delay_ms = pick(sim, (unsigned[]){ 0, 5, 400 }, 3);
	shape->faults = pick(sim, (unsigned[]){ 0, 20, 100, 300 }, 4);
	shape->changes = pick(sim, (unsigned[]){ 2, 30, 70 }, 3);
	shape->variants = pick(sim, (unsigned[]){ 2, 5, 1000 }, 3);
	shape->pauses = pick(sim, (unsigned[]){ 1, 4, 15 }, 3);
	shape->impossible = pick(sim, (unsigned[]){ 0, 0, 2, 15 }, 4);
	shape->kinds = sim_below(sim, 1u << FAULTS);
	sim->is_lossy = (shape->kinds >> FRAME_IS_LOST) & 1u;
}

static struct sim_agent *some_agent(struct sim *sim)
{
	return sim->agents[sim_below(sim, sim->shape.names)];
}

static void restart_center(struct sim *sim, int is_restored)
{
	if (!sim_center_is_up(sim->center))
		return;
	sim_note(sim, "the center is killed");
	sim_counts[DID_RESTART]++;
	sim_center_kill(sim->center);
	if (is_restored && sim->truth->has_backup)
		truth_restore(sim->truth);
	if (sim_chance(sim, 70))
		sim_center_start(sim->center);
}

/* Some kinds of faults hide others: a run has only some of them. */
static void fault(struct sim *sim)
{
	unsigned kind = sim_below(sim, FAULTS);

	if (!(sim->shape.kinds & (1u << kind)))
		return;
	switch ((enum fault)kind) {
	case CENTER_RESTARTS:
		restart_center(sim, 0);
		break;
	case CENTER_IS_RESTORED:
		restart_center(sim, 1);
		break;
	case BACKUP:
		truth_back_up(sim->truth);
		break;
	case AGENT_IS_KILLED:
		sim_agent_kill(some_agent(sim));
		break;
	case DISK_IS_CORRUPT:
		sim_agent_corrupt(some_agent(sim));
		break;
	case AGENT_STOPS:
		sim_agent_stop(some_agent(sim), sim_between(sim, 100, 150000));
		break;
	case AGENT_STARVES:
		sim_agent_starve(some_agent(sim));
		break;
	case AGENT_CUTS:
		sim_agent_cut(some_agent(sim));
		break;
	case CENTER_CUTS:
		sim_center_cut(sim->center);
		break;
	case FRAME_IS_LOST:
		sim_agent_lose(some_agent(sim));
		break;
	default:
		sim_liar_turn(sim);
		break;
	}
}

static void turn(struct sim *sim)
{
	uint32_t who = sim_below(sim, sim->shape.names + 2);

	if (who < sim->shape.names)
		sim_agent_turn(sim->agents[who]);
	else if (sim_center_is_up(sim->center))
		sim_center_turn(sim->center);
	else if (sim_chance(sim, sim->is_calm ? 100 : 5))
		sim_center_start(sim->center);
}

static void step(struct sim *sim)
{
	sim->now += sim_below(sim, sim_chance(sim, sim->shape.pauses) ? 7000 : 60);
	if (sim_below(sim, 1000) < sim->shape.faults)
		fault(sim);
	if (sim_chance(sim, sim->shape.changes))
		sim_center_change(sim->center);
	for (uint32_t i = 1 + sim_below(sim, 6); i > 0; i--)
		turn(sim);
}

static int is_quiet(const struct sim *sim)
{
	for (unsigned i = 0; i < sim->shape.names; i++) {
		if (!sim_agent_is_quiet(sim->agents[i]))
			return 0;
	}
	return sim_center_is_quiet(sim->center);
}

/* No faults and no changes any more: all must come to rest. */
static void calm_down(struct sim *sim)
{
	uint64_t until = sim->now + QUIET_MS;
	char     store[STORE_TEXT];

	sim->is_calm = 1;
	sim_note(sim, "calm");
	sim_liar_leave(sim);
	for (unsigned i = 0; i < sim->shape.names; i++)
		sim_agent_wake(sim->agents[i]);
	while (sim->now < until && !is_quiet(sim) && !sim->violations) {
		sim->now += sim_below(sim, 100);
		for (unsigned i = 0; i < 2 * sim->shape.names; i++)
			turn(sim);
	}
	if (!is_quiet(sim) && !sim->violations)
		sim_violation(sim, "it does not come to rest");
	truth_store_text(sim->truth->store, store);
	sim_history(sim, "center", "quiet", store, sim->truth->revision, "-");
}

static void open_sim(struct sim *sim)
{
	sodium_state = sim->seed;
	if (randombytes_set_implementation(&sodium_seeded) < 0 || sodium_init() < 0)
		abort();
	draw_shape(sim);
	sim->history = history_create();
	sim->truth = truth_create(sim);
	sim->center = sim_center_create(sim);
	sim_center_start(sim->center);
	for (unsigned i = 0; i < sim->shape.names; i++)
		sim->agents[i] = sim_agent_create(sim, i);
}

static void close_sim(struct sim *sim)
{
	sim_liar_leave(sim);
	for (unsigned i = 0; i < sim->shape.names; i++)
		sim_agent_destroy(sim->agents[i]);
	sim_center_destroy(sim->center);
	truth_destroy(sim->truth);
	history_destroy(sim->history);
}

int sim_run(uint64_t seed, uint64_t steps, FILE *verbose)
{
	struct sim sim = { .seed = seed, .random = seed, .verbose = verbose };

	open_sim(&sim);
	if (steps == 0)
		steps = 1 + sim_below(&sim, STEPS_MAX);
	for (sim.step = 1; sim.step <= steps && !sim.violations; sim.step++)
		step(&sim);
	if (!sim.violations)
		calm_down(&sim);
	int wrong = sim.violations ? 0 : history_check(sim.history, stdout);
	if (sim.violations)
		printf("seed %lu: %s\n", seed, sim.said);
	if (wrong)
		printf("seed %lu: %d things in its history cannot be\n", seed, wrong);
	close_sim(&sim);
	return sim.violations + wrong;
}
