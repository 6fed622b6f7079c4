/* verdict - reads a history and says what in it must not be.
 *
 * Threads     Pure: the history does not change meanwhile. */
#ifndef RH_TESTS_SOAK_VERDICT_H
#define RH_TESTS_SOAK_VERDICT_H

#include "history.h"

#define VERDICT_EXAMPLES 16u /* of each fault */

enum verdict_fault {
	VERDICT_LOST,       /* told success, and no body came to its end            */
	VERDICT_TWICE,      /* ran more often than its kind may                     */
	VERDICT_RAN,        /* ran, and its caller was told that it surely did not  */
	VERDICT_WRONG,      /* success with another value                           */
	VERDICT_HANG,       /* not over before its deadline: all that was killed is
	                       back much sooner                                     */
	VERDICT_GAVE_UP,    /* idempotent, and told a loss before its deadline      */
	VERDICT_UNTOLD,     /* its caller went on without an answer                 */
	VERDICT_UNCALLED,   /* ran, and was never made                              */
	VERDICT_TORN,       /* the entry contradicts itself                         */
	VERDICT_FAULTS
};

struct verdict {
	uint64_t calls;                        /* begun                          */
	uint64_t told[HISTORY_TOLDS];
	uint64_t again;                        /* calls that ran more than once  */
	uint64_t cut;                          /* bodies that never ended        */
	uint64_t longest_ns;                   /* of the calls that ended        */
	uint64_t strays;
	uint64_t faults[VERDICT_FAULTS];
	uint64_t examples[VERDICT_FAULTS][VERDICT_EXAMPLES]; /* ids              */
};

void verdict_find(const struct history *history, struct verdict *ret_verdict);

/* 1 when nothing is wrong. */
int verdict_is_good(const struct verdict *verdict);

const char *verdict_fault_text(enum verdict_fault fault);
const char *verdict_told_text(enum history_told told);

#endif
