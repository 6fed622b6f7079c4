/* What rhodes-bpf promises its clients, good ones and bad ones. */
#include "kit.h"

#include "../../base/socket.h"
#include "../../rules/ebpf/frame.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MUTANTS 60

static struct kit           kit;
static char                 pid[16];
static struct rh_bpf_answer answer;

/* Counts the calls of getppid of this process. */
static const struct rh_bpf_attach at_getppid[] = {
	{ "on_tracepoint", "tracepoint:syscalls/sys_enter_getppid" },
};
static const struct rh_bpf_param own[] = { { "only_pid", pid } };

static void call(int times)
{
	while (times-- > 0)
		syscall(SYS_getppid);
}

static struct rh_bpf_source source_of(const struct kit_object *object, const char *name)
{
	return (struct rh_bpf_source){
		.name = name, .sha256 = object->sha256, .object_fd = object->fd,
		.attach = at_getppid, .attach_count = 1, .params = own, .param_count = 1,
	};
}

static struct kit_object counts;

/* It must be refused with that code, and with that in its reason. */
static void expect_refusal(struct rh_bpf_client *client, const struct rh_bpf_source *source,
                           int code, const char *why)
{
	assert_int_equal(rh_bpf_load(client, source, &answer), code);
	if (!strstr(answer.diag.text, why))
		fail_msg("\"%s\" does not say \"%s\"", answer.diag.text, why);
}

/* ---- refusals ---- */

static void refused_by_the_verifier(void **state)
{
	struct rh_bpf_client      *client = kit_connect(&kit);
	struct kit_object          object = kit_object("refused.o");
	const struct rh_bpf_attach attach = { "on_raw", "raw_tracepoint:sys_enter" };
	struct rh_bpf_source       source = source_of(&object, "refused");

	(void)state;
	source.attach = &attach;
	source.param_count = 0;
	expect_refusal(client, &source, RH_EINVAL, "verifier refused it");
	assert_non_null(strstr(answer.log, "invalid mem access"));
	assert_non_null(strstr(answer.diag.text, "invalid mem access"));
	assert_int_equal(kit_programs("on_raw"), 0);
	close(object.fd);
	rh_bpf_disconnect(client);
}

static void refused_before_it_is_loaded(void **state)
{
	static const struct {
		struct rh_bpf_attach attach;
		struct rh_bpf_param  param;
		int                  code;
		const char          *why;
	} bad[] = {
		{ { "nobody", "kprobe:vfs_read" }, { "step", "1" }, RH_EINVAL, "no program nobody" },
		{ { "on_raw", "nowhere" }, { "step", "1" }, RH_EINVAL, "no attach point" },
		{ { "on_raw", "perf:cpu-clock@0" }, { "step", "1" }, RH_EINVAL, "perf is followed" },
		{ { "on_raw", "connect4:/" }, { "step", "1" }, RH_EINVAL, "SEC(\"cgroup/connect4\")" },
		{ { "on_tracepoint", "tracepoint:no/such" }, { "step", "1" }, RH_ENOENT,
		  "no tracepoint no/such" },
		{ { "on_connect4", "connect4:/no/such" }, { "step", "1" }, RH_ENOENT,
		  "cannot be attached" },
		{ { "on_site", "site:/bin/true:nothing" }, { "step", "1" }, RH_ENOENT,
		  "has no site nothing" },
		{ { "on_function", "uprobe:/bin/true:nothing" }, { "step", "1" }, RH_ENOENT,
		  "has no function nothing" },
		{ { "on_function", "uprobe:/etc/passwd:x" }, { "step", "1" }, RH_EINVAL,
		  "neither a program" },
		{ { "on_raw", "raw_tracepoint:sys_enter" }, { "pace", "1" }, RH_EINVAL,
		  "no parameter pace" },
		{ { "on_raw", "raw_tracepoint:sys_enter" }, { "step", "128" }, RH_EINVAL,
		  "step cannot be" },
		{ { "on_raw", "raw_tracepoint:sys_enter" }, { "step", "-129" }, RH_EINVAL,
		  "step cannot be" },
		{ { "on_raw", "raw_tracepoint:sys_enter" }, { "only_pid", "-1" }, RH_EINVAL,
		  "only_pid cannot be" },
		{ { "on_raw", "raw_tracepoint:sys_enter" }, { "label", "0123456789abcdef" },
		  RH_EINVAL, "label cannot be" },
	};
	struct rh_bpf_client *client = kit_connect(&kit);
	struct rh_bpf_source  source = source_of(&counts, "bad");

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		source.attach = &bad[i].attach;
		source.params = &bad[i].param;
		expect_refusal(client, &source, bad[i].code, bad[i].why);
	}
	source = source_of(&counts, "bad");
	source.memory_bytes = 100;
	expect_refusal(client, &source, RH_EMSGSIZE, "its limit is 100");
	if (access("/sys/bus/event_source/devices/kprobe/type", F_OK) < 0) {
		const struct rh_bpf_attach attach = { "on_kprobe", "kprobe:vfs_read" };

		source = source_of(&counts, "bad");
		source.attach = &attach;
		expect_refusal(client, &source, RH_ENOSYS, "no kprobes");
	}
	rh_bpf_disconnect(client);
}

