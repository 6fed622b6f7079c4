#include "softirq.h"

#include "adapter.h"
#include "adapter_front.h"
#include "session.h"

#include "../../base/await.h"
#include "../../base/clock.h"
#include "../../model/check.h"
#include "../../rules/moderator.h"
#include "../../rules/wasm/signals.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define PLACE  "ksoftirqd"

/* Going to sleep again so soon: more will come, and a wake-up costs more than a tasklet. */
#define STREAM_NS 20000u
#define NAP_NS    10000u

enum { AWAKE, ASLEEP, NAPS };

struct counts {
	_Atomic uint64_t interrupts, done;
	_Atomic uint64_t wakeups, rounds, in_vain; /* the thread writes them */
	_Atomic uint64_t told_ns; /* when the last interrupt was */
};

struct list {
	struct rh_tasklet *first, **end;
};

struct processor {
	struct rh_tasklet *_Atomic pushed;
	_Atomic int      is_asleep;  /* Q1; AWAKE, ... */
	_Atomic uint64_t hold_until; /* not before, by the rule; 0: now */
	pthread_mutex_t  lock;       /* of the sleep, and of has_thread */
	pthread_cond_t   rung;
	_Atomic int      has_thread;
	struct counts    counts;
	/* The thread's alone. */
	struct list waiting;
	struct list idle;    /* polled, found nothing, and still running */
	uint32_t    pending; /* of waiting                               */
	uint32_t    ran, budget;
	uint64_t    slept_ns; /* when it went to sleep, or woke up from a nap with work */
	unsigned    number;
} __attribute__((aligned(128)));

static struct processor   processors[RH_SOFTIRQ_CPUS];
static struct rh_adapter *place;
static pthread_once_t     once = PTHREAD_ONCE_INIT;
static int                failed; /* of once */

/* ---- lists of the thread ---- */

