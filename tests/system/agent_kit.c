#include "agent_kit.h"

#include "../../agent/cache.h"

#include "../../wire/limits.h"
#include "../../base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AGENTS_MAX 64

char            kit_dir[64];
int             kit_log = -1;
uint32_t        kit_pages_max;
struct rh_frame kit_frame;
char            kit_text[RH_DIAG_MAX];

static unsigned char buffer[RH_FRAME_MAX];
char                 kit_state_dir[128];
uint64_t             kit_revoked_at;
int32_t              kit_after;
const char          *kit_stale_class;
uint64_t             kit_stale_ms;
void               (*kit_edge_more)(struct rh_record_writer *writer,
                                    const struct kit_edge *edge);
static int           center = -1;
static pid_t         started[AGENTS_MAX];
static unsigned      started_count;

/* ---- waiting ------------------------------------------------------------ */

uint64_t kit_deadline(void)
{
	return rh_clock_ns() + KIT_PATIENCE_S * RH_NS_PER_S;
}

void kit_pause(void)
{
	const struct timespec pause = { .tv_nsec = 500000 };

	nanosleep(&pause, NULL);
}

static int wait_readable(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, KIT_PATIENCE_S * 1000) == 1;
}

/* ---- the run directory -------------------------------------------------- */

/* A test holds the pages of many processes: more than the 1,024 descriptors that a login
 * gives a program to begin with. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int kit_open(void **state)
{
	struct rh_diag diag;
	char           path[96];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	strcpy(kit_dir, "/tmp/rh-agent-XXXXXX");
	if (!mkdtemp(kit_dir))
		return -1;
	chmod(kit_dir, 0755);
	snprintf(path, sizeof path, "%s/link.sock", kit_dir);
	center = rh_socket_listen(path, &diag);
	return center < 0 ? -1 : 0;
}

static void remove_all(const char *path)
{
	DIR           *dir = opendir(path);
	struct dirent *entry;
	char           inside[512];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
		if (unlink(inside) < 0)
			remove_all(inside);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

int kit_close(void **state)
{
	int ended_badly = 0;

	(void)state;
	for (unsigned i = 0; i < started_count; i++) {
		int status;

		/* An agent that is gone now was ended by a bug, not by the test. */
		if (started[i] == 0)
			continue;
		if (waitpid(started[i], &status, WNOHANG) != 0) {
			fprintf(stderr, "agent %d ended with status %x\n",
			        (int)started[i], (unsigned)status);
			ended_badly = -1;
			continue;
		}
		kill(started[i], SIGKILL);
		waitpid(started[i], NULL, 0);
	}
	started_count = 0;
	close(center);
	remove_all(kit_dir);
	return ended_badly;
}

/* ---- agents ------------------------------------------------------------- */

static pid_t spawn(const char *name, int ready)
{
	char  fd[16];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	snprintf(fd, sizeof fd, "%d", ready);
	if (kit_log >= 0) {
		dup2(kit_log, STDERR_FILENO);
		setenv("RHODES_LOG", "info", 1);
	}
	execl(getenv("AGENT"), "rhodes-agent", "--run-dir", kit_dir, "--resource", name,
	      "--ready-fd", fd, kit_state_dir[0] ? "--state-dir" : (char *)NULL,
	      kit_state_dir, (char *)NULL);
	_exit(127);
}

void kit_agent_start_alone(struct kit_agent *agent, const char *name)
{
	char word[8];
	int  ready[2];

	assert_int_equal(pipe(ready), 0);
	fcntl(ready[0], F_SETFD, FD_CLOEXEC);
	snprintf(agent->name, sizeof agent->name, "%s", name);
	agent->pid = spawn(name, ready[1]);
	assert_true(agent->pid > 0);
	assert_true(started_count < AGENTS_MAX);
	started[started_count++] = agent->pid;
	close(ready[1]);
	assert_true(wait_readable(ready[0]));
	assert_int_equal(read(ready[0], word, sizeof word), 6);
	close(ready[0]);
	agent->center = -1;
}

