/* serve_thread - a serving thread: takes calls from its pages in turn, spins a
 * bounded time for callers on other cores, then sleeps on all of their bells.
 *
 * With one page, the usual case, it sleeps on that bell alone: a plain futex costs
 * 0.14 us less a call than futex_waitv over the bell and the thread's commands.  Then
 * a command rings the bell.  A caller that keeps rewriting its bell can make that
 * ring go unheard, so the control thread repeats it until the thread obeys.
 *   C1  tell:  S commands, then S bell     with  sleep: S bell, then S commands  */
#include "serve.h"

#include "../../base/clock.h"
#include "../../base/log.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_IN_TURN 4         /* of one page, before the next page's     */
#define SPIN_NS       20000u
#define SPIN_MISSES   8u        /* spins in vain before they are shortened */

struct rest {
	unsigned misses;
};

static void take_incoming(struct rh_serve_thread *thread)
{
	pthread_mutex_lock(&thread->lock);
	while (thread->incoming) {
		struct rh_serve_page *page = thread->incoming;

		thread->incoming = page->next_incoming;
		thread->pages[thread->count++] = page;
	}
	pthread_mutex_unlock(&thread->lock);
}

/* Takes dropped pages out of the list and returns them. */
static struct rh_serve_page *let_go(struct rh_serve_thread *thread)
{
	struct rh_serve_page *leaving = NULL;

	for (uint32_t i = 0; i < thread->count;) {
		struct rh_serve_page *page = thread->pages[i];

		if (!atomic_load_explicit(&page->is_dropped, memory_order_acquire)) {
			i++;
			continue;
		}
		thread->pages[i] = thread->pages[--thread->count];
		page->next_incoming = leaving;
		leaving = page;
	}
	return leaving;
}

static void bury_callers(struct rh_serve_thread *thread)
{
	struct rh_serve_caller *leaving;

	pthread_mutex_lock(&thread->lock);
	leaving = thread->leaving;
	thread->leaving = NULL;
	pthread_mutex_unlock(&thread->lock);
	while (leaving) {
		struct rh_serve_caller *caller = leaving;

		leaving = caller->next;
		rh_serve_caller_destroy(caller, &thread->server->table);
	}
}

void rh_serve_thread_bury(struct rh_serve_thread *thread,
                          struct rh_serve_caller *caller)
{
	pthread_mutex_lock(&thread->lock);
	caller->next = thread->leaving;
	thread->leaving = caller;
	pthread_mutex_unlock(&thread->lock);
	rh_serve_thread_tell(thread);
}

/* Pages come and go, some at once, so those that come are taken first; the leaving
 * ones may be unmapped once nobody looks at them. */
static void follow_commands(struct rh_serve_thread *thread)
{
	struct rh_serve_page *leaving;
	int                   is_leaving;

	take_incoming(thread);
	leaving = let_go(thread);
	is_leaving = leaving != NULL;
	bury_callers(thread);
	if (rh_lookouts_spread(thread) < 0)
		rh_warn("no thread to watch over all of %u pages", thread->count);
	while (leaving) {
		struct rh_serve_page *page = leaving;

		leaving = page->next_incoming;
		atomic_store_explicit(&page->is_let_go, 1, memory_order_release);
	}
	if (is_leaving)
		rh_server_wake(thread->server);
}

static void come_back(struct rh_serve_thread *thread)
{
	pthread_mutex_lock(&thread->lock);
	rh_turn_await(&thread->turn, 0);
	pthread_mutex_unlock(&thread->lock);
	rh_server_wake(thread->server);
}

/* While the call runs the control thread may take the other pages away. */
static void run_call(struct rh_serve_thread *thread, struct rh_serve_page *page,
                     const struct rh_taken *taken)
{
	struct rh_server *server = thread->server;
	int               has_others = thread->count > 1;

	thread->current = page;
	rh_turn_begin(&thread->turn);
	if (has_others && /* C3 */
	    !atomic_load_explicit(&server->is_watching, memory_order_relaxed))
		rh_relief_watch(server);
	rh_serve_call(thread, page, taken);
	if (rh_turn_end(&thread->turn)) /* C2 */
		come_back(thread);
}

static int serve_page(struct rh_serve_thread *thread, struct rh_serve_page *page)
{
	struct rh_taken taken;
	int             served = 0;

	while (served < CALLS_IN_TURN && rh_server_take(&page->end, &taken) == 1) {
		run_call(thread, page, &taken);
		served++;
	}
	return served;
}

