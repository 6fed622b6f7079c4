#include "instance.h"

#include "../../base/diag.h"
#include "../hook.h"
#include "../limits.h"
#include "cpu.h"
#include "instance_call.h"
#include "object.h"
#include "signals.h"

#include <stdlib.h>

const char *rh_trap_text(int trap)
{
	static const char *const texts[RH_TRAPS] = {
		[WASM_RT_TRAP_OOB] = "an access outside of its memory or table",
		[WASM_RT_TRAP_INT_OVERFLOW] = "a number that does not fit its type",
		[WASM_RT_TRAP_DIV_BY_ZERO] = "a division by zero",
		[WASM_RT_TRAP_INVALID_CONVERSION] = "a conversion of what is no number",
		[WASM_RT_TRAP_UNREACHABLE] = "it gave up (unreachable)",
		[WASM_RT_TRAP_CALL_INDIRECT] = "a call of no function, or of one of another type",
		[WASM_RT_TRAP_UNCAUGHT_EXCEPTION] = "an exception that nobody caught",
		[WASM_RT_TRAP_EXHAUSTION] = "its stack was full",
		[RH_TRAP_TIMEOUT] = "it took longer than its limit",
		[RH_TRAP_FUEL] = "its fuel was used up",
		[RH_TRAP_MEMORY] = "more memory than its limit",
		[RH_TRAP_EXIT] = "it ended itself (proc_exit)",
	};

	return trap > 0 && trap < RH_TRAPS ? texts[trap] : "nothing";
}

/* ---- calls ---- */

