#include "mini_agent.h"

#include "../../base/clock.h"
#include "../../base/memory.h"
#include "../../base/peer.h"
#include "../../base/socket.h"
#include "../../protocols/page/page.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECTIONS 128
#define ASKS        256
#define NAMES       8

struct connection {
	int            fd;       /* -1: unused                        */
	int            event;    /* wakes us for its emit page        */
	uint64_t       attachment;
	struct rh_peer peer;
	int            edge;     /* of what it serves, or -1          */
	uint32_t       instance;
};

/* A page, from being asked for until it is given back. */
struct ask {
	int                  is_used;
	int                  is_out;     /* the caller has it          */
	int                  from;       /* connection                 */
	int                  worker;     /* that was asked, or -1      */
	uint32_t             edge;
	uint32_t             flags;
	uint64_t             request, page;
	int                  memory, event, companion;
	void                *at;         /* mapped here                */
	struct rh_caller_end listener;
	struct rh_server_end emitter;
};

struct mini_agent {
	pthread_t           thread;
	pthread_mutex_t     lock;
	pthread_cond_t      changed;
	struct mini_options options;
	struct mini_counts  counts;
	int                 listener, stop;
	uint64_t            last_page;
	uint32_t            last_instance;
	char                names[NAMES][RH_NAME_MAX + 1]; /* by edge */
	struct connection   connections[CONNECTIONS];
	struct ask          asks[ASKS];
	unsigned char       buffer[RH_FRAME_MAX];
};

static void changed(struct mini_agent *agent)
{
	pthread_cond_broadcast(&agent->changed);
}

static int edge_of(struct mini_agent *agent, const struct rh_frame *frame, uint16_t tag)
{
	char name[RH_NAME_MAX + 1];

	if (rh_record_text(&frame->records, tag, name, sizeof name) < 0)
		return -1;
	for (int i = 0; i < NAMES; i++) {
		if (agent->names[i][0] == 0)
			strcpy(agent->names[i], name);
		if (strcmp(agent->names[i], name) == 0)
			return i;
	}
	return -1;
}

static void put_context(struct mini_agent *agent, struct rh_record_writer *writer)
{
	for (int i = 0; i < 4 && agent->options.env[i]; i++)
		rh_record_put_text(writer, RH_TAG_ENV, agent->options.env[i]);
	rh_record_put_u32(writer, RH_TAG_LOCALE_ON, (uint32_t)agent->options.locale_on);
}

static void attached(struct mini_agent *agent, struct connection *from,
                     const struct rh_frame *frame)
{
	unsigned char           bytes[512];
	struct rh_record_writer writer;

	/* Its own again when it had one, else a new one. */
	if (rh_record_u64(&frame->records, RH_TAG_ATTACHMENT, &from->attachment) < 0 ||
	    (uint32_t)from->attachment != (uint32_t)from->peer.pid)
		from->attachment = rh_clock_ns() << 32 | (uint32_t)from->peer.pid;
	from->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, from->attachment);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, "tested");
	rh_record_put_text(&writer, RH_TAG_SYSTEM, "test");
	put_context(agent, &writer);
	rh_socket_send(from->fd, RH_FRAME_ATTACHED, frame->request, &writer, &from->event,
	               1);
}

static void reply_u64(int fd, uint8_t type, uint64_t request, uint16_t tag, uint64_t value)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, tag, value);
	rh_socket_send(fd, type, request, &writer, NULL, 0);
}

static void refuse(int fd, uint64_t request, int code)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, code);
	rh_record_put_text(&writer, RH_TAG_TEXT, "refused by the test's agent");
	rh_socket_send(fd, RH_FRAME_ERROR, request, &writer, NULL, 0);
}

static void forget(struct mini_agent *agent, struct ask *ask)
{
	if (ask->memory >= 0)
		close(ask->memory);
	if (ask->event >= 0)
		close(ask->event);
	if (ask->companion >= 0)
		close(ask->companion);
	if (ask->at)
		rh_memory_unmap(ask->at, RH_PAGE_BYTES);
	if (!ask->is_out)
		agent->counts.waiting--;
	else if (ask->flags & RH_PAGE_FLAG_EVENTS)
		agent->counts.listeners--;
	else
		agent->counts.pages--;
	ask->is_used = 0;
	changed(agent);
}

