#include "session.h"

#include "context.h"
#include "fork.h"
#include "hello.h"
#include "rhodes.h"

#include "../../base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define TIMEOUT_DEFAULT_MS 30000u

struct rh_session rh_session = {
	.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .agent_event = -1, .left_fd = -1,
	.room_fd = -1, .untold_end = &rh_session.untold, .generation = 1, .role = RH_ROLE_CALLER,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t       timeout_default_ns = TIMEOUT_DEFAULT_MS * RH_NS_PER_MS;

static void init_monotonic(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

void rh_session_init_changed(void)
{
	init_monotonic(&rh_session.changed);
	init_monotonic(&rh_session.room);
}

static void set_up(void)
{
	const char        *wanted = getenv("RHODES_TIMEOUT_MS");
	unsigned long      ms = wanted ? strtoul(wanted, NULL, 10) : 0;

	rh_session_init_changed();
	if (ms > 0)
		timeout_default_ns = ms * RH_NS_PER_MS;
	rh_fork_watch();
}

uint64_t rh_deadline(uint64_t timeout_ns)
{
	pthread_once(&once, set_up);
	return rh_clock_ns() + (timeout_ns ? timeout_ns : timeout_default_ns);
}

int rh_until_ms(uint64_t deadline)
{
	uint64_t now = rh_clock_ns();

	if (now >= deadline)
		return 0;
	uint64_t ms = (deadline - now + RH_NS_PER_MS - 1) / RH_NS_PER_MS;
	return ms > 3600000 ? 3600000 : (int)ms;
}

/* S2: while another thread polls the descriptor it is woken, and closes it. */
static void hang_up(struct rh_session *session)
{
	if (session->is_receiving && session->left_fd < 0) {
		shutdown(session->fd, SHUT_RDWR);
		session->left_fd = session->fd;
	} else {
		if (session->is_waiting_for_room)
			shutdown(session->fd, SHUT_RDWR);
		close(session->fd);
	}
	session->fd = -1;
}

static void drop_untold(struct rh_session *session)
{
	while (session->untold) {
		struct rh_untold *untold = session->untold;

		session->untold = untold->next;
		free(untold);
	}
	session->untold_end = &session->untold;
}

static void forget(struct rh_session *session, int code)
{
	if (session->fd < 0)
		return;
	hang_up(session);
	if (session->agent_event >= 0)
		close(session->agent_event);
	session->agent_event = -1;
	session->generation++; /* S1 */
	for (struct rh_answer *answer = session->waiting; answer; answer = answer->next) {
		answer->is_done = 1;
		answer->result = code;
		pthread_cond_signal(&answer->arrived);
	}
	session->waiting = NULL;
	drop_untold(session);
	pthread_cond_broadcast(&session->changed);
	pthread_cond_broadcast(&session->room);
}

void rh_session_lost(uint32_t generation)
{
	pthread_mutex_lock(&rh_session.lock);
	if (rh_session.generation == generation)
		forget(&rh_session, RH_EDETACHED);
	pthread_mutex_unlock(&rh_session.lock);
}

unsigned rh_frame_env(const struct rh_frame *frame, char env[][RH_NAME_MAX + 1],
                      uint32_t *ret_locale_on)
{
	struct rh_record_reader records = frame->records;
	struct rh_record        record;
	unsigned                count = 0;

	*ret_locale_on = 0;
	rh_record_u32(&records, RH_TAG_LOCALE_ON, ret_locale_on);
	while (rh_record_next(&records, &record) > 0) {
		if (record.tag == RH_TAG_ENV && count < RH_ENV_MAX &&
		    rh_record_copy_text(&record, env[count], RH_NAME_MAX + 1) == RH_OK)
			count++;
	}
	return count;
}

/* The name is written once, for messages: a process is of one resource all its life. */
static void read_attached(struct rh_session *session, const struct rh_frame *frame)
{
	pthread_mutex_lock(&session->lock);
	rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &session->attachment);
	if (session->resource[0] == 0)
		rh_record_text(&frame->records, RH_TAG_RESOURCE, session->resource,
		               sizeof session->resource);
	pthread_mutex_unlock(&session->lock);
}

int rh_frame_error(const struct rh_frame *frame)
{
	struct rh_diag why;
	int            code = rh_frame_refusal(frame, "the agent refused", &why);

	return rh_fail(code, "%s", why.text);
}

static int sleep_for(pthread_cond_t *condition, uint64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / RH_NS_PER_S),
		.tv_nsec = (long)(deadline % RH_NS_PER_S),
	};

	return pthread_cond_timedwait(condition, &rh_session.lock, &until);
}

