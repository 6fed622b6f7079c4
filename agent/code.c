#include "code.h"

#include "agent.h"
#include "codetell.h"
#include "result.h"
#include "rules.h"
#include "settle.h"
#include "successor.h"

#include "../base/clock.h"
#include "../base/failpoint.h"
#include "../base/log.h"
#include "../rules/hook.h"
#include "../rules/wasm/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one ------------------------------------------------------------------ */

static void free_code(struct rh_code *code)
{
	if (!code)
		return;
	rh_list_remove(&code->in_agent);
	rh_modules_forget(&code->want);
	rh_rule_destroy(code->rule);
	if (code->object_fd >= 0)
		close(code->object_fd);
	free(code->spec);
	free(code);
}

static void on_module(struct rh_module_want *want, const struct rh_module_found *found,
                      const struct rh_diag *why);

/* Which of the objects that the center built for it runs here. */
static const char *part_of(const struct rh_codespec *spec)
{
	int has_fuel = spec->limits.fuel > 0;

	if (strcmp(spec->mode, "wasm") != 0 || rh_cpu_has_gs())
		return has_fuel ? "object_fuel" : "object";
	return has_fuel ? "object_portable_fuel" : "object_portable";
}

static struct rh_code *make(struct rh_code_place *place, const struct rh_codespec *spec)
{
	struct rh_code *code = calloc(1, sizeof *code);

	if (!code)
		return NULL;
	rh_list_init(&code->want.in_modules);
	rh_list_init(&code->in_agent);
	code->object_fd = -1;
	code->place = place;
	code->spec = rh_codespec_copy(spec);
	if (!code->spec) {
		free_code(code);
		return NULL;
	}
	code->want.done = on_module;
	code->want.hook = code->spec->hook->name;
	code->want.mode = code->spec->mode;
	code->want.part = part_of(code->spec);
	memcpy(code->want.module, code->spec->module, sizeof code->want.module);
	return code;
}

/* ---- loading -------------------------------------------------------------- */

static void on_line(void *user, const char *text)
{
	const struct rh_code *code = user;

	rh_info("rule %s: %s", code->spec->rule, text);
	rh_codetell_line(code, text);
}

static int load(const struct rh_code *code, rh_rule_log *log, void *log_user,
                struct rh_rule **ret_rule, struct rh_diag *why)
{
	const struct rh_codespec *spec = code->spec;
	struct rh_rule_source     source = {
		.hook = spec->hook, .object_fd = code->object_fd, .limits = spec->limits,
		.params = spec->params, .param_count = spec->param_count,
		.log = log, .log_user = log_user,
	};

	if (strcmp(spec->mode, "native") == 0)
		source.mode = RH_RULE_NATIVE;
	else if (strcmp(spec->mode, "wasm") == 0)
		source.mode = RH_RULE_WASM;
	else
		return rh_diag_set(why, RH_ENOSYS, "rule %s: hook %s does not run in mode %s",
		                   spec->rule, spec->hook->name, spec->mode);
	return rh_rule_load(&source, ret_rule, why);
}

int rh_code_load(struct rh_code *code, struct rh_diag *why)
{
	return load(code, on_line, code, &code->rule, why);
}

int rh_code_follow(struct rh_code *code, struct rh_diag *why)
{
	const struct rh_code *before = code->place->active;
	struct rh_diag        diag = { .text = "" };
	int                   r = rh_code_load(code, why);

	if (r == RH_OK && before && rh_rule_swap(before->rule, code->rule, &diag) <= 0)
		rh_info("rule %s begins without the state of the one before it: %s",
		        code->spec->rule, diag.text);
	return r;
}

void rh_code_ran(struct rh_code *code, uint64_t began)
{
	code->ns += rh_clock_ns() - began;
	code->calls++;
	rh_codetell_changed(code->place->agent);
}

void rh_code_failed(const struct rh_code *code)
{
	rh_warn_often("rule %s of %s -> %s failed (%s applies): %s", code->spec->rule,
	              code->place->caller, code->place->callee,
	              rh_rule_policy_name(code->spec->policy), rh_rule_why(code->rule));
}

int rh_code_instance(const struct rh_code *code, rh_rule_log *log, void *log_user,
                     struct rh_rule **ret_rule, struct rh_diag *why)
{
	return load(code, log, log_user, ret_rule, why);
}

/* ---- a place -------------------------------------------------------------- */

void rh_code_place_init(struct rh_code_place *place, struct rh_agent *agent,
                        const char *caller, const char *callee,
                        const struct rh_code_ops *ops)
{
	*place = (struct rh_code_place){
		.agent = agent, .ops = ops, .caller = caller, .callee = callee,
	};
}

