/* governor - the carrier `host`: makes the rule of scheduling true for the threads of the
 * resource, by the classes that the kernel has.
 *
 *   cfs, eevdf   SCHED_OTHER with the rule's nice, and its slice where the kernel has one
 *                for each thread (Linux 6.12)
 *   fifo, rr     SCHED_FIFO, SCHED_RR with the rule's priority; rank.h bounds it
 *   deadline     SCHED_DEADLINE; it may use what others leave of their budgets.  Threads
 *                that such a thread makes begin without it, and get it at the next look
 *
 * It looks when the rule changes, when a process comes, and on a beat, for threads and
 * processes that came since.  What the kernel refuses of a rule is told with the item of
 * the resource, which is active but for that; when it refuses all of it the item is
 * rejected and the former rule stays.  Without a rule the threads get back what they had.
 * Programs that run under the carrier `fiber` are asked for the policy of the rule, whatever
 * carrier that names (fibers.h), and for what they began with when there is none; other
 * programs of the resource get the class that the kernel has for it.  Without the right for
 * that the rule is in force for the former alone, and rejected where there are none.
 * A rule of code for threads is asked by such programs alone; it looks for others too, also
 * where no policy is in force, and tells of them.
 *
 *   place  (none) --item--> NEXT --> COMING, until programs answered --> ACTIVE
 *                             \----> refused, the former one stays
 *
 * Ownership   The agent's.
 * Threads     The loop's.
 * Invariants  V1  the process outranks what it governs: no rule is active that was not
 *                 raised for (rank.h), also while the next one is put on.
 * Limits      governed.h; 256 processes that wait for an answer. */
#ifndef RH_AGENT_GOVERNOR_H
#define RH_AGENT_GOVERNOR_H

#include "schedspec.h"

#include <sys/types.h>

struct rh_agent;
struct rh_conn;
struct rh_frame;
struct rh_peer;

/* RH_ENOMEM. */
int rh_governor_init(struct rh_agent *agent);

/* What a former agent governed, before the first rule counts. */
void rh_governor_start(struct rh_agent *agent);

/* After a change of the resource's item. */
void rh_governor_apply(struct rh_agent *agent);

/* 1 when the rule is in force, or was rejected. */
int rh_governor_is_settled(const struct rh_agent *agent);

/* An attached process came. */
void rh_governor_note(struct rh_agent *agent, pid_t pid);

/* A process makes itself known (GOVERN): the rule is on it when it is answered.  One that
 * asks only is told what the rule says.
 * RH_ENOSPC too many wait, or are governed; RH_ENOMEM; RH_EIDENT it has ended meanwhile. */
int rh_governor_take(struct rh_agent *agent, struct rh_conn *conn, const struct rh_peer *peer,
                     struct rh_frame *frame, struct rh_diag *diag);

/* Programs under `fiber` write down what happens to their threads, for who reads it in their
 * blocks, until nobody does. */
void rh_governor_trace(struct rh_agent *agent);
void rh_governor_untrace(struct rh_agent *agent);

/* The agent ends: the threads get back what they had. */
void rh_governor_close(struct rh_agent *agent);

/* leave.h */
void rh_governor_leave(struct rh_agent *agent);
void rh_governor_free(struct rh_agent *agent);

#endif
