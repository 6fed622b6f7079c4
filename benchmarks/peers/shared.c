/* shared - one queue for all callers and servers, made safe by atomics: what the
 * papers compare pages of one's own with (Figures 12 and 13).
 *
 * Payloads lie in blocks with a reference count.  A caller takes a block from the
 * free list, fills it and puts its number on the queue; any server thread takes
 * the number, reads the block and answers in it.  Whoever drops the last reference
 * gives the block back.
 *
 *   queue   bounded, many producers and consumers; a cell's turn tells whose it is
 *           (turn == position: free for that producer; position + 1: full)
 *   free    a stack of blocks whose top carries a counter against ABA
 *
 * Ordering: turn is released by who filled or emptied a cell and acquired by who
 * takes it next; done is released by the server and acquired by the caller; the
 * last drop acquires what earlier drops released. */
#include "../harness/machine.h"
#include "futex.h"
#include "peers.h"

#define CELLS  16u /* a power of two, at least the callers */
#define BLOCKS 16u

struct cell {
	_Atomic uint32_t turn;
	uint32_t         block;
};

struct block {
	_Alignas(64) _Atomic uint32_t refs;
	_Atomic uint32_t next;   /* in the free list, + 1; 0 ends it */
	_Atomic uint32_t done;
	_Atomic uint32_t waiting;
	uint64_t         len;
	uint64_t         sum;
};

struct board {
	_Alignas(64) _Atomic uint32_t head;  /* next to take */
	_Alignas(64) _Atomic uint32_t tail;  /* next to fill */
	_Alignas(64) _Atomic uint64_t free;  /* counter << 32 | block + 1 */
	_Alignas(64) _Atomic uint32_t bell;
	_Atomic uint32_t              sleepers;
	struct cell                   cells[CELLS];
	struct block                  blocks[BLOCKS];
};

static struct board  *board;
static unsigned char *data;
static size_t         stride;

static unsigned char *data_of(uint32_t block)
{
	return data + block * stride;
}

static void give_block(uint32_t block)
{
	uint64_t top = atomic_load(&board->free), next;

	do {
		atomic_store_explicit(&board->blocks[block].next, (uint32_t)top,
		                      memory_order_relaxed);
		next = ((top >> 32) + 1) << 32 | (block + 1);
	} while (!atomic_compare_exchange_weak(&board->free, &top, next));
}

static uint32_t take_block(void)
{
	uint64_t top = atomic_load(&board->free), next;

	do {
		uint32_t block = (uint32_t)top;

		if (block == 0)
			bench_fail("shared: blocks are used up");
		next = ((top >> 32) + 1) << 32 |
		       atomic_load_explicit(&board->blocks[block - 1].next,
		                            memory_order_relaxed);
	} while (!atomic_compare_exchange_weak(&board->free, &top, next));
	return (uint32_t)top - 1;
}

static void drop_block(uint32_t block)
{
	if (atomic_fetch_sub_explicit(&board->blocks[block].refs, 1,
	                              memory_order_acq_rel) == 1)
		give_block(block);
}

static void make(struct bench_run *run)
{
	board = bench_shared(sizeof *board);
	stride = (run->size_max + 4095) & ~(size_t)4095;
	data = bench_shared(stride * BLOCKS);
	for (uint32_t i = 0; i < CELLS; i++)
		atomic_store(&board->cells[i].turn, i);
	for (uint32_t i = 0; i < BLOCKS; i++)
		give_block(i);
}

static void put(uint32_t block)
{
	uint32_t at = atomic_load_explicit(&board->tail, memory_order_relaxed);

	for (;;) {
		struct cell *cell = &board->cells[at % CELLS];
		uint32_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);

		if (turn != at) { /* there are more cells than callers: not full */
			at = atomic_load_explicit(&board->tail, memory_order_relaxed);
			continue;
		}
		if (atomic_compare_exchange_weak(&board->tail, &at, at + 1)) {
			cell->block = block;
			atomic_store_explicit(&cell->turn, at + 1,
			                      memory_order_release);
			break;
		}
	}
	atomic_fetch_add(&board->bell, 1);
	if (atomic_load(&board->sleepers) > 0)
		bench_futex_wake(&board->bell, 1);
}

static int try_take(uint32_t *ret_block)
{
	uint32_t at = atomic_load_explicit(&board->head, memory_order_relaxed);

	for (;;) {
		struct cell *cell = &board->cells[at % CELLS];
		uint32_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);

		if ((int32_t)(turn - (at + 1)) < 0)
			return 0;
		if (turn != at + 1) {
			at = atomic_load_explicit(&board->head, memory_order_relaxed);
			continue;
		}
		if (atomic_compare_exchange_weak(&board->head, &at, at + 1)) {
			*ret_block = cell->block;
			atomic_store_explicit(&cell->turn, at + CELLS,
			                      memory_order_release);
			return 1;
		}
	}
}

static uint32_t take(void)
{
	uint32_t block;

	for (;;) {
		uint32_t seen = atomic_load(&board->bell);

		if (try_take(&block))
			return block;
		atomic_fetch_add(&board->sleepers, 1);
		if (atomic_load(&board->bell) == seen)
			bench_futex_sleep(&board->bell, seen);
		atomic_fetch_sub(&board->sleepers, 1);
	}
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	uint32_t      number = take_block();
	struct block *block = &board->blocks[number];
	uint64_t      sum;

	(void)run, (void)lane;
	memcpy(data_of(number), bytes, len);
	block->len = len;
	atomic_store_explicit(&block->done, 0, memory_order_relaxed);
	atomic_store_explicit(&block->refs, 2, memory_order_relaxed);
	put(number);
	bench_futex_wait(&block->done, 1, &block->waiting);
	sum = block->sum;
	drop_block(number);
	return sum;
}

static void serve(struct bench_run *run, unsigned lane)
{
	(void)run, (void)lane;
	for (;;) {
		uint32_t      number = take();
		struct block *block = &board->blocks[number];

		block->sum = bench_sum(data_of(number), block->len);
		bench_futex_post(&block->done, 1, &block->waiting);
		drop_block(number);
	}
}

const struct bench_transport bench_shared_queue = {
	.name = "shared-queue", .make = make, .serve = serve, .call = call,
};
