#include "adapter_front.h"

#include "../../base/diag.h"
#include "../../model/error.h"
#include "../../rules/keeper.h"
#include "../../rules/moderator.h"
#include "../../rules/user_call.h"

#include <stdlib.h>

/* ---- cache ---- */

static int create_keeper(uint32_t capacity, void **ret_front, struct rh_diag *diag)
{
	struct rh_keeper *keeper = NULL;
	int               r = rh_keeper_create(NULL, capacity, &keeper, diag);

	*ret_front = keeper;
	return r;
}

static void destroy_keeper(void *front)
{
	rh_keeper_destroy(front);
}

/* The keeper tells the new one what is there, then the old one hands over what it has
 * beside.  The new one may fail over that: it is told again, as if new. */
static int exchange_keeper(void *front, struct rh_rule *former,
                           const struct rh_adapter_rule *next, struct rh_diag *diag)
{
	struct rh_rule *rule = next->rule; /* a cache has nothing to deny: no policy */
	struct rh_diag  unused;
	int             r = rh_keeper_exchange(front, rule, diag);

	if (r < 0 || !rule || !former || rh_rule_swap(former, rule, &unused) >= 0)
		return r;
	r = rh_keeper_exchange(front, rule, diag);
	if (r < 0 && rh_keeper_exchange(front, former, NULL) < 0)
		rh_keeper_exchange(front, NULL, NULL);
	return r;
}

/* ---- softirq and user ---- */

static int swap(struct rh_rule *former, struct rh_rule *rule, struct rh_diag *diag)
{
	struct rh_diag why;

	if (!former || !rule || rh_rule_swap(former, rule, &why) >= 0)
		return RH_OK;
	return rh_diag_set(diag, RH_ERULE, "it failed over the state that the former one "
	                   "handed over: %.150s", why.text);
}

static int create_zeroed(size_t bytes, void **ret_front, struct rh_diag *diag)
{
	*ret_front = calloc(1, bytes);
	return *ret_front ? RH_OK : rh_diag_set(diag, RH_ENOMEM, "no memory for a place where "
	                                        "rules decide");
}

static int create_moderator(uint32_t capacity, void **ret_front, struct rh_diag *diag)
{
	(void)capacity;
	return create_zeroed(sizeof(struct rh_moderator), ret_front, diag);
}

/* What it does without a rule is what it does when one fails: the policy is not asked. */
static int exchange_moderator(void *front, struct rh_rule *former,
                              const struct rh_adapter_rule *next, struct rh_diag *diag)
{
	struct rh_moderator *moderator = front;
	int                  r = swap(former, next->rule, diag);

	if (r == RH_OK)
		moderator->rule = next->rule;
	return r;
}

static int create_user(uint32_t capacity, void **ret_front, struct rh_diag *diag)
{
	(void)capacity;
	return create_zeroed(sizeof(struct rh_user), ret_front, diag);
}

static int exchange_user(void *front, struct rh_rule *former,
                         const struct rh_adapter_rule *next, struct rh_diag *diag)
{
	int r = swap(former, next->rule, diag);

	if (r == RH_OK && next->rule && former)
		rh_user_exchange(front, next->rule, next->policy);
	else if (r == RH_OK && next->rule)
		rh_user_init(front, next->rule, next->policy);
	return r;
}

const struct rh_adapter_front rh_front_cache = {
	"cache", create_keeper, destroy_keeper, exchange_keeper, NULL, NULL,
};
const struct rh_adapter_front rh_front_softirq = {
	"softirq", create_moderator, free, exchange_moderator, NULL, NULL,
};
const struct rh_adapter_front rh_front_user = {
	"user", create_user, free, exchange_user, NULL, NULL,
};
