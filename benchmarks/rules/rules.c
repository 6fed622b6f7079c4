/* What a decision of a rule costs as native code of gcc -O2, as WebAssembly with GS, and
 * without; each through the front that agents use, each call guarded.
 *
 *   bench-rules ROUNDS
 *
 * All builds are loaded in one process and run in turn, OPERATIONS at a time; the figure
 * is the 10th percentile of the rounds, in processor time of the thread.  One JSON
 * object a line. */
#include "../../base/memory.h"
#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/rule.h"
#include "../../rules/wasm/build.h"

#include <rhodes/hook/cache_layout.h>
#include <rhodes/hook/filter_layout.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OPERATIONS 8000
#define ROUNDS_MAX 1000
#define CAPACITY   1024u
#define KEYS       4096u
#define NONE       UINT32_MAX

enum { NATIVE, WASM, PORTABLE, FUEL, BUILDS };

static const char *const build_names[BUILDS] = {
	"native gcc -O2", "wasm, GS", "wasm, portable", "wasm, GS, fuel",
};

struct lane {
	struct rh_rule *rule;
	uint64_t        random, now_ns;
	uint32_t        slot_of[KEYS], key_of[CAPACITY], filled;
};

typedef void work(struct lane *lane);

static void die(const char *what)
{
	fprintf(stderr, "bench-rules: %s\n", what);
	exit(1);
}

static uint64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- rules ---- */

static uint8_t *read_file(const char *name, const char *end, size_t *ret_len)
{
	const char *folder = strcmp(name, "tree") == 0 ? OWN : LIBRARY;
	char        path[512];
	struct stat status;
	uint8_t    *bytes;
	int         fd;

	snprintf(path, sizeof path, "%s/%s.%s", folder, name, end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		die(path);
	bytes = malloc((size_t)status.st_size);
	if (!bytes || read(fd, bytes, (size_t)status.st_size) != status.st_size)
		die(path);
	close(fd);
	*ret_len = (size_t)status.st_size;
	return bytes;
}

static int object_of(const char *name, const struct rh_hook *hook, int build)
{
	size_t          len;
	uint8_t        *bytes = read_file(name, build == NATIVE ? "so" : "wasm", &len);
	struct rh_built built;
	struct rh_diag  diag;
	struct rh_build job = {
		.hook = hook, .module = bytes, .module_bytes = len,
		.is_portable = build == PORTABLE, .has_fuel = build == FUEL,
	};

	if (build == NATIVE)
		built.fd = rh_memory_freeze(bytes, len);
	else if (rh_build_run(&job, &built, &diag) < 0)
		die(diag.text);
	free(bytes);
	return built.fd;
}

static struct rh_rule *load(int fd, const struct rh_hook *hook, int build)
{
	struct rh_rule_source source = {
		.hook = hook, .mode = build == NATIVE ? RH_RULE_NATIVE : RH_RULE_WASM,
		.object_fd = fd, .limits = { .fuel = build == FUEL ? UINT32_MAX : 0 },
	};
	struct rh_rule *rule;
	struct rh_diag  diag;

	if (rh_rule_load(&source, &rule, &diag) < 0)
		die(diag.text);
	return rule;
}

static inline uint32_t call(struct lane *lane, unsigned slot, uint64_t a, uint64_t b)
{
	uint64_t value;

	if (!rh_rule_buffer(lane->rule) || rh_rule_call(lane->rule, slot, a, b, &value) < 0)
		die(rh_rule_why(lane->rule));
	return (uint32_t)value;
}

static uint64_t next(struct lane *lane)
{
	lane->random = lane->random * 6364136223846793005u + 1442695040888963407u;
	return lane->random >> 24;
}

/* ---- work ---- */

static void nothing(struct lane *lane)
{
	call(lane, RH_SLOT_CACHE_HIT, 0, 0); /* of fifo: it does nothing with it */
}

static void limit(struct lane *lane)
{
	struct rh_filter_buffer *buffer = rh_rule_buffer(lane->rule);

	lane->now_ns += 700000;
	buffer->now_ns = lane->now_ns;
	call(lane, RH_SLOT_FILTER_BEFORE, 0, 0);
}

static void use(struct lane *lane)
{
	uint64_t bits = next(lane);
	uint32_t key = (uint32_t)(bits % 4 ? bits / 4 % 900 : bits / 4 % KEYS);
	uint32_t slot = lane->slot_of[key];

	if (slot != NONE) {
		call(lane, RH_SLOT_CACHE_HIT, slot, 0);
		return;
	}
	if (lane->filled < CAPACITY) {
		slot = lane->filled++;
	} else {
		slot = call(lane, RH_SLOT_CACHE_VICTIM, key, 0);
		lane->slot_of[lane->key_of[slot]] = NONE;
	}
	call(lane, RH_SLOT_CACHE_INSERT, slot, key);
	lane->slot_of[key] = slot;
	lane->key_of[slot] = key;
}

static const struct {
	const char *name, *rule, *hook;
	work       *work;
} rows[] = {
	{ "a call", "fifo", "cache", nothing },
	{ "limiter", "limiter", "filter", limit },
	{ "lru", "lru", "cache", use },
	{ "sieve", "sieve", "cache", use },
	{ "arc", "arc", "cache", use },
	{ "tree", "tree", "filter", limit },
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile10(double *values, int count)
{
	qsort(values, (size_t)count, sizeof *values, compare);
	return values[count / 10];
}

static void begin(struct lane *lane, int fd, const struct rh_hook *hook, int build)
{
	memset(lane, 0, sizeof *lane);
	memset(lane->slot_of, 0xff, sizeof lane->slot_of);
	lane->random = 3;
	lane->now_ns = 1000000000;
	lane->rule = load(fd, hook, build);
	if (strcmp(hook->name, "cache") == 0)
		call(lane, RH_SLOT_CACHE_BEGIN, CAPACITY, 0);
}

static void measure(size_t row, int rounds)
{
	static struct lane    lanes[BUILDS];
	static double         ns[BUILDS][ROUNDS_MAX];
	const struct rh_hook *hook = rh_hook_find(rows[row].hook);
	double                first = 0;

	for (int i = 0; i < BUILDS; i++) {
		int fd = object_of(rows[row].rule, hook, i);

		begin(&lanes[i], fd, hook, i);
		close(fd);
	}
	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < BUILDS; i++) {
			uint64_t from = clock_of(CLOCK_THREAD_CPUTIME_ID);

			for (int n = 0; n < OPERATIONS; n++)
				rows[row].work(&lanes[i]);
			if (round >= 0)
				ns[i][round] = (double)(clock_of(CLOCK_THREAD_CPUTIME_ID) - from) /
				               OPERATIONS;
		}
	}
	for (int i = 0; i < BUILDS; i++) {
		double value = percentile10(ns[i], rounds);

		first = i ? first : value;
		printf("{\"row\": \"%s\", \"build\": \"%s\", \"ns\": %.2f, \"ratio\": %.3f}\n",
		       rows[row].name, build_names[i], value, value / first);
		rh_rule_destroy(lanes[i].rule);
	}
	fflush(stdout);
}