static void make_page(struct mini_agent *agent, struct ask *ask, uint16_t flags)
{
	rh_memory_create("page", RH_PAGE_BYTES, &ask->memory, &ask->at);
	ask->page = ++agent->last_page;
	rh_page_format(ask->at, ask->page, 0, 0, flags);
	ask->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void hand_out(struct mini_agent *agent, struct ask *ask, int companion)
{
	struct connection      *from = &agent->connections[ask->from];
	uint32_t                instance = ask->worker < 0 ? 0
	                                   : agent->connections[ask->worker].instance;
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, ask->page);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, instance);
	rh_record_put_u32(&writer, RH_TAG_FLAGS,
	                  ask->worker < 0 ? 0 : RH_PAGE_FLAG_BIND);
	ask->is_out = 1;
	agent->counts.waiting--;
	if (ask->flags & RH_PAGE_FLAG_EVENTS)
		agent->counts.listeners++;
	else
		agent->counts.pages++;
	agent->counts.given++;
	if (rh_socket_send(from->fd, RH_FRAME_PAGE, ask->request, &writer,
	                   (int[]){ ask->memory, ask->event, companion }, 3) < 0)
		forget(agent, ask);
	changed(agent);
}

/* A page that we are the other end of: events to the process, or from it. */
static void own_page(struct mini_agent *agent, struct ask *ask)
{
	int pair[2];

	make_page(agent, ask, (uint16_t)ask->flags);
	rh_socket_pair(1, pair);
	ask->companion = pair[0];
	ask->worker = -1;
	if (ask->flags & RH_PAGE_FLAG_EVENTS) {
		rh_caller_init(&ask->listener, ask->at, -1);
	} else {
		rh_server_init(&ask->emitter, ask->at, ask->event);
		rh_server_arm(&ask->emitter, RH_ASLEEP_EVENT);
	}
	hand_out(agent, ask, pair[1]);
	close(pair[1]);
}

/* Asks the oldest instance to serve the page; stays as it is when there is none. */
static void ask_worker(struct mini_agent *agent, struct ask *ask)
{
	const struct connection *from = &agent->connections[ask->from];
	const struct rh_peer   *caller = &from->peer;
	unsigned char           bytes[1024];
	struct rh_record_writer writer;
	int                     pair[2];

	ask->worker = -1;
	for (int i = 0; i < CONNECTIONS; i++) {
		const struct connection *c = &agent->connections[i];

		if (c->fd >= 0 && c->edge == (int)ask->edge &&
		    (ask->worker < 0 ||
		     c->instance < agent->connections[ask->worker].instance))
			ask->worker = i;
	}
	if (ask->worker < 0)
		return;
	make_page(agent, ask, RH_PAGE_FLAG_BIND);
	rh_socket_pair(1, pair);
	ask->companion = pair[0];
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, ask->page);
	rh_record_put_u64(&writer, RH_TAG_ORIGIN, ask->page);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, from->attachment);
	rh_record_put_text(&writer, RH_TAG_CALLER, "tested");
	rh_record_put_u32(&writer, RH_TAG_UID, (uint32_t)caller->uid);
	rh_record_put_u32(&writer, RH_TAG_GID, (uint32_t)caller->gid);
	for (int i = 0; i < caller->group_count && i < 16; i++)
		rh_record_put_u32(&writer, RH_TAG_GID, (uint32_t)caller->groups[i]);
	rh_socket_send(agent->connections[ask->worker].fd, RH_FRAME_PAGE_ADD, ask->page,
	               &writer, (int[]){ ask->memory, ask->event, pair[1], caller->pidfd },
	               4);
	close(pair[1]);
}

/* The index of the name that an edge stands for; RH_EDGE_EMIT as it is. */
static int read_edge(struct mini_agent *agent, const struct rh_frame *frame,
                     uint32_t *ret_edge)
{
	int r = rh_record_u32(&frame->records, RH_TAG_EDGE, ret_edge);

	if (r < 0 || *ret_edge == RH_EDGE_EMIT)
		return r;
	*ret_edge -= agent->options.first_edge;
	return *ret_edge < NAMES && agent->names[*ret_edge][0] ? RH_OK : RH_ENOEDGE;
}

