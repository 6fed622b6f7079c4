/* A device whose ring is fed by another thread, and its driver: who feeds raises an event
 * when interrupts are on; the handler leaves the work to ksoftirqd, which polls the ring as
 * the rule of hook softirq says (as examples/tour/netdriver.c does).
 *
 *   bench-ring RULE RATE MS
 *
 * RULE is the one that must be in force: its name, or `none`; `direct`: without the SDK, the
 * handler empties the ring itself.  RATE packets a second, 0: as many as there is room for;
 * for MS milliseconds.  The feeder is on the first processor, all else on the last.
 * Processor time is all but the feeder's. */
#include "program.h"

#include "../../sdk/c/rhodes-softirq.h"
#include "../rules/figure.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SLOTS      1024u
#define WORDS      7u       /* of a packet, beside the time  */
#define SAMPLES    1000000u
#define PATIENCE_S 20       /* until the rule is in force    */
#define SPIN_NS    80000u   /* a timer may be so late        */
#define ALL        UINT32_MAX

struct packet {
	uint64_t sent_ns;
	uint64_t words[WORDS];
};

static struct {
	_Alignas(64) _Atomic uint64_t head; /* the feeder's           */
	_Alignas(64) _Atomic uint64_t tail; /* of who empties it      */
	_Alignas(64) _Atomic int      is_on; /* it may interrupt      */
	struct packet                 slots[SLOTS];
} ring;

static int                event_fd;
static struct rh_tasklet *tasklet; /* NULL: direct */
static double            *us;
static uint32_t           samples;
static uint64_t           sum;
static _Atomic bool       is_over;

/* ---- the driver ---- */

static void take(const struct packet *packet)
{
	for (unsigned i = 0; i < WORDS; i++)
		sum += packet->words[i];
	if (samples < SAMPLES)
		us[samples++] = (double)(clock_of(CLOCK_MONOTONIC) - packet->sent_ns) / 1e3;
}

static uint32_t poll(void *unused, uint32_t budget)
{
	uint64_t tail = atomic_load_explicit(&ring.tail, memory_order_relaxed);
	uint32_t done = 0;

	(void)unused;
	while (done < budget && tail != atomic_load_explicit(&ring.head, memory_order_acquire)) {
		take(&ring.slots[tail % SLOTS]);
		atomic_store_explicit(&ring.tail, ++tail, memory_order_release);
		done++;
	}
	return done;
}

static int arm(void *unused)
{
	(void)unused;
	atomic_store(&ring.is_on, 1);
	return atomic_load(&ring.head) != atomic_load(&ring.tail) &&
	       atomic_exchange(&ring.is_on, 0);
}

static void *interrupts(void *unused)
{
	uint64_t count;

	go_to_last();
	while (read(event_fd, &count, sizeof count) == sizeof count && !atomic_load(&is_over)) {
		if (tasklet && rh_softirq_raise(tasklet) < 0)
			die("ksoftirqd cannot be started");
		if (!tasklet)
			do
				poll(NULL, ALL);
			while (arm(NULL));
	}
	return unused;
}

/* ---- the device ---- */

static void interrupt(void)
{
	const uint64_t once = 1;

	if (write(event_fd, &once, sizeof once) != sizeof once)
		die("no event");
}

static void put(uint64_t number)
{
	uint64_t       head = atomic_load_explicit(&ring.head, memory_order_relaxed);
	struct packet *packet = &ring.slots[head % SLOTS];

	while (head - atomic_load_explicit(&ring.tail, memory_order_acquire) == SLOTS)
		__builtin_ia32_pause();
	packet->sent_ns = clock_of(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < WORDS; i++)
		packet->words[i] = number;
	atomic_store(&ring.head, head + 1);
	if (atomic_load(&ring.is_on) && atomic_exchange(&ring.is_on, 0))
		interrupt();
}

