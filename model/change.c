#include "change.h"

#include "entry.h"
#include "judge.h"

#define KEEP    0x80u
#define OUTCOME 0x7fu

void rh_change_remember(struct rh_registry *registry, uint32_t edge, uint64_t now_ms)
{
	int outcome = rh_judge_edge(registry, edge, now_ms);

	rh_matrix_mark(&registry->matrix, edge, (uint8_t)outcome);
}

void rh_change_keep(struct rh_registry *registry, uint32_t edge)
{
	uint32_t mark = rh_matrix_edge(&registry->matrix, edge)->mark;

	rh_matrix_mark(&registry->matrix, edge, (uint8_t)(mark | KEEP));
}

int rh_change_is_kept(const struct rh_registry *registry, uint32_t edge)
{
	return (rh_matrix_edge(&registry->matrix, edge)->mark & KEEP) != 0;
}

void rh_change_fill(const struct rh_registry *registry, uint32_t edge, int before,
                    int after, struct rh_edge_report *ret_report)
{
	const struct rh_edge *found = rh_matrix_edge(&registry->matrix, edge);

	*ret_report = (struct rh_edge_report){
		.caller = rh_entry_id(registry, found->caller),
		.callee = rh_entry_id(registry, found->callee),
		.edge = edge,
		.before = (uint8_t)before,
		.after = (uint8_t)after,
		.observed = found->observed,
	};
}

void rh_change_tell(const struct rh_registry *registry, uint32_t edge, int before,
                    int after, const struct rh_moment *at)
{
	struct rh_edge_report report;

	if (!at->visit)
		return;
	rh_change_fill(registry, edge, before, after, &report);
	at->visit(at->user, &report);
}

int rh_change_report(struct rh_registry *registry, uint32_t edge,
                     const struct rh_moment *at)
{
	uint32_t mark = rh_matrix_edge(&registry->matrix, edge)->mark;
	int      before = (int)(mark & OUTCOME); /* 0 is RH_OUTCOME_NONE */
	int      after = rh_judge_edge(registry, edge, at->now_ms);

	rh_matrix_mark(&registry->matrix, edge, 0);
	if (before == after)
		return 0;
	rh_change_tell(registry, edge, before, after, at);
	return 1;
}

void rh_change_report_drop(const struct rh_registry *registry, uint32_t edge,
                           const struct rh_moment *at)
{
	uint32_t mark = rh_matrix_edge(&registry->matrix, edge)->mark;

	rh_change_tell(registry, edge, (int)(mark & OUTCOME), RH_OUTCOME_NONE, at);
}
