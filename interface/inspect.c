#include "generator.h"

#include "../base/diag.h"
#include "emit.h"
#include "source.h"

#include <inttypes.h>

static void count_rows(const struct rh_plan *plan, uint32_t *carried, uint32_t *local)
{
	*carried = *local = 0;
	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		const struct rh_function *row = &plan->interface.functions[i];

		*carried += rh_plan_is_carried(row);
		*local += (row->flags & RH_FUNCTION_LOCAL) != 0;
	}
}

static void put_summary(FILE *out, const struct rh_plan *plan)
{
	const struct rh_interface *interface = &plan->interface;
	uint32_t                   carried, local;

	count_rows(plan, &carried, &local);
	fprintf(out, "%s: %s%s%s, %u functions: %u carried, %u local, %u not carried; "
	        "%u handles, %u variables; hash %016" PRIx64 "\n", interface->name,
	        interface->soname[0] ? interface->soname : "no library",
	        interface->version[0] ? " " : "", interface->version,
	        interface->function_count, carried, local,
	        interface->function_count - carried - local, interface->handle_count,
	        plan->variable_count, interface->hash);
}

/* What a program in Java finds no method for. */
static void put_without_method(FILE *out, const struct rh_plan *plan)
{
	for (uint32_t i = 0; plan->side.java_count && i < plan->interface.function_count; i++) {
		const struct rh_function *row = &plan->interface.functions[i];
		const char *reason = row->reason ? NULL : rh_emit_jni_reason(plan, i);

		if (reason)
			fprintf(out, "  java     %s: %s\n", row->name, reason);
	}
}

int rh_interface_check(const char *side, FILE *out, struct rh_diag *diag)
{
	struct rh_plan plan;
	int            result = rh_plan_make(&plan, side, diag);

	if (result < 0)
		return result;
	put_summary(out, &plan);
	for (uint32_t i = 0; i < plan.interface.function_count; i++) {
		const struct rh_function *row = &plan.interface.functions[i];

		if (!row->reason)
			continue;
		fprintf(out, "  %-8s %s%s%s: %s\n",
		        row->flags & RH_FUNCTION_LOCAL ? "local" : "nocarry", row->name,
		        plan.functions[i].is_old ? "@" : "",
		        plan.functions[i].is_old ? row->version : "", row->reason);
	}
	for (uint32_t i = 0; i < plan.variable_count; i++)
		fprintf(out, "  variable %s: %s\n", plan.variables[i].symbol->name,
		        plan.variables[i].is_exact && !plan.variables[i].is_writable ?
		        "constant, copied from the library" : "each process has its own");
	put_without_method(out, &plan);
	rh_plan_fini(&plan);
	return RH_OK;
}

static int show_source(const char *path, FILE *out, struct rh_diag *diag)
{
	struct rh_pool   pool;
	struct rh_source source;

	rh_pool_init(&pool);
	int result = rh_source_read(&pool, path, &source, diag);
	if (result >= 0)
		fputs(source.text, out);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, result, "%.150s: needs more memory than allowed", path);
	rh_pool_fini(&pool);
	return result;
}

int rh_interface_show(const char *subject, enum rh_interface_format format, FILE *out,
                      struct rh_diag *diag)
{
	struct rh_plan plan;

	if (rh_source_is(subject) && format == RH_INTERFACE_JSON)
		return rh_diag_set(diag, RH_EINVAL, "%.120s: -o json needs a side file; "
		                   "`rhodes interface new` makes one", subject);
	if (rh_source_is(subject))
		return show_source(subject, out, diag);
	int result = rh_plan_make(&plan, subject, diag);
	if (result < 0)
		return result;
	if (format == RH_INTERFACE_JSON)
		rh_emit_json(out, &plan);
	else
		rh_emit_text(out, &plan);
	rh_plan_fini(&plan);
	return RH_OK;
}
