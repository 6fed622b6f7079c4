/* adapter_line - the thread that tells the agent which places there are, gets their
 * rules, and reports what the rules do. */
#include "adapter.h"

#include "hello.h"
#include "session.h"

#include "../../base/clock.h"
#include "../../base/diag.h"
#include "../../base/socket.h"
#include "../../rules/hook.h"
#include "../../rules/wasm/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELLO_NS   RH_NS_PER_S    /* for the agent to come, then what was closed is freed */
#define REFUSED_MS 1000           /* until an agent that refused us is asked again ... */
#define REFUSED_MAX_MS 30000      /* ... and up to this                               */
#define FULL_MS    2000
#define LOST_MS    50
#define COUNTS_MS  1000

static struct {
	_Atomic int    is_seen_to; /* there is a thread, or nobody to speak with */
	int            has_thread; /* under the list's lock               */
	int            wake;    /* eventfd: something is to be told       */
	/* The thread's alone. */
	int            fd;      /* to the agent, or -1                    */
	unsigned char *buffer;  /* one frame                              */
	uint64_t       told_ns; /* when counts were told                  */
	int            may_load; /* the agent is one whose code we run    */
} line = { .wake = -1, .fd = -1 };

/* ---- frames to the agent ---- */

static void begin(struct rh_record_writer *writer, uint64_t revision)
{
	static unsigned char bytes[8192]; /* the thread's */

	rh_record_begin(writer, bytes, sizeof bytes);
	rh_record_put_u64(writer, RH_TAG_REVISION, revision);
}

/* An agent that does not read is taken for gone: it would miss what became of a rule. */
static void send_to_agent(uint8_t type, uint64_t number,
                          const struct rh_record_writer *writer)
{
	struct pollfd look = { .fd = line.fd, .events = POLLOUT };
	int           r;

	if (line.fd < 0)
		return;
	r = rh_socket_send(line.fd, type, number, writer, NULL, 0);
	if (r == RH_EAGAIN && poll(&look, 1, FULL_MS) > 0)
		r = rh_socket_send(line.fd, type, number, writer, NULL, 0);
	if (r < 0)
		shutdown(line.fd, SHUT_RDWR);
}

static void ask(struct rh_adapter *adapter)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_HOOK, adapter->hook->name);
	rh_record_put_text(&writer, RH_TAG_KEY, adapter->key);
	send_to_agent(RH_FRAME_RULE_GET, adapter->number, &writer);
	adapter->is_asked = 1;
}

static void send_state(const struct rh_adapter *adapter, uint64_t revision, int code,
                       const char *text)
{
	struct rh_record_writer writer;

	begin(&writer, revision);
	rh_record_put_u32(&writer, RH_TAG_STATE,
	                  code < 0 ? RH_ITEM_REJECTED : RH_ITEM_ACTIVE);
	if (code < 0) {
		rh_record_put_i32(&writer, RH_TAG_CODE, code);
		rh_record_put_text(&writer, RH_TAG_TEXT, text);
	}
	send_to_agent(RH_FRAME_RULE_STATE, adapter->number, &writer);
}

static int is_nothing(const struct rh_adapter_counts *counts)
{
	struct rh_adapter_counts nothing = { .instances = counts->instances };

	/* It says why only of failures. */
	return memcmp(counts, &nothing, offsetof(struct rh_adapter_counts, why)) == 0;
}

static void send_counts(struct rh_adapter *adapter, const struct rh_adapter_counts *counts)
{
	static char             lines[RH_ADAPTER_LINES][RH_ADAPTER_LINE]; /* the thread's */
	uint32_t                line_count = rh_adapter_take_lines(adapter, lines);
	struct rh_record_writer writer;

	if (line_count == 0 && is_nothing(counts))
		return;
	begin(&writer, adapter->revision);
	rh_record_put_u64(&writer, RH_TAG_CALLS, counts->calls);
	rh_record_put_u64(&writer, RH_TAG_TOOK, counts->took_ns);
	for (int i = 0; i < RH_FAILURES; i++)
		rh_record_put_u64(&writer, RH_TAG_ERRORS, counts->failures[i]);
	rh_record_put_u32(&writer, RH_TAG_COUNT, (uint32_t)counts->instances);
	if (counts->why[0]) {
		rh_record_put_i32(&writer, RH_TAG_CODE, RH_ERULE);
		rh_record_put_text(&writer, RH_TAG_TEXT, counts->why);
	}
	for (uint32_t i = 0; i < line_count; i++)
		rh_record_put_text(&writer, RH_TAG_TEXT, lines[i]);
	send_to_agent(RH_FRAME_RULE_COUNTS, adapter->number, &writer);
}

