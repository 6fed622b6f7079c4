/* Tasklets and polled devices: once in a queue, on one processor at a time, and as the
 * rule of hook softirq says while it changes. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../sdk/c/rhodes-softirq.h"
#include "../../wire/record.h"
#include "../support/rule_agent.h"
#include "../unit/rules_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer ends a child of fork that starts a thread; what AddressSanitizer's
 * allocator had locked for a thread of the parent stays locked in the child. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CAN_THREAD_AFTER_FORK 0
#else
#define CAN_THREAD_AFTER_FORK 1
#endif

static struct rule_agent *agent;
static char               dir[SCENE_PATH], path[SCENE_PATH + 16];

static int set_up(void **state)
{
	(void)state;
	scene_dir(dir);
	snprintf(path, sizeof path, "%s/agent.sock", dir);
	setenv("RHODES_AGENT", path, 1);
	agent = rule_agent_start(path, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rule_agent_stop(agent);
	scene_remove(dir);
	return 0;
}

/* ---- tasklets ---- */

/* What a tasklet of these tests counts; `held` stops it until `go`. */
struct work {
	struct rh_tasklet *tasklet;
	_Atomic int        runs, inside, collisions;
	int                is_held;
	sem_t              began, go;
};

static void run(void *user)
{
	struct work *work = user;

	if (atomic_fetch_add(&work->inside, 1) != 0)
		atomic_fetch_add(&work->collisions, 1);
	if (work->is_held) {
		sem_post(&work->began);
		sem_wait(&work->go);
	}
	atomic_fetch_add(&work->runs, 1);
	atomic_fetch_sub(&work->inside, 1);
}

static void work_init(struct work *work, int is_held)
{
	memset(work, 0, sizeof *work);
	work->is_held = is_held;
	sem_init(&work->began, 0, 0);
	sem_init(&work->go, 0, 0);
	assert_int_equal(rh_tasklet_create(run, work, &work->tasklet), RH_OK);
}

static void one_is_queued_once_and_runs_again_when_it_was_scheduled_while_it_ran(void **state)
{
	struct work work;

	(void)state;
	work_init(&work, 1);
	assert_int_equal(rh_tasklet_schedule(work.tasklet), 1);
	sem_wait(&work.began); /* it runs: it is not queued any more */
	assert_int_equal(rh_tasklet_schedule(work.tasklet), 1);
	assert_int_equal(rh_tasklet_schedule(work.tasklet), 0);
	assert_int_equal(rh_tasklet_schedule(work.tasklet), 0);
	sem_post(&work.go);
	sem_wait(&work.began);
	sem_post(&work.go);
	assert_int_equal(rh_tasklet_kill(work.tasklet), RH_OK);
	assert_int_equal(work.runs, 2);
	assert_int_equal(rh_tasklet_destroy(work.tasklet), RH_OK);
	assert_int_equal(rh_tasklet_create(NULL, NULL, &work.tasklet), RH_EINVAL);
}

static void one_that_is_disabled_waits_until_it_is_enabled_as_often(void **state)
{
	struct work work, mark;

	(void)state;
	work_init(&work, 0);
	work_init(&mark, 0);
	rh_tasklet_disable(work.tasklet);
	rh_tasklet_disable(work.tasklet);
	assert_int_equal(rh_tasklet_schedule(work.tasklet), 1);
	rh_tasklet_schedule(mark.tasklet);
	rh_tasklet_kill(mark.tasklet); /* every list was worked through since, or is empty */
	assert_int_equal(work.runs, 0);
	rh_tasklet_enable(work.tasklet);
	assert_int_equal(rh_tasklet_schedule(work.tasklet), 0);
	assert_int_equal(work.runs, 0);
	rh_tasklet_enable(work.tasklet);
	rh_tasklet_kill(work.tasklet);
	assert_int_equal(work.runs, 1);

	/* One that is disabled is taken from the queue: nobody would ever run it. */
	rh_tasklet_disable(work.tasklet);
	rh_tasklet_schedule(work.tasklet);
	assert_int_equal(rh_tasklet_destroy(work.tasklet), RH_OK);
	assert_int_equal(work.runs, 1);
	rh_tasklet_destroy(mark.tasklet);
	rh_tasklet_destroy(NULL);
}

static void *disable(void *user)
{
	struct work *work = user;

	rh_tasklet_disable(work->tasklet);
	return (void *)(intptr_t)atomic_load(&work->inside);
}

