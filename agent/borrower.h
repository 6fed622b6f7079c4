/* borrower - for loan.c and borrower.c alone: what they share. */
#ifndef RH_AGENT_BORROWER_H
#define RH_AGENT_BORROWER_H

#include "loan.h"

struct rh_borrower {
	struct rh_list        in_process;
	struct rh_process    *process;
	uint64_t              number;
	const struct rh_hook *hook;
	char                  key[RH_NAME_MAX + 1];
	struct rh_loan       *loan;   /* of what was sent last; NULL: there was none */
	uint64_t              sent;   /* L2; 0: nothing yet, so it waits for a word   */
	int                   waits;  /* it is offered loan's next one               */
	uint64_t              told_of;   /* the rule of that revision ...            */
	uint32_t              instances; /* ... it told that it has made so many of  */
};

/* Sends the borrower what it should have, if it has something else.  offered: a loan
 * whose next one counts as there, or NULL. */
void rh_borrower_serve(struct rh_borrower *borrower, struct rh_loan *offered);

/* The borrower's word on what it is offered.  why: NULL, or it refuses. */
void rh_loan_answered(struct rh_borrower *borrower, const struct rh_diag *why);

/* All borrowers of the agent get what they should have. */
void rh_loans_serve(struct rh_agent *agent, struct rh_loan *offered);

#endif
