/* Pages that go from one serving thread to another while all of them serve: threads,
 * callers and control are threads of one process over plain memory, so that the
 * sanitizer sees what they share. */
#include "base/clock.h"
#include "base/socket.h"
#include "model/error.h"
#include "sdk/c/serve.h"

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 3, PAGES = 7, PLAY_MS = 2500, PATIENCE_S = 20 };
enum { NEXT, HOLD, FUNCTIONS };

static const char *const signatures[FUNCTIONS] = { "next(u32,u32)void",
                                                   "hold(u32)void" };

struct seat {
	struct rh_serve_page page;
	struct rh_caller_end caller;
	int                  far;     /* end of the companion            */
	uint32_t             next;    /* plain: a page has one receiver  */
	uint32_t             made;
	unsigned             moves;
	pthread_t            id;
};

static struct {
	struct rh_server       server;
	uint64_t               hashes[FUNCTIONS];
	struct rh_serve_caller *caller;
	struct seat            seats[PAGES];
	_Atomic unsigned       disorder;
	_Atomic unsigned       holding;
	_Atomic unsigned       is_free[PAGES];
	_Atomic unsigned       is_over;
} hall;

static void pause_us(long us)
{
	const struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

static int handle(void *user, unsigned function, const void *args, size_t args_len,
                  void *reply, size_t cap, size_t *ret_len)
{
	uint32_t words[2] = { 0 };

	(void)user;
	(void)reply;
	(void)cap;
	memcpy(words, args, args_len < sizeof words ? args_len : sizeof words);
	*ret_len = 0;
	if (function == NEXT) {
		if (hall.seats[words[0]].next++ != words[1])
			hall.disorder++;
		return RH_OK;
	}
	hall.holding++;
	while (!hall.is_free[words[0]])
		pause_us(200);
	hall.holding--;
	return RH_OK;
}

/* ---- the hall ------------------------------------------------------------- */

static void open_seat(struct seat *seat, struct rh_serve_thread *thread)
{
	struct rh_serve_page *page = &seat->page;
	int                   pair[2];

	page->memory = aligned_alloc(4096, RH_PAGE_BYTES);
	memset(page->memory, 0, RH_PAGE_ARENA_OFF);
	rh_page_format(page->memory, 1, 1, 1, RH_PAGE_FLAG_BIND);
	rh_server_init(&page->end, page->memory, -1);
	rh_caller_init(&seat->caller, page->memory, -1);
	assert_int_equal(rh_socket_pair(1, pair), RH_OK);
	page->companion = pair[0];
	seat->far = pair[1];
	page->event = -1;
	page->caller = hall.caller;
	page->serial = ++hall.server.last_serial;
	page->thread = thread;
	page->next = hall.server.pages;
	hall.server.pages = page;
	thread->assigned++;
	rh_serve_thread_give(thread, page);
}

static int set_up(void **state)
{
	struct rh_server *server = &hall.server;

	(void)state;
	memset(&hall, 0, sizeof hall);
	for (int i = 0; i < FUNCTIONS; i++)
		hall.hashes[i] = rh_function_id(signatures[i]);
	server->interface_name = "race";
	server->table.handler = handle;
	server->table.count = FUNCTIONS;
	server->table.hashes = hall.hashes;
	server->thread_count = THREADS;
	server->threads = calloc(THREADS, sizeof *server->threads);
	server->agent = -1;
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&server->process_lock, NULL);
	hall.caller = rh_serve_caller_create(1);
	if (rh_relief_init(server) < 0 || rh_offer_init(&server->table) < 0)
		return -1;
	for (int i = 0; i < THREADS; i++) {
		if (rh_serve_thread_start(server, &server->threads[i]) < 0)
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	struct rh_server *server = &hall.server;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		atomic_store(&server->threads[i].is_stopping, 1);
		rh_serve_thread_tell(&server->threads[i]);
		pthread_join(server->threads[i].id, NULL);
	}
	for (int i = 0; i < PAGES; i++) {
		struct seat *seat = &hall.seats[i];

		if (!seat->page.memory)
			continue;
		close(seat->page.companion);
		close(seat->far);
		rh_stash_destroy(seat->page.stash);
		free(seat->page.memory);
	}
	rh_serve_caller_destroy(hall.caller, &server->table);
	rh_relief_fini(server);
	close(server->wake);
	free(server->table.slots);
	free(server->threads);
	return 0;
}

/* ---- calls ---------------------------------------------------------------- */

static int submit(struct seat *seat, int function)
{
	uint32_t          words[2] = { (uint32_t)(seat - hall.seats), seat->made };
	struct rh_request request = { .function = hall.hashes[function],
	                              .args_len = sizeof words };
	unsigned char    *args;
	int               slot = rh_caller_reserve(&seat->caller, sizeof words, 0, &args);

	assert_true(slot >= 0);
	memcpy(args, words, sizeof words);
	seat->made += function == NEXT;
	rh_caller_submit(&seat->caller, slot, &request);
	return slot;
}

static int collect(struct seat *seat, int slot)
{
	uint64_t        until = rh_clock_ns() + PATIENCE_S * RH_NS_PER_S;
	struct rh_reply reply;
	int             r;

	while ((r = rh_caller_collect(&seat->caller, slot, &reply)) == RH_EAGAIN &&
	       rh_clock_ns() < until)
		rh_caller_wait(&seat->caller, slot, until, -1);
	rh_caller_release(&seat->caller, slot);
	return r == RH_OK ? reply.status : r;
}

static int is_readable(int fd, int ms)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, ms) == 1;
}

/* What the control thread does when its clock rings. */
static void tick(void)
{
	assert_true(is_readable(hall.server.clock, PATIENCE_S * 1000));
	rh_relief_tick(&hall.server);
}

