#include "history_book.h"

#include <stdarg.h>
#include <stdlib.h>

#define LINES_MAX 20

/* An item at an agent. */
struct held {
	struct what what;       /* in force; unknown: nothing was ever put */
	uint32_t    store;      /* ... since when                          */
	uint64_t    revision;
	enum told   told;       /* last, in this process                   */
	uint64_t    told_revision;
};

struct agent {
	int         is_there;
	int         has_taken;  /* anything in this process */
	uint32_t    store;      /* 0: none                  */
	uint64_t    revision;
	uint64_t    settled;
	struct list held;       /* struct held, by place    */
};

struct check {
	const struct history *history;
	FILE                 *out;
	int                   count;
	struct agent         *agents; /* by name's id - 1 */
};

__attribute__((format(printf, 3, 4)))
static void blame(struct check *check, const struct event *event, const char *format, ...)
{
	const struct word *who = event->who ? history_word(check->history, event->who)
	                                    : NULL;
	va_list            args;

	if (check->count++ >= LINES_MAX || !check->out)
		return;
	fprintf(check->out, "history: %s at revision %lu: ", who ? who->text : "center",
	        event->revision);
	va_start(args, format);
	vfprintf(check->out, format, args);
	va_end(args);
	fputc('\n', check->out);
}

static struct agent *agent_of(const struct check *check, uint32_t who)
{
	return &check->agents[who - 1];
}

/* NULL: the key is none of the agent's. */
static struct held *held_of(const struct check *check, uint32_t who,
                            const struct word *key)
{
	struct agent *agent = agent_of(check, who);
	int           end = key->ends[0] == who ? 0 : 1;

	if (key->ends[end] != who)
		return NULL;
	while (agent->held.count <= key->places[end])
		list_add(&agent->held, sizeof(struct held));
	return (struct held *)agent->held.at + key->places[end];
}

static int is_same(const struct what *a, const struct what *b)
{
	if (a->kind == WHAT_UNKNOWN || b->kind == WHAT_UNKNOWN)
		return 1;
	return a->kind == b->kind && (a->kind == WHAT_GONE || a->hash == b->hash);
}

/* What never was put is not there. */
static struct what in_force(const struct held *held)
{
	return held->what.kind == WHAT_UNKNOWN ? (struct what){ .kind = WHAT_GONE }
	                                       : held->what;
}

/* ---- taking ------------------------------------------------------------- */

static void on_start(struct check *check, const struct event *event)
{
	struct agent *agent = agent_of(check, event->who);
	struct held  *held = agent->held.at;

	agent->is_there = 1;
	agent->has_taken = 0;
	agent->store = event->subject;
	agent->revision = event->revision;
	agent->settled = 0;
	for (size_t i = 0; i < agent->held.count; i++)
		held[i] = (struct held){ .store = 0 };
}

/* From no cache, or from one that was not whole. */
static int has_nothing(const struct agent *agent)
{
	return !agent->has_taken && agent->revision == 0;
}

static void on_taken(struct check *check, const struct event *event)
{
	struct agent *agent = agent_of(check, event->who);
	struct held  *held = agent->held.at;

	if (!agent->is_there)
		blame(check, event, "takes something before it started");
	if (event->kind == AGENT_SNAPSHOT && agent->store == event->subject &&
	    event->revision < agent->revision)
		blame(check, event, "falls back from %lu", agent->revision);
	if (event->kind != AGENT_SNAPSHOT &&
	    (agent->store != event->subject || agent->revision != event->prev ||
	     event->revision < event->prev || has_nothing(agent)))
		blame(check, event, "a gap: it was at %lu, this continues %lu",
		      agent->revision, event->prev);
	if (agent->store != event->subject) {
		agent->settled = 0;
		for (size_t i = 0; i < agent->held.count; i++)
			held[i].told = TOLD_NOTHING;
	}
	agent->has_taken = 1;
	agent->store = event->subject;
	agent->revision = event->revision;
}

static void check_put(struct check *check, const struct event *event,
                      const struct held *former)
{
	const struct word  *key = history_word(check->history, event->subject);
	const struct agent *agent = agent_of(check, event->who);
	uint64_t            since;
	struct what truth = history_truth(check->history, agent->store, key,
	                                  event->revision, &since);

	if (event->revision > agent->revision)
		blame(check, event, "%s is put while it is at %lu", key->text,
		      agent->revision);
	if (former->store == agent->store && event->revision < former->revision)
		blame(check, event, "%s goes back from %lu", key->text, former->revision);
	if (!is_same(&truth, &event->what))
		blame(check, event, "%s is put as the store did not have it", key->text);
}

static void on_put(struct check *check, const struct event *event)
{
	const struct word *key = history_word(check->history, event->subject);
	struct agent      *agent = agent_of(check, event->who);
	struct held       *held = held_of(check, event->who, key);
	int                is_loose = has_nothing(agent);

	if (!held) {
		blame(check, event, "%s is none of its items", key->text);
		return;
	}
	if (!agent->store) {
		blame(check, event, "%s is put before anything was taken", key->text);
		return;
	}
	if (!is_loose) /* else: parts of a cache, perhaps of another store */
		check_put(check, event, held);
	held->what = event->what;
	held->store = is_loose ? 0 : agent->store;
	held->revision = event->revision;
}

/* ---- telling ------------------------------------------------------------ */

