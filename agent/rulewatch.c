#include "rulewatch.h"

#include "agent.h"
#include "bound.h"
#include "edge.h"
#include "governor.h"
#include "happening.h"
#include "incarrier.h"
#include "listener.h"
#include "loan.h"
#include "probe.h"

#include "../base/log.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../model/map.h"
#include "../model/watch.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rh_rulewatch {
	struct rh_watch_table table;
	unsigned              noted;              /* topics, by bit */
	unsigned              last;               /* ... refreshed last */
	char                  prefixes[RH_TOPICS][RH_WATCH_NAME_MAX + 1];
};

static void refresh_out(struct rh_agent *agent)
{
	int r = rh_edges_apply(agent);

	if (r < 0)
		rh_error("some edges are missing: %s", rh_error_text(r));
}

static void refresh_self(struct rh_agent *agent)
{
	rh_loans_apply(agent);
	rh_probes_apply(agent);
	rh_governor_apply(agent);
	rh_happenings_apply(agent);
	rh_listener_admit(agent);
}

static void refresh_in(struct rh_agent *agent)
{
	int r = rh_incarriers_apply(agent);

	if (r < 0)
		rh_error("rules of some callers are missing: %s", rh_error_text(r));
	rh_bounds_review(agent);
}

static const struct topic {
	const char *space;
	const char *tail;
	void      (*refresh)(struct rh_agent *agent);
} topics[RH_TOPICS] = {
	[RH_TOPIC_SELF] = { "resource", "",  refresh_self },
	[RH_TOPIC_OUT]  = { "out",      "/", refresh_out },
	[RH_TOPIC_IN]   = { "in",       "/", refresh_in },
};

int rh_rulewatch_init(struct rh_agent *agent)
{
	size_t               bytes = rh_watch_bytes(RH_TOPICS, RH_TOPICS);
	size_t               head = rh_aligned(sizeof(struct rh_rulewatch));
	struct rh_rulewatch *watch = aligned_alloc(RH_ALIGN, rh_aligned(head + bytes));

	if (!watch)
		return RH_ENOMEM;
	memset(watch, 0, sizeof *watch);
	rh_watch_init(&watch->table, RH_TOPICS, RH_TOPICS, 0, (char *)watch + head);
	for (uint32_t i = 0; i < RH_TOPICS; i++) {
		int len = snprintf(watch->prefixes[i], sizeof watch->prefixes[i],
		                   "%s/%s%s", topics[i].space, agent->resource,
		                   topics[i].tail);
		int r = rh_watch_add(&watch->table, i, watch->prefixes[i], (size_t)len);

		RH_CHECK(r == RH_OK);
	}
	agent->rulewatch = watch;
	return RH_OK;
}

void rh_rulewatch_put_prefixes(const struct rh_agent *agent,
                               struct rh_record_writer *writer)
{
	for (unsigned i = 0; i < RH_TOPICS; i++)
		rh_record_put_text(writer, RH_TAG_PREFIX, agent->rulewatch->prefixes[i]);
}

static void mark(void *user, uint32_t topic)
{
	struct rh_rulewatch *watch = user;

	watch->noted |= 1u << topic;
}

static void note(struct rh_rulewatch *watch, enum rh_topic topic, const char *own,
                 const char *other)
{
	char name[RH_WATCH_NAME_MAX + 1];
	int  len = snprintf(name, sizeof name, "%s/%s%s%s", topics[topic].space, own,
	                    topics[topic].tail, other);

	rh_watch_match(&watch->table, name, (size_t)len, mark, watch);
}

void rh_rulewatch_note(struct rh_agent *agent, const struct rh_item *item)
{
	struct rh_rulewatch *watch = agent->rulewatch;

	if (item->callee[0] == 0) {
		note(watch, RH_TOPIC_SELF, item->caller, "");
		return;
	}
	note(watch, RH_TOPIC_OUT, item->caller, item->callee);
	note(watch, RH_TOPIC_IN, item->callee, item->caller);
}

void rh_rulewatch_last(const struct rh_agent *agent, char *text, size_t cap)
{
	const struct rh_rulewatch *watch = agent->rulewatch;
	size_t                     used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < RH_TOPICS && used < cap; i++) {
		if (watch->last & 1u << i)
			used += (size_t)snprintf(text + used, cap - used, "%s%s",
			                         used ? ", " : "", watch->prefixes[i]);
	}
}

void rh_rulewatch_refresh(struct rh_agent *agent, int is_first)
{
	/* Edges borrow from the view: they see every one. */
	unsigned noted = agent->rulewatch->noted | 1u << RH_TOPIC_OUT;

	agent->rulewatch->noted = 0;
	agent->rulewatch->last = is_first ? (1u << RH_TOPICS) - 1 : noted;
	for (unsigned i = RH_TOPICS; i-- > 0;) { /* who may attach comes last */
		if (is_first || noted & 1u << i)
			topics[i].refresh(agent);
	}
}

void rh_rulewatch_free(struct rh_agent *agent)
{
	free(agent->rulewatch);
	agent->rulewatch = NULL;
}
