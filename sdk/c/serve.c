#include "serve.h"

#include "session.h"

#include "../../base/clock.h"
#include "../../base/discard.h"
#include "../../base/log.h"
#include "../../base/memory.h"
#include "../../base/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EXPORT        __attribute__((visibility("default")))
#define LOOKS_MAX     (4 * RH_PAGES_PER_THREAD + LOOKS_FIRST)
#define RETRY_MS      200
#define LAG_MIN_MS    10    /* before a thread is told again, doubling ... */
#define LAG_MAX_MS    1000  /* ... up to this                              */

/* What the control loop always looks at, before pages and callers. */
enum { STOP, AGENT, DIRECTORY, CLOCK, WAKE, LOOKS_FIRST };

/* Kept for the next time: whoever stops us must not write to what got its number. */
static _Atomic int stop_event = -1;

EXPORT void rh_serve_stop(void)
{
	uint64_t one = 1;
	int      event = stop_event;

	if (event >= 0 && write(event, &one, sizeof one) < 0)
		return; /* it has been told already */
}

static void on_signal(int number)
{
	int before = errno;

	(void)number;
	rh_serve_stop();
	errno = before;
}

/* ---- pages and callers -------------------------------------------------- */

static struct rh_serve_caller *caller_of(struct rh_server *server, uint64_t attachment)
{
	struct rh_serve_caller *caller = server->callers;

	while (caller && (caller->attachment != attachment || caller->has_ended))
		caller = caller->next;
	if (!caller && (caller = rh_serve_caller_create(attachment))) {
		caller->next = server->callers;
		server->callers = caller;
	}
	return caller;
}

static int read_who(struct rh_serve_who *who, const struct rh_frame *frame)
{
	struct rh_record_reader records = frame->records;
	struct rh_record        record;
	uint32_t                uid, gid;

	if (rh_record_u32(&records, RH_TAG_UID, &uid) < 0)
		return RH_EPROTO;
	who->uid = uid;
	while (rh_record_next(&records, &record) > 0) {
		struct rh_record_reader one;

		if (record.tag != RH_TAG_GID || who->group_count == RH_SERVE_GROUPS)
			continue;
		rh_record_read(&one, record.bytes - 8, 8 + record.len);
		if (rh_record_u32(&one, RH_TAG_GID, &gid) < 0)
			return RH_EPROTO;
		if (who->group_count == 0)
			who->gid = gid; /* the first is the primary one */
		who->groups[who->group_count++] = gid;
	}
	return RH_OK;
}

static void read_caller(struct rh_serve_caller *caller, struct rh_frame *frame)
{
	rh_record_text(&frame->records, RH_TAG_CALLER, caller->name, sizeof caller->name);
	if (caller->pidfd < 0)
		caller->pidfd = rh_frame_take_fd(frame, 3);
}

static int add_page(struct rh_server *server, struct rh_frame *frame, uint64_t *ret_id)
{
	struct rh_serve_thread *thread = rh_relief_pick(server, 0);
	struct rh_serve_page   *page;
	uint64_t                attachment;
	int                     fd = rh_frame_take_fd(frame, 0);
	int                     r = RH_OK;

	if (!thread)
		r = RH_ENOSPC;
	else if (frame->fd_count < 3 ||
	         rh_record_u64(&frame->records, RH_TAG_PAGE, ret_id) < 0 ||
	         rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &attachment) < 0)
		r = RH_EPROTO;
	if (r < 0 || !(page = calloc(1, sizeof *page))) {
		if (fd >= 0)
			close(fd);
		return r < 0 ? r : RH_ENOMEM;
	}
	r = rh_memory_map(fd, RH_PAGE_BYTES, &page->memory);
	close(fd);
	if (r == RH_OK)
		r = rh_page_check(page->memory);
	if (r == RH_OK)
		r = read_who(&page->who, frame);
	if (r == RH_OK && !(page->caller = caller_of(server, attachment)))
		r = RH_ENOMEM;
	if (r < 0) {
		rh_memory_unmap(page->memory, RH_PAGE_BYTES);
		free(page);
		return r;
	}
	page->id = *ret_id;
	page->serial = ++server->last_serial;
	rh_record_u32(&frame->records, RH_TAG_FLAGS, &page->flags);
	rh_record_u64(&frame->records, RH_TAG_ORIGIN, &page->origin);
	page->event = rh_frame_take_fd(frame, 1);
	page->companion = rh_frame_take_fd(frame, 2);
	read_caller(page->caller, frame);
	page->caller->pages++;
	fcntl(page->companion, F_SETFL, O_NONBLOCK);
	rh_server_init(&page->end, page->memory, page->event);
	page->thread = thread;
	page->next = server->pages;
	server->pages = page;
	thread->assigned++;
	rh_serve_thread_give(thread, page);
	rh_relief_watch(server);
	return RH_OK;
}

