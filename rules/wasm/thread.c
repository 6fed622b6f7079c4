#include "thread.h"

#include "../../base/diag.h"
#include "../../model/check.h"
#include "../limits.h"
#include "frame.h"
#include "memory.h"
#include "signals.h"
#include "wasm-rt.h"
#include "watchdog.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD     65536u
#define ALTERNATE 65536u

/* AddressSanitizer marks stack frames, and a jump would leave the marks behind. */
#define LEAVES_FRAMES __attribute__((no_sanitize("address")))

_Thread_local struct rh_thread *rh_thread_self;

static pthread_key_t  ending;
static pthread_once_t ending_once = PTHREAD_ONCE_INIT;

/* ---- a thread ---- */

static void thread_destroy(struct rh_thread *self)
{
	if (self->alternate) {
		sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
		munmap(self->alternate, ALTERNATE);
	}
	if (self->stack_low)
		munmap(self->stack_low - GUARD, GUARD + RH_RULE_STACK);
	free(self);
}

static void at_thread_end(void *user)
{
	rh_watchdog_remove(user);
	rh_thread_self = NULL;
	thread_destroy(user);
}

static void make_key(void)
{
	RH_CHECK(pthread_key_create(&ending, at_thread_end) == 0);
}

void rh_thread_mind_ends(void)
{
	pthread_once(&ending_once, make_key);
}

static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int make_stacks(struct rh_thread *self)
{
	uint8_t *at = map(GUARD + RH_RULE_STACK);
	stack_t  present;

	if (!at)
		return RH_ENOMEM;
	self->stack_low = at + GUARD;
	self->stack_high = self->top = self->stack_low + RH_RULE_STACK;
	if (mprotect(at, GUARD, PROT_NONE) < 0)
		return RH_ENOMEM;
	/* Others, a sanitizer or another language's runtime, may have made one. */
	if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE))
		return RH_OK;
	self->alternate = map(ALTERNATE);
	if (!self->alternate ||
	    sigaltstack(&(stack_t){ .ss_sp = self->alternate, .ss_size = ALTERNATE },
	                NULL) < 0)
		return RH_ENOMEM;
	return RH_OK;
}

int rh_thread_prepare(struct rh_diag *diag)
{
	struct rh_thread *self;

	if (rh_thread_self)
		return RH_OK;
	rh_thread_mind_ends();
	self = aligned_alloc(_Alignof(struct rh_thread), sizeof *self);
	if (self)
		memset(self, 0, sizeof *self);
	if (!self || make_stacks(self) < 0) {
		if (self)
			thread_destroy(self);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for the stack of rules: %s",
		                   strerror(errno));
	}
	self->inner_mark = RH_CALL_INNER;
	self->thread = pthread_self();
	RH_CHECK(pthread_getcpuclockid(self->thread, &self->clock) == 0);
	pthread_setspecific(ending, self);
	rh_thread_self = self;
	rh_watchdog_add(self);
	return RH_OK;
}

/* ---- whose calls ---- */

/* GS is written only when another memory comes: writing it takes longer than a call. */
static void point_gs(struct rh_thread *self, const uint8_t *memory)
{
	if (!memory || self->gs == memory)
		return;
	self->gs = memory;
#ifdef __x86_64__
	__asm__ volatile("wrgsbase %0" : : "r"(memory) : "memory");
#endif
}

void rh_thread_turn(struct rh_thread *self, const struct rh_turn *turn)
{
	self->turn = *turn;
	point_gs(self, turn->gs);
	atomic_store_explicit(&self->limit_us, turn->limit_us, memory_order_relaxed); /* T1 */
	self->instance = turn->number; /* T4 */
}

/* ---- a call ---- */

static uint64_t mark_of(const struct rh_thread *self)
{
	return atomic_load_explicit(&self->mark, memory_order_relaxed);
}

static void go_to(struct rh_thread *self, enum rh_place place)
{
	uint64_t mark = (mark_of(self) & ~RH_PLACES) | place;

	COMPILER_BARRIER();
	atomic_store_explicit(&self->mark, mark, memory_order_release);
	COMPILER_BARRIER();
}

LEAVES_FRAMES static _Noreturn void jump(struct rh_thread *self, int trap)
{
	go_to(self, RH_OUTSIDE);
	self->is_kicked = false; /* T5 */
	self->instance = 0;      /* nobody calls that one again */
	COMPILER_BARRIER();
	rh_frame_jump(self, trap);
}