void kit_agent_install(const char *executable)
{
	char file[128], fresh[136], command[512];

	snprintf(file, sizeof file, "%s/rhodes-agent", kit_dir);
	snprintf(fresh, sizeof fresh, "%s.new", file);
	snprintf(command, sizeof command, "cp %s %s && mv %s %s", executable, fresh, fresh,
	         file);
	assert_int_equal(system(command), 0);
	setenv("AGENT", file, 1);
}

void kit_agent_start(struct kit_agent *agent, const char *name)
{
	kit_agent_start_alone(agent, name);
	kit_center_accept(agent);
}

void kit_cache_forge(const char *dir, const char *name, const char *boot)
{
	static unsigned char bytes[1 << 20];
	struct rh_cache_head head;
	char                 path[256];
	int                  fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t len = read(fd, bytes, sizeof bytes);
	assert_true(len > (ssize_t)sizeof head);
	memcpy(&head, bytes, sizeof head);
	memset(head.boot, 0, sizeof head.boot);
	memcpy(head.boot, boot, strlen(boot));
	memset(head.hash, 0, sizeof head.hash);
	memcpy(bytes, &head, sizeof head);
	crypto_generichash(head.hash, sizeof head.hash, bytes, (size_t)len, NULL, 0);
	assert_int_equal(pwrite(fd, &head, sizeof head, 0), sizeof head);
	close(fd);
}

void kit_agent_kill(struct kit_agent *agent, int number)
{
	kill(agent->pid, number);
	waitpid(agent->pid, NULL, 0);
	for (unsigned i = 0; i < started_count; i++) {
		if (started[i] == agent->pid)
			started[i] = 0;
	}
	if (agent->center >= 0)
		close(agent->center);
}

/* Takes the subscription. */
static void welcome(struct kit_agent *agent)
{
	static const unsigned char store[16] = { 'k', 'i', 't' };
	unsigned char              bytes[128];
	struct rh_record_writer    writer;

	assert_int_equal(kit_u32(RH_TAG_VERSION), RH_PUSH_VERSION);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_PUSH_VERSION);
	rh_record_put(&writer, RH_TAG_STORE, store, sizeof store);
	rh_record_put_u64(&writer, RH_TAG_REVISION, 0);
	rh_record_put_text(&writer, RH_TAG_SYSTEM, "kit");
	kit_send(agent->center, RH_FRAME_WELCOME, 1, &writer, NULL, 0);
	kit_expect(agent->center, RH_FRAME_SUBSCRIBE);
}

void kit_center_accept(struct kit_agent *agent)
{
	char resource[64];

	for (;;) { /* an agent that was killed may stand in the queue */
		assert_true(wait_readable(center));
		agent->center = rh_socket_accept(center);
		assert_true(agent->center >= 0);
		if (kit_receive(agent->center) == RH_FRAME_HELLO)
			break;
		close(agent->center);
	}
	assert_int_equal(kit_u32(RH_TAG_ROLE), RH_ROLE_AGENT);
	assert_int_equal(kit_u32(RH_TAG_PID), agent->pid);
	assert_int_equal(rh_record_text(&kit_frame.records, RH_TAG_RESOURCE, resource,
	                                sizeof resource), RH_OK);
	assert_string_equal(resource, agent->name);
	welcome(agent);
}

static size_t open_item(struct rh_record_writer *writer, const char *caller,
                        const char *callee, uint64_t revision)
{
	size_t place = rh_record_open(writer, RH_TAG_ITEM);

	rh_record_put_text(writer, RH_TAG_CALLER, caller);
	if (callee)
		rh_record_put_text(writer, RH_TAG_CALLEE, callee);
	rh_record_put_u64(writer, RH_TAG_REVISION, revision);
	return place;
}