static void drop_page(struct rh_serve_page *page)
{
	if (atomic_exchange_explicit(&page->is_dropped, 1, memory_order_release) == 0)
		rh_serve_thread_tell(page->thread);
}

static void destroy_page(struct rh_serve_page *page)
{
	rh_memory_unmap(page->memory, RH_PAGE_BYTES);
	close(page->event);
	rh_discard(page->companion);
	rh_serve_context_fini(page);
	rh_stash_destroy(page->stash);
	page->thread->assigned--;
	page->caller->pages--;
	free(page);
}

/* Frees pages that their threads let go of, and callers that ended. */
static void sweep(struct rh_server *server)
{
	struct rh_serve_page   **link = &server->pages;
	struct rh_serve_caller **who = &server->callers;

	while (*link) {
		struct rh_serve_page *page = *link;

		if (page->owes_put ||
		    !atomic_load_explicit(&page->is_let_go, memory_order_acquire)) {
			link = &page->next;
			continue;
		}
		*link = page->next;
		destroy_page(page);
	}
	while (*who) {
		struct rh_serve_caller *caller = *who;

		/* Without its pidfd a caller lasts as long as its pages. */
		if (caller->pages > 0 || !(caller->has_ended || caller->pidfd < 0)) {
			who = &caller->next;
			continue;
		}
		*who = caller->next;
		rh_serve_thread_bury(&server->threads[0], caller);
	}
}

/* ---- the agent ---------------------------------------------------------- */

static int send_serve(struct rh_server *server)
{
	unsigned char          *bytes = malloc(RH_FRAME_MAX);
	struct rh_record_writer writer;
	int                     r;

	if (!bytes)
		return RH_ENOMEM;
	rh_record_begin(&writer, bytes, RH_FRAME_MAX - 64);
	rh_record_put_text(&writer, RH_TAG_INTERFACE, server->interface_name);
	rh_record_put_u64(&writer, RH_TAG_HASH, server->interface_hash);
	rh_record_put_u32(&writer, RH_TAG_THREADS, server->thread_count);
	rh_record_put_u32(&writer, RH_TAG_COUNT,
	                  server->thread_count * RH_PAGES_PER_THREAD);
	rh_record_put_u32(&writer, RH_TAG_PID, (uint32_t)getpid());
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, server->instance);
	for (uint32_t i = 0; i < server->table.count; i++)
		rh_record_put_u64(&writer, RH_TAG_FUNCTION, server->table.hashes[i]);
	r = rh_socket_send(server->agent, RH_FRAME_SERVE, 1, &writer, NULL, 0);
	free(bytes);
	return r;
}

static int receive_answer(struct rh_server *server, uint8_t expected,
                          struct rh_frame *frame)
{
	struct pollfd look = { .fd = server->agent, .events = POLLIN };
	int           r;

