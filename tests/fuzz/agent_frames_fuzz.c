/* Any frames, with any descriptors, from a process, an agent or somebody unknown: the
 * agent refuses, answers or hangs up, and has given everything back afterwards.
 *
 * Input: who (1 byte), then frames: type (1), descriptors (1), length (2), payload. */
#include "../../agent/agent.h"
#include "../../agent/bound.h"
#include "../../agent/conn.h"
#include "../../agent/edge.h"
#include "../../agent/inlink.h"
#include "../../agent/listener.h"
#include "../../agent/process.h"
#include "../../agent/rules.h"
#include "../../base/log.h"
#include "../../base/memory.h"
#include "../../model/check.h"
#include "../../protocols/page/page.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum who { CALLER, CALLEE, AGENT, WHO };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rh_agent agent;
static uv_loop_t       loop;
static char            directory[] = "/tmp/rh-fuzz-XXXXXX";
static int             samples[3] = { -1, -1, -1 };
static int             at_rest;

/* ---- the agent ---------------------------------------------------------- */

static void put_record(struct rh_record_writer *writer, const char *caller,
                       const char *callee, const char *protocol)
{
	size_t place;

	if (!callee) {
		place = rh_record_open(writer, RH_TAG_SELF);
		rh_record_put_text(writer, RH_TAG_RESOURCE, caller);
		rh_record_put_u32(writer, RH_TAG_UID, geteuid());
	} else {
		place = rh_record_open(writer, RH_TAG_EDGE_ITEM);
		rh_record_put_text(writer, RH_TAG_CALLER, caller);
		rh_record_put_text(writer, RH_TAG_CALLEE, callee);
		rh_record_put_i32(writer, RH_TAG_VERDICT, RH_OK);
		rh_record_put_text(writer, RH_TAG_PROTOCOL, protocol);
	}
	rh_record_close(writer, place);
}

static void put_item(struct rh_items *items, const char *caller, const char *callee,
                     const char *protocol)
{
	unsigned char           bytes[512];
	struct rh_record_writer writer;
	struct rh_diag          diag;
	struct rh_item         *item;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_CALLER, caller);
	if (callee)
		rh_record_put_text(&writer, RH_TAG_CALLEE, callee);
	rh_record_put_u64(&writer, RH_TAG_REVISION, 1);
	put_record(&writer, caller, callee, protocol);
	RH_CHECK(rh_item_read(&(struct rh_record){ .tag = RH_TAG_ITEM, .bytes = bytes,
		.len = (uint32_t)writer.used }, "magic", &item, &diag) == RH_OK);
	RH_CHECK(rh_items_put(items, item) == RH_OK);
	rh_item_unref(item);
}

static void put_in_force(void)
{
	struct rh_items items = { 0 };

	put_item(&items, "magic", NULL, NULL);
	put_item(&items, "magic", "disk", "shm");
	put_item(&items, "magic", "nic", "bind");
	put_item(&items, "file", "magic", "shm");
	RH_CHECK(rh_rules_put(&agent, &items, 1, "fuzz") == RH_OK);
}

static void remove_directory(void)
{
	char           path[512];
	struct dirent *entry;
	DIR           *dir;

	snprintf(path, sizeof path, "%s/agent", directory);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "%s/agent/%s", directory, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	snprintf(path, sizeof path, "%s/agent", directory);
	rmdir(path);
	rmdir(directory);
}

