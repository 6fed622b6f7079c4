#include "rule.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "hook.h"
#include "limits.h"
#include "native/native.h"
#include "services.h"
#include "wasm/instance_call.h"
#include "wasm/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What each call touches is in the first line of the cache. */
struct rh_rule {
	_Alignas(64) enum rh_rule_mode mode;
	unsigned            failed_running;
	unsigned            failed_before; /* the last call */
	unsigned            slot;          /* of the last call */
	void               *buffer; /* of what there is, NULL: not known */
	struct rh_instance *instance; /* NULL: the next call makes one */
	struct rh_native   *native;
	struct rh_rule_counters counters;

	const struct rh_hook     *hook;
	struct rh_object         *object; /* WebAssembly */
	struct rh_instance_limits limits;
	struct rh_services        services;
	uint64_t                  rests_until_ns;
	char                      why[RH_DIAG_MAX];
};

/* ---- names ---- */

static const char *const policy_names[RH_POLICIES] = {
	[RH_POLICY_KEEP_LAST] = "keep-last",
	[RH_POLICY_FAIL_OPEN] = "fail-open",
	[RH_POLICY_FAIL_CLOSED] = "fail-closed",
};

int rh_rule_policy_find(const char *name)
{
	for (int i = 0; i < RH_POLICIES; i++)
		if (strcmp(policy_names[i], name) == 0)
			return i;
	return -1;
}

const char *rh_rule_policy_name(enum rh_rule_policy policy)
{
	return policy < RH_POLICIES ? policy_names[policy] : "unknown";
}

const char *rh_rule_failure_name(enum rh_rule_failure failure)
{
	static const char *const names[RH_FAILURES] = {
		"trap", "timeout", "fuel", "memory", "value", "resting", "missed",
	};

	return failure < RH_FAILURES ? names[failure] : "unknown";
}

/* ---- failures ---- */

static int failed(struct rh_rule *rule, enum rh_rule_failure kind)
{
	rule->counters.failures[kind]++;
	if (kind == RH_FAILED_RESTING)
		return RH_ERULE;
	if (++rule->failed_running >= RH_RULE_FAILURES_MAX)
		rule->rests_until_ns = rh_clock_ns() + RH_RULE_REST_MS * RH_NS_PER_MS;
	return RH_ERULE;
}

static enum rh_rule_failure kind_of(int trap)
{
	switch (trap) {
	case RH_TRAP_TIMEOUT: return RH_FAILED_TIMEOUT;
	case RH_TRAP_FUEL: return RH_FAILED_FUEL;
	case RH_TRAP_MEMORY: return RH_FAILED_MEMORY;
	default: return RH_FAILED_TRAP;
	}
}

static void drop_instance(struct rh_rule *rule)
{
	rh_instance_destroy(rule->instance);
	rule->instance = NULL;
	rule->buffer = NULL;
}

__attribute__((noinline, cold)) static int trapped(struct rh_rule *rule, int trap)
{
	rule->failed_running = rule->failed_before;
	snprintf(rule->why, sizeof rule->why, "the rule was stopped in %s: %s",
	         rule->hook->exports[rule->slot].name, rh_trap_text(trap));
	drop_instance(rule);
	return failed(rule, kind_of(trap));
}

void rh_rule_blame(struct rh_rule *rule, const char *why)
{
	snprintf(rule->why, sizeof rule->why, "%s", why);
	rule->failed_running = rule->failed_before; /* that call did not count as good */
	failed(rule, RH_FAILED_VALUE);
}

const char *rh_rule_why(const struct rh_rule *rule)
{
	return rule->why;
}

void rh_rule_took(struct rh_rule *rule, uint64_t ns)
{
	rule->counters.ns += ns;
}

const struct rh_rule_counters *rh_rule_counters(const struct rh_rule *rule)
{
	return &rule->counters;
}

/* ---- instances ---- */

bool rh_rule_has(const struct rh_rule *rule, unsigned slot)
{
	RH_CHECK(slot < rule->hook->export_count);
	return rule->mode == RH_RULE_NATIVE ? rh_native_has(rule->native, slot) :
	       rh_object_table(rule->object)->functions[slot] != NULL;
}

