/* serve_lookout - sleeping on more bells than futex_waitv(2) takes at once (128).
 *
 * A bell rings only when the owner sleeps, so a lookout that sees one change wakes
 * the owner and sleeps again; it keeps no state that could be lost. */
#include "serve.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void rh_private_ring(_Atomic uint32_t *bell)
{
	atomic_fetch_add_explicit(bell, 1, memory_order_release);
	syscall(SYS_futex, bell, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

/* Collects what to wait for; 1 when a bell has rung since the last time.  Pages
 * leave the list under the lock before they are unmapped. */
static int look(struct rh_lookout *lookout, struct futex_waitv *waits, uint32_t *ret_n)
{
	int rang = 0;

	pthread_mutex_lock(&lookout->lock);
	for (uint32_t i = 0; i < lookout->count; i++) {
		_Atomic uint32_t *bell =
			&lookout->pages[i]->end.page.head->caller.server_bell;
		uint32_t value = atomic_load_explicit(bell, memory_order_seq_cst);

		rang |= value != lookout->seen[i];
		lookout->seen[i] = value;
		waits[i] = (struct futex_waitv){
			.val = value, .flags = FUTEX_32, .uaddr = (uintptr_t)bell,
		};
	}
	*ret_n = lookout->count;
	pthread_mutex_unlock(&lookout->lock);
	return rang;
}

static void *lookout_main(void *user)
{
	struct rh_lookout *lookout = user;
	struct futex_waitv waits[RH_PAGES_PER_SLEEP + 1];
	uint32_t           n;

	while (!atomic_load_explicit(&lookout->is_stopping, memory_order_acquire)) {
		uint32_t commands = atomic_load_explicit(&lookout->commands,
		                                         memory_order_acquire);

		if (look(lookout, waits, &n))
			rh_serve_thread_poke(lookout->owner);
		waits[n] = (struct futex_waitv){
			.val = commands, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG,
			.uaddr = (uintptr_t)&lookout->commands,
		};
		syscall(SYS_futex_waitv, waits, n + 1, 0, NULL, CLOCK_MONOTONIC);
	}
	return NULL;
}

static struct rh_lookout *start(struct rh_serve_thread *owner)
{
	struct rh_lookout *lookout = calloc(1, sizeof *lookout);

	if (!lookout)
		return NULL;
	lookout->owner = owner;
	pthread_mutex_init(&lookout->lock, NULL);
	if (pthread_create(&lookout->id, NULL, lookout_main, lookout) != 0) {
		free(lookout);
		return NULL;
	}
	return lookout;
}

static void set_pages(struct rh_lookout *lookout, struct rh_serve_page *const *pages,
                      uint32_t count)
{
	pthread_mutex_lock(&lookout->lock);
	for (uint32_t i = 0; i < count; i++) {
		lookout->pages[i] = pages[i];
		lookout->seen[i] = atomic_load_explicit(
			&pages[i]->end.page.head->caller.server_bell,
			memory_order_seq_cst) - 1; /* looks once, to be sure */
	}
	lookout->count = count;
	pthread_mutex_unlock(&lookout->lock);
	rh_private_ring(&lookout->commands);
}

int rh_lookouts_spread(struct rh_serve_thread *thread)
{
	for (uint32_t i = 0; i < RH_LOOKOUTS; i++) {
		uint32_t first = RH_PAGES_PER_SLEEP * (i + 1);
		uint32_t count = thread->count > first ? thread->count - first : 0;

		if (count > RH_PAGES_PER_SLEEP)
			count = RH_PAGES_PER_SLEEP;
		if (count > 0 && !thread->lookouts[i] &&
		    !(thread->lookouts[i] = start(thread)))
			return RH_ENOMEM;
		if (thread->lookouts[i])
			set_pages(thread->lookouts[i], thread->pages + first, count);
	}
	return RH_OK;
}

void rh_lookouts_stop(struct rh_serve_thread *thread)
{
	for (uint32_t i = 0; i < RH_LOOKOUTS; i++) {
		struct rh_lookout *lookout = thread->lookouts[i];

		if (!lookout)
			continue;
		atomic_store_explicit(&lookout->is_stopping, 1, memory_order_release);
		rh_private_ring(&lookout->commands);
		pthread_join(lookout->id, NULL);
		pthread_mutex_destroy(&lookout->lock);
		free(lookout);
	}
}
