#include "event.h"

#include "cells.h"
#include "flight.h"
#include "fork.h"
#include "rhodes-stub.h"
#include "rhodes.h"

#include "../../base/clock.h"
#include "../../base/memory.h"
#include "../../model/check.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define SHORT_WAIT_NS (20 * RH_NS_PER_MS) /* see flight.c */
#define LOOK_EVERY    64u                 /* polls without an event */

/* One for each callee that this process listens to. */
struct inbox {
	struct inbox         *next;
	struct rh_callee     *callee;
	pthread_mutex_t       lock;
	uint32_t              generation;
	void                 *memory;      /* NULL: not subscribed */
	int                   event;
	int                   companion;
	struct rh_server_end  end;
	struct rh_taken       pending;     /* taken, of another kind than asked */
	int                   has_pending;
	uint32_t              looks;       /* in vain                       */
};

static struct inbox   *inboxes;
static pthread_mutex_t inboxes_lock = PTHREAD_MUTEX_INITIALIZER;

static struct inbox *inbox_of(struct rh_callee *callee)
{
	struct inbox *inbox;

	pthread_mutex_lock(&inboxes_lock);
	for (inbox = inboxes; inbox && inbox->callee != callee; inbox = inbox->next)
		;
	if (!inbox && (inbox = calloc(1, sizeof *inbox))) {
		inbox->callee = callee;
		pthread_mutex_init(&inbox->lock, NULL);
		inbox->next = inboxes;
		inboxes = inbox;
	}
	pthread_mutex_unlock(&inboxes_lock);
	return inbox;
}

static void unsubscribe(struct inbox *inbox)
{
	if (!inbox->memory)
		return;
	rh_memory_unmap(inbox->memory, RH_PAGE_BYTES);
	close(inbox->event);
	close(inbox->companion);
	inbox->memory = NULL;
	inbox->has_pending = 0;
}

/* In the child of a fork. */
void rh_inboxes_forget(void)
{
	pthread_mutex_init(&inboxes_lock, NULL);
	for (struct inbox *inbox = inboxes; inbox; inbox = inbox->next) {
		pthread_mutex_init(&inbox->lock, NULL);
		if (!inbox->memory)
			continue;
		close(inbox->event);
		close(inbox->companion);
		inbox->memory = NULL;
		inbox->has_pending = 0;
	}
}

static int use_page(struct inbox *inbox, struct rh_frame *frame)
{
	int fd = rh_frame_take_fd(frame, 0);
	int r = frame->fd_count == 3 ? rh_memory_map(fd, RH_PAGE_BYTES, &inbox->memory)
	                             : RH_EPROTO;

	if (fd >= 0)
		close(fd);
	if (r < 0)
		return rh_fail(r, "the agent handed out something that is no page");
	inbox->event = rh_frame_take_fd(frame, 1);
	inbox->companion = rh_frame_take_fd(frame, 2);
	rh_server_init(&inbox->end, inbox->memory, inbox->event);
	return RH_OK;
}

static void done(struct inbox *inbox, int status)
{
	struct rh_reply reply = { .status = status };

	inbox->has_pending = 0;
	rh_server_finish(&inbox->end, &inbox->pending, &reply);
}

static int next_event(struct inbox *inbox)
{
	int r;

	if (inbox->has_pending)
		return RH_OK;
	while ((r = rh_server_take(&inbox->end, &inbox->pending)) == 1) {
		inbox->has_pending = 1;
		if (inbox->pending.args)
			return RH_OK;
		done(inbox, RH_EPROTO); /* an event comes in the page, not beside it */
	}
	return r;
}

static int try_subscribe(struct inbox *inbox, uint64_t deadline)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_answer       *answer;
	struct rh_opened        opened;
	int                     r = rh_session_open(inbox->callee, deadline, &opened);

	if (r < 0)
		return r;
	if (inbox->memory && inbox->generation == opened.generation)
		return RH_OK;
	if (inbox->memory && next_event(inbox) == RH_OK)
		return RH_OK; /* the former agent told its emitter that it has come */
	unsubscribe(inbox);
	inbox->generation = opened.generation;
	if (!(answer = malloc(sizeof *answer)))
		return rh_fail(RH_ENOMEM, "no memory for an answer");
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_EDGE, opened.edge);
	rh_record_put_u64(&writer, RH_TAG_DEADLINE, deadline);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_PAGE_FLAG_EVENTS);
	r = rh_session_ask(opened.generation, RH_FRAME_PAGE_GET, &writer, RH_FRAME_PAGE,
	                   deadline, answer);
	if (r == RH_OK) {
		r = use_page(inbox, &answer->frame);
		rh_frame_drop(&answer->frame);
	}
	free(answer);
	return r;
}

