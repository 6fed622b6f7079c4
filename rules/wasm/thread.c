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
	self->stack_high = self->stack_low + RH_RULE_STACK;
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
	pthread_once(&ending_once, make_key);
	self = calloc(1, sizeof *self);
	if (!self || make_stacks(self) < 0) {
		if (self)
			thread_destroy(self);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for the stack of rules: %s",
		                   strerror(errno));
	}
	self->thread = pthread_self();
	RH_CHECK(pthread_getcpuclockid(self->thread, &self->clock) == 0);
	pthread_setspecific(ending, self);
	rh_thread_self = self;
	rh_watchdog_add(self);
	return RH_OK;
}

/* ---- a call ---- */

LEAVES_FRAMES static _Noreturn void jump(struct rh_frame *frame, int trap)
{
	frame->in_code = false;
	frame->trap = trap;
	COMPILER_BARRIER();
	rh_frame_jump(frame);
}

LEAVES_FRAMES void rh_frame_trap(int trap)
{
	jump(rh_thread_self->inner, trap);
}

LEAVES_FRAMES struct rh_frame *rh_frame_out(void)
{
	struct rh_thread *self = rh_thread_self;
	struct rh_frame  *frame = self->inner;

	frame->in_code = false;
	COMPILER_BARRIER();
	if ((uint8_t *)__builtin_frame_address(0) < self->stack_low + RH_RULE_STACK_IMPORT)
		jump(frame, WASM_RT_TRAP_EXHAUSTION);
	return frame;
}

LEAVES_FRAMES void rh_frame_in(struct rh_frame *frame)
{
	COMPILER_BARRIER();
	frame->in_code = true;
	COMPILER_BARRIER();
	if (frame->is_kicked)
		jump(frame, RH_TRAP_TIMEOUT);
}

__attribute__((noinline)) void *rh_thread_below(const struct rh_thread *self)
{
	uint8_t *here = __builtin_frame_address(0);

	if (here < self->stack_low || here > self->stack_high)
		return self->stack_high;
	return here - 1024 - ((uintptr_t)here & 15);
}

/* ---- from signal handlers ---- */

LEAVES_FRAMES void rh_thread_kick(uint64_t epoch)
{
	struct rh_thread *self = rh_thread_self;
	struct rh_frame  *frame = self ? self->inner : NULL;

	if (self)
		atomic_fetch_add_explicit(&self->kicks_taken, 1, memory_order_relaxed); /* T3 */
	if (!frame || frame->epoch != epoch) /* T1: it ended meanwhile */
		return;
	if (frame->in_code)
		jump(frame, RH_TRAP_TIMEOUT);
	frame->is_kicked = true;
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
	struct rh_frame  *frame = self ? self->inner : NULL;

	if (!frame || !frame->in_code)
		return;
	if (signal == SIGFPE)
		jump(frame, WASM_RT_TRAP_DIV_BY_ZERO);
	if (is_stack_fault(self, has_address, address, stack))
		jump(frame, WASM_RT_TRAP_EXHAUSTION);
	if (has_address && frame->memory && address >= frame->memory &&
	    address < frame->memory + RH_MEMORY_RESERVED)
		jump(frame, WASM_RT_TRAP_OOB);
}
