#include "event_chain.h"

#include "../base/clock.h"
#include "../model/check.h"
#include "../model/error.h"

#include <rhodes/hook/event_layout.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PARENT UINT32_MAX

struct chained {
	char                name[RH_EVENT_NAME_MAX + 1];
	uint32_t            order;
	struct rh_rule     *rule;
	enum rh_rule_policy policy;
	bool                dropped_last; /* for keep-last */
};

/* An event that a rule emitted; those before it in the list may be its parents. */
struct emitted {
	char     name[RH_EVENT_NAME_MAX + 1];
	char     source[RH_EVENT_NAME_MAX + 1];
	uint32_t parent; /* NO_PARENT: the event that began it all */
	uint32_t depth;
	uint32_t length;
	uint8_t  bytes[sizeof(((struct rh_event_buffer *)0)->emit)];
};

struct rh_event_chains {
	rh_event_done  *done;
	void           *user;
	struct chained  rules[RH_EVENT_RULES_MAX]; /* by order */
	unsigned        count;
	const char     *first; /* the name of the event that began it all */
	struct emitted  emitted[RH_EVENT_EMITTED_MAX];
	uint32_t        emitted_count;
	bool            is_running;
};

/* ---- names ---- */

static const char *const our_names[] = {
#define RH_EVENT(name, text) name,
#include "events.def"
#undef RH_EVENT
};

bool rh_event_is_ours(const char *name)
{
	for (size_t i = 0; i < sizeof our_names / sizeof our_names[0]; i++)
		if (strcmp(our_names[i], name) == 0)
			return true;
	return false;
}