/* ---- a rule's life ---- */

static void a_swap_keeps_what_it_is_told_to(void **state)
{
	static const char *const keep[] = { "counts" };
	struct rh_bpf_client      *client = kit_connect(&kit);
	struct rh_bpf_source       source = source_of(&counts, "swapped");
	const struct rh_bpf_param  tenfold[] = { { "only_pid", pid }, { "step", "10" } };

	(void)state;
	uint64_t first = kit_load(client, &source);
	call(3);
	source.params = tenfold;
	source.param_count = 2;
	source.keep = keep;
	source.keep_count = 1;
	uint64_t second = kit_load(client, &source);
	assert_int_not_equal(first, second);
	call(2);
	assert_int_equal(kit_value(client, second, "counts", 1), 23);
	assert_int_equal(kit_value(client, second, "hits", 0), 2); /* not kept */
	kit_await_programs("on_tracepoint", 1);

	/* Without keep it begins anew; what is kept under another type is refused. */
	source.keep_count = 0;
	uint64_t third = kit_load(client, &source);
	call(1);
	assert_int_equal(kit_value(client, third, "counts", 1), 10);
	static const char *const missing[] = { "countss" };
	source.keep = missing;
	source.keep_count = 1;
	expect_refusal(client, &source, RH_EINVAL, "has none of that name");
	call(1); /* and the old one stays */
	assert_int_equal(kit_value(client, third, "counts", 1), 20);
	assert_int_equal(rh_bpf_unload(client, third, NULL), RH_OK);
	assert_int_equal(rh_bpf_unload(client, third, NULL), RH_ENOENT);
	kit_await_programs("on_tracepoint", 0);
	rh_bpf_disconnect(client);
}

static void maps_are_told_and_written(void **state)
{
	struct rh_bpf_client *client = kit_connect(&kit);
	struct rh_bpf_source  source = source_of(&counts, "maps");
	uint64_t              handle = kit_load(client, &source);
	uint64_t              key = 42, value = 7;
	uint32_t              first = 0;

	(void)state;
	assert_int_equal(rh_bpf_write(client, handle, "counts", &key, 8, &value, 8, NULL), 0);
	assert_int_equal(kit_value(client, handle, "counts", 42), 7);
	assert_int_equal(rh_bpf_write(client, handle, "counts", &key, 8, NULL, 0, NULL), 0);
	assert_int_equal(rh_bpf_write(client, handle, "counts", &key, 8, NULL, 0, NULL),
	                 RH_ENOENT);
	assert_int_equal(rh_bpf_write(client, handle, "counts", &key, 4, &value, 8, NULL),
	                 RH_EINVAL);
	assert_int_equal(rh_bpf_write(client, handle, "hits", &first, 4, &value, 8, NULL),
	                 RH_EINVAL);
	assert_int_equal(rh_bpf_write(client, handle, ".rodata", &first, 4, &value, 8, NULL),
	                 RH_EINVAL);
	/* More than a frame of entries is another test's business; all 64 come. */
	for (key = 100; key < 160; key++)
		assert_int_equal(rh_bpf_write(client, handle, "counts", &key, 8, &key, 8,
		                              NULL), RH_OK);
	for (key = 100; key < 160; key++)
		assert_int_equal(kit_value(client, handle, "counts", key), key);
	assert_int_equal(rh_bpf_unload(client, handle, NULL), RH_OK);
	rh_bpf_disconnect(client);
}

static void count_rules(void *user, const struct rh_bpf_held *held)
{
	unsigned *orphans = user;

	*orphans += held->pid == 0;
}