static uint64_t new_number(void)
{
	static _Atomic uint64_t last;

	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

void rh_instance_turn(struct rh_instance *in)
{
	in->turn.number = in->number;
	in->turn.memory = in->memory->data;
	in->turn.gs = rh_instance_has_gs(in) ? in->memory->data : NULL;
	rh_thread_turn(rh_thread_self, &in->turn);
}

int rh_instance_poison(struct rh_thread *self, int trap)
{
	struct rh_instance *in = self->turn.instance;

	in->is_poisoned = true;
	in->number = new_number(); /* any thread notices */
	return trap;
}

/* From within an import of another call. */
static int call_within(struct rh_instance *in, struct rh_thread *self, void *code,
                       uint64_t a, uint64_t b, uint64_t *ret_value)
{
	struct rh_outer outer;
	uint64_t        mark = rh_thread_begin_inner(self, &outer);
	int             trap;

	rh_instance_turn(in);
	trap = rh_instance_run(in, self, mark, code, a, b, ret_value);
	rh_thread_end_inner(self, &outer);
	return trap;
}

int rh_instance_call_first(struct rh_instance *in, void *code, uint64_t a, uint64_t b,
                           uint64_t *ret_value)
{
	struct rh_thread *self;
	uint64_t          mark;

	RH_CHECK(!in->is_poisoned);
	if (rh_thread_prepare(NULL) < 0)
		return RH_TRAP_MEMORY;
	self = rh_thread_self;
	mark = atomic_load_explicit(&self->mark, memory_order_relaxed);
	if ((mark & RH_PLACES) != RH_OUTSIDE)
		return call_within(in, self, code, a, b, ret_value);
	rh_instance_turn(in);
	return rh_instance_run(in, self, mark + RH_CALL_NEXT, code, a, b, ret_value);
}

/* ---- making one ---- */

static int trapped(struct rh_diag *diag, int trap, const char *where)
{
	return rh_diag_set(diag, trap == RH_TRAP_MEMORY ? RH_ENOMEM : RH_EINVAL,
	                   "the rule was stopped in %s: %s", where, rh_trap_text(trap));
}

static int check_abi(struct rh_instance *in, const struct rh_hook *hook,
                     struct rh_diag *diag)
{
	uint64_t value;
	int      trap = rh_instance_call(in, RH_SLOT_ABI, 0, 0, &value);

	if (trap)
		return trapped(diag, trap, "rh_abi");
	if ((uint32_t)value != rh_hook_abi(hook))
		return rh_diag_set(diag, RH_EVERSION, "the rule is for hook %u version %u, not "
		                   "for %s (%u) version %u; build it with <rhodes/hook/%s.h> of "
		                   "this version", (uint32_t)value >> 16, (uint32_t)value & 0xffff,
		                   hook->name, hook->number, hook->version, hook->name);
	return RH_OK;
}

static int check_buffer(struct rh_instance *in, const struct rh_hook *hook,
                        struct rh_diag *diag)
{
	uint64_t value;
	int      trap = rh_instance_call(in, RH_SLOT_BUFFER, 0, 0, &value);

	if (trap)
		return trapped(diag, trap, "rh_buffer");
	in->buffer = rh_instance_at(in, (uint32_t)value, hook->buffer_bytes);
	if (!in->buffer || (uint32_t)value % 8)
		return rh_diag_set(diag, RH_EINVAL, "rh_buffer says %u: there are no %u bytes of "
		                   "memory, at a multiple of 8, for the buffer of hook %s",
		                   (uint32_t)value, hook->buffer_bytes, hook->name);
	return RH_OK;
}

static int instantiate(struct rh_instance *in, struct rh_diag *diag)
{
	uint64_t none;
	void    *code;
	int      trap;

	_Static_assert(sizeof code == sizeof in->object->instantiate, "");
	__builtin_memcpy(&code, &in->object->instantiate, sizeof code);
	trap = rh_instance_call_first(in, code, 0, 0, &none);
	if (trap)
		return trapped(diag, trap, "its start");
	in->number = new_number(); /* the next call turns; then the memory never moves */
	return RH_OK;
}

static int make(struct rh_instance *in, const struct rh_hook *hook, struct rh_diag *diag)
{
	int err;

	if (in->fuel_of_call != INT64_MAX && !(in->object->flags & RH_WASM_FUEL))
		return rh_diag_set(diag, RH_EINVAL, "the object does not count fuel; publish the "
		                   "rule with a limit of fuel");
	if (!rh_cpu_has_rules())
		return rh_diag_set(diag, RH_ENOSYS, "the runtime is not written for this "
		                   "processor");
	rh_signals_install();
	if ((err = rh_watchdog_start(diag)) < 0 || (err = rh_thread_prepare(diag)) < 0 ||
	    (err = instantiate(in, diag)) < 0 || (err = check_abi(in, hook, diag)) < 0)
		return err;
	return check_buffer(in, hook, diag);
}

int rh_instance_create(const struct rh_object *object, const struct rh_hook *hook,
                       const struct rh_instance_limits *limits,
                       const struct rh_rule_host *host, struct rh_instance **ret_instance,
                       struct rh_diag *diag)
{
	struct rh_instance *in = calloc(1, sizeof *in);
	int                 err;

	if (!in)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	in->number = new_number();
	in->object = rh_object_table(object);
	in->memory_bytes = limits->memory_bytes;
	in->fuel_of_call = limits->fuel && limits->fuel < INT64_MAX ? (int64_t)limits->fuel :
	                                                              INT64_MAX;
	in->host = host;
	in->turn.instance = in;
	in->turn.limit_us = limits->time_us;
	in->state = calloc(1, in->object->instance_bytes);
	if (!in->state) {
		free(in);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	}
	in->memory = (void *)((uint8_t *)in->state + in->object->memory_offset);
	in->fuel = in->object->flags & RH_WASM_FUEL ? &in->memory->fuel : NULL;
	err = make(in, hook, diag);
	if (err < 0) {
		rh_instance_destroy(in);
		return err;
	}
	*ret_instance = in;
	return RH_OK;
}

void rh_instance_destroy(struct rh_instance *in)
{
	if (!in)
		return;
	in->object->free(in->state); /* also of one half made: what is not there is NULL */
	free(in->state);
	free(in);
}

/* ---- what others ask ---- */

void *rh_instance_buffer(const struct rh_instance *in)
{
	return in->buffer;
}

void *rh_instance_at(const struct rh_instance *in, uint32_t address, uint32_t len)
{
	if ((uint64_t)address + len > in->memory->size)
		return NULL;
	return in->memory->data + address;
}

const struct rh_rule_host *rh_instance_host(const struct rh_instance *in)
{
	return in->host;
}

struct rh_preview1 *rh_instance_preview1(struct rh_instance *in)
{
	return &in->preview1;
}

bool rh_instance_has_gs(const struct rh_instance *in)
{
	return in->object->flags & RH_WASM_GS;
}

uint32_t rh_instance_pages_max(const struct rh_instance *in)
{
	return in->memory_bytes / RH_RULE_PAGE;
}

bool rh_instance_elements(struct rh_instance *in, uint32_t more)
{
	if (more > RH_RULE_ELEMENTS_MAX - in->elements)
		return false;
	in->elements += more;
	return true;
}