int rh_move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

/* S3 */
static int attach(struct rh_session *session, uint64_t deadline, int *ret_fd,
                  int *ret_event)
{
	struct rh_frame frame;
	int             r;

	if (!session->buffer && !(session->buffer = malloc(RH_FRAME_MAX)))
		return rh_fail(RH_ENOMEM, "no memory for a frame");
	r = rh_hello(session->role, session->attachment, deadline, session->buffer, ret_fd,
	             &frame);
	if (r < 0)
		return r;
	read_attached(session, &frame);
	*ret_event = rh_move_up(rh_frame_take_fd(&frame, 0));
	rh_frame_drop(&frame);
	return RH_OK;
}

static int attach_unlocked(struct rh_session *session, uint64_t deadline)
{
	int fd = -1, event = -1, r;

	session->is_attaching = 1;
	pthread_mutex_unlock(&session->lock);
	r = attach(session, deadline, &fd, &event);
	pthread_mutex_lock(&session->lock);
	session->is_attaching = 0;
	if (r == RH_OK) {
		session->fd = fd;
		session->agent_event = event;
		session->generation++; /* S1 */
	}
	pthread_cond_broadcast(&session->changed);
	return r;
}

int rh_session_attach(uint64_t deadline)
{
	int r = RH_OK;

	pthread_once(&once, set_up);
	pthread_mutex_lock(&rh_session.lock);
	/* An agent restarted while it greets us is tried again. */
	while (rh_session.fd < 0) {
		if (rh_session.is_attaching) {
			if (sleep_for(&rh_session.changed, deadline) != ETIMEDOUT)
				continue;
			r = rh_fail(RH_ETIMEDOUT, "the agent did not come up in time");
			break;
		}
		r = attach_unlocked(&rh_session, deadline);
		if (r == RH_OK || r != RH_EDETACHED || !secure_getenv("RHODES_AGENT") ||
		    rh_clock_ns() >= deadline)
			break;
	}
	pthread_mutex_unlock(&rh_session.lock);
	return r;
}

int rh_session_dup_event(uint32_t generation)
{
	int fd = -1;

	pthread_mutex_lock(&rh_session.lock);
	if (rh_session.generation == generation && rh_session.agent_event >= 0)
		fd = fcntl(rh_session.agent_event, F_DUPFD_CLOEXEC, 100);
	pthread_mutex_unlock(&rh_session.lock);
	return fd;
}

EXPORT int rh_attach(uint64_t timeout_ns)
{
	return rh_session_attach(rh_deadline(timeout_ns));
}

/* Hands a received frame to who asked; frames nobody asked for are dropped. */
static void deliver(struct rh_session *session, struct rh_frame *frame)
{
	struct rh_answer **link = &session->waiting;

	while (*link && (*link)->request != frame->request)
		link = &(*link)->next;
	struct rh_answer *answer = *link;

	if (!answer || frame->request == 0 || frame->records.len > sizeof answer->bytes) {
		rh_frame_drop(frame);
		if (!answer || frame->request == 0)
			return;
		answer->result = RH_EPROTO;
	} else {
		memcpy(answer->bytes, frame->records.bytes, frame->records.len);
		answer->frame = *frame;
		rh_record_read(&answer->frame.records, answer->bytes, frame->records.len);
		answer->result = RH_OK;
	}
	*link = answer->next;
	answer->is_done = 1;
	pthread_cond_signal(&answer->arrived);
}

