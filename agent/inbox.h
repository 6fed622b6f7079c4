/* inbox - a page through which a process of ours gets the events of a callee: the
 * agent is the caller of it, the process the server.
 *
 * Ownership   Belongs to its process; the edge lists it.
 * Threads     The loop's.
 * Limits      RH_PAGE_SLOTS events wait in an inbox to be taken. */
#ifndef RH_AGENT_INBOX_H
#define RH_AGENT_INBOX_H

#include "list.h"
#include "pollfd.h"
#include "task.h"

#include "../protocols/page/page.h"
#include "../wire/msg.h"

struct rh_edge;
struct rh_process;

struct rh_inbox {
	struct rh_list       in_process;
	struct rh_list       in_edge;     /* in order of id                  */
	struct rh_process   *process;
	struct rh_edge      *edge;
	uint64_t             id;
	void                *memory;
	int                  event;       /* the process wakes us by it      */
	int                  companion;
	struct rh_pollfd    *woken;
	struct rh_pollfd    *hangup;
	struct rh_caller_end end;
	uint8_t              is_closed;
	struct rh_task       task;
};

/* Makes one and answers PAGE. */
int rh_inbox_open(struct rh_process *process, struct rh_edge *edge,
                  uint64_t request);

/* RH_EAGAIN the inbox is full: the edge goes on when the process took something. */
int rh_inbox_put(struct rh_inbox *inbox, const struct rh_msg_head *head,
                 const void *body);

void rh_inbox_close(struct rh_inbox *inbox);

#endif
