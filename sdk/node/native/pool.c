#include "pool.h"
#include "place.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES (512u * 1024u)
#define IDLE_NS     10000000000ull
#define STUCK_NS    1000000ull

static struct {
	pthread_mutex_t    lock;
	pthread_cond_t     has_work;
	pthread_once_t     once;
	struct rh_js_work *first, *last;
	unsigned long      taken;    /* how often work was taken                 */
	unsigned           threads, idle, busy;
	unsigned           eager, most;
	bool               is_watched; /* a thread looks whether work is taken   */
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static unsigned number_of(const char *name, unsigned otherwise, unsigned most)
{
	const char *text = getenv(name);
	long        number = text ? strtol(text, NULL, 10) : 0;

	return number < 1 ? otherwise : number > (long)most ? most : (unsigned)number;
}

static void init(void)
{
	long               processors = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&pool.has_work, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pool.most = number_of("RHODES_NODE_THREADS", RH_JS_THREADS, RH_JS_THREADS_MAX);
	pool.eager = processors < 2 ? 2 : processors > 16 ? 16 : (unsigned)processors;
	if (pool.eager > pool.most)
		pool.eager = pool.most;
}

static struct timespec in(unsigned long long ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += (unsigned long long)until.tv_nsec;
	until.tv_sec += (time_t)(ns / 1000000000ull);
	until.tv_nsec = (long)(ns % 1000000000ull);
	return until;
}

/* false: nobody woke it until then. */
static bool sleep_until(const struct timespec *until)
{
	return pthread_cond_timedwait(&pool.has_work, &pool.lock, until) == 0;
}

/* More threads than processors only help when the others are stuck. */
static bool is_stuck(void)
{
	unsigned long   seen = pool.taken;
	struct timespec until = in(STUCK_NS);

	pool.is_watched = true;
	while (sleep_until(&until) && pool.taken == seen)
		;
	pool.is_watched = false;
	return pool.taken == seen && pool.first;
}

/* With the lock.  NULL: none came for a while. */
static struct rh_js_work *take(void)
{
	struct timespec    until = in(IDLE_NS);
	struct rh_js_work *work;

	pool.idle++;
	for (;;) {
		if (!pool.first || (pool.busy >= pool.eager && pool.is_watched)) {
			if (!sleep_until(&until) && !pool.first)
				break;
		} else if (pool.busy < pool.eager || is_stuck()) {
			break;
		}
	}
	pool.idle--;
	if ((work = pool.first)) {
		pool.first = work->next;
		pool.taken++;
	}
	return work;
}

static bool start(void);

static void *serve(void *unused)
{
	struct rh_js_work *work;

	(void)unused;
	rh_js_place_part();
	pthread_mutex_lock(&pool.lock);
	while ((work = take())) {
		pool.busy++;
		if (pool.first && !(pool.idle == 0 && start()))
			pthread_cond_signal(&pool.has_work);
		pthread_mutex_unlock(&pool.lock);
		work->run(work);
		pthread_mutex_lock(&pool.lock);
		pool.busy--;
	}
	pool.threads--;
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* With the lock.  Signals are for the threads of Node. */
static bool start(void)
{
	pthread_attr_t attributes;
	pthread_t      thread;
	sigset_t       all, before;
	int            r;

	if (pool.threads == pool.most)
		return false;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attributes, serve, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	pool.threads += r == 0;
	return r == 0;
}

void rh_js_pool_give(struct rh_js_work *work)
{
	bool is_served;

	pthread_once(&pool.once, init);
	work->next = NULL;
	pthread_mutex_lock(&pool.lock);
	if (pool.idle > 0)
		pthread_cond_signal(&pool.has_work);
	else
		start();
	is_served = pool.threads > 0;
	if (is_served) {
		if (pool.first)
			pool.last->next = work;
		else
			pool.first = work;
		pool.last = work;
	}
	pthread_mutex_unlock(&pool.lock);
	if (!is_served)
		work->run(work);
}
