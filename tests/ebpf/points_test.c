/* Every kind of attach point, each with something that happens there. */
#include "kit.h"

#include "../../base/site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct kit            kit;
static struct rh_bpf_client *client;
static char                  self[PATH_MAX];
static char                  pid[16];

/* Attached to by name. */
__attribute__((noinline, visibility("default"))) uint64_t watched_function(uint64_t by);

__attribute__((noinline, visibility("default"))) uint64_t watched_function(uint64_t by)
{
	__asm__ volatile("" : "+r"(by));
	return by * 2;
}

static uint64_t load(const char *program, const char *point, const char *label)
{
	struct kit_object          object = kit_object("counts.o");
	const struct rh_bpf_attach attach = { program, point };
	const struct rh_bpf_param  params[] = {
		{ "only_pid", pid }, { "step", "1" }, { "label", label },
	};
	const struct rh_bpf_source source = {
		.name = program, .sha256 = object.sha256, .object_fd = object.fd,
		.attach = &attach, .attach_count = 1, .params = params, .param_count = 3,
	};
	uint64_t handle = kit_load(client, &source);

	close(object.fd);
	return handle;
}

static uint64_t load_at(const char *program, const char *kind, const char *name)
{
	char point[PATH_MAX + 64];

	snprintf(point, sizeof point, "%s:%s:%s", kind, self, name);
	return load(program, point, "none");
}

/* Nothing of the program is left in the kernel. */
static void unload(uint64_t handle, const char *program)
{
	struct rh_diag diag = { 0 };

	assert_int_equal(kit_programs(program), 1);
	assert_int_equal(rh_bpf_unload(client, handle, &diag), RH_OK);
	kit_await_programs(program, 0);
}

/* ---- */

static void tracepoint(void **state)
{
	(void)state;
	uint64_t handle = load("on_tracepoint", "tracepoint:syscalls/sys_enter_getppid", "x");

	for (int i = 0; i < 7; i++)
		syscall(SYS_getppid);
	assert_int_equal(kit_value(client, handle, "counts", 1), 7);
	assert_int_equal(kit_value(client, handle, "hits", 0), 7);
	unload(handle, "on_tracepoint");
}

static void raw_tracepoint(void **state)
{
	(void)state;
	uint64_t handle = load("on_raw", "raw_tracepoint:sys_enter", "x");

	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	assert_true(kit_value(client, handle, "counts", 2) >= 100);
	unload(handle, "on_raw");
}

static void uprobe(void **state)
{
	(void)state;
	uint64_t handle = load_at("on_function", "uprobe", "watched_function");

	watched_function(3);
	watched_function(4);
	assert_int_equal(kit_value(client, handle, "counts", 3), 7);
	unload(handle, "on_function");
}

static void uretprobe(void **state)
{
	(void)state;
	uint64_t handle = load_at("on_return", "uretprobe", "watched_function");

	watched_function(3);
	watched_function(4);
	assert_int_equal(kit_value(client, handle, "counts", 9), 14);
	unload(handle, "on_return");
}

static void pass_site(uint64_t a, uint64_t b, uint64_t c)
{
	RH_SITE(test_passed, a, b, c);
}

static void site(void **state)
{
	(void)state;
	pass_site(1000, 0, 0); /* nobody looks yet */
	uint64_t handle = load_at("on_site", "site", "test_passed");

	pass_site(1, 20, 300);
	pass_site(1, 20, 300);
	assert_int_equal(kit_value(client, handle, "counts", 4), 642);
	unload(handle, "on_site");
	pass_site(1, 2, 3); /* and the code is as it was */
}

