/* thread - what the runtime knows of a thread that calls rules: its stack for them,
 * the calls it is in, and how it gets out of one.
 *
 * A rule runs on a stack of its own with a guard page below, so that it is known where
 * the stack ends, in any thread of any program, and imports find room on it.
 *
 *   call:    rh_frame_enter -> generated code -> rh_frame_leave   (frame.h)
 *   import:  rh_frame_out   -> our code       -> rh_frame_in
 *   trap:    rh_frame_trap, from generated code, an import, or a signal handler
 *
 * Threads     All of a struct rh_thread is the thread's own, but for what the watchdog
 *             reads and says (T1).
 * Invariants  T1  epoch is 0, or the number of the innermost call; numbers are never
 *                 used twice by a thread.  limit_us is stored before it (release), and
 *                 read after it (acquire).  A kick names the epoch it is for: the
 *                 handler, on the thread itself, drops any other.
 *             T2  in_code is set only while generated code runs: only then may a
 *                 signal handler jump, because nothing of ours is half done.
 *             T3  a kick is sent only when the one before was taken: a thread that has
 *                 no processor for a while would get all of them at once, each with a
 *                 frame on its signal stack. */
#ifndef RH_RULES_WASM_THREAD_H
#define RH_RULES_WASM_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_diag;

/* One call of one rule, on the stack of who calls. */
struct rh_frame {
	/* Where a trap goes on, in that order (frame_jump, instance.c). */
	void             *resume, *stack, *base;
	/* Not in pairs that are stored together: gcc would do that by way of xmm. */
	struct rh_frame  *outer;
	const uint8_t    *memory; /* begin of its reservation, NULL: none yet */
	struct rh_instance *instance;
	const uint8_t    *gs;     /* the same if its code wants GS there, else NULL */
	uint64_t          epoch;
	union {
		struct {
			volatile bool in_code;   /* T2 */
			volatile bool is_kicked; /* its time is over */
			volatile int  trap;
		};
		uint64_t none_of_these; /* 0, at its begin */
	};
};

struct rh_thread {
	struct rh_frame *volatile inner; /* the innermost call */
	const uint8_t   *gs;             /* what GS holds */
	uint8_t         *stack_low;      /* lowest byte of the stack for rules */
	uint8_t         *stack_high;
	uint64_t         last_epoch;

	_Atomic uint64_t epoch; /* T1 */
	_Atomic uint32_t limit_us;
	_Atomic uint32_t kicks_taken; /* T3 */

	/* For the watchdog, under its lock. */
	pthread_t         thread;
	clockid_t         clock; /* processor time of the thread */
	uint64_t          seen_epoch;
	uint64_t          seen_ns;
	uint32_t          kicks_sent; /* T3 */
	struct rh_thread *next;

	void *alternate; /* the signal stack that we made, or NULL */
};

/* Initial-exec: one load, also in a shared library. */
extern _Thread_local struct rh_thread *rh_thread_self
	__attribute__((tls_model("initial-exec")));

/* Prepares the calling thread; again and again is fine.  It is undone when the thread
 * ends.  RH_ENOMEM. */
int rh_thread_prepare(struct rh_diag *diag);

/* Ends the innermost call.  From generated code, or between out and in. */
void rh_frame_trap(int trap) __attribute__((noreturn));

/* An import begins and ends.  out ends the call when the stack has no room left for an
 * import, in when its time was over meanwhile. */
struct rh_frame *rh_frame_out(void);
void             rh_frame_in(struct rh_frame *frame);

/* Room on the stack for rules, below whoever asks; its begin, when he is not on it. */
void *rh_thread_below(const struct rh_thread *self);

/* From a signal handler on the thread: the watchdog's word for that epoch is taken. */
void rh_thread_kick(uint64_t epoch);

/* From a signal handler: ends the call when the fault at that address, with that stack
 * pointer, is the rule's.  Else returns. */
void rh_thread_fault(int signal, bool has_address, const uint8_t *address,
                     const uint8_t *stack);

#endif
