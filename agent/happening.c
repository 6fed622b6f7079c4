#include "happening.h"

#include "agent.h"
#include "code.h"
#include "codetell.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../rules/event_chain.h"
#include "../rules/hook.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rule, by its name. */
struct happening_rule {
	struct rh_list       in_agent;
	struct rh_code_place place;
	char                 rule[RH_NAME_MAX + 1];
};

struct rh_happenings {
	struct rh_event_chains *chains;
	struct rh_list          rules;
	int                     is_telling;
};

/* ---- the rules ------------------------------------------------------------ */

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct rh_event_chains   *chains = place->agent->happenings->chains;
	const struct rh_codespec *spec = next->spec;
	int                       r = rh_code_follow(next, why);

	if (r < 0)
		return r;
	/* Its event, its order or its policy may be others: out, and in again. */
	r = rh_event_chains_add(chains, spec->key, spec->order, next->rule, spec->policy);
	if (r < 0)
		return rh_diag_set(why, r, "rule %s: %s", spec->rule, r == RH_ENOSPC ?
		                   "there are too many rules for events here" :
		                   "that is no name of an event");
	if (place->active)
		rh_event_chains_remove(chains, place->active->rule);
	return RH_OK;
}

static void stop(struct rh_code_place *place, struct rh_code *code)
{
	rh_event_chains_remove(place->agent->happenings->chains, code->rule);
}

static const struct rh_code_ops ops = { .start = start, .stop = stop };

static struct happening_rule *find(struct rh_happenings *happenings, const char *name)
{
	RH_LIST_EACH(node, &happenings->rules) {
		struct happening_rule *rule = RH_CONTAINER(node, struct happening_rule, in_agent);

		if (strcmp(rule->rule, name) == 0)
			return rule;
	}
	return NULL;
}

static struct happening_rule *create(struct rh_agent *agent, const char *name)
{
	struct happening_rule *rule = calloc(1, sizeof *rule);

	if (!rule)
		return NULL;
	rh_code_place_init(&rule->place, agent, agent->resource, "", &ops);
	snprintf(rule->rule, sizeof rule->rule, "%s", name);
	rh_list_add(&agent->happenings->rules, &rule->in_agent);
	return rule;
}

static const struct rh_codespec *wanted_of(const struct rh_agent *agent, const char *name)
{
	const struct rh_codespecs *codes = &agent->view->self.codes;
	const struct rh_hook      *hook = rh_hook_find("event");

	for (unsigned i = 0; i < codes->count; i++)
		if (codes->at[i]->hook == hook && strcmp(codes->at[i]->rule, name) == 0)
			return codes->at[i];
	return NULL;
}

void rh_happenings_apply(struct rh_agent *agent)
{
	const struct rh_codespecs *codes = &agent->view->self.codes;
	const struct rh_item *item = rh_items_find(&agent->items, agent->resource, "");
	uint64_t              revision = item ? item->revision : 0;

	for (unsigned i = 0; i < codes->count; i++)
		if (codes->at[i]->hook == rh_hook_find("event") &&
		    !find(agent->happenings, codes->at[i]->rule) &&
		    !create(agent, codes->at[i]->rule))
			rh_error("no memory for rule %s", codes->at[i]->rule);
	RH_LIST_EACH(node, &agent->happenings->rules) {
		struct happening_rule *rule = RH_CONTAINER(node, struct happening_rule, in_agent);

		rh_code_place_set(&rule->place, wanted_of(agent, rule->rule), revision);
	}
}

int rh_happenings_are_settled(const struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->happenings->rules)
		if (!rh_code_is_settled(&RH_CONTAINER(node, struct happening_rule,
		                                      in_agent)->place))
			return 0;
	return 1;
}

/* ---- events --------------------------------------------------------------- */

/* What it carries as it can be shown. */
static void show(const struct rh_event *event, char text[RH_DIAG_MAX])
{
	const unsigned char *bytes = event->bytes;
	uint32_t             len = event->length < RH_DIAG_MAX - 1 ? event->length :
	                                                             RH_DIAG_MAX - 1;

	for (uint32_t i = 0; i < len; i++)
		text[i] = isprint(bytes[i]) ? (char)bytes[i] : '.';
	text[len] = 0;
}

static void log_event(void *user, const struct rh_event *event)
{
	char text[RH_DIAG_MAX];

	(void)user;
	show(event, text);
	rh_info("event %s of %s%s: %s", event->name, event->source,
	        event->depth ? ", emitted by a rule" : "", text);
}

/* The rules that saw it are counted together with those that it led to. */
static int run(struct rh_agent *agent, struct rh_event *event)
{
	struct rh_happenings *happenings = agent->happenings;
	uint64_t              began = rh_clock_ns();
	int                   goes_on;

	happenings->is_telling = 1;
	goes_on = rh_event_chains_run(happenings->chains, event);
	happenings->is_telling = 0;
	RH_LIST_EACH(node, &happenings->rules) {
		struct rh_code *code = RH_CONTAINER(node, struct happening_rule,
		                                    in_agent)->place.active;

		if (code && code->calls != rh_rule_counters(code->rule)->calls) {
			code->calls = rh_rule_counters(code->rule)->calls;
			code->ns += rh_clock_ns() - began;
		}
	}
	rh_codetell_changed(agent);
	return goes_on;
}

void rh_happening_tell(struct rh_agent *agent, const char *name, const char *source,
                       const char *format, ...)
{
	struct rh_happenings *happenings = agent->happenings;
	char                  text[RH_DIAG_MAX];
	struct rh_event       event = { .name = name, .source = source, .bytes = text };
	va_list               list;

	/* What happens because an event is told is told no more. */
	if (!happenings || happenings->is_telling ||
	    !rh_event_chains_has(happenings->chains, name))
		return;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	event.length = (uint32_t)strlen(text);
	if (run(agent, &event))
		log_event(NULL, &event);
}

int rh_happening_pass(struct rh_agent *agent, const char *callee, struct rh_msg_head *head,
                      const void **body)
{
	struct rh_event event = {
		.name = "interface", .source = callee, .function = head->function,
		.length = head->len, .bytes = *body,
	};

	if (!rh_event_chains_has(agent->happenings->chains, event.name))
		return 1;
	if (!run(agent, &event))
		return 0;
	head->len = event.length;
	*body = event.bytes;
	return 1;
}

/* ---- the agent's ---------------------------------------------------------- */

int rh_happenings_init(struct rh_agent *agent)
{
	struct rh_happenings *happenings = calloc(1, sizeof *happenings);

	if (!happenings)
		return RH_ENOMEM;
	rh_list_init(&happenings->rules);
	happenings->chains = rh_event_chains_create(log_event, NULL);
	agent->happenings = happenings;
	return happenings->chains ? RH_OK : RH_ENOMEM;
}

void rh_happenings_free(struct rh_agent *agent)
{
	struct rh_happenings *happenings = agent->happenings;

	agent->happenings = NULL;
	while (happenings && !rh_list_empty(&happenings->rules)) {
		struct happening_rule *rule = RH_CONTAINER(happenings->rules.next,
		                                           struct happening_rule, in_agent);

		rh_list_remove(&rule->in_agent);
		rh_code_place_fini(&rule->place);
		free(rule);
	}
	if (happenings)
		rh_event_chains_destroy(happenings->chains);
	free(happenings);
}