static int run_init(struct rh_rule *rule, struct rh_diag *diag)
{
	uint64_t value = 0;
	int      trap = 0;

	if (!rh_rule_has(rule, RH_SLOT_INIT))
		return RH_OK;
	if (rule->mode == RH_RULE_NATIVE)
		value = rh_native_call(rule->native, RH_SLOT_INIT, 0, 0);
	else
		trap = rh_instance_call(rule->instance, RH_SLOT_INIT, 0, 0, &value);
	if (trap)
		return rh_diag_set(diag, RH_EINVAL, "the rule was stopped in rh_init: %s",
		                   rh_trap_text(trap));
	if ((uint32_t)value)
		return rh_diag_set(diag, RH_EINVAL, "rh_init of the rule said %d: it refuses its "
		                   "parameters, or this place", (int32_t)value);
	return RH_OK;
}

static int make_instance(struct rh_rule *rule, struct rh_diag *diag)
{
	const struct rh_rule_host *host = rh_services_host(&rule->services);
	int err = rh_instance_create(rule->object, rule->hook, &rule->limits, host,
	                             &rule->instance, diag);

	if (err == RH_OK && (err = run_init(rule, diag)) < 0)
		drop_instance(rule);
	if (err == RH_OK)
		rule->counters.instances++;
	return err;
}

static bool may_call(struct rh_rule *rule)
{
	if (rule->failed_running < RH_RULE_FAILURES_MAX)
		return true;
	if (rh_clock_ns() < rule->rests_until_ns)
		return false;
	rule->failed_running = RH_RULE_FAILURES_MAX - 1; /* one more, then it rests again */
	return true;
}

__attribute__((noinline)) static void *find_buffer(struct rh_rule *rule)
{
	struct rh_diag diag;

	if (!may_call(rule)) {
		failed(rule, RH_FAILED_RESTING);
		return NULL;
	}
	if (rule->mode == RH_RULE_WASM && !rule->instance && make_instance(rule, &diag) < 0) {
		snprintf(rule->why, sizeof rule->why, "%s", diag.text);
		failed(rule, RH_FAILED_MEMORY);
		return NULL;
	}
	rule->buffer = rule->mode == RH_RULE_NATIVE ? rh_native_buffer(rule->native) :
	                                              rh_instance_buffer(rule->instance);
	return rule->buffer;
}

void *rh_rule_buffer(struct rh_rule *rule)
{
	if (__builtin_expect(rule->buffer && !rule->failed_running, 1))
		return rule->buffer;
	return find_buffer(rule);
}

/* For itself: what a call of WebAssembly saves need not be saved for native code. */
__attribute__((noinline)) static int call_wasm(struct rh_rule *rule, unsigned slot,
                                               uint64_t a, uint64_t b,
                                               uint64_t *ret_value)
{
	int trap;

	rule->slot = slot;
	trap = rh_instance_call(rule->instance, slot, a, b, ret_value);
	return __builtin_expect(trap, 0) ? trapped(rule, trap) : RH_OK;
}

int rh_rule_call(struct rh_rule *rule, unsigned slot, uint64_t a, uint64_t b,
                 uint64_t *ret_value)
{
	rule->counters.calls++;
	rule->failed_before = rule->failed_running;
	rule->failed_running = 0;
	if (rule->mode != RH_RULE_NATIVE)
		return call_wasm(rule, slot, a, b, ret_value);
	*ret_value = rh_native_call(rule->native, slot, a, b);
	return RH_OK;
}

/* ---- loading ---- */

static uint32_t chosen(uint32_t wanted, uint32_t least, uint32_t usual, uint32_t most)
{
	if (!wanted)
		return usual;
	return wanted < least ? least : wanted > most ? most : wanted;
}

static struct rh_instance_limits limits_of(const struct rh_rule_limits *wanted)
{
	return (struct rh_instance_limits){
		.memory_bytes = chosen(wanted->memory_bytes, RH_RULE_PAGE, RH_RULE_MEMORY,
		                       RH_RULE_MEMORY_MAX),
		.time_us = chosen(wanted->time_us, RH_RULE_TIME_US_MIN, RH_RULE_TIME_US,
		                  RH_RULE_TIME_US_MAX),
		.fuel = wanted->fuel,
	};
}