void rh_code_place_fini(struct rh_code_place *place)
{
	free_code(place->next);
	free_code(place->active);
	free(place->rejected);
	place->next = place->active = NULL;
	place->rejected = NULL;
}

int rh_code_is_settled(const struct rh_code_place *place)
{
	return !place->next;
}

static void stop_active(struct rh_code_place *place, struct rh_code *follows)
{
	struct rh_code *code = place->active;

	place->active = follows;
	if (!code)
		return;
	rh_codetell_ended(code, follows);
	if (place->ops->stop)
		place->ops->stop(place, code);
	if (!follows)
		rh_info("rule %s runs no more for %s%s%s", code->spec->rule, place->caller,
		        place->callee[0] ? " -> " : "", place->callee);
	free_code(code);
}

void rh_code_started(struct rh_code_place *place)
{
	struct rh_code *next = place->next;

	rh_failpoint("rule-loaded");
	place->next = NULL;
	stop_active(place, next);
	rh_failpoint("rule-exchanged");
	rh_codetell_began(next);
	free(place->rejected);
	place->rejected = NULL;
	rh_info("rule %s at revision %llu runs for %s%s%s", next->spec->rule,
	        (unsigned long long)next->spec->revision, place->caller,
	        place->callee[0] ? " -> " : "", place->callee);
	if (rh_settle_is(place->agent, place->caller, place->callee))
		rh_rules_settled(place->agent, place->caller, place->callee);
	else
		rh_result_note(place->agent, place->caller, place->callee, place->item,
		               RH_ITEM_STAGED);
}

void rh_code_refuse(struct rh_code_place *place, const struct rh_diag *why)
{
	struct rh_code *code = place->next;

	place->next = NULL;
	free(place->rejected);
	place->rejected = code->spec;
	code->spec = NULL;
	free_code(code);
	rh_rules_reject(place->agent, place->caller, place->callee, place->item, why);
	if (place->ops->refused)
		place->ops->refused(place);
}

static void start(struct rh_code *code)
{
	struct rh_code_place *place = code->place;
	struct rh_diag        why;
	int                   r = place->ops->start(place, code, &why);

	if (r == RH_OK)
		rh_code_started(place);
	else if (r != RH_EAGAIN)
		rh_code_refuse(place, &why);
}

static void on_module(struct rh_module_want *want, const struct rh_module_found *found,
                      const struct rh_diag *why)
{
	struct rh_code *code = RH_CONTAINER(want, struct rh_code, want);
	struct rh_diag  diag;

	if (found && rh_successor_check(code, found, &diag) < 0) {
		found = NULL;
		why = &diag;
	}
	if (!found) {
		rh_code_refuse(code->place, why);
		return;
	}
	code->object_fd = fcntl(found->fd, F_DUPFD_CLOEXEC, 3);
	if (code->object_fd < 0) {
		rh_diag_set(&diag, RH_ENOSPC, "no descriptor for rule %s", code->spec->rule);
		rh_code_refuse(code->place, &diag);
		return;
	}
	rh_result_note(code->place->agent, code->place->caller, code->place->callee,
	               code->place->item, RH_ITEM_VERIFIED);
	rh_failpoint("rule-loading");
	start(code);
}

/* What was rejected is not tried again, unless it was sent again. */
static int is_rejected(const struct rh_code_place *place, const struct rh_codespec *wanted,
                       uint64_t item)
{
	return place->rejected && place->item == item &&
	       rh_codespec_is_order(place->rejected, wanted);
}

static void begin(struct rh_code_place *place, const struct rh_codespec *wanted)
{
	struct rh_diag why;

	place->next = make(place, wanted);
	if (place->next) {
		rh_modules_want(place->agent, &place->next->want);
		return;
	}
	rh_diag_set(&why, RH_ENOMEM, "no memory for rule %s", wanted->rule);
	rh_rules_reject(place->agent, place->caller, place->callee, place->item, &why);
}

void rh_code_place_set(struct rh_code_place *place, const struct rh_codespec *wanted,
                       uint64_t item)
{
	int is_known = wanted && (is_rejected(place, wanted, item) ||
	               (place->next && rh_codespec_is_order(place->next->spec, wanted)));

	place->item = item;
	if (is_known)
		return;
	free_code(place->next); /* D1 */
	place->next = NULL;
	if (!wanted)
		stop_active(place, NULL);
	else if (!place->active || !rh_codespec_is_same(place->active->spec, wanted))
		begin(place, wanted);
}