static int load_and_die(void *user)
{
	struct rh_bpf_source  source = source_of(&counts, "orphan");
	struct rh_bpf_client *client = kit_connect(user);

	kit_load(client, &source);
	return 0;
}

static void a_restarted_client_gets_its_rule_back(void **state)
{
	struct kit patient;

	(void)state;
	kit_start(&patient, "600000");
	assert_int_equal(scene_child(load_and_die, &patient), 0);
	struct rh_bpf_client *client = kit_connect(&patient);
	unsigned              orphans = 0;
	while (orphans == 0) /* the helper hears of the end when it comes to it */
		assert_int_equal(rh_bpf_list(client, count_rules, &orphans, NULL), RH_OK);
	call(5); /* nobody held it, and it went on */
	struct rh_bpf_source source = source_of(&counts, "orphan");
	uint64_t             handle = kit_load(client, &source);
	call(2);
	assert_int_equal(kit_value(client, handle, "counts", 1), 7);
	orphans = 0;
	rh_bpf_list(client, count_rules, &orphans, NULL);
	assert_int_equal(orphans, 0);

	/* Two at a time cannot have it. */
	struct rh_bpf_client *second = kit_connect(&patient);
	expect_refusal(second, &source, RH_EEXIST, "is loaded by process");
	rh_bpf_disconnect(second);
	rh_bpf_disconnect(client);
	kit_stop(&patient);
	kit_await_programs("on_tracepoint", 0); /* and everything ends with the helper */
}

static void a_killed_clients_rules_go(void **state)
{
	(void)state;
	assert_int_equal(scene_child(load_and_die, &kit), 0);
	kit_await_programs("on_tracepoint", 0);
}

/* ---- liars ---- */

static int raw_connect(void)
{
	int fd = rh_socket_connect(kit.socket, NULL);

	assert_true(fd >= 0);
	return fd;
}

/* Nothing, noise, what is cut off, frames of nobody, and descriptors of all sorts. */
static void liars_are_dropped(void **state)
{
	unsigned char           noise[4096], bytes[512];
	struct rh_record_writer writer;
	int                     pair[2];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		int fd = raw_connect();

		randombytes_buf_deterministic(noise, sizeof noise, (const unsigned char[32]){
			(unsigned char)i });
		send(fd, noise, 1 + i * 17 % sizeof noise, MSG_NOSIGNAL);
		close(fd);
	}
	for (unsigned type = 0; type < 256; type++) {
		int fd = raw_connect();

		assert_int_equal(pipe(pair), 0);
		rh_record_begin(&writer, bytes, sizeof bytes);
		rh_record_put_text(&writer, RH_BPF_TAG_NAME, "liar");
		rh_record_put(&writer, RH_BPF_TAG_POINT, noise, 64);
		rh_record_put(&writer, RH_BPF_TAG_ENTRY, noise, 64);
		rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, type);
		rh_socket_send(fd, (uint8_t)type, type, &writer, pair, 2);
		close(pair[0]);
		close(pair[1]);
		close(fd);
	}
	struct rh_bpf_client *client = kit_connect(&kit); /* it still answers */
	unsigned              orphans = 0;
	assert_int_equal(rh_bpf_list(client, count_rules, &orphans, NULL), RH_OK);

	/* The right frame with something that is no memfd, or another object. */
	struct rh_bpf_source source = source_of(&counts, "liar");
	source.object_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	expect_refusal(client, &source, RH_EPROTO, "memfd");
	close(source.object_fd);
	source.object_fd = counts.fd;
	source.sha256 = (const uint8_t[32]){ 1 };
	expect_refusal(client, &source, RH_EPROTO, "SHA-256");
	rh_bpf_disconnect(client);
}

/* Objects with bytes changed at random: each is refused or loaded, and the helper lives. */
static void broken_objects_break_nothing(void **state)
{
	struct rh_bpf_client *client = kit_connect(&kit);
	size_t                len;
	char                 *whole = kit_read("counts.o", &len);
	char                 *bytes = malloc(len);
	unsigned              refused = 0;
	unsigned char         dice[16];

	(void)state;
	for (unsigned i = 0; i < MUTANTS; i++) {
		size_t cut = len;

		memcpy(bytes, whole, len);
		randombytes_buf_deterministic(dice, sizeof dice, (const unsigned char[32]){
			(unsigned char)i, 1 });
		for (unsigned j = 0; j + 2 < sizeof dice; j += 3)
			bytes[((size_t)dice[j] << 8 | dice[j + 1]) % len] ^= (char)dice[j + 2];
		if (i % 4 == 0)
			cut = len * dice[15] / 256 + 1;
		struct kit_object    object = kit_bytes(bytes, cut);
		struct rh_bpf_source source = source_of(&object, "mutant");
		refused += rh_bpf_load(client, &source, &answer) < 0;
		close(object.fd);
	}
	assert_true(refused >= MUTANTS / 4); /* those that are cut */
	free(bytes);
	free(whole);
	struct rh_bpf_source source = source_of(&counts, "mutant");
	rh_bpf_unload(client, kit_load(client, &source), NULL);
	rh_bpf_disconnect(client);
}