	if (poll(&look, 1, 10000) <= 0)
		return rh_fail(RH_ETIMEDOUT, "the agent did not answer");
	r = rh_socket_receive(server->agent, server->buffer, frame);
	if (r < 0)
		return rh_fail(RH_EDETACHED, "the agent hung up");
	if (frame->type == RH_FRAME_ERROR)
		r = rh_frame_error(frame);
	else if (frame->type != expected)
		r = rh_fail(RH_EPROTO, "the agent answered something else");
	if (r < 0)
		rh_frame_drop(frame);
	return r;
}

static int greet(struct rh_server *server)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_frame         frame;
	uint64_t                instance = 0;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_CALLEE);
	if (rh_socket_send(server->agent, RH_FRAME_ATTACH, 1, &writer, NULL, 0) < 0)
		return rh_fail(RH_EDETACHED, "the agent hung up");
	if ((r = receive_answer(server, RH_FRAME_ATTACHED, &frame)) < 0)
		return r;
	pthread_mutex_lock(&server->env_lock);
	server->env_count = rh_frame_env(&frame, server->env, &server->locale_on);
	pthread_mutex_unlock(&server->env_lock);
	rh_frame_drop(&frame);
	if ((r = send_serve(server)) < 0)
		return rh_fail(r, "the agent hung up");
	if ((r = receive_answer(server, RH_FRAME_SERVING, &frame)) < 0)
		return r;
	rh_record_u64(&frame.records, RH_TAG_INSTANCE, &instance);
	rh_frame_drop(&frame);
	server->instance = (uint32_t)instance;
	rh_ready_tell();
	return RH_OK;
}

static int connect_agent(struct rh_server *server)
{
	const char    *path = secure_getenv("RHODES_AGENT");
	struct rh_diag diag;
	int            r;

	if (!path)
		return rh_fail(RH_EDETACHED, "this process runs as no resource: start it"
		               " with `rhodes serve`");
	server->agent = rh_socket_connect(path, &diag);
	if (server->agent < 0)
		return rh_fail(server->agent, "%s", diag.text);
	if ((r = greet(server)) < 0) {
		close(server->agent);
		server->agent = -1;
		return r;
	}
	fcntl(server->agent, F_SETFL, O_NONBLOCK);
	rh_serve_report_all(server);
	return RH_OK;
}

static void answer_page_add(struct rh_server *server, struct rh_frame *frame)
{
	struct rh_serve_answer *answer = &server->answer;
	struct rh_record_writer writer;
	uint64_t                id = 0;
	int                     r = add_page(server, frame, &id);

	rh_record_begin(&writer, answer->bytes, sizeof answer->bytes);
	if (r < 0) {
		rh_record_put_i32(&writer, RH_TAG_CODE, r);
		rh_record_put_text(&writer, RH_TAG_TEXT, r == RH_ENOSPC
		                   ? "the instance serves as many pages as it can"
		                   : rh_error_text(r));
	}
	rh_record_put_u64(&writer, RH_TAG_PAGE, id);
	answer->len = writer.used;
	answer->type = r < 0 ? RH_FRAME_ERROR : RH_FRAME_PAGE_ADDED;
	answer->request = frame->request;
}

/* 1 when nothing is left to be answered: an agent that does not read waits for its
 * answers, and gets no further ones. */
static int has_answered(struct rh_server *server)
{
	struct rh_serve_answer *answer = &server->answer;
	struct rh_record_writer writer = {
		.bytes = answer->bytes, .cap = answer->len, .used = answer->len,
	};

	if (answer->type != 0 &&
	    rh_socket_send(server->agent, answer->type, answer->request, &writer, NULL,
	                   0) == RH_EAGAIN)
		return 0;
	answer->type = 0; /* or it is hanging up */
	return 1;
}

static void drop_by_id(struct rh_server *server, uint64_t id)
{
	for (struct rh_serve_page *page = server->pages; page; page = page->next) {
		if (page->id == id)
			drop_page(page);
	}
}