/* Is what the store had at since, or a later one, in force? */
static int is_active(const struct agent *agent, const struct held *held,
                     const struct what *truth, uint64_t since)
{
	struct what now = in_force(held);

	return is_same(truth, &now) ||
	       (held->store == agent->store && held->revision >= since);
}

static void on_result(struct check *check, const struct event *event)
{
	const struct word *key = history_word(check->history, event->subject);
	struct agent      *agent = agent_of(check, event->who);
	struct held       *held = held_of(check, event->who, key);
	uint64_t           since;

	if (!held || !agent->store) {
		blame(check, event, "%s is none of its items", key->text);
		return;
	}
	held->told = event->told;
	held->told_revision = event->revision;
	struct what truth = history_truth(check->history, agent->store, key,
	                                  event->revision, &since);
	if (event->told == TOLD_ACTIVE && !is_active(agent, held, &truth, since))
		blame(check, event, "%s is told as active, another one is in force",
		      key->text);
}

/* Each key that the name has, with what is held of it and what the store has. */
static void check_settled(struct check *check, const struct event *event,
                          const struct word *key)
{
	const struct agent *agent = agent_of(check, event->who);
	const struct held  *held = held_of(check, event->who, key);
	uint64_t            since;
	struct what truth = history_truth(check->history, agent->store, key,
	                                  event->revision, &since);

	if (is_active(agent, held, &truth, since))
		return;
	if (held->told > TOLD_ACTIVE && held->told_revision >= since)
		return;
	blame(check, event, "settled, but %s of %lu is not in force", key->text, since);
}

static void on_settled(struct check *check, const struct event *event)
{
	const struct word *who = history_word(check->history, event->who);
	struct agent      *agent = agent_of(check, event->who);
	const uint32_t    *keys = who->keys.at;

	if (agent->store != event->subject || event->revision > agent->revision) {
		blame(check, event, "settled what it does not have");
		return;
	}
	if (event->revision < agent->settled)
		blame(check, event, "settled less than %lu", agent->settled);
	agent->settled = event->revision;
	for (size_t i = 0; i < who->keys.count; i++)
		check_settled(check, event, history_word(check->history, keys[i]));
}

/* ---- at rest ------------------------------------------------------------ */

static void check_rest(struct check *check, const struct event *event,
                       const struct word *key, uint32_t who)
{
	struct event       own = { .who = who, .revision = event->revision };
	const struct agent *agent = agent_of(check, who);
	const struct held  *held = held_of(check, who, key);
	struct what         now = in_force(held);
	uint64_t            since;
	struct what truth = history_truth(check->history, event->subject, key,
	                                  event->revision, &since);

	if (agent->settled < since)
		blame(check, &own, "all is quiet, but it settled only %lu", agent->settled);
	/* A later one, or its end, needs no word of the one that was staged. */
	if (held->told == TOLD_STAGED && held->told_revision >= held->revision)
		blame(check, &own, "all is quiet, but %s is staged", key->text);
	if (held->told == TOLD_REJECTED && held->told_revision >= since)
		return;
	if (!is_same(&truth, &now))
		blame(check, &own, "all is quiet, but it has another %s", key->text);
}

/* Both ends of an edge have the same, whatever the store has. */
static void check_ends(struct check *check, const struct event *event,
                       const struct word *key)
{
	struct what now[2];

	for (int end = 0; end < 2; end++) {
		const struct held *held;

		if (!key->ends[end] || !agent_of(check, key->ends[end])->is_there)
			return;
		held = held_of(check, key->ends[end], key);
		if (held->told == TOLD_REJECTED)
			return;
		now[end] = in_force(held);
	}
	if (!is_same(&now[0], &now[1]))
		blame(check, event, "all is quiet, but the ends of %s differ", key->text);
}

static void on_quiet(struct check *check, const struct event *event)
{
	for (uint32_t id = 1; id <= check->history->words.count; id++) {
		const struct word *word = history_word(check->history, id);
		const uint32_t    *keys = word->keys.at;
		struct event       own = { .who = id, .revision = event->revision };

		if (word->ends[0])
			check_ends(check, event, word);
		if (!agent_of(check, id)->is_there)
			continue;
		if (agent_of(check, id)->store != event->subject) {
			blame(check, &own, "all is quiet, but it has another store");
			continue;
		}
		for (size_t i = 0; i < word->keys.count; i++)
			check_rest(check, event, history_word(check->history, keys[i]), id);
	}
}

static void step(struct check *check, const struct event *event)
{
	switch (event->kind) {
	case AGENT_START:
		on_start(check, event);
		break;
	case AGENT_SNAPSHOT: case AGENT_DELTA: case AGENT_BOOKMARK:
		on_taken(check, event);
		break;
	case AGENT_PUT:
		on_put(check, event);
		break;
	case AGENT_RESULT:
		on_result(check, event);
		break;
	case AGENT_SETTLED:
		on_settled(check, event);
		break;
	case AGENT_END:
		agent_of(check, event->who)->is_there = 0;
		break;
	case CENTER_QUIET:
		on_quiet(check, event);
		break;
	default: /* the center's changes were noted when they were read */
		break;
	}
}

int history_check(const struct history *history, FILE *out)
{
	const struct event *events = history->events.at;
	struct check        check = { .history = history, .out = out };

	check.agents = calloc(history->words.count + 1, sizeof *check.agents);
	if (!check.agents)
		abort();
	for (size_t i = 0; i < history->events.count; i++)
		step(&check, &events[i]);
	for (size_t i = 0; i < history->words.count; i++)
		free(check.agents[i].held.at);
	free(check.agents);
	return check.count;
}