static void drain(struct rh_session *session)
{
	struct rh_frame frame;
	int             r;

	while (session->fd >= 0 &&
	       (r = rh_socket_receive(session->fd, session->buffer, &frame)) !=
	       RH_EAGAIN) {
		if (r < 0)
			forget(session, RH_EDETACHED);
		else
			deliver(session, &frame);
	}
}

/* S2: receives for everybody until something came or the time is over. */
static void receive_for_all(struct rh_session *session, uint64_t deadline)
{
	struct pollfd look = { .fd = session->fd, .events = POLLIN };

	session->is_receiving = 1;
	pthread_mutex_unlock(&session->lock);
	poll(&look, 1, rh_until_ms(deadline));
	pthread_mutex_lock(&session->lock);
	session->is_receiving = 0;
	if (session->left_fd < 0)
		drain(session);
	else
		close(session->left_fd);
	session->left_fd = -1;
}

static void stop_waiting(struct rh_session *session, const struct rh_answer *answer)
{
	struct rh_answer **link = &session->waiting;

	while (*link && *link != answer)
		link = &(*link)->next;
	if (*link)
		*link = answer->next;
}

/* What could not be sent before goes first.  RH_EAGAIN: the agent has not read it yet. */
static int send_untold(struct rh_session *session)
{
	while (session->untold) {
		struct rh_untold       *untold = session->untold;
		struct rh_record_writer writer = {
			.bytes = untold->bytes, .cap = untold->len, .used = untold->len,
		};
		int r = rh_socket_send(session->fd, untold->type, 0, &writer, NULL, 0);

		if (r == RH_EAGAIN)
			return r;
		session->untold = untold->next;
		free(untold);
	}
	session->untold_end = &session->untold;
	return RH_OK;
}

/* S5: waits until the agent has read, or said, something, and takes what it said. */
static int wait_for_room(struct rh_session *session, uint64_t deadline)
{
	struct pollfd look = {
		.fd = fcntl(session->fd, F_DUPFD_CLOEXEC, 100), .events = POLLIN | POLLOUT,
	};

	if (look.fd < 0)
		return RH_ENOMEM;
	session->is_waiting_for_room = 1;
	session->room_fd = look.fd;
	pthread_mutex_unlock(&session->lock);
	poll(&look, 1, rh_until_ms(deadline));
	pthread_mutex_lock(&session->lock);
	close(look.fd);
	session->room_fd = -1;
	session->is_waiting_for_room = 0;
	drain(session);
	return RH_OK;
}

static int send_in_time(struct rh_session *session, uint32_t generation, uint8_t type,
                        uint64_t request, const struct rh_record_writer *writer,
                        uint64_t deadline)
{
	for (;;) {
		int r = send_untold(session);

		if (r == RH_OK)
			r = rh_socket_send(session->fd, type, request, writer, NULL, 0);
		if (r != RH_EAGAIN)
			return r;
		if (rh_clock_ns() >= deadline)
			return RH_ETIMEDOUT;
		if (session->is_waiting_for_room)
			sleep_for(&session->room, deadline);
		else if ((r = wait_for_room(session, deadline)) < 0)
			return r;
		if (session->fd < 0 || session->generation != generation)
			return RH_EDETACHED;
	}
}

/* Until it is done or the time is over. */
static void await_answer(struct rh_session *session, struct rh_answer *answer,
                         uint64_t deadline)
{
	answer->next = session->waiting;
	session->waiting = answer;
	while (!answer->is_done && rh_clock_ns() < deadline) {
		if (session->is_receiving)
			sleep_for(&answer->arrived, deadline);
		else
			receive_for_all(session, deadline);
	}
	if (!answer->is_done)
		stop_waiting(session, answer);
	if (!session->is_receiving && session->waiting)
		pthread_cond_signal(&session->waiting->arrived); /* its turn to receive */
}

