#include "event.h"

#include "entry.h"
#include "error.h"
#include "judge.h"
#include "view.h"

int rh_event_judge(const struct rh_registry *registry, struct rh_id sender,
                   struct rh_id receiver, uint64_t now_ms)
{
	int result = rh_judge_call(registry, receiver, sender, now_ms);

	/* A reference that waits for its callee: nobody is there to send. */
	return result == RH_EPENDING ? (int)RH_ENOENT : result;
}

int rh_event_explain(const struct rh_registry *registry,
                     const struct rh_name *sender, const struct rh_name *receiver,
                     uint64_t now_ms, struct rh_verdict *ret_verdict)
{
	return rh_judge_pair(registry, receiver, sender, now_ms, ret_verdict);
}

struct receivers {
	rh_edge_visit *visit;
	void          *user;
	int            count;
};

static void pick(void *user, const struct rh_edge_report *report)
{
	struct receivers *receivers = user;

	if (report->after != RH_OUTCOME_ALLOWED)
		return;
	receivers->visit(receivers->user, report);
	receivers->count++;
}

int rh_event_receivers(const struct rh_registry *registry, struct rh_id sender,
                       uint64_t now_ms, rh_edge_visit *visit, void *user)
{
	struct receivers receivers = { .visit = visit, .user = user };

	(void)rh_view_column(registry, sender, now_ms, pick, &receivers);
	return receivers.count;
}
