#include "flight.h"

#include "exception.h"
#include "stash.h"

#include "../../base/await.h"
#include "../../base/clock.h"
#include "../../base/memory.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* On the futex alone, before the server's end is watched as well.  Longer than the
 * kernel's tick: a nearer timer would have to be programmed for each call, which
 * costs microseconds on a virtual machine. */
#define SHORT_WAIT_NS (20 * RH_NS_PER_MS)
#define SAMPLE_EVERY  16u
#define LOOK_EVERY    64u /* polls without an answer, before the clock is read */

/* Not one initialiser: most of it is large and set when the reply is read. */
static void init(struct rh_flight *flight, uint32_t args_len, uint64_t deadline)
{
	flight->page = NULL;
	flight->args_len = args_len;
	flight->large = NULL;
	flight->mapped = NULL;
	flight->deadline = deadline;
	flight->started = 0;
	flight->looks = 0;
	flight->is_gone = flight->is_done = 0;
	flight->reply_fds.count = 0;
}

int rh_flight_begin(struct rh_flight *flight, struct rh_callee *callee,
                    uint32_t args_len, uint32_t reply_cap, uint64_t deadline,
                    unsigned char **ret_args)
{
	int is_large = args_len > RH_PAYLOAD_ARENA_MAX;
	int r;

	init(flight, args_len, deadline);
	rh_set_ran(0);
	if (args_len > RH_PAYLOAD_MAX)
		return rh_fail(RH_EMSGSIZE, "the arguments are over %u bytes",
		               RH_PAYLOAD_MAX);
	if ((r = rh_thread_page(callee, deadline, &flight->page)) < 0)
		return r;
	if (reply_cap > RH_PAYLOAD_ARENA_MAX)
		reply_cap = RH_PAYLOAD_ARENA_MAX;
	r = rh_caller_reserve(&flight->page->end, is_large ? 0 : args_len, reply_cap,
	                      ret_args);
	if (r < 0) {
		rh_thread_page_unclaim(flight->page);
		return rh_fail(r, "the calls of this thread that %s has not answered yet"
		               " leave no room", callee->name);
	}
	flight->slot = r;
	flight->sequence = flight->page->end.next - 1;
	if (is_large && !(*ret_args = flight->large = malloc(args_len))) {
		rh_caller_unreserve(&flight->page->end, flight->slot);
		rh_thread_page_unclaim(flight->page);
		return rh_fail(RH_ENOMEM, "no memory for %u bytes", args_len);
	}
	flight->page->unsent++;
	return RH_OK;
}

/* Sends the descriptors of the call, the memfd of large arguments first. */
static int send_fds(struct rh_flight *flight, struct rh_request *request,
                    const struct rh_fd_list *fds)
{
	struct rh_fd_list all = { 0 };
	int               memfd = -1, r;

	if (flight->large) {
		memfd = rh_memory_freeze(flight->large, request->args_len);
		if (memfd < 0)
			return rh_fail(memfd, "no memory to pass %u bytes",
			               request->args_len);
		all.fds[all.count++] = memfd;
		request->flags |= RH_SLOT_ARGS_MEMFD;
	}
	for (unsigned i = 0; fds && i < fds->count && all.count < RH_CALL_FDS_MAX; i++)
		all.fds[all.count++] = fds->fds[i];
	request->fds = (uint16_t)all.count;
	r = all.count > 0 ? rh_stash_send(flight->page->companion, flight->sequence,
	                                  all.fds, all.count) : RH_OK;
	if (memfd >= 0)
		close(memfd);
	return r;
}

/* A ticket that a child of fork inherited: the page is the parent's. */
static int foreign(struct rh_flight *flight)
{
	flight->is_done = 1;
	rh_set_ran(0);
	return rh_fail(RH_EGONE, "the call is that of the process this one was forked"
	               " from");
}

