/* Any frames on the sockets of rhodes-bpf: from a client to it, from the child that loads
 * a stranger's object to it, from it to a client, and as an order with a real object.
 * Nothing is left open.
 *
 * Input: who (1 byte), then frames: type (1), descriptors (1), length (2), payload. */
#include "../../base/log.h"
#include "../../base/memory.h"
#include "../../base/socket.h"
#include "../../model/check.h"
#include "../../rules/ebpf/client.h"
#include "../../rules/ebpf/frame.h"
#include "../../rules/ebpf/loading.h"
#include "../../rules/ebpf/server.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum who { CLIENT, CHILD, HELPER, ORDER, MAPS, WHO };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char                  directory[] = "/tmp/rh-fuzz-XXXXXX";
static char                  path[64];
static int                   samples[3], listener, never;
static uint8_t               sha256[32];
static int                   at_rest;
static unsigned char         buffer[RH_FRAME_MAX];
static struct rh_bpf_machine machine = { .tracefs = -1, .cgroup = -1, .opener = -1, .stats = -1 };

static void remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

/* All but pipes: libFuzzer has some for its own. */
static int count_descriptors(void)
{
	char           name[300], target[64];
	struct dirent *entry;
	DIR           *dir = opendir("/proc/self/fd");
	int            count = 0;

	while ((entry = readdir(dir))) {
		ssize_t len;

		snprintf(name, sizeof name, "/proc/self/fd/%s", entry->d_name);
		len = readlink(name, target, sizeof target);
		count += len > 0 && (len < 5 || memcmp(target, "pipe:", 5) != 0);
	}
	closedir(dir);
	return count;
}

/* An object of our own, frozen; its hash is what an order has to name. */
static int freeze_object(void)
{
	struct stat st;
	int         fd = open(OBJECT, O_RDONLY | O_CLOEXEC);

	RH_CHECK(fd >= 0 && fstat(fd, &st) == 0);
	unsigned char *bytes = malloc((size_t)st.st_size);
	RH_CHECK(bytes && read(fd, bytes, (size_t)st.st_size) == st.st_size);
	close(fd);
	crypto_hash_sha256(sha256, bytes, (unsigned long long)st.st_size);
	fd = rh_memory_freeze(bytes, (size_t)st.st_size);
	free(bytes);
	RH_CHECK(fd >= 0);
	return fd;
}

