#include "loan.h"

#include "latch.h"
#include "own.h"
#include "policy.h"
#include "real.h"
#include "seat.h"
#include "stats.h"

#include "../../base/diag.h"
#include "../../model/error.h"
#include "../../rules/limits.h"
#include "../../sdk/c/adapter.h"
#include "../../sdk/c/adapter_front.h"

#include <stdlib.h>
#include <string.h>

#define KEY "threads"

/* What the rule in force was loaded from; under exchanging. */
static struct loan {
	struct rh_rule_source source;
	struct rh_rule_param params[RH_RULE_PARAMS_MAX];
	char names[RH_RULE_PARAMS_MAX][RH_RULE_PARAM_MAX + 1];
	char values[RH_RULE_PARAMS_MAX][RH_RULE_VALUE_MAX + 1];
	char name[RH_NAME_MAX + 1];
	bool is_there;
} loan;

static struct rh_adapter *place;
static struct rh_latch exchanging; /* rules and policies, by either's thread */

static struct rh_rule *load(const void *user, struct rh_diag *diag)
{
	const struct loan *from = user;
	struct rh_rule *rule = NULL;

	return rh_rule_load(&from->source, &rule, diag) < 0 ? NULL : rule;
}

struct rh_rule *rh_loan_load(void)
{
	struct rh_diag diag;

	return loan.is_there ? load(&loan, &diag) : NULL;
}

const char *rh_loan_name(void)
{
	return loan.is_there ? loan.name : NULL;
}

static int copy(struct loan *to, const struct rh_adapter_rule *next, struct rh_diag *diag)
{
	const struct rh_rule_source *from = next->source;

	memset(to, 0, sizeof *to);
	to->source = *from;
	to->source.params = to->params;
	strncpy(to->name, next->name, sizeof to->name - 1);
	for (unsigned i = 0; i < from->param_count; i++) {
		strncpy(to->names[i], from->params[i].name, sizeof to->names[i] - 1);
		strncpy(to->values[i], from->params[i].value, sizeof to->values[i] - 1);
		to->params[i] = (struct rh_rule_param){to->names[i], to->values[i]};
	}
	to->source.object_fd = rh_stats_high_fd(from->object_fd);
	to->is_there = true;
	return to->source.object_fd < 0 ? rh_diag_set(diag, RH_ENOMEM, "no descriptor is left")
					: RH_OK;
}

static void drop(struct loan *gone)
{
	if (gone->is_there)
		close(gone->source.object_fd);
	gone->is_there = false;
}

/* The copy stays where its pointers lead. */
static void keep(const struct loan *next)
{
	drop(&loan);
	loan = *next;
	loan.source.params = loan.params;
	for (unsigned i = 0; i < loan.source.param_count; i++)
		loan.params[i] = (struct rh_rule_param){loan.names[i], loan.values[i]};
}

/* Without a rule: the policy orders. */
static int give_back(struct rh_diag *diag)
{
	const char *name = rh_policy_name();
	int r = rh_seat_exchange(rh_policy_load, name, name, diag);

	if (r == RH_OK)
		drop(&loan);
	return r;
}

static int lend(const struct rh_adapter_rule *next, struct rh_diag *diag)
{
	static struct loan coming; /* one exchange at a time */
	struct rh_task_traits traits = rh_policy_traits(0, 0);
	int r = copy(&coming, next, diag);

	if (r == RH_OK)
		r = rh_runqueue_try(next->rule, &traits, diag);
	if (r == RH_OK)
		r = rh_seat_exchange(load, &coming, coming.name, diag);
	if (r == RH_OK)
		keep(&coming);
	else
		drop(&coming);
	return r;
}

static int exchange(void *front, struct rh_rule *former,
		    const struct rh_adapter_rule *next, struct rh_diag *diag)
{
	int r;

	(void)front, (void)former;
	rh_latch_lock(&exchanging);
	r = next->rule ? lend(next, diag) : give_back(diag);
	rh_latch_unlock(&exchanging);
	return r;
}

int rh_loan_set_policy(const struct rh_stats_ask *ask)
{
	const char *name = rh_policy_meant(ask);
	struct rh_diag unused;
	int r = RH_OK;

	if (!rh_policy_admits(ask))
		return name ? RH_EINVAL : RH_ENOENT;
	rh_latch_lock(&exchanging);
	rh_own_unblock(); /* the lent one is asked, too */
	if (!loan.is_there)
		r = rh_seat_exchange(rh_policy_load, name, name, &unused);
	if (r == RH_OK) {
		rh_policy_set(ask);
		rh_seat_change_all();
	}
	rh_latch_unlock(&exchanging);
	return r;
}

void rh_loan_forget(void)
{
	atomic_store(&exchanging.word, 0);
}

static int create(uint32_t capacity, void **ret_front, struct rh_diag *diag)
{
	(void)capacity, (void)diag;
	*ret_front = NULL; /* seats are one table */
	return RH_OK;
}

static void destroy(void *front)
{
	(void)front;
}

static void count(void *front, struct rh_rule_counters *ret)
{
	(void)front;
	rh_seat_count_rules(ret);
}

static void why(void *front, char *text, size_t cap)
{
	(void)front;
	rh_seat_explain_rules(text, cap);
}

static const struct rh_adapter_front ours = {
	"sched", create, destroy, exchange, count, why,
};

void rh_loan_open(void)
{
	if (place)
		rh_adapter_line_look();
	else if (rh_adapter_open(&ours, KEY, 0, &place) < 0)
		place = NULL;
}