int rh_flight_go(struct rh_flight *flight, struct rh_request *request,
                 const struct rh_fd_list *fds)
{
	int r = RH_OK;

	if (flight->page->is_foreign)
		return foreign(flight);

	/* An agent must know how long to hold a call; under bind nobody asks, and
	 * the clock is read only when the call turns out to be slow. */
	if (flight->deadline == 0 && !flight->page->is_bind)
		flight->deadline = rh_deadline(0);
	request->deadline = flight->deadline;
	if (flight->large || (fds && fds->count > 0))
		r = send_fds(flight, request, fds);
	if (r < 0) {
		if (r == RH_ELOST) {
			rh_thread_page_lost(flight->page);
			rh_set_ran(0);
			r = rh_fail(RH_EGONE, "the callee %s was lost before the call",
			            flight->page->callee->name);
		}
		return r;
	}
	if (flight->page->calls++ % SAMPLE_EVERY == 0)
		flight->started = rh_clock_ns();
	flight->is_gone = 1;
	flight->page->unsent--;
	rh_caller_submit(&flight->page->end, flight->slot, request);
	return RH_OK;
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	/* One writer: a plain addition that readers see whole. */
	atomic_store_explicit(counter, atomic_load_explicit(counter,
	                      memory_order_relaxed) + value, memory_order_relaxed);
}

static void count(struct rh_flight *flight)
{
	struct rh_page_head *head = flight->page->end.page.head;

	add(&head->by_caller.calls, 1);
	add(&head->by_caller.bytes_in, flight->args_len);
	add(&head->by_caller.bytes_out, flight->reply.len);
	if (flight->reply.status < 0)
		add(&head->by_caller.errors, 1);
	if (flight->started) {
		uint64_t ns = rh_clock_ns() - flight->started;
		unsigned bucket = ns ? 63u - (unsigned)__builtin_clzll(ns) : 0;

		if (bucket >= RH_LATENCY_BUCKETS)
			bucket = RH_LATENCY_BUCKETS - 1;
		add(&head->latency[bucket], 1);
	}
}

/* Descriptors of the reply, and the memfd that a large one stands in. */
static int take_fds(struct rh_flight *flight)
{
	struct rh_thread_page *page = flight->page;
	struct rh_reply       *reply = &flight->reply;
	int r = rh_stash_take(&page->stash, page->companion, flight->sequence,
	                      reply->fds, NULL, NULL, &flight->reply_fds);

	if (r < 0 || !(reply->flags & RH_SLOT_REPLY_MEMFD))
		return r;
	if (flight->reply_fds.count == 0)
		return RH_EPROTO;
	r = rh_memory_map_frozen(flight->reply_fds.fds[0], reply->len, &flight->mapped);
	if (r < 0)
		return r;
	reply->bytes = flight->mapped;
	close(flight->reply_fds.fds[0]);
	flight->reply_fds.count--;
	for (unsigned i = 0; i < flight->reply_fds.count; i++)
		flight->reply_fds.fds[i] = flight->reply_fds.fds[i + 1];
	return RH_OK;
}

/* The function ran, and ended by an exception of its language. */
static int raised(struct rh_flight *flight)
{
	const char                *callee = flight->page->callee->name;
	const struct rh_exception *exception = NULL;
	int r = rh_exception_take(flight->reply.bytes, flight->reply.len, &exception);

	if (r < 0)
		return rh_fail(r, "%s answered with an exception that cannot be read", callee);
	return rh_fail(RH_ERAISED, "%s raised %s: %s", callee, exception->type,
	               exception->message);
}

static int refused(struct rh_flight *flight)
{
	const char *callee = flight->page->callee->name;
	int         status = flight->reply.status;

	rh_set_ran(!(flight->reply.flags & RH_SLOT_SURE));
	if (status == RH_ERAISED)
		return raised(flight);
	if (flight->reply.len > 0 &&
	    (flight->reply.len < RH_DIAG_MAX || status == RH_EFUNC)) /* lines behind a NUL */
		return rh_fail(status, "%.*s", flight->reply.len < RH_DIAG_MAX
		               ? (int)flight->reply.len : RH_DIAG_MAX - 1,
		               (const char *)flight->reply.bytes);
	return rh_fail(status, "call of %s: %s", callee, rh_error_text(status));
}

