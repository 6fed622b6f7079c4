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

static void put_lines(const struct rh_stats *stats, struct rh_thread_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (unsigned j = 0; j < RH_STATS_THREADS; j++) {
			const struct rh_thread_stats *line = &stats->threads[j];
			uint32_t                      state = word(&line->state);

			if (word(&line->tid) == (uint32_t)rows[i].tid &&
			    state != RH_THREAD_NONE && state != RH_THREAD_HOME)
				put_line(&rows[i], stats, line);
		}
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
		put_lines(stats, rows, count);
	free(stats);
	return r;
}