/* The agent may be restarted between any two steps. */
static int subscribe(struct inbox *inbox, uint64_t deadline)
{
	int r;

	do {
		r = try_subscribe(inbox, deadline);
	} while (r == RH_EDETACHED && secure_getenv("RHODES_AGENT") && rh_until_ms(deadline));
	return r;
}

/* First on the bell alone, which is the fast way.  RH_EAGAIN: none came. */
static int wait_shortly(struct inbox *inbox, uint64_t until)
{
	_Atomic uint32_t *bell = &inbox->end.page.head->caller.server_bell;
	int               r;

	while ((r = next_event(inbox)) == RH_EAGAIN && rh_clock_ns() < until) {
		uint32_t seen = atomic_load_explicit(bell, memory_order_seq_cst);

		if (rh_server_arm(&inbox->end, RH_ASLEEP_FUTEX) < 0)
			continue;
		rh_bell_sleep(bell, seen, until);
		rh_server_woken(&inbox->end);
	}
	return r;
}

/* Then on the companion as well, so that the end of the agent is an event: RH_ELOST. */
static int wait_long(struct inbox *inbox, uint64_t until)
{
	struct pollfd look = { .fd = inbox->companion, .events = POLLIN };
	char          frame[64];
	int           r;

	while ((r = next_event(inbox)) == RH_EAGAIN && rh_until_ms(until) > 0) {
		look.revents = 0;
		if (rh_server_arm(&inbox->end, RH_ASLEEP_EVENT) < 0)
			continue;
		poll(&look, 1, rh_until_ms(until));
		rh_server_woken(&inbox->end);
		if ((look.revents & POLLIN) &&
		    recv(inbox->companion, frame, sizeof frame, MSG_DONTWAIT) > 0)
			continue; /* it was woken */
		if (look.revents)
			return RH_ELOST;
	}
	return r;
}

/* Whoever never waits looks now and then; it subscribes anew the next time. */
static void look_after_agent(struct inbox *inbox)
{
	struct pollfd look = { .fd = inbox->companion };

	if (++inbox->looks % LOOK_EVERY == 0 && poll(&look, 1, 0) > 0)
		rh_session_lost(inbox->generation);
}

/* An agent that comes back in time is listened to again. */
static int wait_event(struct inbox *inbox, uint64_t deadline)
{
	uint64_t shortly = rh_clock_ns() + SHORT_WAIT_NS;
	int      r = wait_shortly(inbox, shortly < deadline ? shortly : deadline);

	if (r == RH_EAGAIN && !rh_until_ms(deadline))
		look_after_agent(inbox);
	else if (r == RH_EAGAIN)
		r = wait_long(inbox, deadline);
	while (r == RH_ELOST && rh_until_ms(deadline)) {
		rh_session_lost(inbox->generation);
		if ((r = subscribe(inbox, deadline)) == RH_OK)
			r = wait_long(inbox, deadline);
	}
	return r == RH_ELOST || r == RH_ETIMEDOUT ? RH_EAGAIN : r;
}

/* Calls use with the bytes of the next event of that kind. */
static int with_event(struct rh_callee *callee, uint64_t event, uint64_t timeout_ns,
                      int (*use)(void *user, const unsigned char *bytes, uint32_t len),
                      void *user)
{
	struct inbox *inbox = inbox_of(callee);
	int           r;

	if (!inbox)
		return rh_fail(RH_ENOMEM, "no memory to listen to %s", callee->name);
	pthread_mutex_lock(&inbox->lock);
	r = subscribe(inbox, rh_deadline(0));
	if (r == RH_OK)
		r = wait_event(inbox, rh_clock_ns() + timeout_ns);
	while (r == RH_OK && inbox->pending.function != event) {
		done(inbox, RH_EFUNC); /* nobody here wants that kind */
		r = wait_event(inbox, rh_clock_ns() + timeout_ns);
	}
	if (r == RH_OK) {
		r = use(user, inbox->pending.args, inbox->pending.args_len);
		if (r != RH_EMSGSIZE)
			done(inbox, RH_OK);
	}
	pthread_mutex_unlock(&inbox->lock);
	return r;
}

struct copy_to {
	void   *bytes;
	size_t  cap;
	size_t *ret_len;
};

static int copy_event(void *user, const unsigned char *bytes, uint32_t len)
{
	struct copy_to *to = user;

	if (len > to->cap)
		return rh_fail(RH_EMSGSIZE, "the event has %u bytes, there is room for %zu",
		               len, to->cap);
	if (len > 0)
		memcpy(to->bytes, bytes, len);
	*to->ret_len = len;
	return RH_OK;
}

