#include "loan.h"

#include "agent.h"
#include "borrower.h"
#include "process.h"
#include "settle.h"

#include "../base/log.h"
#include "../model/check.h"
#include "../rules/hook.h"

#include <stdlib.h>
#include <string.h>

/* ---- offering ----------------------------------------------------------- */

static struct rh_loan *loan_of(struct rh_code_place *place)
{
	return RH_CONTAINER(place, struct rh_loan, place);
}

void rh_loans_serve(struct rh_agent *agent, struct rh_loan *offered)
{
	RH_LIST_EACH(node, &agent->processes) {
		struct rh_process *process = RH_CONTAINER(node, struct rh_process, in_agent);

		RH_LIST_EACH(at, &process->borrowers)
			rh_borrower_serve(RH_CONTAINER(at, struct rh_borrower, in_process),
			                  offered);
	}
}

/* Nobody is asked any more. */
static void withdraw(struct rh_loan *loan)
{
	loan->offered = NULL;
	loan->waits = 0;
	RH_LIST_EACH(node, &loan->place.agent->processes) {
		struct rh_process *process = RH_CONTAINER(node, struct rh_process, in_agent);

		RH_LIST_EACH(at, &process->borrowers) {
			struct rh_borrower *borrower = RH_CONTAINER(at, struct rh_borrower,
			                                            in_process);

			if (borrower->loan == loan)
				borrower->waits = 0;
		}
	}
}

/* WebAssembly can be tried here without harm, before programs have it. */
static int try(struct rh_code *next, struct rh_diag *why)
{
	int r;

	if (strcmp(next->spec->mode, "wasm") != 0)
		return RH_OK;
	r = rh_code_load(next, why);
	rh_rule_destroy(next->rule);
	next->rule = NULL;
	return r;
}

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct rh_loan *loan = loan_of(place);
	int             r = try(next, why);

	if (r < 0)
		return r;
	withdraw(loan); /* what was offered before is wanted no more */
	loan->offered = next;
	loan->offer = rh_agent_next_id(place->agent);
	rh_loans_serve(place->agent, loan);
	if (loan->waits > 0)
		return RH_EAGAIN;
	loan->offered = NULL;
	loan->active = loan->offer;
	return RH_OK;
}

/* It is in force no more: who has it gets what is there instead. */
static void stop(struct rh_code_place *place, struct rh_code *code)
{
	rh_trial_begin(loan_of(place), place->active ? code : NULL);
	if (!place->active)
		rh_loans_serve(place->agent, NULL);
}

static const struct rh_code_ops ops = { .start = start, .stop = stop };

void rh_loan_answered(struct rh_borrower *borrower, const struct rh_diag *why)
{
	struct rh_loan  *loan = borrower->loan;
	struct rh_agent *agent = loan->place.agent;

	borrower->waits = 0;
	loan->waits--;
	if (why) {
		withdraw(loan);
		rh_code_refuse(&loan->place, why);
		rh_loans_serve(agent, NULL);
	} else if (loan->waits == 0) {
		loan->active = loan->offer;
		loan->offered = NULL;
		rh_code_started(&loan->place);
		rh_loans_serve(agent, NULL); /* who came meanwhile */
	}
}

/* ---- what the center wants ---------------------------------------------- */

static struct rh_loan *find(struct rh_agent *agent, const struct rh_codespec *spec)
{
	RH_LIST_EACH(node, &agent->loans) {
		struct rh_loan *loan = RH_CONTAINER(node, struct rh_loan, in_agent);

		if (loan->hook == spec->hook && strcmp(loan->key, spec->key) == 0)
			return loan;
	}
	return NULL;
}

static struct rh_loan *create(struct rh_agent *agent, const struct rh_codespec *spec)
{
	struct rh_loan *loan = calloc(1, sizeof *loan);

	if (!loan)
		return NULL;
	rh_code_place_init(&loan->place, agent, agent->resource, "", &ops);
	loan->hook = spec->hook;
	memcpy(loan->key, spec->key, sizeof loan->key);
	rh_list_add(&agent->loans, &loan->in_agent);
	return loan;
}

static const struct rh_codespec *wanted_of(const struct rh_agent *agent,
                                           const struct rh_loan *loan)
{
	const struct rh_codespecs *codes = &agent->view->self.codes;

	for (unsigned i = 0; i < codes->count; i++) {
		if (codes->at[i]->hook == loan->hook &&
		    strcmp(codes->at[i]->key, loan->key) == 0)
			return codes->at[i];
	}
	return NULL;
}

static void set(struct rh_loan *loan, const struct rh_codespec *wanted, uint64_t item)
{
	uint64_t offer = loan->offered ? loan->offer : 0;

	rh_code_place_set(&loan->place, wanted, item);
	/* What was offered went, and nothing is offered in its place yet. */
	if (offer && loan->offered && loan->offer == offer &&
	    (!loan->place.next || loan->place.next->object_fd < 0)) {
		withdraw(loan);
		rh_loans_serve(loan->place.agent, NULL);
	}
}

static int is_borrowed(const struct rh_loan *loan)
{
	RH_LIST_EACH(node, &loan->place.agent->processes) {
		struct rh_process *process = RH_CONTAINER(node, struct rh_process, in_agent);

		RH_LIST_EACH(at, &process->borrowers) {
			if (RH_CONTAINER(at, struct rh_borrower, in_process)->loan == loan)
				return 1;
		}
	}
	return 0;
}

/* Nobody wants it; kept while somebody has it. */
static void drop(struct rh_loan *loan)
{
	RH_CHECK(!loan->place.active && !loan->place.next);
	if (is_borrowed(loan))
		return;
	rh_list_remove(&loan->in_agent);
	rh_code_place_fini(&loan->place);
	free(loan);
}

void rh_loans_apply(struct rh_agent *agent)
{
	const struct rh_codespecs *codes = &agent->view->self.codes;
	const struct rh_item *item = rh_items_find(&agent->items, agent->resource, "");
	uint64_t              revision = item ? item->revision : 0;

	for (unsigned i = 0; i < codes->count; i++) {
		if (rh_hook_at(codes->at[i]->hook) == RH_AT_PROCESS &&
		    !find(agent, codes->at[i]) && !create(agent, codes->at[i]))
			rh_error("no memory for rule %s", codes->at[i]->rule);
	}
	RH_LIST_EACH(node, &agent->loans) {
		struct rh_loan *loan = RH_CONTAINER(node, struct rh_loan, in_agent);

		set(loan, wanted_of(agent, loan), revision);
		if (!wanted_of(agent, loan))
			drop(loan);
	}
}

int rh_loans_are_settled(const struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->loans) {
		if (!rh_code_is_settled(&RH_CONTAINER(node, struct rh_loan, in_agent)->place))
			return 0;
	}
	return 1;
}

void rh_loans_free(struct rh_agent *agent)
{
	while (!rh_list_empty(&agent->loans)) {
		struct rh_loan *loan = RH_CONTAINER(agent->loans.next, struct rh_loan,
		                                    in_agent);

		rh_list_remove(&loan->in_agent);
		rh_code_place_fini(&loan->place);
		free(loan);
	}
}