static void await(uint64_t until_ns)
{
	uint64_t now = clock_of(CLOCK_MONOTONIC);

	if (now + SPIN_NS < until_ns) {
		uint64_t        wake = until_ns - SPIN_NS;
		struct timespec at = { .tv_sec = (time_t)(wake / 1000000000u),
		                       .tv_nsec = (long)(wake % 1000000000u) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
	while (clock_of(CLOCK_MONOTONIC) < until_ns)
		__builtin_ia32_pause();
}

/* How many packets it was. */
static uint64_t feed(unsigned rate, unsigned ms)
{
	uint64_t from = clock_of(CLOCK_MONOTONIC), until = from + ms * 1000000ull, count = 0;

	while (clock_of(CLOCK_MONOTONIC) < until) {
		if (rate)
			await(from + count * 1000000000u / rate);
		put(count++);
	}
	while (atomic_load(&ring.tail) != count)
		__builtin_ia32_pause();
	return count;
}

/* ---- all of it ---- */

static void await_rule(const char *wanted)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t until = clock_of(CLOCK_MONOTONIC) + PATIENCE_S * 1000000000ull;
	char     name[64] = "";

	if (strcmp(wanted, "none") == 0)
		return;
	while (rh_softirq_rule(name, sizeof name) != 1 || strcmp(name, wanted) != 0) {
		if (clock_of(CLOCK_MONOTONIC) > until)
			die("the rule is not in force");
		nanosleep(&pause, NULL);
	}
}

static void print(uint64_t packets, uint64_t wall_ns, uint64_t cpu_ns)
{
	struct rh_softirq_counts counts = { 0 };

	if (tasklet)
		rh_softirq_counts(&counts);
	qsort(us, samples, sizeof *us, compare);
	printf("{\"rate\": %.0f, \"p50\": %.3f, \"p99\": %.3f, \"share\": %.4f, \"cpu_us\": %.4f, "
	       "\"packets\": %llu, \"interrupts\": %llu, \"wakeups\": %llu, \"rounds\": %llu, "
	       "\"in_vain\": %llu}\n",
	       (double)packets * 1e9 / (double)wall_ns, us[samples / 2],
	       us[(uint64_t)samples * 99 / 100], (double)cpu_ns / (double)wall_ns,
	       (double)cpu_ns / 1e3 / (double)packets, (unsigned long long)packets,
	       (unsigned long long)counts.interrupts, (unsigned long long)counts.wakeups,
	       (unsigned long long)counts.rounds, (unsigned long long)counts.in_vain);
}

static void measure(unsigned rate, unsigned ms)
{
	uint64_t wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t own = clock_of(CLOCK_THREAD_CPUTIME_ID), packets = feed(rate, ms);

	own = clock_of(CLOCK_THREAD_CPUTIME_ID) - own;
	cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu - own;
	wall = clock_of(CLOCK_MONOTONIC) - wall;
	if (tasklet)
		rh_tasklet_disable(tasklet); /* and what it counts stands still */
	if (sum != WORDS * (packets * (packets - 1) / 2))
		die("packets were lost, or came twice");
	print(packets, wall, cpu);
}

int main(int argc, char **argv)
{
	pthread_t handler;
	unsigned  rate;
	bool      is_direct;

	if (argc != 4)
		die("usage: bench-ring RULE RATE MS");
	is_direct = strcmp(argv[1], "direct") == 0;
	rate = strcmp(argv[2], "0") == 0 ? 0 : number_of(argv[2], 10000000);
	event_fd = eventfd(0, EFD_CLOEXEC);
	us = calloc(SAMPLES, sizeof *us);
	if (event_fd < 0 || !us)
		die("no event, or no memory");
	if (!is_direct && rh_softirq_open(poll, arm, NULL, &tasklet) < 0)
		die("no device");
	if (!is_direct)
		await_rule(argv[1]);
	handler = start_thread(interrupts, NULL);
	go_to_first();
	arm(NULL);
	measure(rate, number_of(argv[3], 100000));
	atomic_store(&is_over, true);
	interrupt();
	pthread_join(handler, NULL);
	free(us);
	return 0;
}