EXPORT int rh_event_take(struct rh_callee *callee, uint64_t event, void *bytes,
                         size_t cap, size_t *ret_len, uint64_t timeout_ns)
{
	struct copy_to to = { bytes, cap, ret_len };

	return with_event(callee, event, timeout_ns, copy_event, &to);
}

struct values_to {
	const struct rh_function *function;
	void *const              *args;
	void                     *ret;
};

static void *keep(void *user, const void *bytes, size_t len)
{
	(void)user;
	(void)bytes;
	(void)len;
	return NULL; /* an event lends nothing */
}

static int unpack_event(void *user, const unsigned char *bytes, uint32_t len)
{
	struct values_to          *to = user;
	const struct rh_keeper     keeper = { .keep = keep };
	const struct rh_handle_map handles = { 0 };
	struct rh_fd_list          fds = { 0 };

	return rh_unmarshal_reply(to->function, bytes, len, &handles, &fds, &keeper,
	                          to->args, to->ret);
}

int rh_event_pull(struct rh_callee *callee, const struct rh_function *function,
                  void *const *args, void *ret)
{
	struct values_to to = { function, args, ret };
	int r = with_event(callee, function->hash, rh_deadline(0) - rh_clock_ns(),
	                   unpack_event, &to);

	return r == RH_EAGAIN ? rh_fail(r, "no event %s came", function->name) : r;
}

static int emitter(struct rh_callee **ret_callee)
{
	int r = rh_session_callee("@events", 0, ret_callee);

	rh_set_ran(0);
	if (r == RH_OK)
		(*ret_callee)->is_emitter = 1;
	return r;
}

/* Begins a flight, waiting for a free slot: that is the back-pressure. */
static int begin(struct rh_flight *flight, uint32_t len, uint64_t deadline,
                 unsigned char **ret_at)
{
	struct rh_callee *callee;
	int               r = emitter(&callee);

	return r < 0 ? r : rh_flight_begin(flight, callee, len, 0, deadline, ret_at);
}

static int emit(struct rh_flight *flight, uint64_t event, uint32_t len)
{
	struct rh_request request = {
		.function = event, .args_len = len, .flags = RH_SLOT_EVENT,
	};
	int r = rh_flight_go(flight, &request, NULL);

	if (r == RH_OK)
		r = rh_flight_finish(flight);
	return r;
}

EXPORT int rh_event_emit(uint64_t event, const void *bytes, size_t len,
                         uint64_t timeout_ns)
{
	struct rh_flight flight;
	unsigned char   *at;
	int              r;

	if (len > RH_PAYLOAD_ARENA_MAX)
		return rh_fail(RH_EMSGSIZE, "an event is at most %u bytes",
		               RH_PAYLOAD_ARENA_MAX);
	r = begin(&flight, (uint32_t)len, rh_deadline(timeout_ns), &at);
	if (r < 0)
		return r;
	if (len > 0)
		memcpy(at, bytes, len);
	r = emit(&flight, event, (uint32_t)len);
	rh_flight_end(&flight);
	return r;
}

EXPORT int rh_stub_emit(const struct rh_interface *interface, unsigned index,
                        void *const *args, void *ret, uint64_t timeout_ns)
{
	const struct rh_function  *function = &interface->functions[index];
	const struct rh_handle_map handles = { 0 };
	struct rh_fd_list          fds = { 0 };
	struct rh_values           values = { .ret = ret };
	struct rh_flight           flight;
	unsigned char             *at;
	int64_t                    len;
	int                        r;

	rh_set_ran(0);
	for (unsigned i = 0; i < function->param_count; i++)
		values.args[i] = args[i];
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (param->kind == RH_KIND_BYTES)
			values.room[i] = rh_length_of(function, param, param->len_param,
			                              args);
	}
	len = rh_marshal_reply_bytes(function, &values);
	if (len < 0 || len > RH_PAYLOAD_ARENA_MAX)
		return rh_fail(RH_EMSGSIZE, "an event is at most %u bytes",
		               RH_PAYLOAD_ARENA_MAX);
	if ((r = begin(&flight, (uint32_t)len, rh_deadline(timeout_ns), &at)) < 0)
		return r;
	r = rh_marshal_reply(function, &values, &handles, &fds, at);
	if (r >= 0)
		r = emit(&flight, function->hash, (uint32_t)len);
	rh_flight_end(&flight);
	/* Who is told that nobody got it may send it again. */
	if (r == RH_OK || rh_last_ran())
		rh_marshal_reply_free(function, &values);
	return r;
}
