/* emit_wrap - names for programs that are linked with the real library itself, statically.
 *
 * `ld --wrap=f` makes every call of f one of __wrap_f.  The archive for such programs is the
 * shadow's object with its names changed: what is carried is __wrap_f; what runs in place, and
 * variables, get names that nobody asks for, so that the real library's are taken. */
#include "emit.h"

#include <string.h>

static bool is_wrapped(const struct rh_plan *plan, uint32_t index)
{
	return !(plan->interface.functions[index].flags & RH_FUNCTION_LOCAL) &&
	       !plan->functions[index].is_old;
}

void rh_emit_wrap_options(FILE *out, const struct rh_plan *plan)
{
	for (uint32_t i = 0; i < plan->interface.function_count; i++)
		if (is_wrapped(plan, i))
			fprintf(out, "--wrap=%s\n", plan->interface.functions[i].name);
}

void rh_emit_wrap_names(FILE *out, const struct rh_plan *plan)
{
	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		const char *name = plan->interface.functions[i].name;

		if (!plan->functions[i].is_old)
			fprintf(out, "%s %s%s\n", name,
			        is_wrapped(plan, i) ? "__wrap_" : "__rhodes_local_", name);
	}
	for (uint32_t i = 0; i < plan->variable_count; i++)
		if (plan->variables[i].symbol->is_default)
			fprintf(out, "%s __rhodes_local_%s\n", plan->variables[i].symbol->name,
			        plan->variables[i].symbol->name);
}