static void put_self(struct rh_record_writer *writer, const char *name,
                     const char *interface, uint64_t revision)
{
	size_t item = open_item(writer, name, NULL, revision);
	size_t place = rh_record_open(writer, RH_TAG_SELF);

	rh_record_put_text(writer, RH_TAG_RESOURCE, name);
	rh_record_put_text(writer, RH_TAG_TYPE, "service");
	if (interface[0])
		rh_record_put_text(writer, RH_TAG_INTERFACE, interface);
	rh_record_put_u32(writer, RH_TAG_UID, geteuid());
	rh_record_put_text(writer, RH_TAG_ENV, "TZ");
	if (kit_stale_class) {
		size_t stale = rh_record_open(writer, RH_TAG_STALE_ITEM);

		rh_record_put_text(writer, RH_TAG_RULE, kit_stale_class);
		rh_record_put_u64(writer, RH_TAG_DELAY, kit_stale_ms);
		rh_record_close(writer, stale);
	}
	rh_record_close(writer, place);
	rh_record_close(writer, item);
}

static void put_edge(struct rh_record_writer *writer, const struct kit_edge *edge,
                     uint64_t revision)
{
	size_t item = open_item(writer, edge->caller, edge->callee, revision);
	size_t place = rh_record_open(writer, RH_TAG_EDGE_ITEM);

	rh_record_put_text(writer, RH_TAG_CALLER, edge->caller);
	rh_record_put_text(writer, RH_TAG_CALLEE, edge->callee);
	rh_record_put_text(writer, RH_TAG_INTERFACE, "bytes");
	rh_record_put_i32(writer, RH_TAG_VERDICT, edge->verdict);
	rh_record_put_text(writer, RH_TAG_PROTOCOL, edge->protocol);
	if (edge->text)
		rh_record_put_text(writer, RH_TAG_TEXT, edge->text);
	if (kit_revoked_at) {
		rh_record_put_u64(writer, RH_TAG_DEADLINE, kit_revoked_at);
		rh_record_put_i32(writer, RH_TAG_AFTER, kit_after);
	}
	if (kit_edge_more)
		kit_edge_more(writer, edge);
	rh_record_close(writer, place);
	rh_record_close(writer, item);
}

void kit_push(struct kit_agent *agent, uint8_t type, uint64_t revision,
              const struct rh_record_writer *items)
{
	static unsigned char    bytes[RH_FRAME_MAX];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes - 64);
	rh_record_put_u64(&writer, RH_TAG_REVISION, revision);
	if (items) {
		memcpy(bytes + writer.used, items->bytes, items->used);
		writer.used += items->used;
	}
	int r = rh_socket_send(agent->center, type, 0, &writer, NULL, 0);
	assert_true(r == RH_OK || r == RH_ELOST); /* it may have been killed */
}

/* As a snapshot. */
void kit_view(struct kit_agent *agent, uint64_t revision, const char *interface,
              const struct kit_edge *edges, unsigned count)
{
	static unsigned char    bytes[RH_FRAME_MAX - 256];
	struct rh_record_writer items;

	rh_record_begin(&items, bytes, sizeof bytes);
	if (interface)
		put_self(&items, agent->name, interface, revision);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(edges[i].caller, agent->name) == 0 ||
		    strcmp(edges[i].callee, agent->name) == 0)
			put_edge(&items, &edges[i], revision);
	}
	kit_push(agent, RH_FRAME_SNAP_BEGIN, revision, NULL);
	kit_push(agent, RH_FRAME_SNAP_ITEM, revision, &items);
	kit_push(agent, RH_FRAME_SNAP_END, revision, NULL);
}

void kit_apply(struct kit_agent *agent, uint64_t revision, const char *interface,
               const struct kit_edge *edges, unsigned count)
{
	kit_view(agent, revision, interface, edges, count);
	KIT_UNTIL(kit_counters(agent)->revision == revision);
}

const struct rh_counters_head *kit_counters(const struct kit_agent *agent)
{
	static struct { pid_t pid; void *at; } known[AGENTS_MAX];
	char path[160];
	int  fd;

	for (unsigned i = 0; i < AGENTS_MAX; i++) {
		if (known[i].pid == agent->pid)
			return known[i].at;
		if (known[i].pid != 0)
			continue;
		snprintf(path, sizeof path, "%s/agent/%s.counters", kit_dir, agent->name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		known[i].at = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);
		assert_true(known[i].at != MAP_FAILED);
		close(fd);
		known[i].pid = agent->pid;
		return known[i].at;
	}
	fail_msg("too many agents");
	return NULL;
}