bool rh_event_name_check(const char *name)
{
	size_t len = strnlen(name, RH_EVENT_NAME_MAX + 1);

	return len > 0 && len <= RH_EVENT_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

/* ---- the rules ---- */

struct rh_event_chains *rh_event_chains_create(rh_event_done *done, void *user)
{
	struct rh_event_chains *chains = calloc(1, sizeof *chains);

	if (chains) {
		chains->done = done;
		chains->user = user;
	}
	return chains;
}

void rh_event_chains_destroy(struct rh_event_chains *chains)
{
	free(chains);
}

int rh_event_chains_add(struct rh_event_chains *chains, const char *name, uint32_t order,
                        struct rh_rule *rule, enum rh_rule_policy policy)
{
	struct chained chained = { .order = order, .rule = rule, .policy = policy };
	unsigned       at = 0;

	RH_CHECK(!chains->is_running && policy < RH_POLICIES);
	if (!rh_event_name_check(name))
		return RH_EINVAL;
	if (chains->count == RH_EVENT_RULES_MAX)
		return RH_ENOSPC;
	strcpy(chained.name, name);
	while (at < chains->count && chains->rules[at].order <= order)
		at++;
	memmove(&chains->rules[at + 1], &chains->rules[at],
	        (chains->count++ - at) * sizeof chained);
	chains->rules[at] = chained;
	return RH_OK;
}

void rh_event_chains_remove(struct rh_event_chains *chains, const struct rh_rule *rule)
{
	unsigned kept = 0;

	RH_CHECK(!chains->is_running);
	for (unsigned i = 0; i < chains->count; i++)
		if (chains->rules[i].rule != rule)
			chains->rules[kept++] = chains->rules[i];
	chains->count = kept;
}

void rh_event_chains_exchange(struct rh_event_chains *chains, const struct rh_rule *old,
                              struct rh_rule *rule)
{
	RH_CHECK(!chains->is_running);
	for (unsigned i = 0; i < chains->count; i++)
		if (chains->rules[i].rule == old)
			chains->rules[i].rule = rule;
}

bool rh_event_chains_has(const struct rh_event_chains *chains, const char *name)
{
	for (unsigned i = 0; i < chains->count; i++)
		if (strcmp(chains->rules[i].name, name) == 0)
			return true;
	return false;
}

/* ---- emitting ---- */

/* Is it the name of this event, or of one that led to it? */
static bool is_loop(const struct rh_event_chains *chains, uint32_t parent, const char *name)
{
	for (; parent != NO_PARENT; parent = chains->emitted[parent].parent)
		if (strcmp(chains->emitted[parent].name, name) == 0)
			return true;
	return strcmp(chains->first, name) == 0;
}

/* Keeps what the rule wants to follow.  NULL, or what is wrong with it. */
static const char *emit(struct rh_event_chains *chains, const struct rh_event_buffer *said,
                        const struct rh_event *over, uint32_t parent)
{
	struct emitted *event = &chains->emitted[chains->emitted_count];
	char            name[sizeof said->emit_name];
	uint32_t        length = said->emit_length;

	memcpy(name, said->emit_name, sizeof name);
	if (!name[0])
		return NULL;
	if (!memchr(name, 0, sizeof name) || !rh_event_name_check(name))
		return "emit_name is no name of an event";
	if (rh_event_is_ours(name))
		return "emit_name is an event of Rhodes itself";
	if (length > sizeof event->bytes)
		return "emit_length is more than there is";
	if (is_loop(chains, parent, name))
		return "the event leads to itself";
	if (over->depth == RH_EVENT_DEPTH_MAX)
		return "too many events led to this one";
	if (chains->emitted_count == RH_EVENT_EMITTED_MAX)
		return "too many events over one";
	strcpy(event->name, name);
	snprintf(event->source, sizeof event->source, "%s", over->source);
	event->parent = parent;
	event->depth = over->depth + 1;
	event->length = length;
	memcpy(event->bytes, said->emit, length);
	chains->emitted_count++;
	return NULL;
}

/* ---- one rule ---- */

static void put_text(uint8_t *field, size_t room, const char *text)
{
	memset(field, 0, room);
	memcpy(field, text, strnlen(text, room - 1));
}

static void fill(struct rh_event_buffer *buffer, const struct rh_event *event,
                 uint32_t order)
{
	buffer->now_ns = rh_clock_ns();
	buffer->function = event->function;
	buffer->depth = event->depth;
	buffer->order = order;
	buffer->length = event->length;
	buffer->emit_length = 0;
	put_text(buffer->name, sizeof buffer->name, event->name);
	put_text(buffer->source, sizeof buffer->source, event->source);
	buffer->emit_name[0] = 0;
	if (event->length > 0)
		memcpy(buffer->bytes, event->bytes,
		       event->length < sizeof buffer->bytes ? event->length :
		                                              sizeof buffer->bytes);
}

/* NULL, or what is wrong with the verdict; changes the event by it. */
static const char *obey(const struct rh_event_buffer *buffer, uint32_t verdict,
                        struct rh_event *event)
{
	uint32_t length = buffer->length;

	if (verdict > RH_EVENT_DROP)
		return "no such verdict";
	if (verdict != RH_EVENT_CHANGE)
		return NULL;
	if (event->length > sizeof buffer->bytes)
		return "it changes what it did not see whole";
	if (length > sizeof buffer->bytes)
		return "length is more than the buffer";
	event->bytes = buffer->bytes;
	event->length = length;
	return NULL;
}

/* False: the event is dropped. */
static bool by_policy(const struct chained *chained)
{
	return chained->policy == RH_POLICY_FAIL_OPEN ||
	       (chained->policy == RH_POLICY_KEEP_LAST && !chained->dropped_last);
}

static bool see(struct rh_event_chains *chains, struct chained *chained,
                struct rh_event *event, uint32_t parent)
{
	struct rh_event_buffer *buffer = rh_rule_buffer(chained->rule);
	const char             *wrong;
	char                    text[128];
	uint64_t                verdict;

	if (buffer)
		fill(buffer, event, chained->order);
	if (!buffer ||
	    rh_rule_call(chained->rule, RH_SLOT_EVENT_SEE, 0, 0, &verdict) < 0)
		return by_policy(chained);
	wrong = obey(buffer, (uint32_t)verdict, event);
	if (!wrong)
		wrong = emit(chains, buffer, event, parent);
	if (wrong) {
		snprintf(text, sizeof text, "the rule's verdict %u on %.20s makes no sense: %s",
		         (uint32_t)verdict, event->name, wrong);
		rh_rule_blame(chained->rule, text);
		return by_policy(chained);
	}
	chained->dropped_last = verdict == RH_EVENT_DROP;
	return !chained->dropped_last;
}

/* ---- a chain ---- */

static bool run_chain(struct rh_event_chains *chains, struct rh_event *event,
                      uint32_t parent)
{
	for (unsigned i = 0; i < chains->count; i++) {
		struct chained *chained = &chains->rules[i];

		if (strcmp(chained->name, event->name) == 0 &&
		    !see(chains, chained, event, parent))
			return false;
	}
	return true;
}

/* Those that are emitted over these come behind them. */
static void run_emitted(struct rh_event_chains *chains)
{
	for (uint32_t i = 0; i < chains->emitted_count; i++) {
		const struct emitted *emitted = &chains->emitted[i];
		struct rh_event       event = {
			.name = emitted->name, .source = emitted->source, .depth = emitted->depth,
			.length = emitted->length, .bytes = emitted->bytes,
		};

		if (run_chain(chains, &event, i) && chains->done)
			chains->done(chains->user, &event);
	}
}

bool rh_event_chains_run(struct rh_event_chains *chains, struct rh_event *event)
{
	bool goes_on;

	RH_CHECK(!chains->is_running);
	chains->is_running = true;
	chains->first = event->name;
	chains->emitted_count = 0;
	goes_on = run_chain(chains, event, NO_PARENT);
	run_emitted(chains);
	chains->is_running = false;
	return goes_on;
}
