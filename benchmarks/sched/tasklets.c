/* Tasklets of the SDK beside a thread with a queue of its own (a mutex and a condition), as
 * a program has without them.
 *
 *   bench-tasklets COUNT
 *
 * batch    64 are scheduled, until all have run; nanoseconds for each
 * inside   the same by one of them, as it runs: nobody has to be woken
 * again    one schedules itself, COUNT times
 * one      one is scheduled while the thread that will run it sleeps, on the same
 *          processor: microseconds until it runs
 *
 * Everything is on one processor, but for `batch, all`: on each of them at a time.  One JSON
 * object a line. */
#include "program.h"

#include "../../sdk/c/rhodes-softirq.h"
#include "../rules/figure.h"

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define BATCH     64u
#define SLEEPS    400u /* of `one` */
#define PAUSE_NS  100000
#define LANES_MAX 64u

struct job;

/* A thread that does jobs in the order in which they came, each queued at most once. */
struct worker {
	pthread_mutex_t lock;
	pthread_cond_t  rung;
	struct job     *first, **end;
	int             is_over;
	pthread_t       thread;
};

/* Either way of leaving work behind. */
struct job {
	struct rh_tasklet *tasklet; /* NULL: the worker's */
	struct worker     *worker;
	struct job        *next;
	int                is_queued;
	void             (*run)(struct job *job);
	struct lane       *lane;
};

struct lane { /* of one processor */
	struct worker    worker;
	struct job       jobs[BATCH];
	_Atomic unsigned done;
	unsigned         left; /* to schedule again */
	uint64_t         told_ns, ran_ns;
	sem_t            ran;
};

static void run_tasklet(void *user)
{
	struct job *job = user;

	job->run(job);
}

/* ---- the peer ---- */

static struct job *await_jobs(struct worker *worker)
{
	struct job *first;

	pthread_mutex_lock(&worker->lock);
	while (!worker->first && !worker->is_over)
		pthread_cond_wait(&worker->rung, &worker->lock);
	first = worker->first;
	worker->first = NULL;
	worker->end = &worker->first;
	pthread_mutex_unlock(&worker->lock);
	return first;
}

static void *work(void *user)
{
	struct worker *worker = user;

	for (struct job *job, *next; (job = await_jobs(worker));)
		for (; job; job = next) {
			pthread_mutex_lock(&worker->lock);
			next = job->next;
			job->is_queued = 0;
			pthread_mutex_unlock(&worker->lock);
			job->run(job);
		}
	return NULL;
}

static void queue(struct worker *worker, struct job *job)
{
	pthread_mutex_lock(&worker->lock);
	if (!job->is_queued) {
		job->is_queued = 1;
		job->next = NULL;
		if (worker->end == &worker->first)
			pthread_cond_signal(&worker->rung);
		*worker->end = job;
		worker->end = &job->next;
	}
	pthread_mutex_unlock(&worker->lock);
}

static void schedule(struct job *job)
{
	if (!job->tasklet)
		queue(job->worker, job);
	else if (rh_tasklet_schedule(job->tasklet) < 0)
		die("a tasklet cannot be scheduled");
}

/* ---- lanes ---- */

/* On the processor of the thread that calls. */
static struct lane *lane_open(int is_tasklet)
{
	struct lane *lane = calloc(1, sizeof *lane);

	if (!lane || sem_init(&lane->ran, 0, 0) != 0)
		die("no memory");
	pthread_mutex_init(&lane->worker.lock, NULL);
	pthread_cond_init(&lane->worker.rung, NULL);
	lane->worker.end = &lane->worker.first;
	for (unsigned i = 0; i < BATCH; i++) {
		struct job *job = &lane->jobs[i];

		job->lane = lane;
		job->worker = &lane->worker;
		if (is_tasklet && rh_tasklet_create(run_tasklet, job, &job->tasklet) < 0)
			die("a tasklet cannot be made");
	}
	if (!is_tasklet)
		lane->worker.thread = start_thread(work, &lane->worker);
	return lane;
}

static void lane_close(struct lane *lane)
{
	int is_tasklet = lane->jobs[0].tasklet != NULL;

	for (unsigned i = 0; i < BATCH; i++)
		rh_tasklet_destroy(lane->jobs[i].tasklet);
	if (!is_tasklet) {
		pthread_mutex_lock(&lane->worker.lock);
		lane->worker.is_over = 1;
		pthread_cond_signal(&lane->worker.rung);
		pthread_mutex_unlock(&lane->worker.lock);
		pthread_join(lane->worker.thread, NULL);
	}
	sem_destroy(&lane->ran);
	free(lane);
}

static void run_batched(struct job *job)
{
	atomic_fetch_add_explicit(&job->lane->done, 1, memory_order_release);
}

