/* frame - how a call of a rule begins and ends; see thread.h.  These few lines are what
 * a guarded call costs, so they are inline; for the runtime only. */
#ifndef RH_RULES_WASM_FRAME_H
#define RH_RULES_WASM_FRAME_H

#include "thread.h"
#include "watchdog.h"

#define COMPILER_BARRIER() __asm__ volatile("" : : : "memory")

/* From here on there is a call, and the watchdog looks at it (T1, W1). */
static inline void rh_frame_mark(struct rh_thread *self, uint64_t mark)
{
	atomic_store_explicit(&self->mark, mark + RH_IN_CALL, memory_order_release);
	rh_watchdog_wake();
}

/* Calls code on another stack; its parameters are in the registers of the C ABI.
 * Returns what it returns, and in *trap 0; or there why it was stopped, and *keep is lost.
 *
 * A trap comes back here too, with what it was in ecx.  Nothing that must outlive a trap
 * is in a register but self, so there is nothing else to save: this is setjmp for one
 * place, and costs three stores.  Who called code that ends finds r12 and r13 as they
 * were. */
#ifdef __x86_64__
static inline __attribute__((always_inline)) uint64_t
rh_frame_run(struct rh_thread *self, uint64_t mark, void *code, void *state, uint64_t a,
             uint64_t b, int *trap, uint64_t **keep)
{
	register void     *to __asm__("r9") = code;
	register uint64_t *kept __asm__("r12") = *keep;
	register uint64_t  after __asm__("r13") = mark;
	uint64_t           value;

	__asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
	                 "movq %%rax, 0(%%rbx)\n\t"
	                 "movq %%rsp, 8(%%rbx)\n\t"
	                 "movq %%rbp, 16(%%rbx)\n\t"
	                 "movq 40(%%rbx), %%rsp\n\t"
	                 "call *%%r9\n\t"
	                 "movq 8(%%rbx), %%rsp\n\t"
	                 "xorl %%ecx, %%ecx\n\t"
	                 "movq %%r13, 24(%%rbx)\n"
	                 "1:"
	                 : "=&a"(value), "=&c"(*trap), "+D"(state), "+S"(a), "+d"(b), "+r"(to),
	                   "+r"(kept), "+r"(after), "+b"(self)
	                 :
	                 : "r8", "r10", "r11", "r14", "r15", "memory", "cc", "xmm0", "xmm1",
	                   "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
	                   "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	*keep = kept;
	return value;
}

/* From any depth, and from a signal handler. */
static inline _Noreturn void rh_frame_jump(struct rh_thread *self, int trap)
{
	__asm__ volatile("movq 8(%%rbx), %%rsp\n\t"
	                 "movq 16(%%rbx), %%rbp\n\t"
	                 "notrack jmp *0(%%rbx)"
	                 :
	                 : "b"(self), "c"(trap)
	                 : "memory");
	__builtin_unreachable();
}
#else
static inline uint64_t rh_frame_run(struct rh_thread *self, void *code, void *state,
                                    uint64_t a, uint64_t b, int *trap, uint64_t **keep)
{
	(void)self, (void)code, (void)state, (void)a, (void)b, (void)trap, (void)keep;
	__builtin_trap(); /* rh_cpu_has_rules said so */
}

static inline _Noreturn void rh_frame_jump(struct rh_thread *self, int trap)
{
	(void)self, (void)trap;
	__builtin_trap();
}
#endif
_Static_assert(offsetof(struct rh_thread, way.resume) == 0, "as the code above has it");
_Static_assert(offsetof(struct rh_thread, way.stack) == 8, "as the code above has it");
_Static_assert(offsetof(struct rh_thread, way.base) == 16, "as the code above has it");
_Static_assert(offsetof(struct rh_thread, mark) == 24, "as the code above has it");
_Static_assert(offsetof(struct rh_thread, top) == 40, "as the code above has it");
_Static_assert(RH_OUTSIDE == 0 && RH_IN_CALL == 1, "as the code above has it");

#endif