/* The answer of disable is that it does not run any more. */
static void disable_waits_for_the_run_that_is_under_way(void **state)
{
	struct work work;
	pthread_t   thread;
	void       *inside;

	(void)state;
	work_init(&work, 1);
	rh_tasklet_schedule(work.tasklet);
	sem_wait(&work.began);
	assert_int_equal(pthread_create(&thread, NULL, disable, &work), 0);
	sched_yield();
	sem_post(&work.go);
	pthread_join(thread, &inside);
	assert_int_equal((intptr_t)inside, 0);
	assert_int_equal(work.runs, 1);
	rh_tasklet_destroy(work.tasklet);
}

static struct work own;
static _Atomic int own_answers[2];

static void run_that_ends_itself(void *user)
{
	own_answers[0] = rh_tasklet_kill(own.tasklet);
	own_answers[1] = rh_tasklet_destroy(own.tasklet);
	rh_tasklet_disable(own.tasklet); /* does not wait for itself */
	rh_tasklet_enable(own.tasklet);
	run(user);
}

static void one_cannot_end_itself(void **state)
{
	(void)state;
	memset(&own, 0, sizeof own);
	assert_int_equal(rh_tasklet_create(run_that_ends_itself, &own, &own.tasklet), RH_OK);
	rh_tasklet_schedule(own.tasklet);
	assert_int_equal(rh_tasklet_kill(own.tasklet), RH_OK);
	assert_int_equal(own.runs, 1);
	assert_int_equal(own_answers[0], RH_EBUSY);
	assert_int_equal(own_answers[1], RH_EBUSY);
	assert_int_equal(rh_tasklet_destroy(own.tasklet), RH_OK);
}

/* ---- two processors ---- */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof set, &set), 0);
}

static int two_processors(int cpus[2])
{
	cpu_set_t set;
	int       n = 0;

	sched_getaffinity(0, sizeof set, &set);
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET((size_t)cpu, &set))
			cpus[n++] = cpu;
	return n == 2;
}

struct meeting {
	pthread_barrier_t *barrier;
	struct rh_tasklet *tasklet;
	int                cpu;
};

static void meet(void *user)
{
	struct meeting *meeting = user;

	pthread_barrier_wait(meeting->barrier);
}

static void *schedule_there(void *user)
{
	struct meeting *meeting = user;

	pin(meeting->cpu);
	rh_tasklet_schedule(meeting->tasklet);
	return NULL;
}

/* Each waits for the other: one after the other they would never end. */
static void different_ones_run_in_parallel(void **state)
{
	pthread_barrier_t barrier;
	struct meeting    meetings[2];
	pthread_t         threads[2];
	int               cpus[2];

	(void)state;
	if (!two_processors(cpus))
		skip();
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++) {
		meetings[i] = (struct meeting){ .barrier = &barrier, .cpu = cpus[i] };
		rh_tasklet_create(meet, &meetings[i], &meetings[i].tasklet);
		pthread_create(&threads[i], NULL, schedule_there, &meetings[i]);
	}
	/* What is destroyed before it ran does not run: each runs first. */
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(rh_tasklet_kill(meetings[i].tasklet), RH_OK);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(rh_tasklet_destroy(meetings[i].tasklet), RH_OK);
}

#define RAISES 100000

static struct work raced[3];
static _Atomic int queued[3];

