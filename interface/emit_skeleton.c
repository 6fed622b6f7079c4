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

static bool is_called(const struct rh_plan *plan, uint32_t index)
{
	const struct rh_function *row = &plan->interface.functions[index];

	/* An event that the library does not export comes from a program. */
	return rh_plan_is_carried(row) &&
	       (!(row->flags & RH_FUNCTION_EVENT) || plan->functions[index].symbol);
}

void rh_emit_skeleton(FILE *out, const struct rh_plan *plan)
{
	uint32_t count = plan->interface.function_count;

	rh_emit_opening(out, plan, "Skeleton");
	fputs("#pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n\n", out);
	rh_emit_tables(out, plan);
	for (uint32_t i = 0; i < count; i++)
		if (is_called(plan, i))
			put_trampoline(out, plan->functions[i].c, i);
	fprintf(out, "static rh_trampoline *const rh_trampolines[%u] = {\n",
	        count ? count : 1);
	for (uint32_t i = 0; i < count; i++)
		if (is_called(plan, i))
			fprintf(out, "\t[%u] = call_%u,\n", i, i);
	fputs("};\n\n"
	      "extern const struct rh_skeleton rh_skeleton;\n"
	      "__attribute__((visibility(\"default\")))\n"
	      "const struct rh_skeleton rh_skeleton = {\n"
	      "\t.abi = RH_INTERFACE_ABI,\n"
	      "\t.interface = &rh_table,\n"
	      "\t.trampolines = rh_trampolines,\n"
	      "};\n", out);
}
