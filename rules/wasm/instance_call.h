/* instance_call - a call of a function of an instance; see instance.h.
 *
 * Each instruction here is one of every decision, so it is inline; for instance.c and
 * the front of rules.  The common case is a thread that called the same instance the
 * last time: one comparison of numbers says so (T4, thread.h), and with it that the
 * thread is prepared, GS is right, and the instance is not poisoned. */
#ifndef RH_RULES_WASM_INSTANCE_CALL_H
#define RH_RULES_WASM_INSTANCE_CALL_H

#include "../../model/check.h"
#include "frame.h"
#include "instance.h"
#include "preview1.h"
#include "wasm-rt.h"

struct rh_instance {
	uint64_t                     number; /* never 0, never used twice (T4) */
	const struct rh_wasm_object *object;
	void                        *state; /* of the generated code */
	wasm_rt_memory_t            *memory; /* in state */
	struct rh_turn               turn;
	void                        *buffer;
	const struct rh_rule_host   *host;
	int64_t                     *fuel; /* of this call, NULL: not counted */
	int64_t                      fuel_of_call;
	uint32_t                     memory_bytes; /* the limit */
	uint32_t                     elements;
	struct rh_preview1           preview1;
	bool                         is_poisoned;
};

/* The first call by this thread, or after that of another instance, or from within an
 * import of another one's call. */
int rh_instance_call_first(struct rh_instance *in, void *code, uint64_t a, uint64_t b,
                           uint64_t *ret_value);

/* The instance of the call that trapped must not be called again.  Returns trap. */
int rh_instance_poison(struct rh_thread *self, int trap);

static inline __attribute__((always_inline)) int
rh_instance_run(const struct rh_instance *in, struct rh_thread *self, uint64_t mark,
                void *code, uint64_t a, uint64_t b, uint64_t *ret_value)
{
	uint64_t value;
	int      trap;

	if (__builtin_expect(in->fuel != NULL, 0))
		*in->fuel = in->fuel_of_call;
	rh_frame_mark(self, mark);
	value = rh_frame_run(self, mark, code, in->state, a, b, &trap, &ret_value);
	if (__builtin_expect(trap, 0))
		return rh_instance_poison(self, trap);
	*ret_value = value;
	return 0;
}

/* Calls what the object has in that slot, which must be there.  Parameters are given
 * as 64 bits whatever their type, and so is the result.  Returns 0 or the trap
 * (wasm-rt.h). */
static inline __attribute__((always_inline)) int
rh_instance_call(struct rh_instance *in, unsigned slot, uint64_t a, uint64_t b,
                 uint64_t *ret_value)
{
	struct rh_thread *self = rh_thread_self;
	uint64_t          mark;
	void             *code;

	RH_CHECK(slot < RH_WASM_EXPORTS);
	code = in->object->functions[slot];
	RH_CHECK(code != NULL);
	if (__builtin_expect(!self || self->instance != in->number, 0))
		return rh_instance_call_first(in, code, a, b, ret_value);
	mark = atomic_load_explicit(&self->mark, memory_order_relaxed) + RH_CALL_NEXT;
	return rh_instance_run(in, self, mark, code, a, b, ret_value);
}

#endif