static void *raise_all(void *user)
{
	pin(*(int *)user);
	for (int i = 0; i < RAISES; i++) {
		int which = i % 3;

		if (rh_tasklet_schedule(raced[which].tasklet) == 1)
			atomic_fetch_add(&queued[which], 1);
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

/* One that the other processor takes while it runs is queued again by who runs it. */
static void one_runs_as_often_as_it_was_queued_and_never_twice_at_a_time(void **state)
{
	pthread_t threads[2];
	int       cpus[2];

	(void)state;
	if (!two_processors(cpus))
		skip();
	for (int i = 0; i < 3; i++) {
		work_init(&raced[i], 0);
		queued[i] = 0;
	}
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, raise_all, &cpus[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rh_tasklet_kill(raced[i].tasklet), RH_OK);
		assert_int_equal(raced[i].collisions, 0);
		assert_int_equal(raced[i].runs, queued[i]);
		rh_tasklet_destroy(raced[i].tasklet);
	}
}

/* Enabled and disabled by one thread while another schedules: nothing is lost. */
static void say(void *user)
{
	sem_post(&((struct work *)user)->began);
}

/* Its thread sleeps, naps or still runs when the next one comes, which is soon after, or a
 * while; now and then all come at once. */
static void each_of_a_stream_runs_whatever_its_thread_does(void **state)
{
	struct work works[16];

	(void)state;
	for (int i = 0; i < 16; i++) {
		sem_init(&works[i].began, 0, 0);
		assert_int_equal(rh_tasklet_create(say, &works[i], &works[i].tasklet), RH_OK);
	}
	for (unsigned round = 0; round < 20000; round++) {
		int all = round % 64 == 63 ? 16 : 1;

		for (volatile unsigned spun = 0; spun < (round % 32) * (round % 32) * 8; spun++)
			;
		for (int i = 0; i < all; i++)
			assert_int_equal(rh_tasklet_schedule(works[i].tasklet), 1);
		for (int i = 0; i < all; i++)
			sem_wait(&works[i].began);
	}
	for (int i = 0; i < 16; i++)
		assert_int_equal(rh_tasklet_destroy(works[i].tasklet), RH_OK);
}

static void *turn(void *user)
{
	struct work *work = user;

	for (int i = 0; i < RAISES / 10; i++) {
		rh_tasklet_disable(work->tasklet);
		if (atomic_load(&work->inside))
			atomic_fetch_add(&work->collisions, 1);
		rh_tasklet_enable(work->tasklet);
	}
	return NULL;
}

static void what_is_scheduled_between_disable_and_enable_runs(void **state)
{
	struct work work;
	pthread_t   thread;
	int         count = 0;

	(void)state;
	work_init(&work, 0);
	pthread_create(&thread, NULL, turn, &work);
	for (int i = 0; i < RAISES / 10; i++)
		count += rh_tasklet_schedule(work.tasklet);
	pthread_join(thread, NULL);
	rh_tasklet_kill(work.tasklet);
	assert_int_equal(work.runs, count);
	assert_int_equal(work.collisions, 0);
	rh_tasklet_destroy(work.tasklet);
}

/* ---- a device ---- */

/* Interrupts as a network card does: once, then not until it is armed. */
struct device {
	struct rh_tasklet *tasklet;
	pthread_mutex_t    lock;
	pthread_cond_t     changed;
	int                waiting, taken, polls, arms, largest; /* under lock */
	int                is_armed, has_one_more;
};

static uint32_t poll_device(void *user, uint32_t budget)
{
	struct device *device = user;
	uint32_t       n;

	pthread_mutex_lock(&device->lock);
	n = (uint32_t)device->waiting < budget ? (uint32_t)device->waiting : budget;
	device->waiting -= (int)n;
	device->taken += (int)n;
	device->polls++;
	if ((int)budget > device->largest)
		device->largest = (int)budget;
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
	return n;
}

static int arm_device(void *user)
{
	struct device *device = user;
	int            has_more;

	pthread_mutex_lock(&device->lock);
	device->arms++;
	device->waiting += device->has_one_more;
	device->has_one_more = 0;
	has_more = device->waiting > 0;
	device->is_armed = !has_more;
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
	return has_more;
}

static void device_init(struct device *device)
{
	memset(device, 0, sizeof *device);
	device->is_armed = 1;
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->changed, NULL);
	assert_int_equal(rh_softirq_open(poll_device, arm_device, device, &device->tasklet),
	                 RH_OK);
}

/* n packets come; the handler, this thread, tells of it if the device interrupts. */
static void arrive(struct device *device, int n)
{
	int has_interrupt;

	pthread_mutex_lock(&device->lock);
	device->waiting += n;
	has_interrupt = device->is_armed;
	device->is_armed = 0;
	pthread_mutex_unlock(&device->lock);
	if (has_interrupt)
		assert_int_equal(rh_softirq_raise(device->tasklet), 1);
}

static void await_taken(struct device *device, int n)
{
	pthread_mutex_lock(&device->lock);
	while (device->taken < n)
		pthread_cond_wait(&device->changed, &device->lock);
	pthread_mutex_unlock(&device->lock);
}

static void await_armed(struct device *device)
{
	pthread_mutex_lock(&device->lock);
	while (!device->is_armed)
		pthread_cond_wait(&device->changed, &device->lock);
	pthread_mutex_unlock(&device->lock);
}

/* What was seen of it so far; the largest budget counts anew. */
static struct device look_at(struct device *device)
{
	struct device seen;

	pthread_mutex_lock(&device->lock);
	seen = *device;
	device->largest = 0;
	pthread_mutex_unlock(&device->lock);
	return seen;
}

static void a_device_is_polled_by_the_budget_and_armed_when_it_has_no_more(void **state)
{
	struct rh_softirq_counts before, after;
	struct device            device;

	(void)state;
	device_init(&device);
	rh_softirq_counts(&before);
	device.has_one_more = 1; /* comes just when it is to be armed */
	arrive(&device, 1000);
	await_armed(&device);
	assert_int_equal(rh_tasklet_kill(device.tasklet), RH_OK);
	assert_int_equal(device.taken, 1001);
	assert_int_equal(device.arms, 2);
	assert_int_equal(device.largest, 64);
	rh_softirq_counts(&after);
	assert_int_equal(after.interrupts - before.interrupts, 1);
	assert_int_equal(after.done - before.done, 1001);
	assert_true(after.rounds - before.rounds >= 1001 / 64);
	assert_int_equal(rh_tasklet_destroy(device.tasklet), RH_OK);
	assert_int_equal(rh_softirq_open(NULL, arm_device, &device, &device.tasklet),
	                 RH_EINVAL);
}