const struct rh_counters_edge *kit_counters_edge(const struct kit_agent *agent,
                                                 const char *callee)
{
	const struct rh_counters_head *head = kit_counters(agent);
	const struct rh_counters_edge *edges = (const void *)(head + 1);

	for (uint32_t i = 0; i < head->edge_count; i++) {
		if (strcmp(edges[i].callee, callee) == 0)
			return &edges[i];
	}
	fail_msg("no edge to %s", callee);
	return NULL;
}

/* ---- frames ------------------------------------------------------------- */

int kit_connect(const char *resource)
{
	struct rh_diag diag;
	char           path[128];
	int            fd;

	snprintf(path, sizeof path, "%s/agent/%s.sock", kit_dir, resource);
	fd = rh_socket_connect(path, &diag);
	assert_true(fd >= 0);
	return fd;
}

void kit_send(int fd, uint8_t type, uint64_t request,
              const struct rh_record_writer *writer, const int *fds, unsigned count)
{
	assert_int_equal(rh_socket_send(fd, type, request, writer, fds, count), RH_OK);
}

int kit_receive(int fd)
{
	int r;

	rh_frame_drop(&kit_frame);
	do {
		assert_true(wait_readable(fd));
		r = rh_socket_receive(fd, buffer, &kit_frame);
	} while (r == RH_EAGAIN);
	if (r == RH_OK)
		return kit_frame.type;
	kit_frame = (struct rh_frame){ 0 };
	return r;
}

static int read_error(void)
{
	int32_t code = 0;

	kit_text[0] = 0;
	rh_record_i32(&kit_frame.records, RH_TAG_CODE, &code);
	rh_record_text(&kit_frame.records, RH_TAG_TEXT, kit_text, sizeof kit_text);
	return code;
}

void kit_expect(int fd, int type)
{
	int got = kit_receive(fd);

	if (got == RH_FRAME_ERROR && type != RH_FRAME_ERROR)
		fail_msg("an error instead of frame %d: %d %s", type, read_error(),
		         kit_text);
	assert_int_equal(got, type);
	if (got == RH_FRAME_ERROR)
		read_error();
}

static int take_answer(struct kit_peer *peer, int expected)
{
	int type = kit_receive(peer->fd);

	if (type < 0)
		return type;
	assert_int_equal(kit_frame.request, peer->last_request);
	if (type == RH_FRAME_ERROR)
		return read_error();
	assert_int_equal(type, expected);
	return RH_OK;
}

int kit_ask(struct kit_peer *peer, uint8_t type, const struct rh_record_writer *writer,
            int expected)
{
	kit_send(peer->fd, type, ++peer->last_request, writer, NULL, 0);
	return take_answer(peer, expected);
}

uint64_t kit_u64(uint16_t tag)
{
	uint64_t value = 0;

	assert_int_equal(rh_record_u64(&kit_frame.records, tag, &value), RH_OK);
	return value;
}

uint32_t kit_u32(uint16_t tag)
{
	uint32_t value = 0;

	assert_int_equal(rh_record_u32(&kit_frame.records, tag, &value), RH_OK);
	return value;
}

/* ---- processes ---------------------------------------------------------- */

int kit_attach(struct kit_peer *peer, const char *resource, uint32_t role)
{
	return kit_attach_again(peer, resource, role, 0);
}

int kit_attach_again(struct kit_peer *peer, const char *resource, uint32_t role,
                     uint64_t attachment)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	int                     r;

	*peer = (struct kit_peer){ .fd = kit_connect(resource), .event = -1 };
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, role);
	if (attachment != 0)
		rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, attachment);
	r = kit_ask(peer, RH_FRAME_ATTACH, &writer, RH_FRAME_ATTACHED);
	if (r == RH_OK) {
		peer->attachment = kit_u64(RH_TAG_ATTACHMENT);
		peer->event = rh_frame_take_fd(&kit_frame, 0);
		assert_true(peer->event >= 0);
	}
	return r;
}

