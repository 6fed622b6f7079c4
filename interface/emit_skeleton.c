#include "emit.h"

/* *(T *)args[i] */
static void put_argument(FILE *out, const struct rh_ctype *type, uint32_t index)
{
	fputs(index ? ", *(" : "*(", out);
	rh_emit_stored(out, type);
	fprintf(out, "*)args[%u]", index);
}

static void put_trampoline(FILE *out, const struct rh_cfunction *c, uint32_t index)
{
	fprintf(out, "static void call_%u(void *const *args, void *ret)\n{\n", index);
	if (!c->param_count)
		fputs("\t(void)args;\n", out);
	if (c->ret->kind == RH_CTYPE_VOID) {
		fprintf(out, "\t(void)ret;\n\t(%s)(", c->name);
	} else {
		fputs("\t*(", out);
		rh_emit_stored(out, c->ret);
		fprintf(out, "*)ret = (%s)(", c->name);
	}
	for (uint32_t i = 0; i < c->param_count; i++)
		put_argument(out, c->params[i].type, i);
	fputs(");\n}\n\n", out);
}

/* An event that no library is known to export: the one that is loaded with the skeleton
 * does, or a program sends it. */
static bool is_weak(const struct rh_plan *plan, uint32_t index)
{
	const struct rh_function *row = &plan->interface.functions[index];

	return rh_plan_is_carried(row) && row->flags & RH_FUNCTION_EVENT &&
	       !plan->functions[index].symbol;
}

static uint32_t put_trampolines(FILE *out, const struct rh_plan *plan)
{
	uint32_t weak_count = 0;

	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		if (is_weak(plan, i)) {
			fprintf(out, "#pragma weak %s\n\n", plan->functions[i].c->name);
			weak_count++;
		}
		if (rh_plan_is_carried(&plan->interface.functions[i]))
			put_trampoline(out, plan->functions[i].c, i);
	}
	return weak_count;
}

static void put_constructor(FILE *out, const struct rh_plan *plan)
{
	fputs("__attribute__((constructor))\nstatic void rh_find(void)\n{\n", out);
	for (uint32_t i = 0; i < plan->interface.function_count; i++)
		if (is_weak(plan, i))
			fprintf(out, "\tif (%s)\n\t\trh_trampolines[%u] = call_%u;\n",
			        plan->functions[i].c->name, i, i);
	fputs("}\n\n", out);
}

void rh_emit_skeleton(FILE *out, const struct rh_plan *plan)
{
	uint32_t count = plan->interface.function_count, weak_count;

	rh_emit_opening(out, plan, "Skeleton");
	fputs("#pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n\n", out);
	rh_emit_tables(out, plan);
	weak_count = put_trampolines(out, plan);
	fprintf(out, "static rh_trampoline *%srh_trampolines[%u] = {\n",
	        weak_count ? "" : "const ", count ? count : 1);
	for (uint32_t i = 0; i < count; i++)
		if (rh_plan_is_carried(&plan->interface.functions[i]) && !is_weak(plan, i))
			fprintf(out, "\t[%u] = call_%u,\n", i, i);
	fputs("};\n\n", out);
	if (weak_count)
		put_constructor(out, plan);
	fputs("extern const struct rh_skeleton rh_skeleton;\n"
	      "__attribute__((visibility(\"default\")))\n"
	      "const struct rh_skeleton rh_skeleton = {\n"
	      "\t.abi = RH_INTERFACE_ABI,\n"
	      "\t.interface = &rh_table,\n"
	      "\t.trampolines = rh_trampolines,\n"
	      "};\n", out);
}