static void empty(struct list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void append(struct list *list, struct rh_tasklet *tasklet)
{
	tasklet->next = NULL;
	*list->end = tasklet;
	list->end = &tasklet->next;
}

static struct rh_tasklet *shift(struct list *list)
{
	struct rh_tasklet *tasklet = list->first;

	if (tasklet && !(list->first = tasklet->next))
		list->end = &list->first;
	return tasklet;
}

/* ---- the rule ---- */

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* What any thread may know. */
static struct rh_softirq_state state_of(const struct processor *processor)
{
	const struct counts *counts = &processor->counts;

	return (struct rh_softirq_state){
		.now_ns = rh_clock_ns(),
		.told_ns = atomic_load_explicit(&counts->told_ns, memory_order_relaxed),
		.interrupts = atomic_load_explicit(&counts->interrupts, memory_order_relaxed),
		.done = atomic_load_explicit(&counts->done, memory_order_relaxed),
	};
}

static struct rh_softirq_state state_of_thread(const struct processor *processor)
{
	struct rh_softirq_state state = state_of(processor);

	state.pending = processor->pending;
	state.ran = processor->ran;
	state.budget = processor->budget;
	return state;
}

static enum rh_on_interrupt ask_interrupt(const struct processor *processor,
                                          uint32_t *ret_delay_us)
{
	struct rh_softirq_state state = state_of(processor);
	uint64_t                began = rh_adapter_begin(place);
	enum rh_on_interrupt    answer;

	answer = rh_moderator_interrupt(place->front, &state, ret_delay_us);
	rh_adapter_end(place, began);
	return answer;
}

static uint32_t ask_budget(const struct processor *processor)
{
	struct rh_softirq_state state = state_of_thread(processor);
	uint64_t                began = rh_adapter_begin(place);
	uint32_t                budget = rh_moderator_budget(place->front, &state);

	rh_adapter_end(place, began);
	return budget;
}

static enum rh_after_round ask_next(const struct processor *processor, uint32_t *ret_delay_us)
{
	struct rh_softirq_state state = state_of_thread(processor);
	uint64_t                began = rh_adapter_begin(place);
	enum rh_after_round     answer;

	answer = rh_moderator_next(place->front, &state, processor->pending, ret_delay_us);
	rh_adapter_end(place, began);
	return answer;
}

/* ---- a round ---- */

static void queue(struct processor *processor, struct rh_tasklet *tasklet)
{
	append(&processor->waiting, tasklet);
	processor->pending++;
}

/* What was pushed last comes first: turned round. */
static void gather(struct processor *processor)
{
	struct rh_tasklet *at = atomic_exchange(&processor->pushed, NULL), *turned = NULL;

	while (at) {
		struct rh_tasklet *next = at->next;

		at->next = turned;
		turned = at;
		at = next;
	}
	while (turned) {
		struct rh_tasklet *next = turned->next;

		queue(processor, turned);
		turned = next;
	}
}

/* Returns the pieces of work that it did. */
static uint32_t run(struct rh_tasklet *tasklet, uint32_t budget, bool *ret_is_idle)
{
	struct rh_tasklet *outer = rh_tasklet_current; /* a handler may run in a tasklet */
	uint32_t           did = 1;

	rh_tasklet_current = tasklet;
	if (tasklet->run)
		tasklet->run(tasklet->user);
	else
		did = tasklet->poll(tasklet->user, budget);
	rh_tasklet_current = outer;
	*ret_is_idle = tasklet->poll && did < budget;
	return did < budget ? did : budget;
}

static void run_next(struct processor *processor)
{
	struct rh_tasklet *tasklet = shift(&processor->waiting);
	bool               is_idle;

	processor->pending--;
	if (rh_tasklet_take(tasklet) != RH_TAKEN_TO_RUN)
		return;
	processor->ran += run(tasklet, processor->budget - processor->ran, &is_idle);
	if (is_idle)
		append(&processor->idle, tasklet);
	else if (rh_tasklet_let_go(tasklet, tasklet->poll != NULL))
		queue(processor, tasklet);
}

static void round_of(struct processor *processor)
{
	processor->budget = ask_budget(processor);
	processor->ran = 0;
	while (processor->waiting.first && processor->ran < processor->budget)
		run_next(processor);
	add(&processor->counts.rounds, 1);
	add(&processor->counts.in_vain, processor->ran == 0);
	add(&processor->counts.done, processor->ran);
}

/* Lets the device interrupt again; true: it is to be queued. */
static bool rearm(struct rh_tasklet *tasklet)
{
	return rh_tasklet_let_go(tasklet, tasklet->arm(tasklet->user) != 0);
}

/* The devices that had nothing are polled again, or let interrupt. */
static void settle(struct processor *processor, bool is_polling)
{
	for (struct rh_tasklet *tasklet; (tasklet = shift(&processor->idle));)
		if (is_polling ? rh_tasklet_let_go(tasklet, true) : rearm(tasklet))
			queue(processor, tasklet);
}

/* ---- the thread ---- */

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / RH_NS_PER_S),
	                          .tv_nsec = (long)(ns % RH_NS_PER_S) };
}

/* Until somebody rings, or until then (0: no matter when); how: ASLEEP or NAPS. */
static void rest_until(struct processor *processor, uint64_t until_ns, int how)
{
	struct timespec until = timespec_of(until_ns);
	int             r = 0;

	pthread_mutex_lock(&processor->lock);
	atomic_store(&processor->is_asleep, how);
	if (atomic_load(&processor->pushed))
		atomic_store(&processor->is_asleep, AWAKE);
	while (atomic_load(&processor->is_asleep) && r != ETIMEDOUT)
		r = until_ns ? pthread_cond_timedwait(&processor->rung, &processor->lock, &until)
		             : pthread_cond_wait(&processor->rung, &processor->lock);
	atomic_store(&processor->is_asleep, AWAKE);
	pthread_mutex_unlock(&processor->lock);
}

static void sleep_until(struct processor *processor, uint64_t until_ns)
{
	rest_until(processor, until_ns, ASLEEP);
	add(&processor->counts.wakeups, 1);
}

/* Nothing is there.  One that comes alone rings; while they come one after the other those
 * of a nap are done together.  A runtime that orders this thread has no clock for naps. */
static void sleep_or_nap(struct processor *processor)
{
	uint64_t now = rh_clock_ns();

	if (now - processor->slept_ns < STREAM_NS && !rh_await_lends()) {
		rest_until(processor, now + NAP_NS, NAPS);
		now = rh_clock_ns();
		if (atomic_load(&processor->pushed)) {
			processor->slept_ns = now;
			add(&processor->counts.wakeups, 1);
			return;
		}
	}
	processor->slept_ns = now;
	sleep_until(processor, 0);
}

