/* leave - an agent that ends while its process, and others in it, go on.
 *
 * First everything that others hold of it is closed, as when it dies: they notice, and
 * wait for the next one.  When what was closed is freed and no save is under way, the
 * handles of the loop that are part of the agent are closed, and then the rest goes.
 *
 *   begin -> (tasks run, the save ends) -> handles close -> done
 *
 * Ownership   The agent's; done may free the agent.
 * Threads     The loop's.
 * Invariants  E1  an agent of which the setting up failed half-way may leave, too. */
#ifndef RH_AGENT_LEAVE_H
#define RH_AGENT_LEAVE_H

#include "task.h"

#include <uv.h>

struct rh_agent;

typedef void rh_leave_done(void *user, struct rh_agent *agent);

struct rh_leave {
	struct rh_task task;
	rh_leave_done *done;        /* not NULL: it leaves           */
	void          *user;
	unsigned       handles;     /* that are closing              */
	int            is_last;     /* no others will                */
};

/* Nothing of the agent is to be used from now on. */
void rh_leave_begin(struct rh_agent *agent, rh_leave_done *done, void *user);

/* Goes on when what it waited for may be over; nothing for one that stays. */
void rh_leave_go_on(struct rh_agent *agent);

/* Closes a handle that is part of the agent, or of something that it frees at the end;
 * one that was never opened is fine. */
void rh_leave_close(struct rh_agent *agent, uv_handle_t *handle);

#endif