void kit_pair(struct kit_agent *caller, struct kit_agent *callee,
              const struct kit_edge *edges, unsigned count, struct kit_peer *client)
{
	kit_agent_start(caller, "file");
	kit_agent_start(callee, "magic");
	kit_apply(caller, 1, "", edges, count);
	kit_apply(callee, 1, "bytes", edges, count);
	assert_int_equal(kit_attach(client, "file", RH_ROLE_CALLER), RH_OK);
}

void kit_detach(struct kit_peer *peer)
{
	close(peer->fd);
	if (peer->event >= 0)
		close(peer->event);
}

int kit_open_edge(struct kit_peer *peer, const char *callee, uint32_t *ret_edge)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_CALLEE, callee);
	r = kit_ask(peer, RH_FRAME_OPEN, &writer, RH_FRAME_OPENED);
	if (r == RH_OK)
		*ret_edge = kit_u32(RH_TAG_EDGE);
	return r;
}

void kit_page_ask(struct kit_peer *peer, uint32_t edge, uint32_t flags,
                  uint64_t deadline)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_EDGE, edge);
	rh_record_put_u64(&writer, RH_TAG_DEADLINE, deadline);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, flags);
	kit_send(peer->fd, RH_FRAME_PAGE_GET, ++peer->last_request, &writer, NULL, 0);
}

static void map_page(struct kit_page *page)
{
	int memfd = rh_frame_take_fd(&kit_frame, 0);

	assert_int_equal(rh_memory_map(memfd, RH_PAGE_BYTES, &page->memory), RH_OK);
	assert_int_equal(rh_page_check(page->memory), RH_OK);
	close(memfd);
	page->id = kit_u64(RH_TAG_PAGE);
	page->flags = kit_u32(RH_TAG_FLAGS);
	page->event = rh_frame_take_fd(&kit_frame, 1);
	page->companion = rh_frame_take_fd(&kit_frame, 2);
	assert_true(page->companion >= 0);
}

int kit_page_take(struct kit_peer *peer, struct kit_page *page)
{
	int r = take_answer(peer, RH_FRAME_PAGE);

	if (r < 0)
		return r;
	*page = (struct kit_page){ 0 };
	map_page(page);
	page->instance = kit_u64(RH_TAG_INSTANCE);
	if (page->flags & RH_PAGE_FLAG_EVENTS)
		rh_server_init(&page->server, page->memory, page->event);
	else
		rh_caller_init(&page->caller, page->memory,
		               page->flags & RH_PAGE_FLAG_BIND ? -1 : peer->event);
	return RH_OK;
}

int kit_page_get(struct kit_peer *peer, uint32_t edge, uint32_t flags,
                 struct kit_page *page)
{
	kit_page_ask(peer, edge, flags, kit_deadline());
	return kit_page_take(peer, page);
}

void kit_page_close(struct kit_page *page)
{
	rh_memory_unmap(page->memory, RH_PAGE_BYTES);
	close(page->event);
	close(page->companion);
}

void kit_page_put(struct kit_peer *peer, const struct kit_page *page)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page->id);
	kit_send(peer->fd, RH_FRAME_PAGE_PUT, 0, &writer, NULL, 0);
}

int kit_serve(struct kit_peer *peer, const char *resource, const char *interface,
              uint32_t instance)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;
	int                     r = kit_attach(peer, resource, RH_ROLE_CALLEE);

	assert_int_equal(r, RH_OK);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_INTERFACE, interface);
	rh_record_put_u64(&writer, RH_TAG_HASH, 1);
	rh_record_put_u32(&writer, RH_TAG_THREADS, 1);
	rh_record_put_u64(&writer, RH_TAG_INSTANCE, instance);
	if (kit_pages_max)
		rh_record_put_u32(&writer, RH_TAG_COUNT, kit_pages_max);
	r = kit_ask(peer, RH_FRAME_SERVE, &writer, RH_FRAME_SERVING);
	if (r == RH_OK)
		peer->instance = (uint32_t)kit_u64(RH_TAG_INSTANCE);
	return r;
}

