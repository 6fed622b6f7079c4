#include "pushtrace.h"

#include "agent.h"
#include "rulewatch.h"
#include "trace.h"

#include "../wire/frame.h"
#include "../wire/push_step.h"

#include <stdio.h>
#include <unistd.h>

void rh_pushtrace_asked(struct rh_agent *agent, size_t bytes, uint64_t began_ns)
{
	struct rh_push_step step = {
		.process = RH_PUSH_SUBSCRIBING, .step = 1, .bytes = bytes,
		.revision = rh_follow_have(&agent->follow),
	};

	snprintf(step.text, sizeof step.text, "the agent puts together what it watches "
	         "(resource, out and in of %s) and who listens: process %d",
	         agent->resource, (int)getpid());
	rh_trace_push(agent, &step, began_ns);
	step.step = 2;
	snprintf(step.text, sizeof step.text, "the agent asks the center for it, from "
	         "the revision that it has");
	rh_trace_push(agent, &step, 0);
}

void rh_pushtrace_synced(struct rh_agent *agent, size_t bytes, uint64_t began_ns)
{
	struct rh_push_step step = {
		.process = RH_PUSH_SUBSCRIBING, .step = 5, .bytes = bytes,
		.revision = agent->follow.revision,
	};

	snprintf(step.text, sizeof step.text, "the agent has the answer; its "
	         "CWatchManager refreshes who listens from now on");
	rh_trace_push(agent, &step, began_ns);
}

void rh_pushtrace_taken(struct rh_agent *agent, size_t bytes, unsigned items,
                        uint64_t began_ns)
{
	struct rh_push_step step = {
		.process = RH_PUSH_PUBLISHING, .step = 4, .bytes = bytes,
		.revision = agent->follow.revision,
	};
	char                refreshed[150];

	rh_rulewatch_last(agent, refreshed, sizeof refreshed);
	if (items)
		snprintf(step.text, sizeof step.text, "the agent takes %u of its items; "
		         "CWatchManager refreshes %s", items, refreshed);
	else
		snprintf(step.text, sizeof step.text, "the agent takes the snapshot; "
		         "CWatchManager refreshes %s", refreshed);
	rh_trace_push(agent, &step, began_ns);
}

void rh_pushtrace_result(struct rh_agent *agent, const char *caller, const char *callee,
                         uint64_t revision, int state, const char *why)
{
	static const char *const texts[RH_ITEM_STATES] = {
		[RH_ITEM_RECEIVED] = "received", [RH_ITEM_VERIFIED] = "verified",
		[RH_ITEM_VALIDATED] = "validated", [RH_ITEM_STAGED] = "staged",
		[RH_ITEM_ACTIVE] = "active", [RH_ITEM_REJECTED] = "rejected",
	};
	struct rh_push_step step = {
		.process = RH_PUSH_PUBLISHING, .step = 4, .revision = revision,
	};

	snprintf(step.caller, sizeof step.caller, "%s", caller);
	snprintf(step.callee, sizeof step.callee, "%s", callee);
	snprintf(step.text, sizeof step.text, "at the agent it is %s%s%.180s",
	         texts[state], why[0] ? ": " : "", why);
	rh_trace_push(agent, &step, 0);
}
