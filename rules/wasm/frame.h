/* frame - how a call of a rule begins and ends; see thread.h.  These few lines are what
 * a guarded call costs, so they are inline; for the runtime only. */
#ifndef RH_RULES_WASM_FRAME_H
#define RH_RULES_WASM_FRAME_H

#include "thread.h"
#include "watchdog.h"

#define COMPILER_BARRIER() __asm__ volatile("" : : : "memory")

/* GS is written only when another memory comes: writing it takes longer than a call. */
static inline void rh_thread_gs(struct rh_thread *self, const uint8_t *memory)
{
	if (__builtin_expect(self->gs == memory, 1))
		return;
	self->gs = memory;
#ifdef __x86_64__
	__asm__ volatile("wrgsbase %0" : : "r"(memory) : "memory");
#endif
}

/* Says where the memory of the call is, and points GS there if it is to. */
static inline void rh_frame_memory(struct rh_thread *self, struct rh_frame *frame,
                                   const uint8_t *memory, const uint8_t *gs)
{
	frame->memory = memory;
	frame->gs = gs;
	if (gs)
		rh_thread_gs(self, gs);
}

/* The caller then sets the jump. */
static inline void rh_frame_enter(struct rh_thread *self, struct rh_frame *frame,
                                  struct rh_instance *instance, uint32_t limit_us)
{
	uint64_t epoch = self->last_epoch + 1;

	self->last_epoch = epoch;
	frame->outer = self->inner;
	frame->instance = instance;
	frame->epoch = epoch;
	frame->none_of_these = 0;
	COMPILER_BARRIER();
	self->inner = frame;
	atomic_store_explicit(&self->limit_us, limit_us, memory_order_relaxed);
	atomic_store_explicit(&self->epoch, epoch, memory_order_release); /* T1 */
	rh_watchdog_wake();
}

static inline void rh_frame_leave(struct rh_thread *self, struct rh_frame *frame)
{
	struct rh_frame *outer = frame->outer;

	frame->in_code = false;
	COMPILER_BARRIER();
	self->inner = outer;
	if (__builtin_expect(!outer, 1)) {
		atomic_store_explicit(&self->epoch, 0, memory_order_release);
		return;
	}
	atomic_store_explicit(&self->epoch, outer->epoch, memory_order_release);
	if (outer->gs)
		rh_thread_gs(self, outer->gs);
}

/* Calls code on another stack; its parameters are in the registers of the C ABI.  A
 * trap comes back here too, with any value: the frame knows.  Nothing that must outlive
 * the call is in a register but the frame, so there is nothing else to save: this is
 * setjmp for one place, and costs three stores. */
#ifdef __x86_64__
static inline uint64_t rh_frame_run(struct rh_frame *frame, void *code, void *state,
                                    uint64_t a, uint64_t b, void *stack)
{
	register void *top __asm__("r8") = stack;
	register void *to __asm__("r9") = code;
	uint64_t       value;

	__asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
	                 "movq %%rax, 0(%%rbx)\n\t"
	                 "movq %%rsp, 8(%%rbx)\n\t"
	                 "movq %%rbp, 16(%%rbx)\n\t"
	                 "movq %%r8, %%rsp\n\t"
	                 "call *%%r9\n"
	                 "1:\n\t"
	                 "movq 8(%%rbx), %%rsp"
	                 : "=&a"(value), "+D"(state), "+S"(a), "+d"(b), "+r"(top), "+r"(to),
	                   "+b"(frame)
	                 :
	                 : "rcx", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc",
	                   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
	                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
	                   "xmm15");
	return value;
}

/* From any depth, and from a signal handler. */
static inline _Noreturn void rh_frame_jump(struct rh_frame *frame)
{
	__asm__ volatile("movq 16(%%rbx), %%rbp\n\t"
	                 "notrack jmp *0(%%rbx)"
	                 :
	                 : "b"(frame)
	                 : "memory");
	__builtin_unreachable();
}
#else
static inline uint64_t rh_frame_run(struct rh_frame *frame, void *code, void *state,
                                    uint64_t a, uint64_t b, void *stack)
{
	(void)frame, (void)code, (void)state, (void)a, (void)b, (void)stack;
	__builtin_trap(); /* rh_cpu_has_rules said so */
}

static inline _Noreturn void rh_frame_jump(struct rh_frame *frame)
{
	(void)frame;
	__builtin_trap();
}
#endif
_Static_assert(offsetof(struct rh_frame, resume) == 0, "as the code above has it");
_Static_assert(offsetof(struct rh_frame, stack) == 8, "as the code above has it");
_Static_assert(offsetof(struct rh_frame, base) == 16, "as the code above has it");

/* Where the stack of the call begins.  A rule that is called from another one's import
 * goes on below it. */
static inline void *rh_frame_stack(const struct rh_thread *self,
                                   const struct rh_frame  *frame)
{
	return __builtin_expect(!frame->outer, 1) ? self->stack_high
	                                          : rh_thread_below(self);
}

#endif