static int load_native(struct rh_rule *rule, const struct rh_rule_source *source,
                       struct rh_diag *diag)
{
	const struct rh_rule_host *host = rh_services_host(&rule->services);

	if (source->builtin)
		return rh_native_make(source->builtin, rule->hook, host, &rule->native, diag);
	return rh_native_load(source->object_fd, rule->hook, host, &rule->native, diag);
}

static int load(struct rh_rule *rule, const struct rh_rule_source *source,
                struct rh_diag *diag)
{
	int err;

	if (rule->mode == RH_RULE_NATIVE) {
		err = load_native(rule, source, diag);
		if (err == RH_OK && (err = run_init(rule, diag)) == RH_OK)
			rule->counters.instances++;
		return err;
	}
	err = rh_object_load(source->object_fd, rule->hook, &rule->object, diag);
	return err < 0 ? err : make_instance(rule, diag);
}

int rh_rule_load(const struct rh_rule_source *source, struct rh_rule **ret_rule,
                 struct rh_diag *diag)
{
	struct rh_rule *rule = aligned_alloc(_Alignof(struct rh_rule), sizeof *rule);
	int             err;

	RH_CHECK(source->mode < RH_RULE_MODES);
	RH_CHECK(!source->builtin || source->mode == RH_RULE_NATIVE);
	if (!rule)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	memset(rule, 0, sizeof *rule);
	rule->hook = source->hook;
	rule->mode = source->mode;
	rule->limits = limits_of(&source->limits);
	err = rh_services_init(&rule->services, source, &rule->counters.lines_dropped, diag);
	if (err == RH_OK)
		err = load(rule, source, diag);
	if (err < 0) {
		rh_rule_destroy(rule);
		return err;
	}
	*ret_rule = rule;
	return RH_OK;
}

void rh_rule_destroy(struct rh_rule *rule)
{
	if (!rule)
		return;
	rh_instance_destroy(rule->instance);
	rh_object_unload(rule->object);
	rh_native_unload(rule->native);
	rh_services_fini(&rule->services);
	free(rule);
}

/* ---- handing over ---- */

/* How many bytes of state the old one left in its buffer. */
static int save(struct rh_rule *from, void **ret_bytes, struct rh_diag *diag)
{
	uint32_t room = from->hook->state_bytes;
	uint8_t *buffer = rh_rule_buffer(from);
	uint64_t value = 0;

	if (!buffer || rh_rule_call(from, RH_SLOT_SAVE, room, 0, &value) < 0) {
		rh_diag_set(diag, RH_OK, "the old one could not save: %s", from->why);
		return 0;
	}
	if ((uint32_t)value > room) {
		rh_diag_set(diag, RH_OK, "the old one has nothing to hand over (rh_save said %d)",
		            (int32_t)value);
		return 0;
	}
	*ret_bytes = buffer + from->hook->state_offset;
	return (int)value;
}

int rh_rule_swap(struct rh_rule *from, struct rh_rule *to, struct rh_diag *diag)
{
	void    *bytes = NULL;
	uint64_t value;
	uint8_t *buffer;
	int      len;

	RH_CHECK(from->hook == to->hook);
	if (!rh_rule_has(from, RH_SLOT_SAVE) || !rh_rule_has(to, RH_SLOT_RESTORE)) {
		rh_diag_set(diag, RH_OK, "the %s one has no %s",
		            rh_rule_has(from, RH_SLOT_SAVE) ? "new" : "old",
		            rh_rule_has(from, RH_SLOT_SAVE) ? "rh_restore" : "rh_save");
		return 0;
	}
	len = save(from, &bytes, diag);
	buffer = len ? rh_rule_buffer(to) : NULL;
	if (!len || !buffer)
		return 0;
	memcpy(buffer + to->hook->state_offset, bytes, (size_t)len);
	if (rh_rule_call(to, RH_SLOT_RESTORE, (uint64_t)len, 0, &value) < 0)
		return rh_diag_set(diag, RH_ERULE, "%.200s", to->why);
	if ((uint32_t)value) {
		rh_diag_set(diag, RH_OK, "the new one does not take the state (rh_restore said %d)",
		            (int32_t)value);
		return 0;
	}
	return 1;
}