static double batches(struct lane *lane, unsigned count)
{
	unsigned rounds = count / BATCH;
	uint64_t from = clock_of(CLOCK_MONOTONIC);

	for (unsigned round = 1; round <= rounds; round++) {
		for (unsigned i = 0; i < BATCH; i++) {
			lane->jobs[i].run = run_batched;
			schedule(&lane->jobs[i]);
		}
		while (atomic_load_explicit(&lane->done, memory_order_acquire) < round * BATCH)
			sched_yield();
	}
	return (double)(clock_of(CLOCK_MONOTONIC) - from) / (rounds * BATCH);
}

/* The first one schedules all, itself last, until it was enough. */
static void run_inside(struct job *job)
{
	struct lane *lane = job->lane;

	lane->left--;
	if (job != &lane->jobs[0])
		return;
	if (lane->left < BATCH) {
		sem_post(&lane->ran);
		return;
	}
	for (unsigned i = BATCH; i-- > 0;)
		schedule(&lane->jobs[i]);
}

static double inside(struct lane *lane, unsigned count)
{
	uint64_t from = clock_of(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < BATCH; i++)
		lane->jobs[i].run = run_inside;
	lane->left = count;
	schedule(&lane->jobs[0]);
	sem_wait(&lane->ran);
	return (double)(clock_of(CLOCK_MONOTONIC) - from) / (count - lane->left);
}

static void run_again(struct job *job)
{
	if (--job->lane->left)
		schedule(job);
	else
		sem_post(&job->lane->ran);
}

static double again(struct lane *lane, unsigned count)
{
	struct job *job = &lane->jobs[0];
	uint64_t    from = clock_of(CLOCK_MONOTONIC);

	job->run = run_again;
	lane->left = count;
	schedule(job);
	sem_wait(&lane->ran);
	return (double)(clock_of(CLOCK_MONOTONIC) - from) / count;
}

static void run_timed(struct job *job)
{
	job->lane->ran_ns = clock_of(CLOCK_MONOTONIC);
	sem_post(&job->lane->ran);
}

static void one(struct lane *lane, double *us)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	lane->jobs[0].run = run_timed;
	for (unsigned i = 0; i < SLEEPS; i++) {
		nanosleep(&pause, NULL);
		lane->told_ns = clock_of(CLOCK_MONOTONIC);
		schedule(&lane->jobs[0]);
		sem_wait(&lane->ran);
		us[i] = (double)(lane->ran_ns - lane->told_ns) / 1e3;
	}
	qsort(us, SLEEPS, sizeof *us, compare);
}

/* ---- all processors at a time ---- */

struct all {
	pthread_t thread;
	size_t    cpu;
	int       is_tasklet;
	unsigned  count;
	double    ns;
};

static void *batches_on(void *user)
{
	struct all  *all = user;
	struct lane *lane;
	cpu_set_t    set;

	CPU_ZERO(&set);
	CPU_SET(all->cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		die("it cannot be on one processor");
	lane = lane_open(all->is_tasklet);
	all->ns = batches(lane, all->count);
	lane_close(lane);
	return NULL;
}

static double batches_everywhere(int is_tasklet, unsigned count)
{
	struct all all[LANES_MAX];
	cpu_set_t  set;
	unsigned   lanes = 0;
	double     rate = 0;

	if (sched_getaffinity(0, sizeof set, &set) < 0)
		die("the processors are not known");
	for (size_t cpu = 0; cpu < CPU_SETSIZE && lanes < LANES_MAX; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			all[lanes] = (struct all){ .cpu = cpu, .is_tasklet = is_tasklet,
			                           .count = count };
			all[lanes].thread = start_thread(batches_on, &all[lanes]);
			lanes++;
		}
	for (unsigned i = 0; i < lanes; i++) {
		pthread_join(all[i].thread, NULL);
		rate += 1 / all[i].ns;
	}
	return 1 / rate;
}

static void measure(int is_tasklet, unsigned count)
{
	static double us[SLEEPS];
	const char   *by = is_tasklet ? "tasklet" : "thread";
	struct lane  *lane = lane_open(is_tasklet);
	double        batch_ns = batches(lane, count), inside_ns = inside(lane, count);
	double        again_ns = again(lane, count);

	one(lane, us);
	lane_close(lane);
	printf("{\"by\": \"%s\", \"batch\": %.2f, \"inside\": %.2f, \"again\": %.2f, "
	       "\"one_p50\": %.3f, \"one_p99\": %.3f", by, batch_ns, inside_ns, again_ns,
	       us[SLEEPS / 2], us[SLEEPS * 99 / 100]);
}

int main(int argc, char **argv)
{
	unsigned  count;
	cpu_set_t all;

	if (argc != 2)
		die("usage: bench-tasklets COUNT");
	count = number_of(argv[1], 100000000);
	if (count < BATCH || sched_getaffinity(0, sizeof all, &all) < 0)
		die("too few");
	for (int is_tasklet = 0; is_tasklet <= 1; is_tasklet++) {
		go_to_last();
		measure(is_tasklet, count);
		sched_setaffinity(0, sizeof all, &all);
		printf(", \"everywhere\": %.2f}\n", batches_everywhere(is_tasklet, count));
	}
	return 0;
}
