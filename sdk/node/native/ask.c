#include "ask.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int show(const struct rh_js_ask *ask)
{
	const struct rh_function *function = ask->plan->function;
	int                       r = RH_OK;

	for (unsigned i = 0; i < function->param_count && r == RH_OK; i++) {
		if (ask->seen[i])
			r = rh_language_mirror(i, ask->seen[i], rh_js_seen(&function->params[i]));
	}
	if (r == RH_OK && ask->seen[RH_PARAMS_MAX])
		r = rh_language_mirror(RH_LANGUAGE_RESULT, ask->seen[RH_PARAMS_MAX],
		                       rh_js_seen(&function->ret));
	return r;
}

/* Results lie in memory of the call here, and must live until the reply is packed. */
static int lend(struct rh_js_ask *ask)
{
	if (ask->r < 0)
		return ask->r;
	for (unsigned i = 0; i < ask->lent_count; i++) {
		void *memory = rh_language_memory(ask->lent_bytes[i]);

		if (!memory)
			return RH_ENOMEM;
		memcpy(memory, *ask->lent[i], ask->lent_bytes[i]);
		*ask->lent[i] = memory;
	}
	return show(ask);
}

/* Nobody gets what was to be handed over. */
static void take_back(struct rh_js_ask *ask)
{
	for (unsigned i = 0; i < ask->owned_count; i++)
		free(ask->owned[i]);
}

static int raise_fault(const struct rh_js_fault *fault)
{
	const struct rh_exception exception = {
		.language = "javascript", .type = fault->type, .message = fault->message,
		.stack = fault->stack,
	};

	return rh_language_raise(&exception);
}

/* Names mean what they mean in the caller's directory, which this thread alone is in. */
static void name_files(struct rh_js_ask *ask)
{
	const struct rh_function *function = ask->plan->function;

	for (unsigned i = 0; i < function->param_count; i++) {
		char **path, name[PATH_MAX], *copy;

		if (function->params[i].kind != RH_KIND_PATH || !rh_js_goes_in(&function->params[i]))
			continue;
		path = rh_js_value_at(&function->params[i], ask->frame.args[i]);
		if (!path || !*path ||
		    !rh_js_place_name(&ask->place, *path, name, sizeof name) ||
		    !(copy = rh_js_arena_take(&ask->frame.arena, strlen(name) + 1)))
			continue;
		*path = strcpy(copy, name);
	}
}

void rh_js_ask_begin(struct rh_js_ask *ask, void *const *args, void *ret)
{
	ask->lent_count = ask->owned_count = 0;
	memset(ask->seen, 0, sizeof ask->seen);
	ask->r = RH_OK;
	ask->err_no = 0;
	ask->fault = (struct rh_js_fault){ .code = RH_OK };
	ask->frame.plan = ask->plan;
	ask->frame.is_detached = ask->frame.has_results = false;
	ask->frame.ret = ret;
	rh_js_arena_init(&ask->frame.arena);
	for (unsigned i = 0; i < ask->plan->function->param_count; i++) {
		ask->frame.args[i] = args[i];
		ask->frame.rooms[i] = UINT32_MAX;
	}
	ask->has_place = rh_js_place_matters(ask->plan->function);
	if (ask->has_place) {
		rh_js_place_take(&ask->place);
		name_files(ask);
	}
}

int rh_js_ask_end(struct rh_js_ask *ask)
{
	int r;

	if (ask->has_place)
		rh_js_place_fini(&ask->place);
	r = ask->r == RH_ERAISED ? raise_fault(&ask->fault) : lend(ask);
	if (r < 0)
		take_back(ask);
	rh_js_arena_fini(&ask->frame.arena);
	rh_js_fault_fini(&ask->fault);
	return r;
}
