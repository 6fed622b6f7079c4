/* thread - what the runtime knows of a thread that calls rules: its stack for them,
 * the calls it is in, and how it gets out of one.
 *
 * A rule runs on a stack of its own with a guard page below, so that it is known where
 * the stack ends, in any thread of any program, and imports find room on it.
 *
 *   turn:    rh_thread_turn, when another instance is called than the one before
 *   call:    rh_frame_run, the generated code within                 (frame.h)
 *   import:  rh_frame_out -> our code -> rh_frame_in
 *   trap:    rh_frame_trap, from generated code, an import, or a signal handler
 *
 * What the calls of one instance have in common is said once, by the turn; a call itself
 * is little more than a new epoch, another stack and the way back from a trap.
 *
 * Threads     All of a struct rh_thread is the thread's own, but for what the watchdog
 *             reads and says (T1).
 * Invariants  T1  mark is the number of the innermost call, or of the last one, and where
 *                 that is.  Numbers are never used twice by a thread; those from within
 *                 imports are RH_CALL_INNER and up, as the outer call gets its own back.
 *                 limit_us is stored before mark (release), and read after it (acquire).
 *                 A kick names the call it is for: the handler, on the thread itself,
 *                 drops any other.
 *             T2  generated code runs, and nothing of ours is half done, exactly while
 *                 mark says RH_IN_CALL and the stack pointer is below top: only then may
 *                 a signal handler jump.  The way back was stored before.
 *             T3  a kick is sent only when the one before was taken: a thread that has
 *                 no processor for a while would get all of them at once, each with a
 *                 frame on its signal stack.
 *             T4  instance is the number of the one that all of struct rh_turn is about,
 *                 or 0: then the next call turns first.  Numbers are never used twice,
 *                 as addresses are.  It is 0 while an import runs, so that a call of
 *                 another rule from there is noticed by the same comparison.
 *             T5  is_kicked is set only in an import, and taken when that ends. */
#ifndef RH_RULES_WASM_THREAD_H
#define RH_RULES_WASM_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_diag;

/* The low bits of a mark (T1). */
enum rh_place { RH_OUTSIDE, RH_IN_CALL, RH_IN_IMPORT };

#define RH_PLACES     UINT64_C(3)
#define RH_CALL_NEXT  (RH_PLACES + 1)
#define RH_CALL_INNER (UINT64_C(1) << 63)

/* What the calls of one instance have in common. */
struct rh_turn {
	uint64_t            number; /* of the instance, T4 */
	struct rh_instance *instance;
	const uint8_t      *memory; /* begin of its reservation, NULL: none yet */
	const uint8_t      *gs;     /* the same if its code wants GS there, else NULL */
	uint32_t            limit_us;
};

/* Where a trap goes on (frame.h). */
struct rh_way {
	void *resume, *stack, *base;
};

/* What each call touches is one line of the cache: stores to one line, one after the
 * other, take half the time. */
struct rh_thread {
	_Alignas(64) struct rh_way way;
	_Atomic uint64_t mark;     /* T1 */
	uint64_t         instance; /* T4 */
	uint8_t         *top;      /* where the stack of the innermost call begins */

	uint8_t         *stack_low; /* lowest byte of the stack for rules */
	uint8_t         *stack_high;
	struct rh_turn   turn;
	const uint8_t   *gs;         /* what GS holds */
	uint64_t         inner_mark; /* of the last call from within an import, T1 */
	bool             is_kicked;  /* T5 */
	_Atomic uint32_t limit_us;
	_Atomic uint32_t kicks_taken; /* T3 */

	/* For the watchdog, under its lock. */
	pthread_t         thread;
	clockid_t         clock; /* processor time of the thread */
	uint64_t          idle_mark;  /* when it was in no call */
	uint64_t          seen_call;  /* when it was in one, else 0 */
	uint64_t          seen_ns;
	uint32_t          kicks_sent; /* T3 */
	struct rh_thread *next;

	void *alternate; /* the signal stack that we made, or NULL */
};

/* Initial-exec: one load, also in a shared library. */
extern _Thread_local struct rh_thread *rh_thread_self
	__attribute__((tls_model("initial-exec")));

/* Has ends of threads noticed.  By itself at the first thread; earlier where a thread may need
 * no memory of the C library for it, which it does if many keys are in use before. */
void rh_thread_mind_ends(void);

/* Prepares the calling thread; again and again is fine.  It is undone when the thread
 * ends.  RH_ENOMEM. */
int rh_thread_prepare(struct rh_diag *diag);

/* Says whose calls come now: where its memory is, how long it may take; points GS there
 * if its code wants that. */
void rh_thread_turn(struct rh_thread *self, const struct rh_turn *turn);

/* What is known of a call while its import calls another rule. */
struct rh_outer {
	struct rh_way  way;
	struct rh_turn turn;
	uint64_t       mark;
	uint8_t       *top;
	bool           is_kicked;
};

/* Around a call from within an import.  begin returns its mark, and its stack begins
 * below whoever asks. */
uint64_t rh_thread_begin_inner(struct rh_thread *self, struct rh_outer *outer);
void     rh_thread_end_inner(struct rh_thread *self, const struct rh_outer *outer);

/* Ends the innermost call.  From generated code, or between out and in. */
void rh_frame_trap(int trap) __attribute__((noreturn));

/* An import begins and ends.  out ends the call when the stack has no room left for an
 * import, in when its time was over meanwhile. */
struct rh_thread *rh_frame_out(void);
void              rh_frame_in(struct rh_thread *self);

/* From a signal handler on the thread: the watchdog's word for that call, by its
 * mark, is taken.  stack: the stack pointer that was interrupted. */
void rh_thread_kick(uint64_t mark, const uint8_t *stack);

/* From a signal handler: ends the call when the fault at that address, with that stack
 * pointer, is the rule's.  Else returns. */
void rh_thread_fault(int signal, bool has_address, const uint8_t *address,
                     const uint8_t *stack);

#endif