static void tell_counts(struct rh_adapter *adapter)
{
	struct rh_adapter_counts counts;

	pthread_mutex_lock(&adapter->lock);
	rh_adapter_take_counts(adapter, &counts);
	pthread_mutex_unlock(&adapter->lock);
	send_counts(adapter, &counts);
}

/* ---- frames from the agent ---- */

static void answered(struct rh_adapter *adapter)
{
	pthread_mutex_lock(&rh_adapters.lock);
	adapter->is_answered = 1;
	pthread_cond_broadcast(&rh_adapters.changed);
	pthread_mutex_unlock(&rh_adapters.lock);
}

/* Nobody else takes it from the list while the line is up (D2). */
static struct rh_adapter *find(uint64_t number)
{
	struct rh_adapter *at;

	pthread_mutex_lock(&rh_adapters.lock);
	for (at = rh_adapters.first; at && at->number != number; at = at->next)
		;
	if (at && at->is_closed)
		at = NULL;
	pthread_mutex_unlock(&rh_adapters.lock);
	return at;
}

static int is_in_force(const struct rh_adapter *adapter, const struct rh_record *item)
{
	return item ? adapter->item && adapter->item_bytes == item->len &&
	              memcmp(adapter->item, item->bytes, item->len) == 0
	            : !adapter->item;
}

static int exchange(struct rh_adapter *adapter, const struct rh_record *item,
                    struct rh_frame *frame, struct rh_diag *diag)
{
	int fd = rh_frame_take_fd(frame, 0);
	int r;

	if (item && !line.may_load) {
		r = rh_diag_set(diag, RH_EPERM, "the process takes no code from an agent of "
		                "another user that is not root");
	} else {
		pthread_mutex_lock(&rh_adapters.loading);
		r = rh_adapter_exchange(adapter, item ? item->bytes : NULL,
		                        item ? item->len : 0, fd, diag);
		pthread_mutex_unlock(&rh_adapters.loading);
	}
	if (fd >= 0)
		close(fd);
	return r;
}

static void on_rule(struct rh_frame *frame)
{
	struct rh_adapter *adapter = find(frame->request);
	struct rh_diag     diag = { .text = "" };
	struct rh_record   item;
	uint64_t           revision;
	int                has, r = RH_OK;

	if (!adapter)
		return;
	has = rh_record_find(&frame->records, RH_TAG_CODE_ITEM, &item);
	if (rh_record_u64(&frame->records, RH_TAG_REVISION, &revision) < 0 ||
	    (has < 0 && has != RH_ENOENT)) {
		shutdown(line.fd, SHUT_RDWR); /* that is no agent of ours */
		return;
	}
	if (!is_in_force(adapter, has < 0 ? NULL : &item)) {
		r = exchange(adapter, has < 0 ? NULL : &item, frame, &diag);
		send_counts(adapter, &adapter->left); /* of the former one */
	}
	if (r == RH_OK)
		adapter->revision = revision;
	send_state(adapter, revision, r, diag.text);
	answered(adapter);
}

static void on_frame(struct rh_frame *frame)
{
	struct rh_adapter *adapter;

	if (frame->type == RH_FRAME_RULE)
		on_rule(frame);
	else if (frame->type == RH_FRAME_ERROR && (adapter = find(frame->request)))
		answered(adapter); /* an agent that knows nothing of rules */
}

/* ---- the list ---- */

static void free_closed(void)
{
	struct rh_adapter **link, *gone = NULL;

	pthread_mutex_lock(&rh_adapters.lock);
	for (link = &rh_adapters.first; *link;) {
		struct rh_adapter *at = *link;

		if (!at->is_closed) {
			link = &at->next;
			continue;
		}
		*link = at->next;
		at->next = gone;
		gone = at;
		rh_adapters.count--;
	}
	pthread_mutex_unlock(&rh_adapters.lock);
	while (gone) {
		struct rh_adapter *next = gone->next;

		if (gone->is_asked) {
			tell_counts(gone);
			send_to_agent(RH_FRAME_RULE_PUT, gone->number, NULL);
		}
		rh_adapter_free(gone);
		gone = next;
	}
}

/* Calls visit with each, without the list's lock: new ones come at its front only. */
static void each(void (*visit)(struct rh_adapter *adapter))
{
	struct rh_adapter *at;

	pthread_mutex_lock(&rh_adapters.lock);
	at = rh_adapters.first;
	pthread_mutex_unlock(&rh_adapters.lock);
	for (; at; at = at->next)
		visit(at);
}

static void ask_if_new(struct rh_adapter *adapter)
{
	if (!adapter->is_asked)
		ask(adapter);
}

static void not_asked(struct rh_adapter *adapter)
{
	adapter->is_asked = 0;
}

static void set_up(int is_up)
{
	pthread_mutex_lock(&rh_adapters.lock);
	rh_adapters.is_up = is_up;
	pthread_mutex_unlock(&rh_adapters.lock);
}

