/* work - what rules are asked, the same of every engine (rules.c, stock.c, v8.mjs).
 *
 * Who includes it says how its engine is called. */
#ifndef BENCH_RULES_WORK_H
#define BENCH_RULES_WORK_H

#include "figure.h"

#include <rhodes/hook/cache_layout.h>
#include <rhodes/hook/filter_layout.h>

#include <stdio.h>
#include <string.h>

#define OPERATIONS 8000
#define CAPACITY   1024u
#define KEYS       4096u
#define NONE       UINT32_MAX

/* A rule and what its user knows. */
struct lane {
	void    *rule; /* of the engine */
	uint64_t now_ns;
	uint32_t random;
	uint32_t slot_of[KEYS], key_of[CAPACITY], filled;
};

typedef void work(struct lane *lane);

static inline uint32_t call(struct lane *lane, unsigned slot, uint64_t a, uint64_t b);
static inline void    *buffer_of(struct lane *lane);

static uint32_t next(struct lane *lane)
{
	lane->random = lane->random * 1664525u + 1013904223u;
	return lane->random >> 8;
}

static void nothing(struct lane *lane)
{
	call(lane, RH_SLOT_CACHE_HIT, 0, 0); /* of fifo: it does nothing with it */
}

static void limit(struct lane *lane)
{
	struct rh_filter_buffer *buffer = buffer_of(lane);

	lane->now_ns += 700000;
	buffer->now_ns = lane->now_ns;
	call(lane, RH_SLOT_FILTER_BEFORE, 0, 0);
}

static void use(struct lane *lane)
{
	uint32_t bits = next(lane);
	uint32_t key = bits % 4 ? bits / 4 % 900 : bits / 4 % KEYS;
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

static const struct row {
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

#define ROWS (sizeof rows / sizeof rows[0])

/* rule: fresh, of row's hook. */
static void begin(struct lane *lane, const struct row *row, void *rule)
{
	memset(lane, 0, sizeof *lane);
	memset(lane->slot_of, 0xff, sizeof lane->slot_of);
	lane->random = 3;
	lane->now_ns = 1000000000;
	lane->rule = rule;
	if (strcmp(row->hook, "cache") == 0)
		call(lane, RH_SLOT_CACHE_BEGIN, CAPACITY, 0);
}

/* Processor time of a decision, in nanoseconds. */
static double work_once(struct lane *lane, const struct row *row)
{
	uint64_t from = clock_of(CLOCK_THREAD_CPUTIME_ID);

	for (int n = 0; n < OPERATIONS; n++)
		row->work(lane);
	return (double)(clock_of(CLOCK_THREAD_CPUTIME_ID) - from) / OPERATIONS;
}

static void print(const struct row *row, const char *engine, double ns)
{
	printf("{\"row\": \"%s\", \"build\": \"%s\", \"ns\": %.2f}\n", row->name, engine, ns);
}

#endif