static void handle_frame(struct rh_server *server, struct rh_frame *frame)
{
	uint64_t id;

	switch (frame->type) {
	case RH_FRAME_PAGE_ADD:
		answer_page_add(server, frame);
		break;
	case RH_FRAME_ERROR: /* of PAGE_HELD */
		drop_by_id(server, frame->request);
		break;
	case RH_FRAME_PAGE_DROP:
		if (rh_record_u64(&frame->records, RH_TAG_PAGE, &id) == RH_OK)
			drop_by_id(server, id);
		break;
	case RH_FRAME_PEER_GONE:
		if (rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &id) < 0)
			break;
		for (struct rh_serve_caller *c = server->callers; c; c = c->next) {
			if (c->attachment == id)
				c->has_ended = 1;
		}
		break;
	}
}

static void read_agent(struct rh_server *server)
{
	struct rh_frame frame;
	int             r = RH_EAGAIN;

	while (has_answered(server) &&
	       (r = rh_socket_receive(server->agent, server->buffer, &frame)) == RH_OK) {
		handle_frame(server, &frame);
		rh_frame_drop(&frame);
	}
	if (r == RH_EAGAIN || r == RH_OK)
		return;
	server->answer.type = 0;
	rh_warn("the agent hung up; bound calls go on, waiting for it to come back");
	close(server->agent);
	server->agent = -1;
}

/* ---- the control loop --------------------------------------------------- */

struct looks {
	unsigned                n;
	struct pollfd           fds[LOOKS_MAX];
	struct rh_serve_page   *pages[LOOKS_MAX];
	struct rh_serve_caller *callers[LOOKS_MAX];
};

static void look_at(struct looks *looks, int fd, short events,
                    struct rh_serve_page *page, struct rh_serve_caller *caller)
{
	if (looks->n == LOOKS_MAX)
		return;
	looks->fds[looks->n] = (struct pollfd){ .fd = fd, .events = events };
	looks->pages[looks->n] = page;
	looks->callers[looks->n++] = caller;
}

/* Everything whose end is an event: pages by their companions, callers by their
 * pidfds; and the agent, when it can be told what is owed. */
static void gather(struct rh_server *server, struct looks *looks, int watch)
{
	short agent_events = server->answer.type != 0 ? POLLOUT
	                     : rh_serve_report(server) ? POLLIN | POLLOUT : POLLIN;

	looks->n = 0;
	look_at(looks, stop_event, POLLIN, NULL, NULL);
	look_at(looks, server->agent, agent_events, NULL, NULL);
	look_at(looks, server->agent < 0 ? watch : -1, POLLIN, NULL, NULL);
	look_at(looks, server->clock, POLLIN, NULL, NULL);
	look_at(looks, server->wake, POLLIN, NULL, NULL);
	for (struct rh_serve_page *page = server->pages; page; page = page->next) {
		if (!atomic_load_explicit(&page->is_dropped, memory_order_relaxed))
			look_at(looks, page->companion, 0, page, NULL);
	}
	for (struct rh_serve_caller *c = server->callers; c; c = c->next) {
		if (c->pidfd >= 0 && !c->has_ended)
			look_at(looks, c->pidfd, POLLIN, NULL, c);
	}
}

static int watch_agent_directory(void)
{
	const char *path = secure_getenv("RHODES_AGENT");
	const char *slash = path ? strrchr(path, '/') : NULL;
	char        directory[256];
	int         watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (!slash || watch < 0 || (size_t)(slash - path) >= sizeof directory)
		return watch;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = 0;
	inotify_add_watch(watch, directory, IN_MOVED_TO);
	return watch;
}

static void come_back(struct rh_server *server, int watch)
{
	char events[4096];

	while (read(watch, events, sizeof events) > 0)
		;
	if (connect_agent(server) == RH_OK)
		rh_info("serving again as instance %08x", server->instance);
}

