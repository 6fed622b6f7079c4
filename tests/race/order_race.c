/* The pairs between two atomics, which no sanitizer sees: two threads meet at a
 * barrier, each does its half of the pair, and at least one of them must have seen the
 * other.  Hundreds of thousands of times, since a processor gets it wrong only now and
 * then. */
#include "../conformance/pair.h"

#include "base/clock.h"
#include "protocols/page/page.h"
#include "protocols/shm/joint.h"
#include "sdk/c/turn.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* On a busy machine the threads seldom run at the same time; each cancel waits for
 * every processor. */
enum { DUEL_MS = 4000, CANCEL_MS = 1500 };

#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 20000 };
#else
enum { ROUNDS = 250000 };
#endif

/* left runs in a thread, right in the test's; check after both, in the test's. */
struct duel {
	void (*left)(void *arena);
	void (*right)(void *arena);
	const char *(*check)(void *arena); /* NULL, or what went wrong */
	void    *arena;
	unsigned rounds;
	unsigned for_ms; /* the rounds end then at the latest */
	_Atomic unsigned arrived[2];
	_Atomic int      stop;
};

/* Meets the other thread; both leave within some nanoseconds. */
static void meet(struct duel *duel, int me, unsigned round)
{
	atomic_store_explicit(&duel->arrived[me], round, memory_order_release);
	for (unsigned spins = 0; !duel->stop; spins++) {
		if ((int)(atomic_load_explicit(&duel->arrived[!me], memory_order_acquire) -
		          round) >= 0)
			return;
		if (spins % 1024 == 1023)
			sched_yield(); /* one core */
	}
}

static struct { _Alignas(64) _Atomic unsigned word; } contended[8];

/* Shifts the two against each other by a few instructions, each time otherwise, and
 * leaves stores behind that take long because the other thread has their lines: what
 * is stored next without a barrier becomes visible late. */
static void shift(unsigned steps, unsigned stores)
{
	for (volatile unsigned i = 0; i < steps; i++)
		;
	for (unsigned i = 0; i < stores; i++)
		atomic_store_explicit(&contended[i].word, steps, memory_order_relaxed);
}

static void *run_left(void *argument)
{
	struct duel *duel = argument;

	for (unsigned round = 1; round <= 2 * duel->rounds; round += 2) {
		meet(duel, 0, round);
		if (duel->stop)
			break;
		shift(round / 2 % 61, round / 1024 % 9);
		duel->left(duel->arena);
		meet(duel, 0, round + 1);
	}
	return NULL;
}

static void fight(struct duel *duel)
{
	uint64_t    until = rh_clock_ns() + duel->for_ms * RH_NS_PER_MS;
	const char *wrong = NULL;
	pthread_t   thread;

	assert_int_equal(pthread_create(&thread, NULL, run_left, duel), 0);
	for (unsigned round = 1; round <= 2 * duel->rounds && !wrong; round += 2) {
		if (rh_clock_ns() > until)
			break;
		meet(duel, 1, round);
		shift(round / 2 % 32, round / 64 % 9);
		duel->right(duel->arena);
		meet(duel, 1, round + 1);
		wrong = duel->check(duel->arena);
	}
	duel->stop = 1;
	pthread_join(thread, NULL);
	if (wrong)
		fail_msg("%s", wrong);
}

/* P4 of doorbell.h, on the joints of a shm channel. */

struct sleepers {
	struct pair pair;
	int         slept; /* what the sleeper decided */
};

static void submit_one(void *argument)
{
	struct sleepers   *arena = argument;
	struct rh_msg_head head = message(RH_MSG_CALL, 0, 0);

	traits.protocol->submit(arena->pair.caller, &head, NULL);
}

static void arm_callee(void *argument)
{
	struct sleepers *arena = argument;

	arena->slept = traits.protocol->arm(arena->pair.callee, MESSAGE) == RH_OK;
}

static const char *check_callee(void *argument)
{
	struct sleepers *arena = argument;

	if (arena->slept && !pair_is_ready(&arena->pair, arena->pair.callee, MESSAGE, 0))
		return "it sleeps on a message, and nobody rang";
	pair_receive(&arena->pair, arena->pair.callee, RH_MSG_CALL, 0, 0);
	return NULL;
}

static void a_message_and_a_nap_see_each_other(void **unused)
{
	struct sleepers arena;
	struct duel     duel = { .left = submit_one, .right = arm_callee,
	                    .check = check_callee, .arena = &arena,
	                    .rounds = ROUNDS, .for_ms = DUEL_MS };

	(void)unused;
	pair_open(&arena.pair);
	fight(&duel);
	pair_close(&arena.pair);
}