static void turn(void)
{
	/* Tasks of one turn post others; handles close in the next. */
	for (int i = 0; i < 12; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}

/* All but pipes: libFuzzer has some for its own. */
static int count_descriptors(void)
{
	char           path[300], target[64];
	struct dirent *entry;
	DIR           *dir = opendir("/proc/self/fd");
	int            count = 0;

	while ((entry = readdir(dir))) {
		ssize_t len;

		snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
		len = readlink(path, target, sizeof target);
		count += len > 0 && (len < 5 || memcmp(target, "pipe:", 5) != 0);
	}
	closedir(dir);
	return count;
}

static void start(void)
{
	struct rh_diag diag;
	void          *memory;

	setenv("RHODES_LOG", "error", 0);
	rh_log_init("fuzz");
	signal(SIGPIPE, SIG_IGN);
	RH_CHECK(mkdtemp(directory));
	atexit(remove_directory);
	RH_CHECK(uv_loop_init(&loop) == 0);
	RH_CHECK(rh_agent_init(&agent, &(struct rh_place){ .loop = &loop,
		.run_dir = directory }, "magic", &diag) == RH_OK);
	RH_CHECK(rh_listener_open(&agent, &diag) == RH_OK);
	put_in_force();
	RH_CHECK(rh_memory_create("fuzz", RH_PAGE_BYTES, &samples[0], &memory) == RH_OK);
	rh_page_format(memory, 1, 2, 3, 0);
	rh_memory_unmap(memory, RH_PAGE_BYTES);
	samples[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	samples[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	rh_agent_buffer();
	rh_agent_side_buffer();
	rh_agent_out_buffer();
	turn();
	at_rest = count_descriptors();
}

/* ---- whom the frames come from ------------------------------------------ */

static int refuse_frame(void *user, struct rh_frame *frame)
{
	(void)user;
	(void)frame;
	return RH_EPROTO;
}

static void forget(void *user, int why)
{
	(void)user;
	(void)why;
}

static const struct rh_conn_ops nobody = { .frame = refuse_frame, .lost = forget };

static int attach(struct rh_conn *conn, struct rh_peer *peer, uint32_t role,
                  struct rh_diag *diag)
{
	struct rh_frame         frame = { .type = RH_FRAME_ATTACH, .request = 1 };
	unsigned char           bytes[16];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_ROLE, role);
	rh_record_read(&frame.records, bytes, writer.used);
	return rh_process_open(&agent, conn, peer, &frame, diag);
}

static int link_to(struct rh_conn *conn, struct rh_peer *peer, struct rh_diag *diag)
{
	struct rh_frame         frame = { .type = RH_FRAME_LINK, .request = 1 };
	unsigned char           bytes[16];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_COUNT, RH_CHOICES_MAX);
	rh_record_read(&frame.records, bytes, writer.used);
	return rh_inlink_open(&agent, conn, peer, "file", &frame, diag);
}

static void join(enum who who, int fd)
{
	struct rh_peer  peer;
	struct rh_conn *conn;
	struct rh_diag  diag;
	int             on = 1, r;

	RH_CHECK(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
	RH_CHECK(rh_peer_init(&peer, fd, &diag) == RH_OK);
	RH_CHECK(rh_conn_open(&agent, fd, &nobody, NULL, &conn) == RH_OK);
	conn->pid = peer.pid;
	if (who == AGENT)
		r = link_to(conn, &peer, &diag);
	else
		r = attach(conn, &peer, who == CALLER ? RH_ROLE_CALLER : RH_ROLE_CALLEE,
		           &diag);
	RH_CHECK(r == RH_OK);
	rh_peer_fini(&peer);
}

static void send_frames(int fd, const uint8_t *data, size_t size)
{
	while (size >= 4) {
		struct rh_record_writer writer = { 0 };
		size_t len = (size_t)data[2] | (size_t)data[3] << 8;

		if (len > size - 4)
			len = size - 4;
		writer.bytes = (unsigned char *)(uintptr_t)(data + 4);
		writer.cap = writer.used = len;
		if (rh_socket_send(fd, data[0], 7, &writer, samples, data[1] % 4) < 0)
			return;
		turn();
		data += 4 + len;
		size -= 4 + len;
	}
}

/* What the agent says is not read: that must not matter either. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2], other[2];

	if (samples[0] < 0)
		start();
	if (size < 1)
		return 0;
	RH_CHECK(rh_socket_pair(1, pair) == RH_OK);
	join(data[0] % WHO, pair[0]);
	/* An instance beside it, so that links reach further. */
	RH_CHECK(rh_socket_pair(1, other) == RH_OK);
	join(CALLEE, other[0]);
	if (data[0] & 0x80)
		rh_socket_send(other[1], RH_FRAME_SERVE, 1, NULL, NULL, 0);
	turn();
	send_frames(pair[1], data + 1, size - 1);
	close(pair[1]);
	turn();
	close(other[1]);
	turn();
	RH_CHECK(rh_list_empty(&agent.processes) && rh_list_empty(&agent.links));
	RH_CHECK(rh_list_empty(&agent.instances) && rh_list_empty(&agent.unbound));
	RH_CHECK(rh_list_empty(&agent.emitting) && rh_list_empty(&agent.observers));
	RH_CHECK(agent.counters.head->pages == 0);
	RH_CHECK(agent.counters.head->bindings == 0);
	RH_CHECK(count_descriptors() == at_rest);
	return 0;
}
