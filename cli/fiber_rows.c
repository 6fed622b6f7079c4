#include "fiber_rows.h"

#include "../base/clock.h"
#include "../base/fiber_block.h"
#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t number(const _Atomic uint64_t *at)
{
	return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)at, memory_order_relaxed);
}

static uint32_t word(const _Atomic uint32_t *at)
{
	return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)at, memory_order_relaxed);
}

/* As the letters of /proc, and Q: ready, and another one runs. */
static char letter_of(uint32_t state)
{
	static const char letters[] = {
		[RH_THREAD_NONE] = '?', [RH_THREAD_QUEUED] = 'Q', [RH_THREAD_RUNNING] = 'R',
		[RH_THREAD_WAITING] = 'S', [RH_THREAD_BLOCKED] = 'D', [RH_THREAD_HOME] = 'H',
	};

	return state < sizeof letters ? letters[state] : '?';
}

/* What the rule is told of each thread. */
static void put_numbers(struct rh_thread_row *row, const struct rh_stats *stats,
                        const struct rh_thread_stats *line)
{
	const struct rh_stats_ask *now = &stats->control.now;

	snprintf(row->policy, sizeof row->policy, "%s", stats->policy);
	row->attr = (struct rh_sched_attr){
		.nice = (int32_t)word((const _Atomic uint32_t *)&line->nice),
		.runtime_ns = now->runtime_ns ? now->runtime_ns : now->slice_ns,
		.deadline_ns = now->deadline_ns, .period_ns = now->period_ns,
		.policy = now->period_ns ? RH_CLASS_DEADLINE : RH_CLASS_OTHER,
	};
}

static struct rh_decisions decisions_of(const struct rh_stats *stats)
{
	struct rh_decisions sum = { 0 };

	for (unsigned i = 0; i < RH_STATS_SEATS; i++) {
		sum.all += number(&stats->seat[i].picks);
		sum.unruled += number(&stats->seat[i].unruled);
		sum.failures += number(&stats->seat[i].failures);
	}
	return sum;
}

/* Its line ends where its state began. */
static double with_present(uint64_t ns, uint64_t since, int is_so)
{
	uint64_t now = rh_clock_ns();

	return (double)ns + (is_so && now > since ? (double)(now - since) : 0);
}

static void put_line(struct rh_thread_row *row, const struct rh_stats *stats,
                     const struct rh_thread_stats *line)
{
	uint32_t seat = word(&line->seat), state = word(&line->state);
	uint64_t since = number(&line->since);

	row->is_fiber = true;
	row->decisions = decisions_of(stats);
	row->stat.state = letter_of(state);
	row->stat.cpu = seat == RH_STATS_NO_SEAT ? -1 : (int)seat;
	row->run_ns = with_present(number(&line->run_ns), since, state == RH_THREAD_RUNNING);
	row->wait_ns = with_present(number(&line->queued_ns), since, state == RH_THREAD_QUEUED);
	row->switches = (long long)number(&line->runs);
	/* Who slept may begin before the clock of its queue does. */
	row->vruntime_ns = (double)(int64_t)number(&line->vruntime);
	row->has_vruntime = row->vruntime_ns != 0;
	row->deadline_ns = (double)number(&line->deadline);
	put_numbers(row, stats, line);
}

/* What the kernel tells of it stays. */
static void put_evicted(struct rh_thread_row *row, const struct rh_stats *stats, uint32_t why)
{
	row->is_evicted = true;
	snprintf(row->why, sizeof row->why, "%s",
	         why <= RH_STATS_REASONS ? stats->reasons[why - 1] : "");
}

/* One that is at home for a call only is nobody's but the kernel's meanwhile. */
static void put_its_line(struct rh_thread_row *row, const struct rh_stats *stats)
{
	for (unsigned i = 0; i < RH_STATS_THREADS; i++) {
		const struct rh_thread_stats *line = &stats->threads[i];
		uint32_t                      state = word(&line->state), why = word(&line->why);

		if (word(&line->tid) != (uint32_t)row->tid || state == RH_THREAD_NONE)
			continue;
		if (state != RH_THREAD_HOME)
			put_line(row, stats, line);
		else if (why)
			put_evicted(row, stats, why);
	}
}

/* Kernel threads that have no line: of the runtime, or refused from the start. */
static void put_other(struct rh_thread_row *row, const struct rh_stats *stats)
{
	for (unsigned i = 0; i < RH_STATS_OTHERS; i++) {
		uint64_t said = number(&stats->others[i]);
		uint32_t why = (uint32_t)(said >> 32);

		if ((uint32_t)said != (uint32_t)row->tid)
			continue;
		row->is_runtime = why == 0;
		if (why)
			put_evicted(row, stats, why);
	}
}

void rh_fiber_rows_put_of(const struct rh_stats *stats, struct rh_thread_row *rows,
                          size_t count)
{
	for (size_t i = 0; i < count; i++) {
		put_other(&rows[i], stats);
		put_its_line(&rows[i], stats);
	}
}

int rh_fiber_rows_put(pid_t pid, struct rh_thread_row *rows, size_t count)
{
	struct rh_stats      *stats = malloc(sizeof *stats);
	struct rh_fiber_block block;
	int                   r = stats ? rh_fiber_block_open(pid, 0, &block) : RH_ENOMEM;

	if (r == RH_OK) {
		r = rh_fiber_block_read(&block, stats);
		rh_fiber_block_close(&block);
	}
	if (r == RH_OK)
		rh_fiber_rows_put_of(stats, rows, count);
	free(stats);
	return r;
}