/* The ring is full, and the callee holds its oldest message. */
static void fill_and_poll(struct sleepers *arena)
{
	struct rh_msg_head head = message(RH_MSG_CALL, 0, 0);
	const void        *body;

	while (traits.protocol->submit(arena->pair.caller, &head, NULL) == RH_OK)
		;
	assert_int_equal(traits.protocol->poll(arena->pair.callee, &head, &body), 1);
}

static void release_one(void *argument)
{
	struct sleepers *arena = argument;

	traits.protocol->release(arena->pair.callee);
}

static void arm_caller(void *argument)
{
	struct sleepers *arena = argument;

	arena->slept = traits.protocol->arm(arena->pair.caller, BOTH) == RH_OK;
}

static const char *check_caller(void *argument)
{
	struct sleepers   *arena = argument;
	struct rh_msg_head head;
	const void        *body;

	if (arena->slept && !pair_is_ready(&arena->pair, arena->pair.caller, BOTH, 0))
		return "it sleeps although there is room, and nobody rang";
	assert_int_equal(traits.protocol->poll(arena->pair.caller, &head, &body),
	                 RH_EAGAIN);
	fill_and_poll(arena);
	return NULL;
}

static void room_and_a_nap_see_each_other(void **unused)
{
	struct sleepers arena;
	struct duel     duel = { .left = release_one, .right = arm_caller,
	                    .check = check_caller, .arena = &arena,
	                    .rounds = ROUNDS, .for_ms = DUEL_MS };

	(void)unused;
	pair_open(&arena.pair);
	fill_and_poll(&arena);
	fight(&duel);
	pair_close(&arena.pair);
}

/* P6 of side.h: the last message is seen before the close. */

static void submit_and_close(void *argument)
{
	struct sleepers *arena = argument;
	struct rh_joint *joint = arena->pair.caller;

	submit_one(arena);
	/* As rh_side_close does, but the channel is needed again. */
	atomic_store_explicit(&joint->side.mine->closed, 1, memory_order_release);
}

static void poll_to_the_end(void *argument)
{
	struct sleepers   *arena = argument;
	struct rh_msg_head head;
	const void        *body;
	int                r;

	for (arena->slept = 0; ; arena->slept++) {
		do {
			r = traits.protocol->poll(arena->pair.callee, &head, &body);
		} while (r == RH_EAGAIN);
		if (r != 1)
			break;
		traits.protocol->release(arena->pair.callee);
	}
	assert_int_equal(r, RH_ELOST);
}

static const char *check_end(void *argument)
{
	struct sleepers *arena = argument;
	struct rh_joint *joint = arena->pair.caller;

	if (arena->slept != 1)
		return "the close overtook the last message";
	atomic_store(&joint->side.mine->closed, 0);
	return NULL;
}

static void a_close_never_overtakes_a_message(void **unused)
{
	struct sleepers arena;
	struct duel     duel = { .left = submit_and_close, .right = poll_to_the_end,
	                    .check = check_end, .arena = &arena,
	                    .rounds = ROUNDS, .for_ms = DUEL_MS };

	(void)unused;
	pair_open(&arena.pair);
	fight(&duel);
	pair_close(&arena.pair);
}

/* P3 and P4 of wire/page.h. */

struct page_arena {
	void                *memory;
	struct rh_caller_end caller;
	struct rh_server_end server;
	struct rh_taken      taken;
	int                  events[2]; /* the server's, the caller's */
	int                  slot;
	int                  slept;
	int                  taken_at_all;
	int                  cancelled;
	int                  may_use;
	int                  is_idle;
};

static void page_open(struct page_arena *arena)
{
	arena->memory = aligned_alloc(4096, RH_PAGE_BYTES);
	assert_non_null(arena->memory);
	memset(arena->memory, 0, RH_PAGE_ARENA_OFF);
	rh_page_format(arena->memory, 1, 1, 1, RH_PAGE_FLAG_BIND);
	arena->events[0] = rh_doorbell_create(0);
	arena->events[1] = rh_doorbell_create(0);
	rh_caller_init(&arena->caller, arena->memory, arena->events[0]);
	rh_server_init(&arena->server, arena->memory, arena->events[1]);
}

static void page_submit(void *argument)
{
	struct page_arena *arena = argument;
	struct rh_request  request = { .function = 1 };
	unsigned char     *args;

	arena->slot = rh_caller_reserve(&arena->caller, 0, 0, &args);
	rh_caller_submit(&arena->caller, arena->slot, &request);
}

static void page_arm_server(void *argument)
{
	struct page_arena *arena = argument;

	arena->slept = rh_server_arm(&arena->server, RH_ASLEEP_EVENT) == RH_OK;
}

