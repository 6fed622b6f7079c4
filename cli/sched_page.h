/* sched_page - what happens to the threads of programs under the carrier `fiber`, as lines
 * for a person, numbered as the papers' Figure 8 does.
 *
 *   STEP        AT  THREAD  NAME       SEAT  WHAT
 *      2    12.0us  T1      work/4711     -  it is handed over
 *
 *   1      the carriers look, each few milliseconds, whether who runs has run enough
 *   2      a thread is handed over when it starts
 *   3, 4   its stack and its TCB are the runtime's: 3 of T1, 4 of any other
 *   5, 6   it comes into the queue, ordered by its vruntime or deadline: likewise
 *   7      the processor is idle, and is handed the one that is first in the queue
 *   8      one is done, with its stack and TCB, or has run enough, and the next is taken
 *   9      which is handed to the processor
 *
 * T1 is the first thread that is seen.  What has no number is not in the figure.  A vruntime
 * is told by how far it is from the first that was told.
 *
 * Ownership   The caller destroys it.
 * Threads     One.
 * Limits      RH_SCHED_PAGE_THREADS threads have a number of their own. */
#ifndef RH_CLI_SCHED_PAGE_H
#define RH_CLI_SCHED_PAGE_H

#include "../base/fiber_layout.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define RH_SCHED_PAGE_THREADS 4096u

struct rh_sched_page;

struct rh_sched_page *rh_sched_page_create(void);
void                  rh_sched_page_destroy(struct rh_sched_page *page);

void rh_sched_page_headings(FILE *out, bool has_color);

/* One line, about a thread of that process.  Its name is asked of the kernel when it is
 * seen first. */
void rh_sched_page_print(struct rh_sched_page *page, pid_t pid,
                         const struct rh_stats_event *event, FILE *out, bool has_color);

#endif
