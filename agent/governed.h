/* governed - the processes of a resource whose threads a rule orders, and how each thread
 * was scheduled before it did.
 *
 *   root        attached, or made itself known before it became another program
 *   descendant  started by a thread of one of these; it stays when its parent ends
 *
 * A process is known by its number and by when it started, so that neither an exec nor a
 * number that was given away confuses it.  What was found is written to a file, for the
 * next agent, and for who looks on: docs/wire.md, "Governed".
 *
 * Ownership   The set owns its processes and threads.
 * Threads     One.
 * Invariants  G1  threads of a process are sorted by number, each once.
 *             G2  what a thread had before is asked before the rule is put on it, and is
 *                 not asked again while it is governed.
 * Limits      RH_GOVERNED_PROCESSES, RH_GOVERNED_THREADS; beyond them nothing is
 *             governed, and is_full says so. */
#ifndef RH_AGENT_GOVERNED_H
#define RH_AGENT_GOVERNED_H

#include "../base/cgroup.h"
#include "../base/diag.h"
#include "../base/sched.h"

#include <stdint.h>
#include <stdio.h>

#define RH_GOVERNED_PROCESSES 4096u
#define RH_GOVERNED_THREADS   32768u

struct rh_governed_thread {
	pid_t                tid;
	int                  err_no;   /* the kernel refused the rule: errno, or 0 */
	uint8_t              is_seen;  /* in the look under way                    */
	uint8_t              is_home;  /* its runtime leaves it to the kernel      */
	struct rh_sched_attr before;   /* G2                                       */
};

struct rh_governed_process {
	pid_t                      pid;
	uint64_t                   start;
	uint8_t                    is_fiber;  /* it was started under that carrier */
	uint8_t                    has_runtime; /* ... whose runtime is in it, or may
	                                         come: fibers.h                    */
	uint8_t                    is_ended;
	uint8_t                    is_known;  /* `before` is what its threads had  */
	struct rh_sched_attr       before;
	char                      *group;     /* its cgroup before; NULL: not known */
	uint64_t                   asked_ms;  /* since then it has not answered; 0 */
	struct rh_governed_thread *threads;   /* G1                                */
	unsigned                   count;
	unsigned                   room;
};

struct rh_governed {
	struct rh_governed_process **at;
	unsigned                     count;
	unsigned                     room;
	unsigned                     threads;   /* of all of them                  */
	uint64_t                     slice_ns;  /* that the kernel gives by itself;
	                                           0: it has none of a thread's own */
	char                         group[RH_CGROUP_PATH]; /* that was made for them; "" */
	int                          is_full;
	int                          is_changed; /* since it was saved             */
};

/* What is_ruled says of how a thread is scheduled: exactly as the rule wants it, so that
 * it has that from its maker. */
typedef int rh_governed_is_ruled(void *user, const struct rh_sched_attr *attr);

void rh_governed_init(struct rh_governed *set);
void rh_governed_fini(struct rh_governed *set);

/* Adds a process; one that is there stays.
 * RH_ENOENT it has ended; RH_ENOSPC, RH_ENOMEM. */
int rh_governed_add(struct rh_governed *set, pid_t pid, int is_fiber);

/* Looks at what there is now: processes and threads that came are added, those that ended
 * are dropped.  is_ruled may be NULL: no thread has the rule. */
void rh_governed_look(struct rh_governed *set, rh_governed_is_ruled *is_ruled, void *user);

/* No rule orders them any more: forgets the threads, not the processes. */
void rh_governed_release(struct rh_governed *set);

/* Writes what an agent that is started again must know; about is a line for whoever looks
 * on.  RH_EIO. */
int rh_governed_save(struct rh_governed *set, const char *path, const char *about);

/* Reads what a former agent left; processes that ended are left out.  What it does not
 * understand, it does not take. */
void rh_governed_load(struct rh_governed *set, const char *path);

#endif
