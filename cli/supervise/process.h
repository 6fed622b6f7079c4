/* process - one task, kept running: spawn, read its lines, notice its end, wait,
 * spawn again.
 *
 * Its life is the table in life.h, its pauses backoff.h.  What it writes goes line
 * by line to the journal; a line "ready" of a task that says so makes it ready.
 *
 * Ownership   create takes the task's contents; destroy drops everything and kills
 *             a process that still runs.
 * Threads     The loop's.
 * Limits      A line longer than RH_JOURNAL_LINE_MAX is broken in two. */
#ifndef RH_SUPERVISE_PROCESS_H
#define RH_SUPERVISE_PROCESS_H

#include "backoff.h"
#include "hosted.h"
#include "journal.h"
#include "poll.h"
#include "spawn.h"
#include "task.h"

#define RH_PROCESS_PATIENCE_MS 5000u

struct rh_process;

/* Something changed: it is ready, it died, it is gone; NULL: something else did.  The
 * callee may destroy the process only when its state is RH_LIFE_GONE. */
typedef void rh_process_changed(void *user, struct rh_process *process);

/* A line of a process; true when it was meant for the supervisor, and is no line for the
 * log. */
typedef bool rh_process_told(void *user, const char *name, const char *line, size_t len);

/* What all processes share; borrowed. */
struct rh_process_setting {
	uv_loop_t          *loop;
	struct rh_journal  *journal;
	const char *const  *env;
	rh_process_changed *changed;
	rh_process_told    *told;     /* may be NULL */
	void               *user;
};

struct rh_process {
	struct rh_task                   task;
	const struct rh_process_setting *setting;
	enum rh_life_state               state;
	struct rh_backoff                backoff;
	struct rh_spawned                spawned;
	bool                             is_ready;
	struct rh_hosted                 hosted;     /* what a worker loaded   */
	unsigned                         starts;
	int                              code;       /* of the last end        */
	int                              by_signal;  /* the same; 0 by none    */
	struct rh_poll                  *ends;
	struct rh_poll                  *output;
	struct rh_timer                 *timer;
	size_t                           line_len;
	char                             line[RH_JOURNAL_LINE_MAX];
};

/* NULL when out of memory; then the task is still the caller's. */
struct rh_process *rh_process_create(struct rh_task *task,
                                     const struct rh_process_setting *setting);
void rh_process_destroy(struct rh_process *process);

/* Starts an idle or ended process; nothing in another state. */
void rh_process_start(struct rh_process *process);

/* Lets another process take its place when it has ended, however long that takes. */
void rh_process_renew(struct rh_process *process);

/* Asks it to end; `changed` follows when it is gone, perhaps at once. */
void rh_process_stop(struct rh_process *process);

/* Ends it now, for good: `changed` follows when it is gone. */
void rh_process_kill(struct rh_process *process);

#endif