static void on_page_get(struct mini_agent *agent, int from, const struct rh_frame *frame)
{
	struct ask *ask = agent->asks;
	uint32_t    edge;
	int         r = read_edge(agent, frame, &edge);

	if (r < 0) {
		refuse(agent->connections[from].fd, frame->request, r);
		return;
	}
	while (ask < agent->asks + ASKS && ask->is_used)
		ask++;
	if (ask == agent->asks + ASKS) {
		refuse(agent->connections[from].fd, frame->request, RH_ENOSPC);
		return;
	}
	*ask = (struct ask){ .is_used = 1, .from = from, .worker = -1, .memory = -1,
	                     .event = -1, .companion = -1, .request = frame->request,
	                     .edge = edge };
	rh_record_u32(&frame->records, RH_TAG_FLAGS, &ask->flags);
	agent->counts.waiting++;
	changed(agent);
	if (ask->edge == RH_EDGE_EMIT || (ask->flags & RH_PAGE_FLAG_EVENTS))
		own_page(agent, ask);
	else
		ask_worker(agent, ask);
}

static struct ask *find_ask(struct mini_agent *agent, const struct rh_frame *frame)
{
	uint64_t page;

	if (rh_record_u64(&frame->records, RH_TAG_PAGE, &page) < 0)
		return NULL;
	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		if (ask->is_used && ask->page == page)
			return ask;
	}
	return NULL;
}

static void on_page_added(struct mini_agent *agent, const struct rh_frame *frame)
{
	struct ask *ask = find_ask(agent, frame);

	if (!ask || ask->is_out)
		return;
	hand_out(agent, ask, ask->companion);
	if (!ask->is_used)
		return;
	close(ask->memory);
	close(ask->event);
	close(ask->companion);
	ask->memory = ask->event = ask->companion = -1;
}

/* The worker sees the hang-up of the companion; we need not tell it. */
static void on_page_put(struct mini_agent *agent, const struct connection *from,
                        const struct rh_frame *frame)
{
	struct ask *ask = find_ask(agent, frame);

	agent->counts.gone += from->edge >= 0;
	if (ask && ask->is_out)
		forget(agent, ask);
}

static void on_page_held(struct mini_agent *agent, const struct connection *from,
                         const struct rh_frame *frame)
{
	agent->counts.held++;
	if (agent->options.refuse_held)
		refuse(from->fd, frame->request, RH_ENOSPC);
}

static void on_serve(struct mini_agent *agent, struct connection *from,
                     const struct rh_frame *frame)
{
	uint64_t before = 0;

	rh_record_u64(&frame->records, RH_TAG_INSTANCE, &before);
	from->edge = edge_of(agent, frame, RH_TAG_INTERFACE);
	from->instance = before ? (uint32_t)before : ++agent->last_instance;
	reply_u64(from->fd, RH_FRAME_SERVING, frame->request, RH_TAG_INSTANCE,
	          from->instance);
	agent->counts.workers++;
	agent->counts.served++;
	changed(agent);
	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		if (ask->is_used && !ask->is_out && ask->worker < 0)
			ask_worker(agent, ask);
	}
}

static void opened(struct mini_agent *agent, int fd, uint64_t request, int edge)
{
	unsigned char           bytes[512];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_EDGE, agent->options.first_edge + (uint32_t)edge);
	rh_record_put_text(&writer, RH_TAG_CALLEE, agent->names[edge]);
	put_context(agent, &writer);
	rh_socket_send(fd, RH_FRAME_OPENED, request, &writer, NULL, 0);
}

static void on_open(struct mini_agent *agent, const struct connection *from,
                    const struct rh_frame *frame)
{
	struct rh_record record;
	int is_named = rh_record_find(&frame->records, RH_TAG_CALLEE, &record) == RH_OK;
	int edge = edge_of(agent, frame, is_named ? RH_TAG_CALLEE : RH_TAG_INTERFACE);

	if (edge < 0 || strncmp(agent->names[edge], "refused", 7) == 0)
		refuse(from->fd, frame->request, RH_ENOEDGE);
	else
		opened(agent, from->fd, frame->request, edge);
}

