/* What a place costs where a rule of eBPF can look on (base/site.h): a loop without one, the
 * same with one, and with one that the smallest rule there is looks on, which needs root.
 *
 *   bench-site ROUNDS
 *
 * The loops run in turn, so many times; the figure is the 10th percentile, in processor
 * time of the thread.  One JSON object a line. */
#include "../../base/site.h"
#include "../../rules/ebpf/place.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PASSES     20000u
#define ROUNDS_MAX 1000
#define SELF       "/proc/self/exe"

/* Of Linux 6.6; the headers of Debian 12 are older. */
enum { UPROBE_MULTI = 48 };

struct uprobe_link {
	uint32_t program, target, attach_type, flags;
	uint64_t path, offsets, reference_counters, cookies;
	uint32_t count, how, pid;
};

typedef void pass(uint64_t i);

static double ns_of(pass *one)
{
	struct timespec from, to;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (uint64_t i = 0; i < PASSES; i++)
		one(i);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       PASSES;
}

__attribute__((noinline)) static void nothing(uint64_t i)
{
	__asm__ volatile("" : : "D"(i), "S"(i), "d"(i));
}

__attribute__((noinline)) static void site(uint64_t i)
{
	RH_SITE(bench_passed, i, i, i);
}

/* ---- a rule that looks on ---- */

static int load(void)
{
	static const struct bpf_insn nothing_at_all[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr order;

	memset(&order, 0, sizeof order);
	order.prog_type = BPF_PROG_TYPE_KPROBE;
	order.expected_attach_type = UPROBE_MULTI;
	order.insns = (uintptr_t)nothing_at_all;
	order.insn_cnt = 2;
	order.license = (uintptr_t)"GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &order, sizeof order);
}

/* The link, or -1: errno says why. */
static int attach(void)
{
	uint64_t           offset;
	int                program = load();
	struct uprobe_link link = {
		.program = (uint32_t)program, .attach_type = UPROBE_MULTI,
		.path = (uintptr_t)SELF, .offsets = (uintptr_t)&offset, .count = 1,
	};

	if (program < 0)
		return -1;
	if (rh_bpf_sites(SELF, "bench_passed", &offset, 1, NULL) != 1) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof link);
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *build, double *ns, int rounds)
{
	qsort(ns, (size_t)rounds, sizeof *ns, compare);
	printf("{\"row\": \"site\", \"build\": \"%s\", \"ns\": %.3f}\n", build, ns[rounds / 10]);
}

int main(int argc, char **argv)
{
	static double without[ROUNDS_MAX], with[ROUNDS_MAX], seen[ROUNDS_MAX];
	int           rounds = argc == 2 ? atoi(argv[1]) : 0;

	if (rounds < 10 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench-site ROUNDS (10 to 1000)\n");
		return 1;
	}
	for (int round = 0; round < rounds; round++) {
		without[round] = ns_of(nothing);
		with[round] = ns_of(site);
	}
	print("no site", without, rounds);
	print("site", with, rounds);
	if (attach() < 0) {
		fprintf(stderr, "bench-site: nobody can look on: %s\n", strerror(errno));
		return 0;
	}
	ns_of(site); /* the kernel takes some passes to turn the trap into a call */
	for (int round = 0; round < rounds; round++)
		seen[round] = ns_of(site);
	print("site, attached", seen, rounds);
	return 0;
}
