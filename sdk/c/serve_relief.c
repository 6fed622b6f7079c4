/* serve_relief - the pages of a thread that is held in a long call go to others.
 *
 * A page has one receiver at any time.  A thread says when it is in a call (turn is
 * odd) and of which page; the control thread looks while one that has several pages
 * is busy, and not otherwise.  Who is in the same call as RELIEF_MS ago is held: all
 * its pages but that one are given to threads that are not.  When all are held, the
 * first that comes back says so, and gets some.
 *
 * Taking      Who holds the thread's lock, awaits it and finds the call still running
 *             has its pages (C2 of turn.h): when it comes back it stops at the lock.
 * Looking     is_watching says that the clock runs; who begins a call and finds 0
 *             sets it (C3). */
#include "serve.h"

#include <sys/timerfd.h>
#include <unistd.h>

#define RELIEF_MS 10

int rh_relief_init(struct rh_server *server)
{
	atomic_init(&server->is_watching, 1); /* pages stay where they are */
	if (server->thread_count < 2 || !rh_turn_join_barrier())
		return RH_OK;
	atomic_init(&server->is_watching, 0);
	server->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return server->clock < 0 ? RH_ENOMEM : RH_OK;
}

void rh_relief_fini(struct rh_server *server)
{
	if (server->clock >= 0)
		close(server->clock);
}

static void look_again(struct rh_server *server)
{
	const struct itimerspec soon = { .it_value.tv_nsec = RELIEF_MS * 1000000l };

	timerfd_settime(server->clock, 0, &soon, NULL);
}

void rh_relief_watch(struct rh_server *server)
{
	if (server->clock >= 0 &&
	    atomic_exchange_explicit(&server->is_watching, 1, memory_order_seq_cst) == 0)
		look_again(server);
}

static int is_in_call(const struct rh_serve_thread *thread)
{
	return rh_turn_number(&thread->turn) & 1;
}

static int is_held(const struct rh_serve_thread *thread)
{
	uint32_t turn = rh_turn_number(&thread->turn);

	return (turn & 1) && turn == thread->held_turn;
}

struct rh_serve_thread *rh_relief_pick(struct rh_server *server, int is_relief)
{
	struct rh_serve_thread *best = NULL;
	uint32_t                best_rank = 0;

	for (unsigned i = 0; i < server->thread_count; i++) {
		struct rh_serve_thread *thread = &server->threads[i];
		uint32_t                rank = thread->assigned;

		if (thread->assigned == RH_PAGES_PER_THREAD ||
		    (is_relief && is_held(thread)))
			continue;
		if (is_held(thread) || (is_relief && is_in_call(thread)))
			rank += RH_PAGES_PER_THREAD;
		if (!best || rank < best_rank) {
			best = thread;
			best_rank = rank;
		}
	}
	return best;
}

/* All pages but that of the present call, as a list; NULL when the call is over.  C2 */
static struct rh_serve_page *take_pages(struct rh_serve_thread *thread)
{
	struct rh_serve_page *taken = NULL;

	pthread_mutex_lock(&thread->lock);
	if (is_held(thread)) {
		taken = thread->incoming;
		thread->incoming = NULL;
		for (uint32_t i = 0; i < thread->count; i++) {
			struct rh_serve_page *page = thread->pages[i];

			if (page == thread->current)
				continue;
			page->next_incoming = taken;
			taken = page;
		}
		thread->pages[0] = thread->current;
		thread->count = 1;
		rh_lookouts_spread(thread); /* fewer: nothing that could fail */
	}
	pthread_mutex_unlock(&thread->lock);
	return taken;
}

static void relieve(struct rh_server *server, struct rh_serve_thread *thread)
{
	struct rh_serve_page *taken;

	if (thread->assigned < 2 || !rh_relief_pick(server, 1))
		return;
	taken = take_pages(thread);
	while (taken) {
		struct rh_serve_page   *page = taken;
		struct rh_serve_thread *next = rh_relief_pick(server, 1);

		taken = page->next_incoming;
		thread->assigned--;
		page->thread = next ? next : thread; /* they are full */
		page->thread->assigned++;
		rh_serve_thread_put(page->thread, page);
	}
}

static void relieve_all(struct rh_server *server)
{
	for (unsigned i = 0; i < server->thread_count; i++) {
		if (is_held(&server->threads[i]))
			relieve(server, &server->threads[i]);
	}
	for (unsigned i = 0; i < server->thread_count; i++) {
		if (server->threads[i].is_given)
			rh_serve_thread_tell(&server->threads[i]);
		server->threads[i].is_given = 0;
	}
}

/* C2 */
static void find_held(struct rh_server *server)
{
	int suspects = 0;

	for (unsigned i = 0; i < server->thread_count; i++) {
		struct rh_serve_thread *thread = &server->threads[i];

		if (!is_in_call(thread) || rh_turn_number(&thread->turn) != thread->seen_turn)
			continue;
		rh_turn_await(&thread->turn, 1);
		suspects++;
	}
	if (suspects == 0 || !rh_turn_barrier())
		return;
	for (unsigned i = 0; i < server->thread_count; i++) {
		if (is_in_call(&server->threads[i]))
			server->threads[i].held_turn = server->threads[i].seen_turn;
	}
}

/* Something may yet have to be done for it, and nobody else would say so. */
static int needs_watch(const struct rh_serve_thread *thread)
{
	if (thread->assigned < 2 || is_held(thread))
		return 0;
	return is_in_call(thread) || rh_serve_thread_lags(thread);
}

static int anybody_needs_watch(const struct rh_server *server)
{
	for (unsigned i = 0; i < server->thread_count; i++) {
		if (needs_watch(&server->threads[i]))
			return 1;
	}
	return 0;
}

static int anybody_moved(struct rh_server *server)
{
	int moved = 0;

	for (unsigned i = 0; i < server->thread_count; i++) {
		struct rh_serve_thread *thread = &server->threads[i];
		uint32_t                turn = rh_turn_number(&thread->turn);

		moved |= thread->assigned > 1 && turn != thread->seen_turn;
		thread->seen_turn = turn;
	}
	return moved;
}

void rh_relief_tick(struct rh_server *server)
{
	uint64_t times;

	if (read(server->clock, &times, sizeof times) < 0)
		return;
	find_held(server);
	relieve_all(server);
	if (anybody_moved(server) || anybody_needs_watch(server)) {
		look_again(server);
		return;
	}
	atomic_store_explicit(&server->is_watching, 0, memory_order_seq_cst);
	if (!rh_turn_barrier() || anybody_needs_watch(server)) /* C3 */
		rh_relief_watch(server);
}

void rh_relief_came_back(struct rh_server *server)
{
	relieve_all(server);
}