int rh_flight_poll(struct rh_flight *flight)
{
	int r;

	if (flight->page->is_foreign)
		return foreign(flight);
	if (!flight->is_done) {
		r = rh_caller_collect(&flight->page->end, flight->slot, &flight->reply);
		if (r == RH_EAGAIN)
			return r;
		flight->is_done = 1;
		if (r == RH_OK && (flight->reply.fds > 0 ||
		                   (flight->reply.flags & RH_SLOT_REPLY_MEMFD)))
			r = take_fds(flight);
		if (r < 0) {
			flight->reply = (struct rh_reply){ .status = r };
			rh_set_ran(1);
		}
		count(flight);
	}
	return flight->reply.status < 0 ? refused(flight) : RH_OK;
}

/* Gives up; tells whether the call may have run. */
static int give_up(struct rh_flight *flight, int code_sure, int code_unsure)
{
	int is_lost = code_unsure == RH_ELOST;
	int may_have_run = rh_caller_abandon(&flight->page->end, flight->slot,
	                                     is_lost) < 0;
	int code = may_have_run ? code_unsure : code_sure;

	flight->is_done = 1;
	flight->is_gone = 0; /* the slot comes back by itself */
	flight->reply = (struct rh_reply){ .status = code,
	        .flags = may_have_run ? 0 : RH_SLOT_SURE };
	count(flight);
	return refused(flight);
}

/* A reply that was finished before the server died still counts. */
static int lost(struct rh_flight *flight)
{
	int r = rh_flight_poll(flight);

	if (!flight->is_done)
		r = give_up(flight, RH_EGONE, RH_ELOST);
	rh_thread_page_lost(flight->page);
	return r;
}

int rh_flight_look(struct rh_flight *flight)
{
	int r = rh_flight_poll(flight);

	if (flight->is_done || ++flight->looks % LOOK_EVERY != 0)
		return r;
	if (flight->deadline == 0)
		flight->deadline = rh_deadline(0);
	if (rh_thread_page_is_cut(flight->page))
		return lost(flight);
	return rh_clock_ns() < flight->deadline
	       ? RH_EAGAIN : give_up(flight, RH_ETIMEDOUT, RH_ETIMEDOUT);
}

int rh_flight_finish(struct rh_flight *flight)
{
	uint64_t short_until = 0;
	int      r;

	if (!flight->page->is_foreign && !rh_await_is_wanted())
		rh_caller_spin(&flight->page->end, flight->slot);
	while (r = rh_flight_poll(flight), !flight->is_done) {
		uint64_t now;

		if (short_until == 0) {
			short_until = rh_clock_ns() + SHORT_WAIT_NS;
			if (flight->deadline == 0)
				flight->deadline = rh_deadline(0);
			rh_caller_wait(&flight->page->end, flight->slot, short_until, -1);
			continue;
		}
		now = rh_clock_ns();
		if (now >= flight->deadline)
			return give_up(flight, RH_ETIMEDOUT, RH_ETIMEDOUT);
		if (now < short_until)
			rh_caller_wait(&flight->page->end, flight->slot, short_until, -1);
		else if (rh_thread_page_sleep(flight->page, flight->slot,
		                              flight->deadline) == RH_ELOST)
			return lost(flight);
	}
	return r;
}

uint32_t rh_flight_instance(const struct rh_flight *flight)
{
	return flight->page->is_bind ? flight->page->instance : flight->reply.instance;
}

static void unreserve(struct rh_flight *flight)
{
	rh_caller_unreserve(&flight->page->end, flight->slot);
	flight->page->unsent--;
}

void rh_flight_end(struct rh_flight *flight)
{
	if (!flight->page)
		return;
	for (unsigned i = 0; i < flight->reply_fds.count; i++) {
		if (flight->reply_fds.fds[i] >= 0)
			close(flight->reply_fds.fds[i]);
	}
	if (flight->mapped && !flight->page->is_foreign)
		rh_memory_unmap(flight->mapped, flight->reply.len);
	free(flight->large);
	if (flight->page->is_foreign)
		; /* nothing of it is mapped here */
	else if (!flight->is_gone && !flight->is_done)
		unreserve(flight);
	else if (flight->is_gone && flight->is_done)
		rh_caller_release(&flight->page->end, flight->slot);
	else if (flight->is_gone)
		rh_caller_abandon(&flight->page->end, flight->slot, 1); /* unasked */
	rh_thread_page_unclaim(flight->page);
	flight->page = NULL;
}