/* Load beside, hand the state over, exchange, drop the old one. */
static void measure_swap(int rounds)
{
	const struct rh_hook *hook = rh_hook_find("filter");
	int                   fd = object_of("limiter", hook, WASM);
	struct rh_rule       *rule = load(fd, hook, WASM);
	static double         us[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++) {
		uint64_t        from = clock_of(CLOCK_MONOTONIC);
		struct rh_rule *other = load(fd, hook, WASM);

		if (rh_rule_swap(rule, other, NULL) != 1)
			die("no state was handed over");
		rh_rule_destroy(rule);
		rule = other;
		us[i] = (double)(clock_of(CLOCK_MONOTONIC) - from) / 1000;
	}
	percentile10(us, rounds);
	printf("{\"row\": \"swap\", \"build\": \"wasm, GS\", \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
	       us[rounds / 2], us[rounds * 99 / 100]);
	rh_rule_destroy(rule);
	close(fd);
}

static void measure_build(void)
{
	const struct rh_hook *hook = rh_hook_find("filter");
	uint64_t              from = clock_of(CLOCK_MONOTONIC);
	int                   fd = object_of("limiter", hook, WASM);

	printf("{\"row\": \"build\", \"build\": \"wasm, GS\", \"ms\": %.1f, \"bytes\": %lld}\n",
	       (double)(clock_of(CLOCK_MONOTONIC) - from) / 1000000,
	       (long long)lseek(fd, 0, SEEK_END));
	close(fd);
}

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? atoi(argv[1]) : 0;

	if (rounds < 10 || rounds > ROUNDS_MAX)
		die("usage: bench-rules ROUNDS (10 to 1000)");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		measure(i, rounds);
	measure_swap(rounds);
	measure_build();
	return 0;
}