LEAVES_FRAMES void rh_frame_trap(int trap)
{
	jump(rh_thread_self, trap);
}

LEAVES_FRAMES struct rh_thread *rh_frame_out(void)
{
	struct rh_thread *self = rh_thread_self;

	go_to(self, RH_IN_IMPORT);
	self->instance = 0; /* T4 */
	if ((uint8_t *)__builtin_frame_address(0) < self->stack_low + RH_RULE_STACK_IMPORT)
		jump(self, WASM_RT_TRAP_EXHAUSTION);
	return self;
}

LEAVES_FRAMES void rh_frame_in(struct rh_thread *self)
{
	self->instance = self->turn.number;
	go_to(self, RH_IN_CALL);
	if (self->is_kicked)
		jump(self, RH_TRAP_TIMEOUT);
}

/* ---- a call from within an import ---- */

/* Room on the stack for rules; its begin, when we are not on it. */
static uint8_t *below(const struct rh_thread *self)
{
	uint8_t *here = __builtin_frame_address(0);

	if (here < self->stack_low || here > self->stack_high)
		return self->stack_high;
	return here - 1024 - ((uintptr_t)here & 15);
}

__attribute__((noinline)) uint64_t rh_thread_begin_inner(struct rh_thread *self,
                                                         struct rh_outer  *outer)
{
	*outer = (struct rh_outer){
		.way = self->way, .turn = self->turn, .mark = mark_of(self), .top = self->top,
		.is_kicked = self->is_kicked,
	};
	rh_watchdog_wake(); /* here, as below top there is only generated code (T2) */
	self->is_kicked = false;
	self->top = below(self);
	self->inner_mark += RH_CALL_NEXT;
	return self->inner_mark;
}

void rh_thread_end_inner(struct rh_thread *self, const struct rh_outer *outer)
{
	self->way = outer->way;
	self->top = outer->top;
	self->is_kicked = outer->is_kicked;
	rh_thread_turn(self, &outer->turn);
	self->instance = 0; /* T4: it is still in its import */
	atomic_store_explicit(&self->mark, outer->mark, memory_order_release);
}

/* ---- from signal handlers ---- */

static bool is_in_code(const struct rh_thread *self, const uint8_t *stack)
{
	return (mark_of(self) & RH_PLACES) == RH_IN_CALL && stack < self->top &&
	       stack >= self->stack_low - GUARD; /* T2 */
}

LEAVES_FRAMES void rh_thread_kick(uint64_t mark, const uint8_t *stack)
{
	struct rh_thread *self = rh_thread_self;

	if (!self)
		return;
	atomic_fetch_add_explicit(&self->kicks_taken, 1, memory_order_relaxed); /* T3 */
	if ((mark_of(self) ^ mark) & ~RH_PLACES)
		return; /* T1: it ended meanwhile */
	if (is_in_code(self, stack))
		jump(self, RH_TRAP_TIMEOUT);
	if ((mark_of(self) & RH_PLACES) == RH_IN_IMPORT)
		self->is_kicked = true; /* T5 */
}

/* A signal that finds no room for its frame comes as a fault without an address. */
static bool is_stack_fault(const struct rh_thread *self, bool has_address,
                           const uint8_t *address, const uint8_t *stack)
{
	if (has_address)
		return address >= self->stack_low - GUARD && address < self->stack_low;
	return stack >= self->stack_low - GUARD && stack < self->stack_low + GUARD / 4;
}

LEAVES_FRAMES void rh_thread_fault(int signal, bool has_address, const uint8_t *address,
                                   const uint8_t *stack)
{
	struct rh_thread *self = rh_thread_self;
	const uint8_t    *memory;

	if (!self || !is_in_code(self, stack))
		return;
	if (signal == SIGFPE)
		jump(self, WASM_RT_TRAP_DIV_BY_ZERO);
	if (is_stack_fault(self, has_address, address, stack))
		jump(self, WASM_RT_TRAP_EXHAUSTION);
	memory = self->turn.memory;
	if (has_address && memory && address >= memory && address < memory + RH_MEMORY_RESERVED)
		jump(self, WASM_RT_TRAP_OOB);
}