/* S4 */
static int ask(struct rh_session *session, uint32_t generation, uint8_t type,
               const struct rh_record_writer *writer, uint64_t deadline,
               struct rh_answer *answer)
{
	int r;

	if (session->fd < 0 || session->generation != generation)
		return RH_EDETACHED;
	answer->request = ++session->last_request;
	answer->is_done = 0;
	r = send_in_time(session, generation, type, answer->request, writer, deadline);
	pthread_cond_signal(&session->room); /* of many that ask at once the next */
	if (r == RH_ELOST) {
		forget(session, RH_EDETACHED);
		r = RH_EDETACHED;
	}
	if (r < 0)
		return r;
	init_monotonic(&answer->arrived);
	await_answer(session, answer, deadline);
	pthread_cond_destroy(&answer->arrived);
	return answer->is_done ? answer->result : RH_ETIMEDOUT;
}

int rh_session_ask(uint32_t generation, uint8_t type,
                   const struct rh_record_writer *writer, uint8_t expected,
                   uint64_t deadline, struct rh_answer *answer)
{
	int r;

	pthread_mutex_lock(&rh_session.lock);
	r = ask(&rh_session, generation, type, writer, deadline, answer);
	pthread_mutex_unlock(&rh_session.lock);
	if (r < 0)
		return rh_fail(r, r == RH_ETIMEDOUT ? "the agent of %s did not answer in time"
		               : "the agent of %s hung up", rh_session.resource);
	if (answer->frame.type == expected)
		return RH_OK;
	r = answer->frame.type == RH_FRAME_ERROR ? rh_frame_error(&answer->frame)
	    : rh_fail(RH_EPROTO, "the agent answered something else");
	rh_frame_drop(&answer->frame);
	return r;
}

static void keep_untold(struct rh_session *session, uint8_t type,
                        const struct rh_record_writer *writer)
{
	struct rh_untold *untold = malloc(sizeof *untold + writer->used);

	if (!untold)
		return;
	*untold = (struct rh_untold){ .type = type, .len = writer->used };
	memcpy(untold->bytes, writer->bytes, writer->used);
	*session->untold_end = untold;
	session->untold_end = &untold->next;
}

static void tell(struct rh_session *session, uint8_t type,
                 const struct rh_record_writer *writer)
{
	int r = send_untold(session);

	if (r == RH_OK)
		r = rh_socket_send(session->fd, type, 0, writer, NULL, 0);
	if (r == RH_EAGAIN)
		keep_untold(session, type, writer);
	else if (r == RH_ELOST)
		forget(session, RH_EDETACHED);
}

void rh_session_tell(uint8_t type, const struct rh_record_writer *writer)
{
	pthread_mutex_lock(&rh_session.lock);
	if (rh_session.fd >= 0)
		tell(&rh_session, type, writer);
	pthread_mutex_unlock(&rh_session.lock);
}

void rh_callee_unlock(struct rh_callee *callee)
{
	pthread_mutex_init(&callee->revival, NULL);
}

int rh_session_callee(const char *name, int by_interface,
                      struct rh_callee **ret_callee)
{
	struct rh_session *session = &rh_session;
	struct rh_callee  *callee = NULL;
	int                r = RH_OK;