void kit_page_held(struct kit_peer *peer, const struct kit_page *page, const char *caller)
{
	unsigned char           bytes[192];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page->id);
	rh_record_put_u64(&writer, RH_TAG_ORIGIN, page->origin);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, page->attachment);
	rh_record_put_text(&writer, RH_TAG_CALLER, caller);
	kit_send(peer->fd, RH_FRAME_PAGE_HELD, page->id, &writer, NULL, 0);
}

void kit_page_added(struct kit_peer *peer, struct kit_page *page)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	uint64_t                request;

	do /* what belongs to former pages may come first */
		kit_receive(peer->fd);
	while (kit_frame.type == RH_FRAME_PAGE_DROP ||
	       kit_frame.type == RH_FRAME_PEER_GONE);
	assert_int_equal(kit_frame.type, RH_FRAME_PAGE_ADD);
	request = kit_frame.request;
	assert_int_equal(kit_frame.fd_count, 4);
	*page = (struct kit_page){ .attachment = kit_u64(RH_TAG_ATTACHMENT) };
	rh_record_u64(&kit_frame.records, RH_TAG_ORIGIN, &page->origin);
	map_page(page);
	rh_server_init(&page->server, page->memory, page->event);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, page->id);
	kit_send(peer->fd, RH_FRAME_PAGE_ADDED, request, &writer, NULL, 0);
}

/* ---- calls -------------------------------------------------------------- */

int kit_submit_request(struct kit_page *page, struct rh_request *request,
                       const void *bytes)
{
	uint32_t       inside = request->flags & RH_SLOT_ARGS_MEMFD ? 0
	                                                            : request->args_len;
	unsigned char *args;
	int            slot = rh_caller_reserve(&page->caller, inside, 0, &args);

	if (slot < 0)
		return slot;
	if (inside > 0)
		memcpy(args, bytes, inside);
	rh_caller_submit(&page->caller, slot, request);
	return slot;
}

int kit_submit(struct kit_page *page, uint64_t function, const char *text,
               uint64_t deadline)
{
	struct rh_request request = {
		.function = function, .args_len = (uint32_t)strlen(text),
		.deadline = deadline,
	};

	return kit_submit_request(page, &request, text);
}

void kit_collect(struct kit_page *page, int slot, struct rh_reply *reply)
{
	int r;

	KIT_UNTIL((r = rh_caller_collect(&page->caller, slot, reply)) != RH_EAGAIN);
	assert_int_equal(r, RH_OK);
	rh_caller_release(&page->caller, slot);
}

void kit_take(struct kit_page *page, struct rh_taken *taken)
{
	KIT_UNTIL(rh_server_take(&page->server, taken) == 1);
}

void kit_answer(struct kit_page *page, const struct rh_taken *taken, int status,
                const char *text)
{
	struct rh_reply reply = { .status = status, .len = (uint32_t)strlen(text) };

	memcpy(reply.len <= RH_SLOT_INLINE_MAX ? taken->reply_near : taken->reply_far,
	       text, reply.len);
	rh_server_finish(&page->server, taken, &reply);
}

void kit_echo(struct kit_page *caller, struct kit_page *callee, const char *text)
{
	struct rh_taken taken;
	struct rh_reply reply;
	int             slot = kit_submit(caller, 77, text, kit_deadline());

	assert_true(slot >= 0);
	kit_take(callee, &taken);
	assert_true(taken.function == 77);
	assert_int_equal(taken.args_len, strlen(text));
	assert_memory_equal(taken.args, text, strlen(text));
	kit_answer(callee, &taken, RH_OK, text);
	kit_collect(caller, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
	assert_int_equal(reply.len, strlen(text));
	assert_memory_equal(reply.bytes, text, strlen(text));
}

int kit_descriptors(pid_t pid)
{
	char path[32];
	DIR *dir;
	int  count = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}
