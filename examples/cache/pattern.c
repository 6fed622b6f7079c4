#include "pattern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ZIPF 0.9

struct pattern {
	uint32_t  slots;
	uint64_t  seed;
	uint64_t  blocks, index;
	uint64_t  reads, room;
	uint32_t *order;
	int       has_failed;
};

/* ---- helpers ---- */

static void add(struct pattern *pattern, uint64_t block)
{
	if (pattern->reads == pattern->room) {
		uint64_t  room = pattern->room ? 2 * pattern->room : 4096;
		uint32_t *order = realloc(pattern->order, room * sizeof *order);

		if (!order) {
			pattern->has_failed = 1;
			return;
		}
		pattern->order = order;
		pattern->room = room;
	}
	pattern->order[pattern->reads++] = (uint32_t)block;
}

static void scan(struct pattern *pattern, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		add(pattern, first + i);
}

static uint64_t part(const struct pattern *pattern, double slots)
{
	uint64_t blocks = (uint64_t)(slots * pattern->slots + 0.5);

	return blocks ? blocks : 1;
}

/* Of splitmix64's family. */
static uint64_t any(struct pattern *pattern, uint64_t below)
{
	uint64_t bits = pattern->seed += 0x9e3779b97f4a7c15u;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
	return (bits ^ bits >> 31) % below;
}

/* ---- the patterns ---- */

static void scan_often(struct pattern *pattern, double slots, int times)
{
	pattern->blocks = part(pattern, slots);
	for (int i = 0; i < times; i++)
		scan(pattern, 0, pattern->blocks);
}

static void dinero(struct pattern *pattern)
{
	scan_often(pattern, 1.25, 9);
}

static void cscope(struct pattern *pattern)
{
	scan_often(pattern, 1.6, 8);
}

static void glimpse(struct pattern *pattern)
{
	enum { QUERIES = 5, PARTS = 24, PICKED = 6, COMMON = 3 };
	uint64_t size = part(pattern, 6.0 / PARTS);

	pattern->index = part(pattern, 0.3);
	pattern->blocks = pattern->index + PARTS * size;
	for (int query = 0; query < QUERIES; query++) {
		scan(pattern, 0, pattern->index);
		for (uint64_t i = 0; i < PICKED; i++) {
			uint64_t picked = i < COMMON ? i : COMMON + any(pattern, PARTS - COMMON);

			scan(pattern, pattern->index + picked * size, size);
		}
	}
}

static void join(struct pattern *pattern)
{
	uint64_t inner = part(pattern, 5), outer = part(pattern, 0.5);

	pattern->index = part(pattern, 0.8);
	pattern->blocks = pattern->index + inner + outer;
	for (uint64_t i = 0; i < outer; i++) {
		add(pattern, pattern->index + inner + i);
		for (int look = 0; look < 16; look++) {
			add(pattern, any(pattern, pattern->index));
			if (look % 4 == 0)
				add(pattern, pattern->index + any(pattern, inner));
		}
	}
}

/* How much of all reads goes to the first blocks, up to each. */
static double *make_shares(uint64_t blocks)
{
	double *shares = malloc(blocks * sizeof *shares), sum = 0;

	for (uint64_t i = 0; shares && i < blocks; i++)
		shares[i] = sum += 1 / pow((double)(i + 1), ZIPF);
	return shares;
}

static uint64_t draw(struct pattern *pattern, const double *shares, uint64_t blocks)
{
	double   at = (double)any(pattern, 1u << 30) / (1u << 30) * shares[blocks - 1];
	uint64_t low = 0, high = blocks - 1;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (shares[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void zipf_with(struct pattern *pattern, int has_scans)
{
	uint64_t hot = part(pattern, 4), reads = part(pattern, 32), every = part(pattern, 4);
	uint64_t scanned = has_scans ? part(pattern, 1) : 0;
	double  *shares = make_shares(hot);

	pattern->blocks = hot + scanned * (reads / every);
	for (uint64_t i = 0; shares && i < reads; i++) {
		/* The often read ones lie anywhere in the file. */
		add(pattern, draw(pattern, shares, hot) * 7919 % hot);
		if (has_scans && (i + 1) % every == 0)
			scan(pattern, hot + i / every * scanned, scanned);
	}
	pattern->has_failed |= !shares;
	free(shares);
}

static void zipf(struct pattern *pattern)
{
	zipf_with(pattern, 0);
}

static void mixed(struct pattern *pattern)
{
	zipf_with(pattern, 1);
}

static const struct {
	const char *name;
	void      (*fill)(struct pattern *pattern);
} patterns[] = {
	{ "dinero", dinero }, { "cscope", cscope }, { "glimpse", glimpse },
	{ "join", join }, { "zipf", zipf }, { "mixed", mixed },
};

/* ---- for all of them ---- */

struct pattern *pattern_create(const char *name, uint32_t slots, uint64_t seed)
{
	struct pattern *pattern = calloc(1, sizeof *pattern);
	int             is_known = 0;

	if (!pattern)
		return NULL;
	pattern->slots = slots;
	pattern->seed = seed;
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		if (strcmp(patterns[i].name, name) != 0)
			continue;
		patterns[i].fill(pattern);
		is_known = 1;
	}
	if (is_known && !pattern->has_failed)
		return pattern;
	pattern_destroy(pattern);
	return NULL;
}

void pattern_destroy(struct pattern *pattern)
{
	if (pattern)
		free(pattern->order);
	free(pattern);
}

uint64_t pattern_blocks(const struct pattern *pattern)
{
	return pattern->blocks;
}

uint64_t pattern_index(const struct pattern *pattern)
{
	return pattern->index;
}

uint64_t pattern_reads(const struct pattern *pattern)
{
	return pattern->reads;
}

uint64_t pattern_at(const struct pattern *pattern, uint64_t read)
{
	return pattern->order[read];
}