static void await_holding(unsigned n)
{
	while (hall.holding != n)
		sched_yield();
}

static void a_held_thread_keeps_one_page(void **unused)
{
	struct rh_serve_thread *threads = hall.server.threads;
	struct seat            *seats = hall.seats;
	int                     slots[3];

	(void)unused;
	for (int i = 0; i < 3; i++)
		open_seat(&seats[i], &threads[0]);
	assert_int_equal(collect(&seats[2], submit(&seats[2], NEXT)), RH_OK);
	slots[0] = submit(&seats[0], HOLD);
	await_holding(1);
	slots[1] = submit(&seats[1], NEXT);
	rh_relief_watch(&hall.server);
	while (hall.server.is_watching)
		tick();
	assert_ptr_equal(seats[0].page.thread, &threads[0]);
	assert_ptr_not_equal(seats[1].page.thread, &threads[0]);
	assert_ptr_not_equal(seats[2].page.thread, &threads[0]);
	assert_ptr_not_equal(seats[1].page.thread, seats[2].page.thread);
	assert_int_equal(collect(&seats[1], slots[1]), RH_OK);
	assert_int_equal(collect(&seats[2], submit(&seats[2], NEXT)), RH_OK);
	hall.is_free[0] = 1;
	assert_int_equal(collect(&seats[0], slots[0]), RH_OK);
	assert_int_equal(hall.disorder, 0);
}

/* Nobody looks any more; who comes back says so. */
static void when_all_are_held_the_first_that_returns_helps(void **unused)
{
	struct rh_serve_thread *threads = hall.server.threads;
	struct seat            *seats = hall.seats;
	int                     slots[THREADS], waiting;

	(void)unused;
	for (int i = 0; i < THREADS; i++)
		open_seat(&seats[i], &threads[i]);
	open_seat(&seats[THREADS], &threads[0]);
	for (int i = 0; i < THREADS; i++)
		slots[i] = submit(&seats[i], HOLD);
	await_holding(THREADS);
	waiting = submit(&seats[THREADS], NEXT);
	rh_relief_watch(&hall.server);
	while (hall.server.is_watching)
		tick();
	assert_ptr_equal(seats[THREADS].page.thread, &threads[0]);
	hall.is_free[2] = 1;
	assert_true(is_readable(hall.server.wake, PATIENCE_S * 1000));
	rh_relief_came_back(&hall.server);
	assert_ptr_equal(seats[THREADS].page.thread, &threads[2]);
	assert_int_equal(collect(&seats[THREADS], waiting), RH_OK);
	for (int i = 0; i < THREADS; i++) {
		hall.is_free[i] = 1;
		assert_int_equal(collect(&seats[i], slots[i]), RH_OK);
	}
}

/* ---- everything at once ---------------------------------------------------- */

static void *call_for_a_while(void *user)
{
	struct seat *seat = user;
	unsigned     seed = (unsigned)(seat - hall.seats) + 1;

	while (!hall.is_over) {
		int slots[4], n = 1 + rand_r(&seed) % 4;

		if (rand_r(&seed) % 64 == 0) { /* ends about when it is found out */
			hall.is_free[seat - hall.seats] = 0;
			slots[0] = submit(seat, HOLD);
			pause_us(9000 + rand_r(&seed) % 15000);
			hall.is_free[seat - hall.seats] = 1;
			if (collect(seat, slots[0]) < 0)
				return seat;
			continue;
		}
		for (int i = 0; i < n; i++)
			slots[i] = submit(seat, NEXT);
		for (int i = 0; i < n; i++) {
			if (collect(seat, slots[i]) < 0)
				return seat;
		}
	}
	return NULL;
}

static void control_for_a_while(void)
{
	const uint64_t        until = rh_clock_ns() + PLAY_MS * RH_NS_PER_MS;
	struct rh_serve_thread *before[PAGES];
	struct pollfd          look[2] = {
		{ .fd = hall.server.clock, .events = POLLIN },
		{ .fd = hall.server.wake, .events = POLLIN },
	};

	while (rh_clock_ns() < until) {
		uint64_t times;

		for (int i = 0; i < PAGES; i++)
			before[i] = hall.seats[i].page.thread;
		poll(look, 2, 100);
		if (look[0].revents)
			rh_relief_tick(&hall.server);
		if (look[1].revents && read(hall.server.wake, &times, sizeof times) > 0)
			rh_relief_came_back(&hall.server);
		for (int i = 0; i < PAGES; i++)
			hall.seats[i].moves += before[i] != hall.seats[i].page.thread;
	}
}

static void pages_move_in_the_middle_of_everything(void **unused)
{
	unsigned moves = 0;

	(void)unused;
	for (int i = 0; i < PAGES; i++)
		open_seat(&hall.seats[i], &hall.server.threads[i % THREADS]);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(pthread_create(&hall.seats[i].id, NULL,
		                                call_for_a_while, &hall.seats[i]), 0);
	control_for_a_while();
	hall.is_over = 1;
	for (int i = 0; i < PAGES; i++) {
		void *wrong;

		pthread_join(hall.seats[i].id, &wrong);
		assert_null(wrong);
		assert_int_equal(hall.seats[i].next, hall.seats[i].made);
		moves += hall.seats[i].moves;
	}
	assert_int_equal(hall.disorder, 0);
	print_message("%u pages moved\n", moves);
	assert_true(moves > 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_held_thread_keeps_one_page),
		CASE(when_all_are_held_the_first_that_returns_helps),
		CASE(pages_move_in_the_middle_of_everything),
	};

	return cmocka_run_group_tests_name("relief_race", tests, NULL, NULL);
}
