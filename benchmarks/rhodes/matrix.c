/* matrix - what a check costs in a registry with 100,000 resources and 1,000,000
 * references, and what it takes to build and to change one.
 *
 * One line {"name","value","unit"} a figure on standard output.  Half of the pairs
 * asked for are declared edges.
 *
 *   edge_test     is the edge declared?  One probe.
 *   line          what such a probe cannot do without: one line at random of the
 *                 table of edges.
 *   may_call      the whole check on the way of a call: ids alive, edge declared,
 *                 types allowed.  It jumps on the probe's answer, so the processor
 *                 guesses it and goes on even where the next pair depends on it.
 *   independent   the processor may overlap one check with the next
 *   dependent     which pair comes next depends on the last answer          */
#include "../../model/error.h"
#include "../../model/judge.h"
#include "../../model/registry.h"
#include "../../model/rule.h"
#include "../../model/view.h"
#include "../harness/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define OF_TYPE 25000u
#define ALL     (RH_TYPES * OF_TYPE)
#define EDGES   1000000u
#define CHECKS  2000000u
#define ROUNDS  5

/* Prime to every range below, so that one resource's references differ. */
#define STRIDE  7919u

static const uint32_t references[RH_TYPES] = { 20, 12, 8, 0 };

struct pair {
	struct rh_id caller;
	struct rh_id callee;
};

static struct rh_registry registry;
static struct rh_id       ids[ALL];
static struct pair        pairs[CHECKS];

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9ull;
	return x ^ (x >> 32);
}

/* Reference number r of resource i: somebody of a type below. */
static uint32_t callee_of(uint32_t i, uint32_t r)
{
	uint32_t first = (i / OF_TYPE + 1) * OF_TYPE;

	return first + (uint32_t)((mix(i) % ALL + (uint64_t)r * STRIDE) % (ALL - first));
}

static struct rh_name name_of(uint32_t i)
{
	struct rh_name name;
	char           text[32];
	int            len = snprintf(text, sizeof text, "resource_%" PRIu32, i);

	if (rh_name_init(&name, text, (size_t)len) != RH_OK)
		bench_fail("a name was refused");
	return name;
}

static void report(const char *name, double value, const char *unit)
{
	printf("{\"name\": \"%s\", \"value\": %.2f, \"unit\": \"%s\"}\n", name, value,
	       unit);
}

static void make_registry(void)
{
	struct rh_limits limits = { ALL, EDGES, 1, 16, 0x5eed };
	size_t           bytes = rh_registry_bytes(&limits);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bench_die("mmap");
	(void)madvise(memory, bytes, MADV_HUGEPAGE);
	if (rh_registry_init(&registry, &limits, memory, bytes) != RH_OK)
		bench_fail("the registry was refused");
	report("matrix_bytes_per_reference",
	       (double)rh_matrix_bytes(ALL, EDGES) / EDGES, "B");
	report("registry_bytes", (double)bytes, "B");
}

static void enroll(uint32_t i, const struct rh_moment *at)
{
	struct rh_name names[32];
	struct rh_spec spec = {
		.name = name_of(i), .type = (uint8_t)(i / OF_TYPE),
		.references = names, .reference_count = references[i / OF_TYPE],
	};

	for (uint32_t r = 0; r < spec.reference_count; r++)
		names[r] = name_of(callee_of(i, r));
	if (rh_registry_register(&registry, &spec, at, &ids[i], NULL) != RH_OK)
		bench_fail("a registration was refused");
}

static void fill(const struct rh_moment *at)
{
	uint64_t start = bench_now();

	for (uint32_t i = 0; i < ALL; i++)
		enroll(i, at);
	report("register_in_memory", (double)(bench_now() - start) / ALL, "ns");
	if (registry.matrix.used != EDGES)
		bench_fail("%" PRIu32 " edges", registry.matrix.used);
}

/* The pairs to ask for, in random order; read one after the other, so that the
 * processor has them at hand. */
static void choose_pairs(void)
{
	for (uint32_t n = 0; n < CHECKS; n++) {
		uint64_t x = mix(n * 2654435761u);
		uint32_t i = (uint32_t)((x >> 32) % (3 * OF_TYPE));
		uint32_t r = (uint32_t)((x & 0xffff) % references[i / OF_TYPE]);

		pairs[n].caller = ids[i];
		pairs[n].callee = ids[callee_of(i, r + (uint32_t)(x >> 20 & 1) * 1000)];
	}
}