static void page_take(struct page_arena *arena)
{
	rh_server_woken(&arena->server);
	assert_int_equal(rh_server_take(&arena->server, &arena->taken), 1);
}

static void page_finish(void *argument)
{
	struct page_arena *arena = argument;
	struct rh_reply    reply = { .status = 0 };

	rh_server_finish(&arena->server, &arena->taken, &reply);
}

static void page_collect(struct page_arena *arena)
{
	struct rh_reply reply;

	rh_caller_woken(&arena->caller);
	assert_int_equal(rh_caller_collect(&arena->caller, arena->slot, &reply), RH_OK);
	rh_caller_release(&arena->caller, arena->slot);
}

static const char *page_check_server(void *argument)
{
	struct page_arena *arena = argument;

	if (!rh_doorbell_take(arena->events[0]) && arena->slept)
		return "the server sleeps on a call, and nobody rang";
	page_take(arena);
	page_finish(arena);
	page_collect(arena);
	return NULL;
}

static void a_call_and_a_sleeping_server_see_each_other(void **unused)
{
	struct page_arena arena;
	struct duel       duel = { .left = page_submit, .right = page_arm_server,
	                    .check = page_check_server, .arena = &arena,
	                    .rounds = ROUNDS, .for_ms = DUEL_MS };

	(void)unused;
	page_open(&arena);
	fight(&duel);
	close(arena.events[0]);
	close(arena.events[1]);
	free(arena.memory);
}

static void page_arm_caller(void *argument)
{
	struct page_arena *arena = argument;

	arena->slept = rh_caller_arm(&arena->caller, arena->slot) == RH_OK;
}

static const char *page_check_caller(void *argument)
{
	struct page_arena *arena = argument;

	if (!rh_doorbell_take(arena->events[1]) && arena->slept)
		return "the caller sleeps on an answer, and nobody rang";
	page_collect(arena);
	page_submit(arena);
	page_take(arena);
	return NULL;
}

static void an_answer_and_a_sleeping_caller_see_each_other(void **unused)
{
	struct page_arena arena;
	struct duel       duel = { .left = page_finish, .right = page_arm_caller,
	                    .check = page_check_caller, .arena = &arena,
	                    .rounds = ROUNDS, .for_ms = DUEL_MS };

	(void)unused;
	page_open(&arena);
	page_submit(&arena);
	page_take(&arena);
	fight(&duel);
	close(arena.events[0]);
	close(arena.events[1]);
	free(arena.memory);
}

/* P5 of wire/page.h: a cancelled call has certainly not run. */

static void page_take_maybe(void *argument)
{
	struct page_arena *arena = argument;

	arena->taken_at_all = rh_server_take(&arena->server, &arena->taken) == 1;
}

static void page_abandon(void *argument)
{
	struct page_arena *arena = argument;

	arena->cancelled = rh_caller_abandon(&arena->caller, arena->slot, 0) == RH_OK;
}

static const char *page_check_cancel(void *argument)
{
	struct page_arena *arena = argument;

	if (arena->taken_at_all && arena->cancelled)
		return "a call was taken and cancelled";
	if (arena->taken_at_all)
		page_finish(arena);
	else if (rh_server_take(&arena->server, &arena->taken) == 1)
		return "a cancelled call was taken";
	page_submit(arena);
	return NULL;
}

static void a_call_is_taken_or_cancelled(void **unused)
{
	struct page_arena arena;
	struct duel       duel = { .left = page_take_maybe, .right = page_abandon,
	                           .check = page_check_cancel, .arena = &arena,
	                           .rounds = ROUNDS, .for_ms = CANCEL_MS };

	(void)unused;
	page_open(&arena);
	page_submit(&arena);
	fight(&duel);
	close(arena.events[0]);
	close(arena.events[1]);
	free(arena.memory);
}

/* P6 of wire/page.h: a page in which there was nothing gets nothing more. */

static void page_claim(void *argument)
{
	struct page_arena *arena = argument;

	arena->may_use = rh_caller_claim(&arena->caller);
}

static void page_retire(void *argument)
{
	struct page_arena *arena = argument;

	rh_page_retire(arena->memory);
	rh_page_barrier();
	arena->is_idle = rh_page_is_idle(arena->memory);
}

static void page_revive(struct page_arena *arena)
{
	struct rh_page_head *head = arena->memory;

	atomic_store(&head->server.life, RH_PAGE_LIVE); /* nobody else ever does */
}

static const char *page_check_claim(void *argument)
{
	struct page_arena *arena = argument;

	if (arena->may_use && arena->is_idle)
		return "a page was taken away and used";
	page_revive(arena);
	rh_caller_unclaim(&arena->caller);
	return NULL;
}