/* One that asks and never reads is dropped, and others are answered meanwhile. */
static void one_that_does_not_read_costs_itself(void **state)
{
	int           fd = raw_connect();
	struct pollfd end = { .fd = fd, .events = 0 };

	(void)state;
	while (rh_socket_send(fd, RH_BPF_LIST, 1, NULL, NULL, 0) == RH_OK)
		;
	assert_int_equal(poll(&end, 1, 10000), 1);
	assert_true(end.revents & POLLHUP);
	close(fd);
	struct rh_bpf_client *client = kit_connect(&kit);
	unsigned              orphans = 0;
	assert_int_equal(rh_bpf_list(client, count_rules, &orphans, NULL), RH_OK);
	rh_bpf_disconnect(client);
}

static int connect_as_nobody(void *user)
{
	struct rh_bpf_client *client;

	(void)user;
	if (syscall(SYS_setresuid, 65534, 65534, 65534) < 0)
		return 1;
	return rh_bpf_connect(kit.socket, &client, NULL) == RH_EACCES ? 0 : 2;
}

static void others_do_not_get_in(void **state)
{
	(void)state;
	assert_int_equal(chmod(kit.dir, 0755), 0);
	assert_int_equal(scene_child(connect_as_nobody, NULL), 0);
}

/* ---- rights ---- */

static unsigned long long status_of(pid_t of, const char *key, int base)
{
	char path[64], line[256];
	unsigned long long value = ~0ull;

	snprintf(path, sizeof path, "/proc/%d/status", (int)of);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			value = strtoull(line + strlen(key) + 1, NULL, base);
	}
	fclose(file);
	return value;
}

static void has_only(pid_t of, unsigned long long rights)
{
	assert_int_equal(status_of(of, "CapEff", 16), rights);
	assert_int_equal(status_of(of, "CapPrm", 16), rights);
	assert_int_equal(status_of(of, "CapInh", 16), 0);
	assert_int_equal(status_of(of, "CapAmb", 16), 0);
	assert_int_equal(status_of(of, "CapBnd", 16) & ~rights, 0);
	assert_int_equal(status_of(of, "NoNewPrivs", 10), 1);
	assert_int_equal(status_of(of, "Seccomp", 10), 2);
}

static void three_rights_and_no_more(void **state)
{
	(void)state;
	has_only(kit.pid, 1ull << 39 | 1ull << 38 | 1ull << 12);
}

/* On kernels that leave events of perf to CAP_SYS_ADMIN, such as Debian's. */
static void who_opens_events_has_two(void **state)
{
	char path[64];
	int  opener = 0;

	(void)state;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)kit.pid, (int)kit.pid);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	if (fscanf(file, "%d", &opener) != 1)
		opener = 0;
	fclose(file);
	if (opener == 0) {
		fprintf(stderr, "skipped: this kernel needs none\n");
		skip();
	}
	has_only(opener, 1ull << 38 | 1ull << 21);
}

static int start(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	kit_start(&kit, "200");
	counts = kit_object("counts.o");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	close(counts.fd);
	kit_stop(&kit);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_rights_and_no_more),
		cmocka_unit_test(who_opens_events_has_two),
		cmocka_unit_test(refused_by_the_verifier),
		cmocka_unit_test(refused_before_it_is_loaded),
		cmocka_unit_test(a_swap_keeps_what_it_is_told_to),
		cmocka_unit_test(maps_are_told_and_written),
		cmocka_unit_test(a_restarted_client_gets_its_rule_back),
		cmocka_unit_test(a_killed_clients_rules_go),
		cmocka_unit_test(liars_are_dropped),
		cmocka_unit_test(broken_objects_break_nothing),
		cmocka_unit_test(one_that_does_not_read_costs_itself),
		cmocka_unit_test(others_do_not_get_in),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