static void on_frame(struct mini_agent *agent, int index, struct rh_frame *frame)
{
	struct connection *from = &agent->connections[index];
	uint32_t           role = 0;

	if (frame->sender != from->peer.pid) {
		agent->counts.refused++;
		refuse(from->fd, frame->request, RH_EIDENT);
		changed(agent);
		return;
	}
	switch (frame->type) {
	case RH_FRAME_ATTACH:
		rh_record_u32(&frame->records, RH_TAG_ROLE, &role);
		agent->counts.attached += role == RH_ROLE_CALLER;
		attached(agent, from, frame);
		break;
	case RH_FRAME_OPEN:       on_open(agent, from, frame); break;
	case RH_FRAME_SERVE:      on_serve(agent, from, frame); break;
	case RH_FRAME_PAGE_GET:   on_page_get(agent, index, frame); break;
	case RH_FRAME_PAGE_ADDED: on_page_added(agent, frame); break;
	case RH_FRAME_PAGE_PUT:   on_page_put(agent, from, frame); break;
	case RH_FRAME_PAGE_HELD:  on_page_held(agent, from, frame); break;
	}
	changed(agent);
}

/* The process may live on and attach again: its pidfd tells nothing. */
static void tell_gone(struct mini_agent *agent, const struct connection *gone)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		const struct connection *c = &agent->connections[i];

		if (c->fd >= 0 && c->edge >= 0 && c != gone)
			reply_u64(c->fd, RH_FRAME_PEER_GONE, 0, RH_TAG_ATTACHMENT,
			          gone->attachment);
	}
}

static void drop(struct mini_agent *agent, int index)
{
	struct connection *gone = &agent->connections[index];

	if (gone->edge >= 0)
		agent->counts.workers--;
	else if (agent->options.tells_gone)
		tell_gone(agent, gone);
	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		if (!ask->is_used)
			continue;
		if (ask->from == index) {
			forget(agent, ask);
		} else if (ask->worker == index && !ask->is_out) {
			close(ask->memory);
			close(ask->event);
			close(ask->companion);
			ask->memory = ask->event = ask->companion = -1;
			rh_memory_unmap(ask->at, RH_PAGE_BYTES);
			ask->at = NULL;
			gone->edge = -1;
			ask_worker(agent, ask);
		}
	}
	close(gone->fd);
	if (gone->event >= 0)
		close(gone->event);
	rh_peer_fini(&gone->peer);
	*gone = (struct connection){ .fd = -1, .event = -1, .edge = -1, .peer.pidfd = -1 };
	changed(agent);
}

static void serve_emitters(struct mini_agent *agent)
{
	struct rh_reply reply = {
		.status = agent->options.event_full ? RH_EAGAIN : RH_OK,
		.flags = agent->options.event_full ? RH_SLOT_SURE : 0,
	};
	struct rh_taken taken;

	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		if (!ask->is_used || ask->edge != RH_EDGE_EMIT)
			continue;
		do {
			rh_server_woken(&ask->emitter);
			while (rh_server_take(&ask->emitter, &taken) == 1) {
				agent->counts.emitted++;
				rh_server_finish(&ask->emitter, &taken, &reply);
			}
		} while (rh_server_arm(&ask->emitter, RH_ASLEEP_EVENT) == RH_EAGAIN);
	}
	changed(agent);
}