/* Those that ARCHITECTURE.md lists are in the programs. */
static void our_own_sites(void **state)
{
	static const struct {
		const char *file, *site;
	} sites[] = {
		{ "RHODES_SDK", "call_begin" }, { "RHODES_SDK", "call_end" },
		{ "RHODES_SDK", "serve_begin" }, { "RHODES_SDK", "serve_end" },
		{ "RHODES_AGENT_FILE", "edge_reply" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
		char     point[PATH_MAX + 64];
		uint64_t handle;

		snprintf(point, sizeof point, "site:%s:%s", getenv(sites[i].file), sites[i].site);
		handle = load("on_site", point, "none");
		unload(handle, "on_site");
	}
}

/* The system call's own function; who has no kprobes refuses (helper_test.c). */
static void kprobes(void **state)
{
	(void)state;
	if (access("/sys/bus/event_source/devices/kprobe/type", F_OK) < 0) {
		fprintf(stderr, "skipped: this kernel has no kprobes\n");
		skip();
	}
	uint64_t parent = (uint64_t)getppid();
	uint64_t begins = load("on_kprobe", "kprobe:__x64_sys_getppid", "x");
	uint64_t ends = load("on_kretprobe", "kretprobe:__x64_sys_getppid", "x");

	for (int i = 0; i < 5; i++)
		syscall(SYS_getppid);
	assert_int_equal(kit_value(client, begins, "counts", 8), 5);
	assert_int_equal(kit_value(client, ends, "counts", 10), 5 * parent);
	unload(begins, "on_kprobe");
	syscall(SYS_getppid); /* and only the other one is there */
	assert_int_equal(kit_value(client, ends, "counts", 10), 6 * parent);
	unload(ends, "on_kretprobe");
}

static void spin(void)
{
	struct timespec now;

	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while (now.tv_nsec % 50000000 < 49000000);
}

static void perf(void **state)
{
	(void)state;
	uint64_t handle = load("on_perf", "perf:cpu-clock@1000", "x");

	while (kit_value(client, handle, "counts", 5) == 0)
		spin();
	unload(handle, "on_perf");
}

/* Nobody listens there: it is refused by the rule with EPERM, or by the other end. */
static int try_connect(int family)
{
	struct sockaddr_in  four = { .sin_family = AF_INET, .sin_port = htons(1),
	                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(1),
	                            .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = family == AF_INET ? connect(fd, (struct sockaddr *)&four, sizeof four)
	                          : connect(fd, (struct sockaddr *)&six, sizeof six);

	r = r < 0 ? errno : 0;
	close(fd);
	return r;
}

static void connects(void **state)
{
	char cgroup[64], point[128];

	(void)state;
	kit_cgroup_enter(cgroup);
	snprintf(point, sizeof point, "connect4:%s", cgroup);
	uint64_t four = load("on_connect4", point, "refuse");
	assert_int_equal(try_connect(AF_INET), EPERM);
	snprintf(point, sizeof point, "connect6:%s", cgroup);
	uint64_t six = load("on_connect6", point, "none");
	int without = try_connect(AF_INET6);
	assert_int_equal(kit_value(client, four, "counts", 6), 1);
	assert_int_equal(kit_value(client, six, "counts", 7), 1);
	assert_int_not_equal(without, EPERM);
	unload(four, "on_connect4");
	assert_int_equal(try_connect(AF_INET), ECONNREFUSED);
	unload(six, "on_connect6");
	kit_cgroup_leave(cgroup);
}

static void typed(void **state)
{
	struct kit_object object = kit_object("typed.o");
	int               gate[2], status;
	char              text[16];

	(void)state;
	assert_int_equal(pipe(gate), 0);
	pid_t child = fork();
	if (child == 0) { /* executes once it was told to */
		close(gate[1]);
		if (read(gate[0], text, 1) >= 0)
			execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	snprintf(text, sizeof text, "%d", (int)child);
	const struct rh_bpf_attach attach = { "on_exec", "tp_btf:sched_process_exec" };
	const struct rh_bpf_param  param = { "only_pid", text };
	uint64_t handle = kit_load(client, &(struct rh_bpf_source){
		.name = "typed", .sha256 = object.sha256, .object_fd = object.fd,
		.attach = &attach, .attach_count = 1, .params = &param, .param_count = 1,
	});
	close(gate[0]);
	close(gate[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(kit_value(client, handle, "executed", 0), 1);
	unload(handle, "on_exec");
	close(object.fd);
}

static int start(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	kit_start(&kit, "200");
	client = kit_connect(&kit);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rh_bpf_disconnect(client);
	kit_stop(&kit);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracepoint), cmocka_unit_test(raw_tracepoint),
		cmocka_unit_test(uprobe), cmocka_unit_test(uretprobe), cmocka_unit_test(site),
		cmocka_unit_test(our_own_sites), cmocka_unit_test(kprobes), cmocka_unit_test(perf),
		cmocka_unit_test(connects), cmocka_unit_test(typed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