static uint64_t test_edge(const struct pair *pair)
{
	return (uint64_t)rh_matrix_test(&registry.matrix, pair->caller.index,
	                                pair->callee.index);
}

static uint64_t read_line(const struct pair *pair)
{
	const struct rh_map *table = &registry.matrix.index;
	uint64_t hash = (uint64_t)pair->caller.index << 32 | pair->callee.index;

	hash *= 0x9e3779b97f4a7c15ull;
	return (table->keys[((hash >> 32) * table->buckets >> 32) * 8] ^ hash >> 63) & 1;
}

static uint64_t judge(const struct pair *pair)
{
	return rh_judge_call(&registry, pair->caller, pair->callee, 0) == RH_OK;
}

/* What the loop itself costs. */
static uint64_t nothing(const struct pair *pair)
{
	return (pair->caller.index ^ pair->callee.index) & 1;
}

typedef uint64_t check_pair(const struct pair *pair);

static uint64_t run_independent(check_pair *check)
{
	uint64_t hits = 0;

	for (uint64_t n = 0; n < CHECKS; n++)
		hits += check(&pairs[n]);
	return hits;
}

/* Not even the address of the next pair is known before the answer is. */
static uint64_t run_dependent(check_pair *check)
{
	uint64_t hits = 0, hit = 0;

	for (uint64_t n = 0; n < CHECKS; n++) {
		hit = check(&pairs[n ^ hit]);
		__asm__ volatile("" : "+r"(hit));
		hits += hit;
	}
	return hits;
}

static void measure(const char *name, check_pair *check, int is_dependent)
{
	double   best = 0;
	uint64_t hits = 0;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = bench_now();

		hits = is_dependent ? run_dependent(check) : run_independent(check);
		double ns = (double)(bench_now() - start) / CHECKS;
		if (round == 0 || ns < best)
			best = ns;
	}
	if (hits < CHECKS / 10 * 4 || hits > CHECKS / 10 * 6)
		bench_fail("%s: %" PRIu64 " of %u pairs may call", name, hits, CHECKS);
	report(name, best, "ns");
}

static void count(void *user, const struct rh_edge_report *edge)
{
	uint64_t *outcomes = user;

	outcomes[edge->after]++;
}

static void walk(void)
{
	uint64_t outcomes[RH_OUTCOMES] = { 0 };
	uint64_t start = bench_now();
	int      edges = rh_view_edges(&registry, 0, count, outcomes);

	report("walk_every_row", (double)(bench_now() - start) / edges, "ns/edge");
	start = bench_now();
	edges = 0;
	for (uint32_t i = 0; i < ALL; i++)
		edges += rh_view_column(&registry, ids[i], 0, count, outcomes);
	report("walk_every_column", (double)(bench_now() - start) / edges, "ns/edge");
	if (outcomes[RH_OUTCOME_ALLOWED] != 2 * (uint64_t)EDGES)
		bench_fail("%" PRIu64 " edges are allowed", outcomes[RH_OUTCOME_ALLOWED]);
}

static void change_hierarchy(const struct rh_moment *at)
{
	struct rh_hierarchy hierarchy;
	uint64_t            start = bench_now();

	rh_hierarchy_clear(&hierarchy, 2);
	if (rh_rule_put_hierarchy(&registry, &hierarchy, at) != (int)EDGES)
		bench_fail("not every edge changed");
	report("judge_every_edge_again", (double)(bench_now() - start) / 1e6, "ms");
}

int main(void)
{
	struct rh_moment at = { .now_ms = 1 };

	make_registry();
	fill(&at);
	choose_pairs();
	measure("loop_alone", nothing, 0);
	measure("edge_test_independent", test_edge, 0);
	measure("edge_test_dependent", test_edge, 1);
	measure("line_independent", read_line, 0);
	measure("line_dependent", read_line, 1);
	measure("may_call_independent", judge, 0);
	measure("may_call_dependent", judge, 1);
	walk();
	change_hierarchy(&at);
	return 0;
}