/* Tells the threads again that have not obeyed; returns when to look next. */
static int nag_all(struct rh_server *server, int lag_ms)
{
	int lags = 0;

	for (unsigned i = 0; i < server->thread_count; i++) {
		if (!rh_serve_thread_lags(&server->threads[i]))
			continue;
		rh_serve_thread_nag(&server->threads[i]);
		lags = 1;
	}
	if (!lags)
		return 0;
	lag_ms = lag_ms == 0 ? LAG_MIN_MS : lag_ms * 2;
	return lag_ms < LAG_MAX_MS ? lag_ms : LAG_MAX_MS;
}

/* How long the control loop may sleep; -1: until something happens. */
static int nap(const struct rh_server *server, int lag_ms)
{
	if (server->agent < 0)
		return RETRY_MS;
	return lag_ms > 0 ? lag_ms : -1;
}

void rh_server_wake(const struct rh_server *server)
{
	uint64_t one = 1;

	if (server->wake >= 0 && write(server->wake, &one, sizeof one) < 0)
		return; /* it has been told already */
}

static void on_wake(struct rh_server *server)
{
	uint64_t times;

	if (read(server->wake, &times, sizeof times) > 0)
		rh_relief_came_back(server);
}

static void control_loop(struct rh_server *server)
{
	int           lag_ms = 0;
	struct looks *looks = malloc(sizeof *looks);
	int           watch = watch_agent_directory();

	while (looks) {
		lag_ms = nag_all(server, lag_ms);
		gather(server, looks, watch);
		if (poll(looks->fds, looks->n, nap(server, lag_ms)) < 0 &&
		    errno != EINTR)
			break;
		if (looks->fds[STOP].revents)
			break;
		for (unsigned i = LOOKS_FIRST; i < looks->n; i++) {
			if (!looks->fds[i].revents)
				continue;
			if (looks->callers[i]) {
				looks->callers[i]->has_ended = 1;
				continue;
			}
			drop_page(looks->pages[i]);
			rh_serve_report_gone(server, looks->pages[i]);
		}
		if (looks->fds[AGENT].revents)
			read_agent(server);
		if (looks->fds[CLOCK].revents)
			rh_relief_tick(server);
		if (looks->fds[WAKE].revents)
			on_wake(server);
		if (server->agent < 0)
			come_back(server, watch);
		sweep(server);
	}
	free(looks);
	if (watch >= 0)
		close(watch);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void make_stop_event(void)
{
	uint64_t earlier;

	if (stop_event < 0)
		stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	else if (read(stop_event, &earlier, sizeof earlier) < 0)
		return; /* nobody asked in between */
}

static int start(struct rh_server *server)
{
	rh_discard_start();
	make_stop_event();
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	server->buffer = malloc(RH_FRAME_MAX);
	server->threads = calloc(server->thread_count, sizeof *server->threads);
	if (stop_event < 0 || server->wake < 0 || !server->buffer || !server->threads ||
	    rh_relief_init(server) < 0 || rh_offer_init(&server->table) < 0)
		return rh_fail(RH_ENOMEM, "no memory to serve");
	pthread_mutex_init(&server->process_lock, NULL);
	pthread_mutex_init(&server->env_lock, NULL);
	catch_signals();
	for (unsigned i = 0; i < server->thread_count; i++) {
		if (rh_serve_thread_start(server, &server->threads[i]) < 0)
			return rh_fail(RH_ENOMEM, "no thread to serve");
	}
	return RH_OK;
}

static int join_within(pthread_t thread, unsigned ms)
{
	uint64_t        until = rh_clock_ns() + ms * RH_NS_PER_MS;
	struct timespec at = {
		.tv_sec = (time_t)(until / RH_NS_PER_S),
		.tv_nsec = (long)(until % RH_NS_PER_S),
	};

	return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &at);
}

