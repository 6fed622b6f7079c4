/* What it costs to decide which thread is next: one is stopped, its time is charged, it is
 * queued again, and the next one is picked; by each rule of hook sched that comes with
 * Rhodes, built in, as an object, and as WebAssembly.  Beside it what Linux takes to give a
 * processor from one thread to another.
 *
 *   bench-sched ROUNDS
 *
 * All builds are loaded in one process and run in turn, CYCLES at a time; the figure is the
 * 10th percentile of the rounds, in processor time of the thread.  One JSON object a line. */
#include "../../base/diag.h"
#include "../../rules/native/builtin.h"
#include "../../rules/runqueue.h"
#include "../rules/builds.h"
#include "../rules/figure.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CYCLES  5000
#define YIELDS  20000
#define BUILTIN BUILDS       /* beside the builds of an object */
#define NOTHING (BUILDS + 1) /* first in first out by the run queue alone */
#define LANES   (BUILDS + 2)

static const char *const rules[] = { "cfs", "eevdf", "deadline", "fifo", "rr" };
static const uint32_t    tasks[] = { 2, 8, 32, 128 };

#define COUNT(of) (sizeof of / sizeof of[0])

static const char *lane_name(int lane)
{
	return lane == BUILTIN ? "built in" : lane == NOTHING ? "no rule" : build_names[lane];
}

struct lane {
	struct rh_rule     *rule;
	struct rh_runqueue *queue;
	uint64_t            now_ns;
};

static struct rh_rule *load_lane(const char *name, int lane)
{
	const struct rh_hook *hook = rh_hook_find("sched");
	struct rh_rule_source source = { .hook = hook, .mode = RH_RULE_NATIVE, .object_fd = -1,
	                                 .builtin = rh_builtin_find("sched", name) };
	struct rh_rule       *rule;
	struct rh_diag        diag;
	char                  path[32];
	int                   fd;

	if (lane == NOTHING)
		return NULL;
	if (lane == BUILTIN) {
		if (rh_rule_load(&source, &rule, &diag) < 0)
			die(diag.text);
		return rule;
	}
	snprintf(path, sizeof path, "sched/%s", name);
	fd = object_of(path, hook, lane);
	rule = load(fd, hook, lane);
	close(fd);
	return rule;
}

/* Half of them ask for a budget, all have some nice value. */
static void begin(struct lane *lane, const char *name, int kind, uint32_t count)
{
	const struct rh_runqueue_place place = { .cpu = 0, .cpus = 1 };
	struct rh_diag                 diag;

	lane->now_ns = 1000000000;
	lane->rule = load_lane(name, kind);
	if (rh_runqueue_create(&place, lane->rule, 1, &lane->queue, &diag) < 0)
		die(diag.text);
	for (uint32_t i = 0; i < count; i++) {
		struct rh_task_traits traits = { .nice = (int32_t)(i % 11) - 5, .id = i };

		if (i % 2) {
			traits.period_ns = 20000000;
			traits.runtime_ns = 10000000 / count;
		}
		rh_runqueue_add(lane->queue, i, &traits, lane->now_ns);
		rh_runqueue_wake(lane->queue, i, lane->now_ns);
	}
	rh_runqueue_pick(lane->queue, lane->now_ns);
}

static double cycles(struct lane *lane)
{
	uint64_t from = clock_of(CLOCK_THREAD_CPUTIME_ID);

	for (int i = 0; i < CYCLES; i++) {
		lane->now_ns += 1000000;
		rh_runqueue_stop(lane->queue, RH_STOP_PREEMPT, lane->now_ns);
		rh_runqueue_pick(lane->queue, lane->now_ns);
	}
	return (double)(clock_of(CLOCK_THREAD_CPUTIME_ID) - from) / CYCLES;
}

static void measure(const char *name, uint32_t count, int rounds)
{
	static double ns[LANES][ROUNDS_MAX];
	struct lane   lanes[LANES];

	for (int i = 0; i < LANES; i++) {
		begin(&lanes[i], name, i, count);
		cycles(&lanes[i]);
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < LANES; i++)
			ns[i][round] = cycles(&lanes[i]);
	for (int i = 0; i < LANES; i++) {
		if (rh_runqueue_counters(lanes[i].queue)->failures)
			die("a rule failed");
		printf("{\"row\": \"cycle\", \"rule\": \"%s\", \"tasks\": %u, \"build\": \"%s\","
		       " \"ns\": %.2f}\n", name, count, lane_name(i),
		       percentile10(ns[i], rounds));
		rh_runqueue_destroy(lanes[i].queue);
		rh_rule_destroy(lanes[i].rule);
	}
	fflush(stdout);
}

/* ---- Linux ---- */

static pthread_barrier_t together;

static void *yield_on(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&together);
	for (int i = 0; i < YIELDS; i++)
		sched_yield();
	return NULL;
}

/* Two threads on one processor that do nothing but yield: each yield is a switch. */
static double yields(void)
{
	pthread_t threads[2];
	uint64_t  from;

	pthread_barrier_init(&together, NULL, 3);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, yield_on, NULL))
			die("no thread");
	from = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	pthread_barrier_wait(&together);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	from = clock_of(CLOCK_PROCESS_CPUTIME_ID) - from;
	pthread_barrier_destroy(&together);
	return (double)from / (2 * YIELDS);
}

static void measure_linux(int rounds)
{
	static double ns[ROUNDS_MAX];
	cpu_set_t     all, one;

	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof all, &all) < 0 ||
	    sched_setaffinity(0, sizeof one, &one) < 0)
		die("cannot stay on one processor");
	for (int round = 0; round < rounds; round++)
		ns[round] = yields();
	printf("{\"row\": \"yield\", \"build\": \"Linux\", \"ns\": %.2f}\n",
	       percentile10(ns, rounds));
	sched_setaffinity(0, sizeof all, &all);
}

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? atoi(argv[1]) : 0;

	if (rounds < 10 || rounds > ROUNDS_MAX)
		die("usage: bench-sched ROUNDS (10 to 1000)");
	for (size_t i = 0; i < COUNT(rules); i++)
		for (size_t n = 0; n < COUNT(tasks); n++)
			measure(rules[i], tasks[n], rounds);
	measure_linux(rounds);
	return 0;
}
