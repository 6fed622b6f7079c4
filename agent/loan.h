/* loan - a rule of code that runs in the processes of the resource: hooks that programs
 * ask (rules/hook.h, RH_AT_PROCESS), found by hook and key.
 *
 *   loan      a rule that the center wants there, with its place (code.h): it is in
 *             force when every process that asks has said that it runs it
 *   borrower  a place in a process that asks: the number, hook and key of its RULE_GET
 *
 * A borrower gets the rule of its key, else the one without a key of its hook.  A rule
 * that is to come is offered to all who would get it; when one of them refuses it, or it
 * cannot even be loaded here, the former one is sent to those that have it already.  One
 * that fails where it is in force may be left for the former one, too (trial.h).
 *
 * Ownership   Loans are the agent's, and gone when the center wants no rule there;
 *             borrowers their process's.
 * Threads     The loop's.
 * Invariants  L1  loan->waits counts the borrowers that are offered its next one and have
 *                 not answered.
 *             L2  borrower->sent is what was sent last; nothing is sent twice.
 * Limits      RH_BORROWERS_MAX a process. */
#ifndef RH_AGENT_LOAN_H
#define RH_AGENT_LOAN_H

#include "code.h"
#include "list.h"
#include "trial.h"

#define RH_BORROWERS_MAX 256u

struct rh_agent;
struct rh_frame;
struct rh_process;

struct rh_loan {
	struct rh_list       in_agent;
	struct rh_code_place place;
	const struct rh_hook *hook;
	char                 key[RH_NAME_MAX + 1]; /* "": any                    */
	const struct rh_code *offered;             /* place.next, while it waits  */
	uint64_t             offer;                /* the revision of its RULE    */
	uint64_t             active;               /* ... of place.active's       */
	unsigned             waits;                /* L1 */
	struct rh_trial      trial;                /* of place.active */
};

/* After a change of the resource's item. */
void rh_loans_apply(struct rh_agent *agent);

/* 1 when every one is in force, or was rejected. */
int rh_loans_are_settled(const struct rh_agent *agent);

void rh_loans_free(struct rh_agent *agent);

/* ---- frames of a process; what makes no sense is answered by an error ---- */

int  rh_borrower_get(struct rh_process *process, struct rh_frame *frame);
int  rh_borrower_put(struct rh_process *process, struct rh_frame *frame);
int  rh_borrower_state(struct rh_process *process, struct rh_frame *frame);
int  rh_borrower_counts(struct rh_process *process, struct rh_frame *frame);

/* The process is gone. */
void rh_borrowers_close(struct rh_process *process);

#endif