static void accept_one(struct mini_agent *agent)
{
	int fd = rh_socket_accept(agent->listener);

	for (int i = 0; fd >= 0 && i < CONNECTIONS; i++) {
		struct connection *c = &agent->connections[i];

		if (c->fd >= 0)
			continue;
		if (rh_peer_init(&c->peer, fd, NULL) < 0)
			break;
		c->fd = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void read_one(struct mini_agent *agent, int index)
{
	struct rh_frame frame;
	int r = rh_socket_receive(agent->connections[index].fd, agent->buffer, &frame);

	if (r == RH_OK) {
		on_frame(agent, index, &frame);
		rh_frame_drop(&frame);
	} else if (r != RH_EAGAIN) {
		drop(agent, index);
	}
}

static void *run(void *user)
{
	struct mini_agent *agent = user;
	struct pollfd      look[2 * CONNECTIONS + 2];

	for (;;) {
		look[0] = (struct pollfd){ .fd = agent->stop, .events = POLLIN };
		look[1] = (struct pollfd){ .fd = agent->listener, .events = POLLIN };
		for (int i = 0; i < CONNECTIONS; i++) {
			look[2 * i + 2] = (struct pollfd){ .fd = agent->connections[i].fd,
			                                   .events = POLLIN };
			look[2 * i + 3] = (struct pollfd){ .events = POLLIN,
			                                   .fd = agent->connections[i].event };
		}
		if (poll(look, 2 * CONNECTIONS + 2, -1) < 0 || (look[0].revents & POLLIN))
			return NULL;
		pthread_mutex_lock(&agent->lock);
		for (int i = 0; i < CONNECTIONS; i++) {
			uint64_t times;

			if ((look[2 * i + 3].revents & POLLIN) &&
			    read(agent->connections[i].event, &times, sizeof times) > 0)
				serve_emitters(agent);
			if (look[2 * i + 2].revents && agent->connections[i].fd >= 0)
				read_one(agent, i);
		}
		if (look[1].revents)
			accept_one(agent);
		pthread_mutex_unlock(&agent->lock);
	}
}

struct mini_agent *mini_agent_start(const char *path, const struct mini_options *options)
{
	struct mini_agent *agent = calloc(1, sizeof *agent);
	pthread_condattr_t attributes;

	if (!agent)
		abort();
	if (options)
		agent->options = *options;
	agent->last_page = rh_clock_ns(); /* no number of a former agent's */
	for (int i = 0; i < CONNECTIONS; i++)
		agent->connections[i] = (struct connection){ .fd = -1, .event = -1,
		                                             .edge = -1, .peer.pidfd = -1 };
	pthread_mutex_init(&agent->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&agent->changed, &attributes);
	agent->stop = eventfd(0, EFD_CLOEXEC);
	agent->listener = rh_socket_listen(path, NULL);
	if (agent->listener < 0 || pthread_create(&agent->thread, NULL, run, agent) != 0)
		abort();
	return agent;
}

void mini_agent_stop(struct mini_agent *agent)
{
	uint64_t one = 1;

	if (!agent)
		return;
	if (write(agent->stop, &one, sizeof one) < 0)
		abort();
	pthread_join(agent->thread, NULL);
	for (int i = 0; i < CONNECTIONS; i++) {
		if (agent->connections[i].fd >= 0)
			drop(agent, i);
	}
	close(agent->listener);
	close(agent->stop);
	pthread_mutex_destroy(&agent->lock);
	pthread_cond_destroy(&agent->changed);
	free(agent);
}

struct mini_counts mini_agent_counts(struct mini_agent *agent)
{
	struct mini_counts counts;

	pthread_mutex_lock(&agent->lock);
	counts = agent->counts;
	pthread_mutex_unlock(&agent->lock);
	return counts;
}

int mini_agent_await(struct mini_agent *agent, size_t offset, unsigned n)
{
	uint64_t        deadline = rh_clock_ns() + 20 * RH_NS_PER_S;
	struct timespec until = { .tv_sec = (time_t)(deadline / RH_NS_PER_S),
	                          .tv_nsec = (long)(deadline % RH_NS_PER_S) };
	unsigned        now;
	int             r = 0;

	pthread_mutex_lock(&agent->lock);
	for (;;) {
		memcpy(&now, (char *)&agent->counts + offset, sizeof now);
		if (now == n || r != 0)
			break;
		r = pthread_cond_timedwait(&agent->changed, &agent->lock, &until);
	}
	pthread_mutex_unlock(&agent->lock);
	return now == n ? 0 : -1;
}

static void wake(const struct ask *ask)
{
	if (rh_caller_server_polls(&ask->listener))
		rh_socket_send(ask->companion, RH_FRAME_WAKE, 0, NULL, NULL, 0);
}

int mini_agent_place(struct mini_agent *agent, uint64_t event, const void *bytes,
                     uint32_t len)
{
	struct rh_request request = { .function = event, .args_len = len,
	                              .flags = RH_SLOT_EVENT };
	int               placed = 0;

	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		unsigned char *at;
		int            slot;

		if (!ask->is_used || !ask->is_out || !(ask->flags & RH_PAGE_FLAG_EVENTS))
			continue;
		slot = rh_caller_reserve(&ask->listener, len, 0, &at);
		if (slot < 0)
			continue;
		memcpy(at, bytes, len);
		rh_caller_submit(&ask->listener, slot, &request);
		placed++;
	}
	return placed;
}

int mini_agent_emit(struct mini_agent *agent, uint64_t event, const void *bytes,
                    uint32_t len)
{
	struct rh_request request = { .function = event, .args_len = len,
	                              .flags = RH_SLOT_EVENT };
	struct rh_reply   reply;
	int               taken = 0;

	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		uint64_t       until = rh_clock_ns() + 20 * RH_NS_PER_S;
		unsigned char *at;
		int            slot, r;

		if (!ask->is_used || !ask->is_out || !(ask->flags & RH_PAGE_FLAG_EVENTS))
			continue;
		slot = rh_caller_reserve(&ask->listener, len, 0, &at);
		if (slot < 0)
			continue;
		memcpy(at, bytes, len);
		rh_caller_submit(&ask->listener, slot, &request);
		wake(ask);
		while ((r = rh_caller_collect(&ask->listener, slot, &reply)) == RH_EAGAIN &&
		       rh_clock_ns() < until)
			rh_caller_wait(&ask->listener, slot, until, -1);
		taken += r == RH_OK && reply.status == RH_OK;
		rh_caller_release(&ask->listener, slot);
	}
	return taken;
}