	if (strlen(name) > RH_NAME_MAX)
		return rh_fail(RH_EINVAL, "\"%.70s...\" is no name", name);
	pthread_mutex_lock(&session->lock);
	for (unsigned i = 0; i < session->callee_count && !callee; i++) {
		struct rh_callee *known = session->callees[i];

		if (known->by_interface == by_interface &&
		    strcmp(by_interface ? known->interface : known->name, name) == 0)
			callee = known;
	}
	if (!callee && session->callee_count == RH_CALLEES_MAX) {
		r = rh_fail(RH_ENOSPC, "a process may have %u callees", RH_CALLEES_MAX);
	} else if (!callee && !(callee = calloc(1, sizeof *callee))) {
		r = rh_fail(RH_ENOMEM, "no memory for a callee");
	} else if (callee->name[0] == 0 && callee->interface[0] == 0) {
		snprintf(by_interface ? callee->interface : callee->name,
		         sizeof callee->name, "%s", name);
		callee->by_interface = by_interface != 0;
		rh_callee_unlock(callee);
		callee->index = session->callee_count;
		session->callees[session->callee_count++] = callee;
	}
	pthread_mutex_unlock(&session->lock);
	if (r == RH_OK)
		*ret_callee = callee;
	return r;
}

/* What the agent says of the callee.  The name stays as it was first: others read it. */
static int learn(struct rh_callee *callee, const struct rh_frame *frame,
                 uint32_t generation)
{
	struct rh_opened opened = { .generation = generation };

	if (rh_record_u32(&frame->records, RH_TAG_EDGE, &opened.edge) < 0)
		return rh_fail(RH_EPROTO, "the agent answered something else");
	rh_context_learn(callee, frame);
	pthread_mutex_lock(&rh_session.lock);
	if (callee->name[0] == 0)
		rh_record_text(&frame->records, RH_TAG_CALLEE, callee->name,
		               sizeof callee->name);
	callee->opened = opened;
	pthread_mutex_unlock(&rh_session.lock);
	return RH_OK;
}

static int open_edge(struct rh_callee *callee, uint32_t generation, uint64_t deadline)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	struct rh_answer        answer;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	if (callee->by_interface)
		rh_record_put_text(&writer, RH_TAG_INTERFACE, callee->interface);
	else
		rh_record_put_text(&writer, RH_TAG_CALLEE, callee->name);
	r = rh_session_ask(generation, RH_FRAME_OPEN, &writer, RH_FRAME_OPENED, deadline,
	                   &answer);
	if (r < 0)
		return r;
	r = learn(callee, &answer.frame, generation);
	rh_frame_drop(&answer.frame);
	return r;
}

/* 1 when the edge is known to the present agent.  S4 */
static int is_open(struct rh_callee *callee, struct rh_opened *ret_opened)
{
	int r;

	pthread_mutex_lock(&rh_session.lock);
	if (callee->is_emitter)
		callee->opened = (struct rh_opened){ RH_EDGE_EMIT, rh_session.generation };
	*ret_opened = callee->opened;
	r = callee->opened.generation == rh_session.generation;
	ret_opened->generation = rh_session.generation;
	pthread_mutex_unlock(&rh_session.lock);
	return r;
}

int rh_session_open(struct rh_callee *callee, uint64_t deadline,
                    struct rh_opened *ret_opened)
{
	int r;

	/* Another thread's agent may be restarted in between as well. */
	while ((r = rh_session_attach(deadline)) == RH_OK &&
	       !is_open(callee, ret_opened)) {
		r = open_edge(callee, ret_opened->generation, deadline);
		if (r < 0 && (r != RH_EDETACHED || rh_until_ms(deadline) == 0))
			break;
	}
	return r;
}

static int open_callee(const char *name, int by_interface, uint64_t timeout_ns,
                       struct rh_callee **ret_callee)
{
	uint64_t         deadline = rh_deadline(timeout_ns);
	struct rh_opened opened;
	int              r = rh_session_callee(name, by_interface, ret_callee);

	return r < 0 ? r : rh_session_open(*ret_callee, deadline, &opened);
}

EXPORT int rh_open(const char *callee, uint64_t timeout_ns,
                   struct rh_callee **ret_callee)
{
	return open_callee(callee, 0, timeout_ns, ret_callee);
}

EXPORT int rh_open_interface(const char *interface, uint64_t timeout_ns,
                             struct rh_callee **ret_callee)
{
	return open_callee(interface, 1, timeout_ns, ret_callee);
}