static void a_page_is_used_or_taken_away(void **unused)
{
	struct page_arena arena;
	struct duel       duel = { .left = page_claim, .right = page_retire,
	                           .check = page_check_claim, .arena = &arena,
	                           .rounds = ROUNDS, .for_ms = CANCEL_MS };

	(void)unused;
	rh_page_join_barrier();
	page_open(&arena);
	fight(&duel);
	close(arena.events[0]);
	close(arena.events[1]);
	free(arena.memory);
}

static void page_unclaim(void *argument)
{
	struct page_arena *arena = argument;

	arena->may_use = !rh_caller_unclaim(&arena->caller);
}

static const char *page_check_unclaim(void *argument)
{
	struct page_arena *arena = argument;

	if (arena->may_use && !arena->is_idle)
		return "nobody saw that the last call in a retired page was over";
	page_revive(arena);
	rh_caller_claim(&arena->caller);
	return NULL;
}

static void the_last_call_gives_the_page_back_or_it_is_taken(void **unused)
{
	struct page_arena arena;
	struct duel       duel = { .left = page_unclaim, .right = page_retire,
	                           .check = page_check_unclaim, .arena = &arena,
	                           .rounds = ROUNDS, .for_ms = CANCEL_MS };

	(void)unused;
	rh_page_join_barrier();
	page_open(&arena);
	rh_caller_claim(&arena.caller);
	fight(&duel);
	close(arena.events[0]);
	close(arena.events[1]);
	free(arena.memory);
}

/* C2 and C3 of sdk/c/turn.h. */

struct turn_arena {
	struct rh_turn   turn;
	_Atomic uint32_t is_watching;
	int              left, right;
};

static void turn_end(void *argument)
{
	struct turn_arena *arena = argument;

	arena->left = rh_turn_end(&arena->turn);
}

static void turn_await(void *argument)
{
	struct turn_arena *arena = argument;

	rh_turn_await(&arena->turn, 1);
	rh_turn_barrier();
	arena->right = rh_turn_number(&arena->turn) & 1;
}

static const char *turn_check_end(void *argument)
{
	struct turn_arena *arena = argument;

	if (arena->right && !arena->left)
		return "a thread came back from a call that still ran";
	rh_turn_await(&arena->turn, 0);
	rh_turn_begin(&arena->turn);
	return NULL;
}

static void who_is_awaited_in_a_call_finds_out(void **unused)
{
	struct turn_arena arena = { 0 };
	struct duel       duel = { .left = turn_end, .right = turn_await,
	                           .check = turn_check_end, .arena = &arena,
	                           .rounds = ROUNDS, .for_ms = CANCEL_MS };

	(void)unused;
	assert_true(rh_turn_join_barrier());
	rh_turn_begin(&arena.turn);
	fight(&duel);
}

static void turn_begin(void *argument)
{
	struct turn_arena *arena = argument;

	rh_turn_begin(&arena->turn);
	arena->left = atomic_load_explicit(&arena->is_watching, memory_order_relaxed) != 0;
}

static void turn_look_away(void *argument)
{
	struct turn_arena *arena = argument;

	atomic_store_explicit(&arena->is_watching, 0, memory_order_relaxed);
	rh_turn_barrier();
	arena->right = rh_turn_number(&arena->turn) & 1;
}

static const char *turn_check_begin(void *argument)
{
	struct turn_arena *arena = argument;

	if (arena->left && !arena->right)
		return "a call began, and nobody looks after it";
	rh_turn_end(&arena->turn);
	atomic_store(&arena->is_watching, 1);
	return NULL;
}

static void a_call_and_who_looks_away_see_each_other(void **unused)
{
	struct turn_arena arena = { .is_watching = 1 };
	struct duel       duel = { .left = turn_begin, .right = turn_look_away,
	                           .check = turn_check_begin, .arena = &arena,
	                           .rounds = ROUNDS, .for_ms = CANCEL_MS };

	(void)unused;
	assert_true(rh_turn_join_barrier());
	fight(&duel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_and_a_nap_see_each_other),
		cmocka_unit_test(room_and_a_nap_see_each_other),
		cmocka_unit_test(a_close_never_overtakes_a_message),
		cmocka_unit_test(a_call_and_a_sleeping_server_see_each_other),
		cmocka_unit_test(an_answer_and_a_sleeping_caller_see_each_other),
		cmocka_unit_test(a_call_is_taken_or_cancelled),
		cmocka_unit_test(a_page_is_used_or_taken_away),
		cmocka_unit_test(the_last_call_gives_the_page_back_or_it_is_taken),
		cmocka_unit_test(who_is_awaited_in_a_call_finds_out),
		cmocka_unit_test(a_call_and_who_looks_away_see_each_other),
	};

	traits_init("shm");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