void mini_agent_emit_lie(struct mini_agent *agent, uint64_t event)
{
	struct rh_request request = {
		.function = event, .args_len = 1u << 20, .fds = 1,
		.flags = RH_SLOT_EVENT | RH_SLOT_ARGS_MEMFD,
	};

	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		unsigned char *at;
		int            slot;

		if (!ask->is_used || !ask->is_out || !(ask->flags & RH_PAGE_FLAG_EVENTS))
			continue;
		slot = rh_caller_reserve(&ask->listener, 0, 0, &at);
		if (slot < 0)
			continue;
		rh_caller_submit(&ask->listener, slot, &request);
		wake(ask);
		rh_caller_abandon(&ask->listener, slot, 1);
		/* submitted again under the cancelled word: it is still there */
		atomic_store(&ask->listener.page.slots[slot].request.word,
		             RH_SLOT_WORD(ask->listener.sequences[slot], RH_SLOT_SUBMITTED));
	}
}

static void cut(struct mini_agent *agent, const struct ask *ask)
{
	const struct connection *worker = &agent->connections[ask->worker];

	if (worker->fd >= 0)
		reply_u64(worker->fd, RH_FRAME_PAGE_DROP, 0, RH_TAG_PAGE, ask->page);
}

static int is_page(const struct ask *ask)
{
	return ask->is_used && ask->is_out && !(ask->flags & RH_PAGE_FLAG_EVENTS);
}

unsigned mini_agent_retire(struct mini_agent *agent)
{
	unsigned taken = 0;

	pthread_mutex_lock(&agent->lock);
	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		if (is_page(ask))
			rh_page_retire(ask->at);
	}
	if (!rh_page_barrier())
		abort();
	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		if (!is_page(ask) || !rh_page_is_idle(ask->at))
			continue;
		if (ask->worker >= 0)
			cut(agent, ask);
		forget(agent, ask);
		taken++;
	}
	pthread_mutex_unlock(&agent->lock);
	return taken;
}

void mini_agent_cut(struct mini_agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	for (struct ask *ask = agent->asks; ask < agent->asks + ASKS; ask++) {
		if (is_page(ask) && ask->worker >= 0)
			cut(agent, ask);
	}
	pthread_mutex_unlock(&agent->lock);
}

void mini_agent_hang_up(struct mini_agent *agent, pid_t pid)
{
	pthread_mutex_lock(&agent->lock);
	for (int i = 0; i < CONNECTIONS; i++) {
		if (agent->connections[i].fd >= 0 && agent->connections[i].peer.pid == pid)
			drop(agent, i);
	}
	pthread_mutex_unlock(&agent->lock);
}
