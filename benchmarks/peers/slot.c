/* slot - the least that two processes can share: a word each way and the payload.
 *
 * No checks, no cancelling, no deadlines, one call at a time: the floor that a
 * call page is measured against. */
#include "../harness/machine.h"
#include "futex.h"
#include "peers.h"

struct slot {
	_Alignas(64) _Atomic uint32_t request;
	_Atomic uint32_t              server_asleep;
	uint64_t                      len;
	_Alignas(64) _Atomic uint32_t reply;
	_Atomic uint32_t              caller_asleep;
	uint64_t                      sum;
};

struct lane {
	struct slot   *slot;
	unsigned char *data;
	_Alignas(64) uint32_t sequence; /* of the caller's side */
};

static struct lane lanes[BENCH_LANES_MAX];

static void make(struct bench_run *run)
{
	for (unsigned i = 0; i < run->lanes; i++) {
		unsigned char *at = bench_shared(4096 + run->size_max);

		lanes[i] = (struct lane){ .slot = (struct slot *)(void *)at,
		                          .data = at + 4096 };
	}
}

static void fill(struct lane *lane, const void *bytes, size_t len)
{
	memcpy(lane->data, bytes, len);
	lane->slot->len = len;
	lane->sequence++;
}

static uint64_t spin_call(struct bench_run *run, unsigned index, const void *bytes,
                          size_t len)
{
	struct lane *lane = &lanes[index];
	struct slot *slot = lane->slot;

	(void)run;
	fill(lane, bytes, len);
	atomic_store_explicit(&slot->request, lane->sequence, memory_order_release);
	while (atomic_load_explicit(&slot->reply, memory_order_acquire) !=
	       lane->sequence)
		bench_relax();
	return slot->sum;
}

static void spin_serve(struct bench_run *run, unsigned index)
{
	struct slot *slot = lanes[index].slot;

	(void)run;
	for (uint32_t next = 1;; next++) {
		while (atomic_load_explicit(&slot->request, memory_order_acquire) != next)
			bench_relax();
		slot->sum = bench_sum(lanes[index].data, slot->len);
		atomic_store_explicit(&slot->reply, next, memory_order_release);
	}
}

static uint64_t futex_call(struct bench_run *run, unsigned index, const void *bytes,
                           size_t len)
{
	struct lane *lane = &lanes[index];
	struct slot *slot = lane->slot;

	(void)run;
	fill(lane, bytes, len);
	bench_futex_post(&slot->request, lane->sequence, &slot->server_asleep);
	bench_futex_wait(&slot->reply, lane->sequence, &slot->caller_asleep);
	return slot->sum;
}

static void futex_serve(struct bench_run *run, unsigned index)
{
	struct slot *slot = lanes[index].slot;

	(void)run;
	for (uint32_t next = 1;; next++) {
		bench_futex_wait(&slot->request, next, &slot->server_asleep);
		slot->sum = bench_sum(lanes[index].data, slot->len);
		bench_futex_post(&slot->reply, next, &slot->caller_asleep);
	}
}

const struct bench_transport bench_slot_spin = {
	.name = "slot-spin", .is_spinning = 1,
	.make = make, .serve = spin_serve, .call = spin_call,
};

const struct bench_transport bench_slot_futex = {
	.name = "slot-futex", .make = make, .serve = futex_serve, .call = futex_call,
};