/* The rule wants more to come together; something urgent ends it. */
static void hold(struct processor *processor)
{
	for (;;) {
		uint64_t until = atomic_load(&processor->hold_until);

		if (until <= rh_clock_ns())
			break;
		gather(processor); /* it was held to begin with: do not look at it again */
		sleep_until(processor, until);
	}
	atomic_store(&processor->hold_until, 0);
}

static void work(struct processor *processor)
{
	uint32_t            delay_us;
	enum rh_after_round next;

	hold(processor);
	gather(processor);
	round_of(processor);
	gather(processor);
	next = ask_next(processor, &delay_us);
	settle(processor, next != RH_ROUND_SLEEP);
	if (!processor->waiting.first)
		sleep_or_nap(processor); /* there is nothing to poll, whatever it said */
	else if (next == RH_ROUND_POLL && delay_us)
		sleep_until(processor, rh_clock_ns() + delay_us * 1000ull);
}

static void pin(unsigned number)
{
	cpu_set_t set, mine;

	CPU_ZERO(&mine);
	CPU_SET(number, &mine);
	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_ISSET(number, &set))
		sched_setaffinity(0, sizeof mine, &mine);
}

static void *thread_main(void *user)
{
	struct processor *processor = user;
	char              name[16];

	snprintf(name, sizeof name, PLACE "/%u", processor->number);
	pthread_setname_np(pthread_self(), name);
	if (!rh_await_lends()) { /* a runtime that orders it has carriers, and no naps */
		pin(processor->number);
		prctl(PR_SET_TIMERSLACK, 1); /* a nap is as long as it says */
	}
	for (;;)
		work(processor);
	return NULL;
}

static int start(struct processor *processor)
{
	pthread_attr_t attributes;
	pthread_t      thread;
	sigset_t       most, before;
	int            err = 0;

	/* The program's handlers run in its own threads; a rule may trap, and be kicked. */
	sigfillset(&most);
	rh_signals_spare(&most);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&processor->lock);
	if (!atomic_load(&processor->has_thread)) {
		pthread_sigmask(SIG_SETMASK, &most, &before);
		err = pthread_create(&thread, &attributes, thread_main, processor);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		atomic_store(&processor->has_thread, !err);
	}
	pthread_mutex_unlock(&processor->lock);
	pthread_attr_destroy(&attributes);
	return err ? rh_fail(RH_ENOMEM, "a thread ksoftirqd cannot be started") : RH_OK;
}

/* ---- queueing ---- */

static struct processor *here(void)
{
	int cpu = sched_getcpu();

	return &processors[(cpu < 0 ? 0u : (unsigned)cpu) % RH_SOFTIRQ_CPUS];
}

/* Who naps looks by itself, soon: what is urgent ends that. */
static void ring(struct processor *processor, bool is_urgent)
{
	int was_asleep = atomic_load(&processor->is_asleep);

	if (was_asleep == AWAKE || (was_asleep == NAPS && !is_urgent))
		return;
	pthread_mutex_lock(&processor->lock);
	was_asleep = atomic_exchange(&processor->is_asleep, AWAKE);
	pthread_mutex_unlock(&processor->lock);
	if (was_asleep) /* not with the lock, for which it would wait at once */
		pthread_cond_signal(&processor->rung);
}

static int push(struct processor *processor, struct rh_tasklet *tasklet, bool is_urgent)
{
	struct rh_tasklet *first = atomic_load_explicit(&processor->pushed, memory_order_relaxed);
	int                r = RH_OK;

	do
		tasklet->next = first;
	while (!atomic_compare_exchange_weak(&processor->pushed, &first, tasklet));
	if (!atomic_load_explicit(&processor->has_thread, memory_order_acquire))
		r = start(processor);
	ring(processor, is_urgent); /* also where another one has started it meanwhile */
	return r;
}

/* It does not wait for what was held. */
static int push_here(struct rh_tasklet *tasklet, bool is_urgent)
{
	struct processor *processor = here();

	if (atomic_load_explicit(&processor->hold_until, memory_order_relaxed))
		atomic_store(&processor->hold_until, 0);
	return push(processor, tasklet, is_urgent);
}

int rh_softirq_push(struct rh_tasklet *tasklet)
{
	return push_here(tasklet, true);
}

