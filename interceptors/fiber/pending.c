#include "pending.h"

#include <errno.h>

static struct rh_latch pool_latch;
static struct rh_pending pool[RH_PENDING_MAX]; /* only addresses until they are used */
static struct rh_pending *given_back;
static uint32_t used; /* all from here on never were */

static struct rh_pending *get(void)
{
	struct rh_pending *found = NULL;

	rh_latch_lock(&pool_latch);
	if (given_back) {
		found = given_back;
		given_back = found->next;
	} else if (used < RH_PENDING_MAX) {
		found = &pool[used++];
	}
	rh_latch_unlock(&pool_latch);
	return found;
}

static void give_back(struct rh_pending *pending)
{
	rh_latch_lock(&pool_latch);
	pending->next = given_back;
	given_back = pending;
	rh_latch_unlock(&pool_latch);
}

/* Where the list ends, or the first one of a number is. */
static struct rh_pending **find(struct rh_pending_list *list, int sig)
{
	struct rh_pending **at = &list->first;

	while (*at && (*at)->sig != sig)
		at = &(*at)->next;
	return at;
}

static int put(struct rh_pending_list *list, int sig, const siginfo_t *info)
{
	struct rh_pending *pending;

	if (sig < SIGRTMIN && (atomic_load(&list->set) & rh_sys_bit(sig)))
		return 0;
	pending = get();
	if (!pending)
		return EAGAIN;
	*pending = (struct rh_pending){.sig = sig, .has_info = info != NULL};
	if (info)
		pending->info = *info;
	*find(list, 0) = pending;
	atomic_fetch_or(&list->set, rh_sys_bit(sig));
	return 0;
}

int rh_pending_put(struct rh_pending_list *list, int sig, const siginfo_t *info)
{
	int result;

	rh_latch_lock(&list->latch);
	result = put(list, sig, info);
	rh_latch_unlock(&list->latch);
	return result;
}

bool rh_pending_take(struct rh_pending_list *list, uint64_t blocked, struct rh_pending *ret)
{
	struct rh_pending **at, *found = NULL;
	uint64_t set;

	rh_latch_lock(&list->latch);
	set = atomic_load(&list->set) & ~blocked;
	if (set) {
		int sig = __builtin_ctzll(set) + 1;

		at = find(list, sig);
		found = *at;
		*ret = *found;
		*at = found->next;
		if (!*find(list, sig))
			atomic_fetch_and(&list->set, ~rh_sys_bit(sig));
	}
	rh_latch_unlock(&list->latch);
	if (found)
		give_back(found);
	return found != NULL;
}

void rh_pending_drop(struct rh_pending_list *list)
{
	struct rh_pending none;

	while (rh_pending_take(list, 0, &none))
		;
}

void rh_pending_forget_all(void)
{
	atomic_store(&pool_latch.word, 0);
	given_back = NULL;
	used = 0;
}
