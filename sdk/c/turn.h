/* turn - whether a thread is in a call, and a word to it for when it comes back.
 *
 * The thread changes turn around each call, with plain stores; another thread that
 * wants something of it pays for both.
 *
 *   C2  come back:  turn, then is_awaited, in program order and no more
 *       await:      is_awaited, then membarrier(2) on our threads, then turn.
 *                   If the call still runs after the barrier, the thread finds that it
 *                   is awaited when it comes back.
 *   C3  begin:      turn, then a word of the user, in program order and no more
 *       the user:   its word, then the same barrier, then turn.
 *
 * Threads     begin and end are the thread's, the others anybody else's. */
#ifndef RH_SDK_TURN_H
#define RH_SDK_TURN_H

#include <linux/membarrier.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct rh_turn {
	_Atomic uint32_t number;     /* odd: in a call             */
	_Atomic uint32_t is_awaited;
};

static inline void rh_turn_change(struct rh_turn *turn)
{
	uint32_t number = atomic_load_explicit(&turn->number, memory_order_relaxed);

	atomic_store_explicit(&turn->number, number + 1, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst); /* C2, C3 */
}

static inline void rh_turn_begin(struct rh_turn *turn)
{
	rh_turn_change(turn);
}

/* 1 when somebody awaits it. */
static inline int rh_turn_end(struct rh_turn *turn)
{
	rh_turn_change(turn);
	return atomic_load_explicit(&turn->is_awaited, memory_order_acquire) != 0;
}

static inline uint32_t rh_turn_number(const struct rh_turn *turn)
{
	return atomic_load_explicit(&turn->number, memory_order_acquire);
}

static inline void rh_turn_await(struct rh_turn *turn, uint32_t is_awaited)
{
	atomic_store_explicit(&turn->is_awaited, is_awaited, memory_order_release);
}

/* Both 0 where the system has no such call. */
static inline int rh_turn_join_barrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0,
	               0) == 0;
}

static inline int rh_turn_barrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

#endif
