/* What a decision of a rule costs as native code of gcc -O2, as WebAssembly with GS, and
 * without; each through the front that agents use, each call guarded.
 *
 *   bench-rules ROUNDS
 *
 * All builds are loaded in one process and run in turn, OPERATIONS at a time; the figure
 * is the 10th percentile of the rounds, in processor time of the thread.  One JSON
 * object a line. */
#include "../../model/error.h"

#include "builds.h"
#include "work.h"

#include <unistd.h>

static inline void *buffer_of(struct lane *lane)
{
	return rh_rule_buffer(lane->rule);
}

static inline uint32_t call(struct lane *lane, unsigned slot, uint64_t a, uint64_t b)
{
	uint64_t value;

	if (!rh_rule_buffer(lane->rule) || rh_rule_call(lane->rule, slot, a, b, &value) < 0)
		die(rh_rule_why(lane->rule));
	return (uint32_t)value;
}

/* ---- figures ---- */

static const struct row sixteen = { "tree, 16", "tree16", "filter", limit };

static void measure(const struct row *row, int rounds)
{
	static struct lane    lanes[BUILDS];
	static double         ns[BUILDS][ROUNDS_MAX];
	const struct rh_hook *hook = rh_hook_find(row->hook);

	for (int i = 0; i < BUILDS; i++) {
		int fd = object_of(row->rule, hook, i);

		begin(&lanes[i], row, load(fd, hook, i));
		close(fd);
		work_once(&lanes[i], row);
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < BUILDS; i++)
			ns[i][round] = work_once(&lanes[i], row);
	for (int i = 0; i < BUILDS; i++) {
		print(row, build_names[i], percentile10(ns[i], rounds));
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
	for (size_t i = 0; i < ROWS; i++)
		measure(&rows[i], rounds);
	measure(&sixteen, rounds);
	measure_swap(rounds);
	measure_build();
	return 0;
}