EXPORT int rh_tasklet_schedule(struct rh_tasklet *tasklet)
{
	int r;

	if (!rh_tasklet_mark(tasklet))
		return 0;
	r = push_here(tasklet, false);
	return r < 0 ? r : 1;
}

EXPORT void rh_tasklet_enable(struct rh_tasklet *tasklet)
{
	if (rh_tasklet_allow(tasklet))
		rh_softirq_push(tasklet);
}

/* The handler does the first round of its device itself. */
static int run_inline(struct rh_tasklet *tasklet)
{
	struct processor *processor = here();
	bool              is_idle, is_ours;
	uint32_t          did;

	switch (rh_tasklet_take(tasklet)) {
	case RH_TAKEN_TO_RUN:
		break;
	case RH_TAKEN_LATER:
	case RH_TAKEN_GONE:
		return 1;
	}
	did = run(tasklet, RH_MODERATOR_BUDGET, &is_idle);
	add(&processor->counts.done, did);
	is_ours = is_idle ? rearm(tasklet) : rh_tasklet_let_go(tasklet, tasklet->poll != NULL);
	return is_ours ? rh_softirq_push(tasklet) : 1;
}

static int hold_back(struct rh_tasklet *tasklet, uint32_t delay_us)
{
	struct processor *processor = here();

	if (atomic_load(&processor->is_asleep))
		atomic_store(&processor->hold_until, rh_clock_ns() + delay_us * 1000ull);
	return push(processor, tasklet, true);
}

EXPORT int rh_softirq_raise(struct rh_tasklet *tasklet)
{
	struct processor    *processor = here();
	uint32_t             delay_us;
	enum rh_on_interrupt way;
	int                  r;

	if (!rh_tasklet_mark(tasklet))
		return 0;
	add(&processor->counts.interrupts, 1);
	way = ask_interrupt(processor, &delay_us);
	atomic_store_explicit(&processor->counts.told_ns, rh_clock_ns(), memory_order_relaxed);
	r = way == RH_INTERRUPT_INLINE ? run_inline(tasklet) :
	    way == RH_INTERRUPT_HOLD ? hold_back(tasklet, delay_us) : rh_softirq_push(tasklet);
	return r < 0 ? r : 1;
}

/* ---- all of it ---- */

static void init(struct processor *processor)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&processor->lock, NULL);
	pthread_cond_init(&processor->rung, &attributes);
	pthread_condattr_destroy(&attributes);
	empty(&processor->waiting);
	empty(&processor->idle);
	processor->pending = 0;
	atomic_store(&processor->pushed, NULL);
	atomic_store(&processor->hold_until, 0);
	atomic_store(&processor->is_asleep, AWAKE);
	atomic_store(&processor->has_thread, 0);
}

static void in_child(void)
{
	for (unsigned i = 0; i < RH_SOFTIRQ_CPUS; i++)
		init(&processors[i]);
	rh_tasklets_forget();
	rh_tasklets_let_go();
}

static void begin(void)
{
	for (unsigned i = 0; i < RH_SOFTIRQ_CPUS; i++) {
		init(&processors[i]);
		processors[i].number = i;
	}
	failed = rh_adapter_open(&rh_front_softirq, PLACE, 0, &place);
	pthread_atfork(rh_tasklets_hold, rh_tasklets_let_go, in_child);
}

int rh_softirq_begin(void)
{
	pthread_once(&once, begin);
	return failed;
}

EXPORT void rh_softirq_counts(struct rh_softirq_counts *ret)
{
	*ret = (struct rh_softirq_counts){ 0 };
	for (unsigned i = 0; i < RH_SOFTIRQ_CPUS; i++) {
		const struct counts *from = &processors[i].counts;

		ret->interrupts += atomic_load_explicit(&from->interrupts, memory_order_relaxed);
		ret->wakeups += atomic_load_explicit(&from->wakeups, memory_order_relaxed);
		ret->rounds += atomic_load_explicit(&from->rounds, memory_order_relaxed);
		ret->in_vain += atomic_load_explicit(&from->in_vain, memory_order_relaxed);
		ret->done += atomic_load_explicit(&from->done, memory_order_relaxed);
	}
}

EXPORT int rh_softirq_rule(char *name, size_t cap)
{
	int r = rh_softirq_begin();

	return r < 0 ? r : rh_adapter_name(place, name, cap);
}
