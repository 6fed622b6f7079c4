#include "retire.h"

#include "agent.h"
#include "binding.h"
#include "bound.h"
#include "cpage.h"
#include "edge.h"

#include "../protocols/page/page.h"

void rh_retirement_init(struct rh_retirement *retirement)
{
	rh_task_init(&retirement->task);
}

static void take_idle(struct rh_task *task)
{
	struct rh_agent *agent = RH_CONTAINER(task, struct rh_agent, retirement.task);

	if (!rh_page_barrier())
		return; /* they are given back, or break at their time */
	for (unsigned i = 0; i < agent->edge_count; i++) {
		struct rh_edge *edge = agent->edges[i];

		rh_bindings_take_idle(edge);
		for (unsigned k = 0; k < edge->page_room; k++) {
			if (edge->pages[k])
				rh_cpage_take_idle(edge->pages[k]);
		}
	}
	rh_bounds_take_idle(agent);
}

void rh_retire(struct rh_agent *agent, struct rh_page_head *head)
{
	rh_page_retire(head);
	rh_task_post(&agent->tasks, &agent->retirement.task, take_idle);
}