/* ---- rules ---- */

static void lend(const char *file, const char *a, const char *b)
{
	char        object[256], name[64];
	struct lent lent = { .hook = "softirq", .name = file, .mode = "native",
	                     .policy = "keep-last", .params = { a, a ? b : NULL } };
	struct said said;

	snprintf(object, sizeof object, RULES "/softirq/%s.so", file);
	lent.object_fd = fixture_freeze(object);
	said = rule_agent_await(agent, rule_agent_lend(agent, "ksoftirqd", &lent));
	if (said.state != RH_ITEM_ACTIVE)
		fail_msg("%s: %s", file, said.text);
	close(lent.object_fd);
	assert_int_equal(rh_softirq_rule(name, sizeof name), 1);
	assert_string_equal(name, file);
}

/* The same device under one rule after the other, while packets come. */
static void the_rule_says_how_much_when_and_whether_interrupts_come(void **state)
{
	struct rh_softirq_counts before, after;
	struct device            device, seen;

	(void)state;
	device_init(&device);
	lend("interrupt", "budget=7", NULL);
	arrive(&device, 100);
	await_armed(&device);
	assert_int_equal(look_at(&device).largest, 7);

	lend("polling", "budget=9", "period_us=100");
	rh_softirq_counts(&before);
	for (int i = 1; i <= 50; i++) {
		arrive(&device, 10);
		await_taken(&device, 100 + 10 * i);
	}
	rh_softirq_counts(&after);
	/* The first interrupt was the last one. */
	assert_int_equal(after.interrupts - before.interrupts, 1);
	seen = look_at(&device);
	assert_int_equal(seen.largest, 9);
	assert_int_equal(seen.is_armed, 0);

	/* The new one begins with interrupts, and finds what still polls. */
	lend("adaptive", "budget=32", NULL);
	await_armed(&device);
	arrive(&device, 1);
	await_taken(&device, 601);
	await_armed(&device);
	rh_softirq_counts(&before);
	for (int i = 1; i <= 200; i++) {
		arrive(&device, 32);
		await_taken(&device, 601 + 32 * i);
	}
	rh_softirq_counts(&after);
	/* Much came: most of it was found without an interrupt. */
	assert_true(after.interrupts - before.interrupts < 200);
	await_armed(&device); /* and nothing more: they are back */
	assert_int_equal(rh_tasklet_destroy(device.tasklet), RH_OK);
}

/* ---- fork ---- */

static void a_child_has_nothing_queued_and_can_begin_anew(void **state)
{
	struct work held, work;
	int         status;

	(void)state;
	if (!CAN_THREAD_AFTER_FORK)
		skip();
	work_init(&held, 1);
	work_init(&work, 0);
	rh_tasklet_schedule(held.tasklet);
	sem_wait(&held.began); /* runs, while the process is forked */
	rh_tasklet_schedule(work.tasklet);
	pid_t pid = fork();

	if (pid == 0) {
		int before = atomic_load(&work.runs), is_right;

		/* Neither waits: both would, for ever, if they were thought to run. */
		is_right = rh_tasklet_kill(held.tasklet) == RH_OK &&
		           rh_tasklet_kill(work.tasklet) == RH_OK &&
		           rh_tasklet_schedule(work.tasklet) == 1 &&
		           rh_tasklet_destroy(work.tasklet) == RH_OK;
		_exit(is_right && before <= atomic_load(&work.runs) ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	sem_post(&held.go);
	rh_tasklet_destroy(held.tasklet);
	assert_int_equal(rh_tasklet_destroy(work.tasklet), RH_OK);
	assert_true(work.runs <= 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(one_is_queued_once_and_runs_again_when_it_was_scheduled_while_it_ran),
	CASE(one_that_is_disabled_waits_until_it_is_enabled_as_often),
	CASE(disable_waits_for_the_run_that_is_under_way),
	CASE(one_cannot_end_itself),
	CASE(different_ones_run_in_parallel),
	CASE(one_runs_as_often_as_it_was_queued_and_never_twice_at_a_time),
	CASE(each_of_a_stream_runs_whatever_its_thread_does),
	CASE(what_is_scheduled_between_disable_and_enable_runs),
	CASE(a_device_is_polled_by_the_budget_and_armed_when_it_has_no_more),
	CASE(the_rule_says_how_much_when_and_whether_interrupts_come),
	CASE(a_child_has_nothing_queued_and_can_begin_anew),
};
STAGE_MAIN(tests)