static int serve_all(struct rh_serve_thread *thread)
{
	int served = 0;

	for (uint32_t i = 0; i < thread->count; i++)
		served += serve_page(thread, thread->pages[i]);
	return served;
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static int any_call(const struct rh_serve_thread *thread)
{
	for (uint32_t i = 0; i < thread->count; i++) {
		if (rh_server_has_call(&thread->pages[i]->end))
			return 1;
	}
	return 0;
}

/* Says where this thread runs and whether some caller runs elsewhere. */
static int may_spin(struct rh_serve_thread *thread)
{
	uint32_t cpu = (uint32_t)sched_getcpu();
	int      worth = 0;

	for (uint32_t i = 0; i < thread->count; i++) {
		rh_server_on_cpu(&thread->pages[i]->end, cpu);
		worth |= rh_server_may_spin(&thread->pages[i]->end);
	}
	return worth;
}

static int spin(struct rh_serve_thread *thread, struct rest *rest)
{
	uint64_t until;

	if (!may_spin(thread))
		return 0;
	if (rest->misses >= SPIN_MISSES && rest->misses++ % 64 != 0)
		return 0;
	for (int i = 0; i < RH_EAGER_LOOKS; i++) {
		if (any_call(thread)) {
			rest->misses = 0;
			return 1;
		}
	}
	until = rh_clock_ns() + SPIN_NS;
	do {
		for (int i = 0; i < 64; i++) {
			if (any_call(thread)) {
				rest->misses = 0;
				return 1;
			}
			relax();
		}
	} while (rh_clock_ns() < until);
	rest->misses++;
	return 0;
}

/* Arms every page; RH_EAGAIN when one has a call already. */
static int arm_all(struct rh_serve_thread *thread, uint32_t *seen)
{
	int r = RH_OK;

	for (uint32_t i = 0; i < thread->count; i++) {
		struct rh_server_end *end = &thread->pages[i]->end;

		if (i < RH_PAGES_PER_SLEEP)
			seen[i] = atomic_load_explicit(
				&end->page.head->caller.server_bell,
				memory_order_seq_cst);
		if (rh_server_arm(end, RH_ASLEEP_FUTEX) < 0)
			r = RH_EAGAIN;
	}
	return r;
}

static void woken_all(struct rh_serve_thread *thread)
{
	for (uint32_t i = 0; i < thread->count; i++)
		rh_server_woken(&thread->pages[i]->end);
}

/* C1 */
static void sleep_on_one(struct rh_serve_thread *thread, uint32_t seen,
                         uint32_t commands)
{
	struct rh_page_head *head = thread->pages[0]->end.page.head;

	if (atomic_load_explicit(&thread->commands, memory_order_seq_cst) == commands)
		rh_bell_sleep(&head->caller.server_bell, seen, 0);
}

/* Sleeps on the bells of all pages and on the thread's own commands. */
static void sleep_on_all(struct rh_serve_thread *thread, const uint32_t *seen,
                         uint32_t commands)
{
	struct futex_waitv waits[RH_PAGES_PER_SLEEP + 1];
	uint32_t           n = 0;

	for (uint32_t i = 0; i < thread->count && i < RH_PAGES_PER_SLEEP; i++) {
		struct rh_page_head *head = thread->pages[i]->end.page.head;

		waits[n++] = (struct futex_waitv){
			.val = seen[i], .flags = FUTEX_32,
			.uaddr = (uintptr_t)&head->caller.server_bell,
		};
	}
	waits[n++] = (struct futex_waitv){
		.val = commands, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG,
		.uaddr = (uintptr_t)&thread->commands,
	};
	syscall(SYS_futex_waitv, waits, n, 0, NULL, CLOCK_MONOTONIC);
}

static void *thread_main(void *user)
{
	struct rh_serve_thread *thread = user;
	struct rest             rest = { 0 };
	uint32_t                seen[RH_PAGES_PER_SLEEP];
	uint32_t                known = 0;

	unshare(CLONE_FS); /* its own directory and umask */
	while (!atomic_load_explicit(&thread->is_stopping, memory_order_acquire)) {
		uint32_t commands = atomic_load_explicit(&thread->commands,
		                                         memory_order_acquire);

		if (commands != known) {
			known = commands;
			follow_commands(thread);
			atomic_store_explicit(&thread->obeyed, known,
			                      memory_order_release);
		}
		if (serve_all(thread) > 0 || spin(thread, &rest))
			continue;
		if (arm_all(thread, seen) == RH_OK) {
			if (thread->count == 1)
				sleep_on_one(thread, seen[0], known);
			else
				sleep_on_all(thread, seen, known);
		}
		woken_all(thread);
	}
	rh_lookouts_stop(thread);
	bury_callers(thread);
	rh_scratch_fini(&thread->scratch);
	return NULL;
}

int rh_serve_thread_create(pthread_t *ret_id, void *(*run)(void *), void *user)
{
	sigset_t ours, before;
	int      r;

	sigemptyset(&ours); /* the control thread ends the process in order */
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ours, &before);
	r = pthread_create(ret_id, NULL, run, user);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0 ? RH_OK : RH_ENOMEM;
}

int rh_serve_thread_start(struct rh_server *server, struct rh_serve_thread *thread)
{
	thread->server = server;
	pthread_mutex_init(&thread->lock, NULL);
	return rh_serve_thread_create(&thread->id, thread_main, thread);
}

void rh_serve_thread_poke(struct rh_serve_thread *thread)
{
	rh_private_ring(&thread->commands);
}

void rh_serve_thread_nag(struct rh_serve_thread *thread)
{
	for (struct rh_serve_page *page = thread->server->pages; page;
	     page = page->next) {
		if (page->thread == thread)
			rh_bell_ring(&page->end.page.head->caller.server_bell);
	}
}

void rh_serve_thread_tell(struct rh_serve_thread *thread)
{
	atomic_fetch_add_explicit(&thread->commands, 1, memory_order_seq_cst); /* C1 */
	rh_serve_thread_nag(thread);
	syscall(SYS_futex, &thread->commands, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL,
	        NULL, 0);
}

int rh_serve_thread_lags(const struct rh_serve_thread *thread)
{
	return atomic_load_explicit(&thread->obeyed, memory_order_acquire) !=
	       atomic_load_explicit(&thread->commands, memory_order_relaxed);
}

void rh_serve_thread_put(struct rh_serve_thread *thread, struct rh_serve_page *page)
{
	thread->is_given = 1;
	pthread_mutex_lock(&thread->lock);
	page->next_incoming = thread->incoming;
	thread->incoming = page;
	pthread_mutex_unlock(&thread->lock);
}

void rh_serve_thread_give(struct rh_serve_thread *thread, struct rh_serve_page *page)
{
	rh_serve_thread_put(thread, page);
	thread->is_given = 0;
	rh_serve_thread_tell(thread);
}