/* ---- the thread ---- */

static void hear_wake(void)
{
	uint64_t times;

	if (read(line.wake, &times, sizeof times) < 0)
		return; /* nobody rang */
}

static int receive(void)
{
	struct rh_frame frame;
	int             r;

	while ((r = rh_socket_receive(line.fd, line.buffer, &frame)) >= 0) {
		on_frame(&frame);
		rh_frame_drop(&frame);
	}
	return r;
}

/* Until the agent hangs up. */
static void converse(void)
{
	struct pollfd looks[] = {
		{ .fd = line.fd, .events = POLLIN }, { .fd = line.wake, .events = POLLIN },
	};

	do {
		free_closed();
		each(ask_if_new);
		if (rh_clock_ns() - line.told_ns >= COUNTS_MS * RH_NS_PER_MS) {
			each(tell_counts);
			line.told_ns = rh_clock_ns();
		}
		poll(looks, 2, COUNTS_MS);
		if (looks[1].revents)
			hear_wake();
	} while (receive() == RH_EAGAIN);
}

static int is_trusted(int fd)
{
	struct ucred peer;
	socklen_t    len = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* 1 when connected. */
static int dial(void)
{
	struct rh_frame frame;

	if (!line.buffer && !(line.buffer = malloc(RH_FRAME_MAX)))
		return RH_ENOMEM;
	int r = rh_hello(RH_ROLE_CALLER, 0, rh_clock_ns() + HELLO_NS, line.buffer, &line.fd,
	                 &frame);

	if (r < 0)
		return r;
	rh_frame_drop(&frame);
	line.may_load = is_trusted(line.fd);
	return 1;
}

/* The agent will have nothing to do with us: nobody waits for it. */
static void give_up(void)
{
	pthread_mutex_lock(&rh_adapters.lock);
	for (struct rh_adapter *at = rh_adapters.first; at; at = at->next)
		at->is_answered = 1;
	pthread_cond_broadcast(&rh_adapters.changed);
	pthread_mutex_unlock(&rh_adapters.lock);
}

/* Until somebody rings, or the time is over. */
static void rest(int ms)
{
	struct pollfd look = { .fd = line.wake, .events = POLLIN };

	if (poll(&look, 1, ms) > 0)
		hear_wake();
}

static void *line_main(void *none)
{
	int refused_ms = REFUSED_MS, r;

	for (;;) {
		if ((r = dial()) > 0) {
			set_up(1);
			converse();
			each(not_asked);
			set_up(0);
			close(line.fd);
			line.fd = -1;
			refused_ms = REFUSED_MS;
			continue;
		}
		free_closed();
		if (r == RH_EDETACHED)
			rest(LOST_MS); /* it is being restarted */
		if (r == RH_EDETACHED || r == RH_ETIMEDOUT)
			continue;
		give_up();
		rest(refused_ms);
		refused_ms = refused_ms * 2 > REFUSED_MAX_MS ? REFUSED_MAX_MS : refused_ms * 2;
	}
	return none;
}

static int start(void)
{
	pthread_attr_t attributes;
	pthread_t      thread;
	sigset_t       most, before;
	int            failed;

	if (line.wake < 0 && (line.wake = rh_move_up(eventfd(0, EFD_CLOEXEC |
	                                                     EFD_NONBLOCK))) < 0)
		return RH_ENOMEM;
	/* The program's handlers run in its own threads; a rule that is loaded here may
	 * trap, and may be kicked. */
	sigfillset(&most);
	rh_signals_spare(&most);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &most, &before);
	failed = pthread_create(&thread, &attributes, line_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	line.has_thread = !failed;
	return failed ? RH_ENOMEM : RH_OK;
}

int rh_adapter_line_wake(void)
{
	int r = RH_ENOENT;

	if (line.has_thread)
		r = eventfd_write(line.wake, 1) < 0 && errno != EAGAIN ? RH_EIO : RH_OK;
	else if (secure_getenv("RHODES_AGENT"))
		r = start();
	atomic_store_explicit(&line.is_seen_to, 1, memory_order_relaxed);
	return r;
}

void rh_adapter_line_look(void)
{
	if (atomic_load_explicit(&line.is_seen_to, memory_order_relaxed))
		return;
	pthread_mutex_lock(&rh_adapters.lock);
	rh_adapter_line_wake();
	pthread_mutex_unlock(&rh_adapters.lock);
}

void rh_adapter_line_forget(void)
{
	if (line.fd >= 0)
		close(line.fd);
	if (line.wake >= 0)
		close(line.wake); /* the parent's rings by the same one */
	line.fd = line.wake = -1;
	line.has_thread = 0;
	atomic_store_explicit(&line.is_seen_to, 0, memory_order_relaxed);
}
