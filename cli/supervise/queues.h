/* queues - the names of message queues that killed agents left behind.
 *
 * A POSIX queue outlives the processes that used it, and counts against RLIMIT_MSGQUEUE of
 * its user until its name is removed.  An agent that ends removes the names of its
 * channels; of agents that were killed at both ends nobody does.  Which names there may
 * be is said by the plan that the supervisor followed: <run>/plan.json.
 *
 * Threads     Any. */
#ifndef RH_SUPERVISE_QUEUES_H
#define RH_SUPERVISE_QUEUES_H

/* Removes them; to be called when no agent of the system runs. */
void rh_queues_sweep(const char *run_dir);

#endif