static void start(void)
{
	struct rh_diag diag;

	setenv("RHODES_LOG", "error", 0);
	rh_log_init("fuzz");
	RH_CHECK(sodium_init() >= 0 && mkdtemp(directory));
	snprintf(path, sizeof path, "%s/bpf.sock", directory);
	atexit(remove_directory);
	listener = rh_socket_listen(path, &diag);
	RH_CHECK(listener >= 0);
	rh_socket_pass_fds(listener, 1);
	never = eventfd(0, EFD_CLOEXEC);
	samples[0] = freeze_object();
	samples[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	samples[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	at_rest = count_descriptors();
}

/* ---- frames ---- */

struct input {
	const uint8_t *data;
	size_t         size;
	uint64_t       request;
};

struct part {
	uint8_t                 type, descriptors;
	struct rh_record_writer records;
};

static int next(struct input *input, struct part *part)
{
	size_t len;

	if (input->size < 4)
		return 0;
	len = (size_t)input->data[2] | (size_t)input->data[3] << 8;
	if (len > input->size - 4)
		len = input->size - 4;
	*part = (struct part){ .type = input->data[0], .descriptors = input->data[1] % 4,
		.records = { .bytes = (unsigned char *)(uintptr_t)(input->data + 4),
		             .cap = len, .used = len } };
	input->data += 4 + len;
	input->size -= 4 + len;
	return 1;
}

static int send_part(int fd, struct input *input, const struct part *part)
{
	return rh_socket_send(fd, part->type, ++input->request, &part->records, samples,
	                      part->descriptors);
}

static void read_answers(int fd)
{
	struct rh_frame frame;

	while (rh_socket_receive(fd, buffer, &frame) == RH_OK) {
		RH_CHECK(frame.fd_count == 0);
		rh_frame_drop(&frame);
	}
}

/* ---- who ---- */

static void be_client(struct input *input)
{
	struct rh_bpf_server *server = rh_bpf_server_create(dup(listener), geteuid(), 0,
	                                                    &machine);
	struct rh_diag diag;
	struct part    part;
	int            fd = rh_socket_connect(path, &diag);

	RH_CHECK(server && fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	rh_bpf_server_turn(server, never, 0);
	while (next(input, &part) && send_part(fd, input, &part) == RH_OK) {
		rh_bpf_server_turn(server, never, 0);
		read_answers(fd);
	}
	close(fd);
	rh_bpf_server_turn(server, never, 0);
	rh_bpf_server_destroy(server);
}

static void be_child(struct input *input)
{
	static struct rh_bpf_order order = { .name = "fuzz/rule", .attach_count = 2,
		.attach = { { .program = "on_connect4" }, { .program = "on_exec" } } };
	struct rh_bpf_loading      loading = { .rule = rh_bpf_rule_create(&order) };
	struct part                part;
	int                        pair[2], err = RH_EAGAIN;

	RH_CHECK(loading.rule && rh_socket_pair(1, pair) == RH_OK);
	loading.fd = pair[0];
	while (err == RH_EAGAIN && next(input, &part) &&
	       send_part(pair[1], input, &part) == RH_OK)
		err = rh_bpf_loading_read(&loading, buffer);
	RH_CHECK(err == RH_OK || err == RH_EAGAIN || loading.diag.text[0]);
	close(pair[1]);
	rh_bpf_loading_fini(&loading);
}

static void take_map(void *user, const struct rh_bpf_map *map)
{
	(void)user;
	RH_CHECK(strlen(map->name) <= RH_BPF_NAME_MAX && strlen(map->type) <= RH_BPF_NAME_MAX);
}

static void take_entry(void *user, const void *key, size_t key_bytes, const void *value,
                       size_t value_bytes)
{
	static unsigned char copy[RH_FRAME_MAX];

	(void)user;
	RH_CHECK(key_bytes <= RH_BPF_KEY_MAX && value_bytes <= sizeof copy);
	memcpy(copy, key, key_bytes);
	memcpy(copy, value, value_bytes);
}

static void take_runs(void *user, const char *program, const char *point,
                      const struct rh_bpf_runs *runs)
{
	(void)user, (void)runs;
	RH_CHECK(strlen(program) <= RH_BPF_NAME_MAX && strlen(point) <= RH_BPF_POINT_MAX + 1);
}

static void take_held(void *user, const struct rh_bpf_held *held)
{
	(void)user;
	RH_CHECK(strlen(held->name) <= RH_BPF_RULE_NAME_MAX);
}

/* Each function of the client is answered by what comes, until that ends. */
static void ask_everything(struct rh_bpf_client *client)
{
	static struct rh_bpf_answer answer;
	struct rh_diag              diag;
	uint64_t                    key = 7;
	int                         err = RH_OK;

	while (err != RH_ELOST) {
		err = rh_bpf_list(client, take_held, NULL, &diag);
		if (err != RH_ELOST)
			err = rh_bpf_maps(client, 1, take_map, NULL, &diag);
		if (err != RH_ELOST)
			err = rh_bpf_read(client, 1, "counts", take_entry, NULL, &diag);
		if (err != RH_ELOST)
			err = rh_bpf_write(client, 1, "counts", &key, 8, &key, 8, &diag);
		if (err != RH_ELOST)
			err = rh_bpf_runs(client, 1, take_runs, NULL, &diag);
		if (err != RH_ELOST)
			err = rh_bpf_take(client, &answer);
		if (err == RH_EAGAIN)
			break;
	}
}

static void be_helper(struct input *input)
{
	struct rh_bpf_client *client;
	struct rh_diag        diag;
	struct part           part;

	RH_CHECK(rh_bpf_connect(path, &client, &diag) == RH_OK);
	int fd = rh_socket_accept(listener);
	RH_CHECK(fd >= 0);
	for (int i = 0; i < 8 && next(input, &part); i++) {
		if (send_part(fd, input, &part) < 0)
			break;
	}
	/* It may ask on, and hears that nobody is there. */
	shutdown(fd, SHUT_WR);
	ask_everything(client);
	close(fd);
	rh_bpf_disconnect(client);
}

static void be_order(struct input *input)
{
	static struct rh_bpf_order order;
	struct rh_record_writer    writer;
	struct rh_frame            frame = { .type = RH_BPF_LOAD, .fd_count = 1 };
	struct rh_diag             diag = { 0 };
	struct part                part;

	while (next(input, &part)) {
		size_t len = part.records.used < sizeof buffer - 64 ? part.records.used : 0;

		memcpy(buffer, part.records.bytes, len);
		rh_record_begin(&writer, buffer + len, sizeof buffer - len);
		rh_record_put(&writer, RH_BPF_TAG_HASH, sha256, sizeof sha256);
		rh_record_read(&frame.records, buffer, len + writer.used);
		frame.fds[0] = dup(samples[part.descriptors % 3]);
		if (rh_bpf_order_init(&order, &frame, &diag) < 0) {
			RH_CHECK(diag.text[0] && !order.object);
		} else {
			RH_CHECK(order.name[0] && order.attach_count > 0);
			for (unsigned i = 0; i < order.attach_count; i++)
				RH_CHECK(rh_bpf_object_program(&order.holds,
				                               order.attach[i].program));
			rh_bpf_order_fini(&order);
		}
		rh_frame_drop(&frame);
		frame.fd_count = 1;
	}
}

/* Of maps that the kernel does not know: it is asked nothing that would wait. */
static void be_maps(struct input *input)
{
	struct rh_bpf_its_map maps[] = {
		{ .name = "counts", .type = "hash", .fd = -1, .kind = BPF_MAP_TYPE_HASH,
		  .key_bytes = 8, .value_bytes = 8 },
		{ .name = "hits", .type = "percpu_array", .fd = -1,
		  .kind = BPF_MAP_TYPE_PERCPU_ARRAY, .key_bytes = 4, .value_bytes = 12 },
		{ .name = "all", .type = "array", .fd = -1, .kind = BPF_MAP_TYPE_ARRAY,
		  .key_bytes = RH_BPF_KEY_MAX, .value_bytes = 70000 },
	};
	struct part part;

	while (next(input, &part)) {
		struct rh_bpf_its_map  *map = &maps[part.descriptors % 3];
		struct rh_record_reader records;
		struct rh_record_writer writer;
		struct rh_diag          diag = { 0 };

		rh_record_read(&records, part.records.bytes, part.records.used);
		rh_record_begin(&writer, buffer, sizeof buffer - sizeof(struct rh_frame_head));
		if (part.type % 2)
			rh_bpf_map_read(map, &records, &writer, &diag);
		else
			rh_bpf_map_write(map, &records, &diag);
		RH_CHECK(!writer.failed);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const be[WHO])(struct input *) = {
		[CLIENT] = be_client, [CHILD] = be_child, [HELPER] = be_helper,
		[ORDER] = be_order, [MAPS] = be_maps,
	};
	struct input input = { .data = data + 1, .size = size - 1 };

	if (size == 0)
		return 0;
	if (at_rest == 0)
		start();
	be[data[0] % WHO](&input);
	RH_CHECK(count_descriptors() == at_rest);
	return 0;
}
