/* deadline - a rule for threads: earliest deadline first, each with a budget.
 *
 * A thread that asks for runtime in each period has it before its deadline, if all
 * together do not ask for more than there is.  One that wants more than its budget waits
 * for its next period, and hurts none: until then it runs only when nobody else does.
 * Threads that ask for nothing have what is left, in turn.
 *
 *   slice_us  how long the turn of one that asks for nothing is (4000) */
#include <rhodes/hook/sched.h>

RH_RULE(sched);

#define usual_ns rh_sched.own[0]

#define TURNS 1u      /* the queue of those that ask for nothing */
#define SHORT 50000u  /* ns: less is not worth a switch */
#define LONG  10000000000u

#define budget(task)  (task)->own[0] /* what is left of it */
#define renewal(task) (task)->own[1] /* when the next period begins */

int32_t rh_init(void)
{
	usual_ns = RH_PARAM_NUMBER("slice_us", 4000) * 1000u;
	return !usual_ns || usual_ns > LONG;
}

static inline uint64_t relative(const struct rh_sched_task *task)
{
	return task->want_deadline_ns ? task->want_deadline_ns : task->want_period_ns;
}

/* What makes no sense is as if nothing were asked. */
static inline int32_t is_reserved(const struct rh_sched_task *task)
{
	return task->want_runtime_ns && task->want_runtime_ns <= relative(task) &&
	       relative(task) <= task->want_period_ns && task->want_period_ns <= LONG;
}

/* A period begins. */
static inline void renew(struct rh_sched_task *task, uint64_t at)
{
	budget(task) = task->want_runtime_ns;
	task->deadline = at + relative(task);
	renewal(task) = at + task->want_period_ns;
}

int32_t rh_sched_enable(int32_t number)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	budget(task) = renewal(task) = task->deadline = 0;
	return 0;
}

/* Would it have more than its part of the time until its deadline? */
static inline int32_t is_too_much(const struct rh_sched_task *task)
{
	uint64_t left = task->deadline - rh_sched.now_ns;

	return (budget(task) >> 10) * (relative(task) >> 10) >
	       (left >> 10) * (task->want_runtime_ns >> 10);
}

/* What it had too much it has less in the periods to come. */
static inline void wait_for_renewal(struct rh_sched_task *task)
{
	uint64_t at = renewal(task);

	if (at < rh_sched.now_ns)
		at = rh_sched.now_ns;
	renew(task, at);
	task->queue = RH_SCHED_LATER;
	task->key = at;
	task->next_key = task->deadline;
}

static inline void reserve(struct rh_sched_task *task, uint32_t why)
{
	int32_t was_later = task->queue == RH_SCHED_LATER && task->key > rh_sched.now_ns;

	if (why == RH_SCHED_YIELD)
		budget(task) = 0;
	if (why == RH_SCHED_NEW || why == RH_SCHED_SWAP || why == RH_SCHED_CHANGE ||
	    ((why == RH_SCHED_WAKE || why == RH_SCHED_MIGRATE) && !was_later &&
	     (task->deadline <= rh_sched.now_ns || is_too_much(task))))
		renew(task, rh_sched.now_ns);
	else if (was_later && why != RH_SCHED_YIELD)
		return; /* as it was */
	else if (!budget(task)) {
		wait_for_renewal(task);
		return;
	}
	task->queue = 0;
	task->key = task->deadline;
}

int32_t rh_sched_enqueue(int32_t number, int32_t why)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];

	rh_sched.ripe = rh_sched.now_ns;
	if (is_reserved(task)) {
		reserve(task, (uint32_t)why);
		return 0;
	}
	task->queue = TURNS;
	task->key = 0;
	task->deadline = 0;
	return 0;
}

/* How long until there is another decision: its budget, its turn, or somebody's period. */
int32_t rh_sched_running(int32_t number)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];
	uint64_t next = rh_sched.least[RH_SCHED_LATER], until;
	uint64_t most = task->queue == TURNS ? usual_ns : budget(task);

	if (task->queue == RH_SCHED_LATER) {
		if (task->key > rh_sched.now_ns)
			most = task->key - rh_sched.now_ns;
		else
			task->queue = 0;
	}
	until = next == ~0ull || next <= rh_sched.now_ns ? LONG : next - rh_sched.now_ns;
	if (most > until)
		most = until;
	task->slice_ns = most < SHORT ? SHORT : most;
	return 0;
}

int32_t rh_sched_stopping(int32_t number, int32_t runnable)
{
	struct rh_sched_task *task = &rh_sched.tasks[number];
	uint64_t              ran = task->ran_ns;

	(void)runnable;
	rh_sched.ripe = rh_sched.now_ns;
	task->vruntime += ran;
	if (!is_reserved(task))
		return 0;
	/* Before its period it had what nobody wanted. */
	if (task->queue == RH_SCHED_LATER)
		ran = rh_sched.now_ns > task->key ? rh_sched.now_ns - task->key : 0;
	budget(task) = budget(task) > ran ? budget(task) - ran : 0;
	return 0;
}

int32_t rh_sched_tick(int32_t number)
{
	const struct rh_sched_task *task = &rh_sched.tasks[number];

	if (rh_sched.nr < 2)
		return 0;
	return task->ran_ns >= task->slice_ns || rh_sched.least[RH_SCHED_LATER] <= rh_sched.now_ns;
}

static inline int32_t is_later(const struct rh_sched_task *task)
{
	return task->queue == RH_SCHED_LATER && task->key > rh_sched.now_ns;
}

int32_t rh_sched_wakeup(int32_t woken_number, int32_t current_number)
{
	const struct rh_sched_task *woken = &rh_sched.tasks[woken_number];
	const struct rh_sched_task *current = &rh_sched.tasks[current_number];

	if (is_later(woken))
		return 0;
	if (is_later(current))
		return 1;
	if (woken->queue == TURNS)
		return current->queue != TURNS && current->ran_ns >= budget(current);
	return current->queue == TURNS || current->ran_ns >= budget(current) ||
	       woken->deadline < current->deadline;
}
