/* rulewatch - who in the agent is refreshed when which rule changes: the papers'
 * CWatchManager, on the watch table of the model.
 *
 * The prefixes of its topics are what the agent subscribes to at the center; when an
 * item changed, the topics that watch its names are refreshed, each once.
 *
 * Ownership   The agent's.
 * Threads     The loop's. */
#ifndef RH_AGENT_RULEWATCH_H
#define RH_AGENT_RULEWATCH_H

#include "item.h"

#include <stddef.h>

enum rh_topic {
	RH_TOPIC_SELF, /* resource/<own>: who may attach                    */
	RH_TOPIC_OUT,  /* out/<own>/: edges that our processes call         */
	RH_TOPIC_IN,   /* in/<own>/: edges whose callers reach our instances */
	RH_TOPICS
};

struct rh_agent;
struct rh_rulewatch;

int  rh_rulewatch_init(struct rh_agent *agent);
void rh_rulewatch_free(struct rh_agent *agent);

/* PREFIX records, for SUBSCRIBE. */
void rh_rulewatch_put_prefixes(const struct rh_agent *agent,
                               struct rh_record_writer *writer);

/* The item came, changed or went. */
void rh_rulewatch_note(struct rh_agent *agent, const struct rh_item *item);

/* The prefixes that were refreshed last, as "resource/app, out/app/". */
void rh_rulewatch_last(const struct rh_agent *agent, char *text, size_t cap);

/* A new view is in force: refreshes the topics that watch what was noted; all of
 * them when it is the first. */
void rh_rulewatch_refresh(struct rh_agent *agent, int is_first);

#endif