static void join(struct rh_serve_thread *thread)
{
	if (!thread->server)
		return;
	atomic_store_explicit(&thread->is_stopping, 1, memory_order_release);
	rh_serve_thread_tell(thread);
	while (join_within(thread->id, LAG_MIN_MS) != 0)
		rh_serve_thread_nag(thread);
}

/* The threads have ended: pages go, and what the callers owned with them. */
static void leave_all(struct rh_server *server)
{
	while (server->pages) {
		struct rh_serve_page *page = server->pages;

		server->pages = page->next;
		destroy_page(page);
	}
	while (server->callers) {
		struct rh_serve_caller *caller = server->callers;

		server->callers = caller->next;
		rh_serve_caller_destroy(caller, &server->table);
	}
}

static void stop(struct rh_server *server)
{
	for (unsigned i = 0; i < server->thread_count && server->threads; i++)
		join(&server->threads[i]);
	leave_all(server);
	if (server->agent >= 0)
		close(server->agent);
	free(server->threads);
	free(server->table.slots);
	free(server->buffer);
	rh_relief_fini(server);
	close(server->wake);
	close(server->null_fd);
}

static int serve(struct rh_server *server, unsigned threads)
{
	int r;

	server->agent = server->clock = server->wake = -1;
	server->thread_count = threads < 1 ? 1 : threads > RH_SERVE_THREADS
	                       ? RH_SERVE_THREADS : threads;
	r = start(server);
	if (r == RH_OK && (r = connect_agent(server)) == RH_OK) {
		rh_info("serving %s as instance %08x", server->interface_name,
		        server->instance);
		control_loop(server);
	}
	stop(server);
	return r;
}

/* Serves an interface as table says, but for its hashes. */
static int serve_interface(const struct rh_interface *interface,
                           const struct rh_offer_table *table, unsigned threads)
{
	uint64_t *hashes = calloc(interface->function_count + 1u, sizeof *hashes);
	int       r;

	if (!hashes)
		return rh_fail(RH_ENOMEM, "no memory to serve");
	for (uint32_t i = 0; i < interface->function_count; i++)
		hashes[i] = interface->functions[i].hash;
	struct rh_server server = {
		.interface_name = interface->name, .interface_hash = interface->hash,
		.table = *table,
	};
	server.table.interface = interface;
	server.table.count = interface->function_count;
	server.table.hashes = hashes;
	r = serve(&server, threads);
	free(hashes);
	return r;
}

EXPORT int rh_serve(const struct rh_skeleton *skeleton, unsigned threads)
{
	const struct rh_offer_table table = { .trampolines = skeleton->trampolines };

	if (skeleton->abi != RH_INTERFACE_ABI ||
	    skeleton->interface->abi != RH_INTERFACE_ABI)
		return rh_fail(RH_EVERSION, "the skeleton was made for another version of"
		               " librhodes: build the interface again");
	return serve_interface(skeleton->interface, &table, threads);
}

EXPORT int rh_language_serve(const struct rh_interface *interface,
                             rh_language_invoke *invoke, void *user, unsigned threads)
{
	const struct rh_offer_table table = { .invoke = invoke, .user = user };

	if (interface->abi != RH_INTERFACE_ABI)
		return rh_fail(RH_EVERSION, "the interface %s was made for another version"
		               " of librhodes: build it again", interface->name);
	return serve_interface(interface, &table, threads);
}

EXPORT int rh_serve_bytes(const char *interface, const char *const *signatures,
                          unsigned count, rh_handler *handler, void *user,
                          unsigned threads)
{
	uint64_t *hashes = calloc(count + 1u, sizeof *hashes);
	int       r;

	if (!hashes)
		return rh_fail(RH_ENOMEM, "no memory to serve");
	for (unsigned i = 0; i < count; i++)
		hashes[i] = rh_function_id(signatures[i]);
	struct rh_server server = {
		.interface_name = interface,
		.table = { .handler = handler, .user = user, .count = count,
		           .hashes = hashes },
	};
	r = serve(&server, threads);
	free(hashes);
	return r;
}
