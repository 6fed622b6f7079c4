/* push_step - one step of subscribing or publishing, as it is told to observers; the
 * numbers are those of the papers' two processes.
 *
 *   subscribing                            publishing
 *   1  agent: puts its watches together    1  center: a change is committed
 *   2  agent: sends them                   2  center: finds who watches an item
 *   3  center: keeps them (SWatchManager)  3  center: pushes it to one of them
 *   4  center: answers                     4  agent: refreshes what watches it
 *   5  agent: keeps them (CWatchManager)      (CWatchManager), and says so
 *
 * Threads     Pure. */
#ifndef RH_WIRE_PUSH_STEP_H
#define RH_WIRE_PUSH_STEP_H

#include "../model/error.h"
#include "limits.h"
#include "record.h"

enum rh_push_process { RH_PUSH_SUBSCRIBING = 1, RH_PUSH_PUBLISHING, RH_PUSH_PROCESSES };

#define RH_PUSH_STEPS 5u

struct rh_push_step {
	uint32_t process;      /* enum rh_push_process                  */
	uint32_t step;         /* 1 to 5                                */
	uint64_t time_ns;      /* monotonic, when it was over           */
	uint64_t took_ns;      /* 0: not known                          */
	uint64_t revision;
	uint64_t prev;
	uint64_t bytes;
	uint32_t missed;       /* steps before it that were not told    */
	char     resource[64]; /* the subscriber; "": no certain one    */
	char     caller[64];   /* key of the item; "": none             */
	char     callee[64];
	char     text[RH_DIAG_MAX];
};

/* The bytes that a step takes at most. */
#define RH_PUSH_STEP_MAX 1024u

void rh_push_step_put(struct rh_record_writer *writer, const struct rh_push_step *step);

/* RH_EPROTO  it is none. */
int rh_push_step_read(const struct rh_record_reader *reader,
                      struct rh_push_step *ret_step);

#endif
