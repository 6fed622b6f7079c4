/* emit_go_server - a server in Go: an interface, and what runs its functions. */
#include "emit_go.h"

static bool is_served(const struct rh_binding *binding,
                      const struct rh_bind_function *function)
{
	return rh_bind_is_served(binding, function) && !rh_go_reason(function);
}

static void put_interface(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "// Server is what a server of %s implements.  Any number of calls run at"
	        " once.\n// Slices live as long as the call.\ntype Server interface {\n",
	        binding->plan->interface.name);
	for (uint32_t i = 0; i < binding->count; i++) {
		const struct rh_bind_function *function = &binding->functions[i];
		const char                    *between = "";

		if (!is_served(binding, function))
			continue;
		fprintf(out, "\t// %s is %s.\n\t%s(", function->upper, function->text,
		        function->upper);
		for (uint32_t j = 0; j < function->row->param_count; j++) {
			if (!rh_bind_goes_in(&function->values[j]))
				continue;
			fputs(between, out);
			rh_go_name(out, function->values[j].name);
			fputc(' ', out);
			rh_go_value_type(out, binding, &function->values[j], false, true);
			between = ", ";
		}
		fputs(") ", out);
		rh_go_results(out, binding, function, true);
		fputc('\n', out);
	}
	fputs("}\n\n", out);
}

static void put_count(FILE *out, const struct rh_bind_function *function,
                      const struct rh_bind_value *value)
{
	uint8_t                     index = value->param->len_param;
	const struct rh_bind_value *length = &function->values[index];
	bool is_pointer = (length->param->flags & RH_PARAM_POINTER) != 0;

	fputs(is_pointer ? "int(*rhodes.Behind[" : "int(rhodes.At[", out);
	rh_go_type(out, length->type);
	fprintf(out, "](a, %u))", index);
}

static void put_refusal(FILE *out, uint32_t i)
{
	fprintf(out, "\t\tif p%u == nil {\n\t\t\treturn rhodes.ErrValue\n\t\t}\n", i);
}

static void put_argument(FILE *out, const struct rh_bind_function *function, uint32_t i)
{
	const struct rh_bind_value *value = &function->values[i];

	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "\t\tp%u := a.Text(%u)\n", i, i);
		break;
	case RH_BIND_POINTED:
		fprintf(out, "\t\tp%u := rhodes.Behind[", i);
		rh_go_type(out, value->type);
		fprintf(out, "](a, %u)\n", i);
		break;
	case RH_BIND_BYTES:
		fprintf(out, "\t\tp%u := rhodes.Slice[", i);
		rh_go_type(out, value->type);
		fprintf(out, "](a, %u, ", i);
		put_count(out, function, value);
		fputs(")\n", out);
		return;
	case RH_BIND_HANDLE:
		fprintf(out, "\t\tp%u, rhErr := o[%u].%s(rhodes.At[uintptr](a, %u), %s)\n"
		        "\t\tif rhErr != nil {\n\t\t\treturn rhErr\n\t\t}\n", i,
		        value->param->handle, value->param->flags & RH_PARAM_DESTROYS ? "Take" :
		        "Get", i, rh_bind_is_nullable(value) ? "true" : "false");
		return;
	case RH_BIND_FD:
		fprintf(out, "\t\tp%u := int(rhodes.At[int32](a, %u))\n", i, i);
		return;
	default:
		fprintf(out, "\t\tp%u := rhodes.At[", i);
		rh_go_type(out, value->type);
		fprintf(out, "](a, %u)\n", i);
		return;
	}
	if (!rh_go_is_pointer(value))
		put_refusal(out, i);
}

/* A value behind a pointer goes as itself. */
static bool is_read(const struct rh_bind_value *value)
{
	return (value->role == RH_BIND_TEXT || value->role == RH_BIND_POINTED) &&
	       !rh_go_is_pointer(value);
}

static void put_call(FILE *out, const struct rh_bind_function *function)
{
	const char *between = "";

	fputs("\t\t", out);
	if (function->ret.role != RH_BIND_VOID)
		fputs("r, ", out);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (rh_bind_comes_out(&function->values[i]))
			fprintf(out, "r%u, ", i);
	fprintf(out, "err := s.%s(", function->upper);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		fprintf(out, is_read(&function->values[i]) ? "%s*p%u" : "%sp%u", between, i);
		between = ", ";
	}
	fputs(")\n\t\tif !rhodes.Stores(err) {\n\t\t\treturn err\n\t\t}\n", out);
}

/* What a function returned, as C has it: before and name of what is stored. */
static void put_left(FILE *out, const struct rh_bind_value *value, const char *name,
                     const char *store)
{
	const char *owned = value->param->flags & RH_PARAM_TRANSFER ? "true" : "false";

	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "\t\t%sC, rhErr := rhodes.LeaveText(%s, %s)\n"
		        "\t\tif rhErr != nil {\n\t\t\treturn rhErr\n\t\t}\n\t\t%s%sC)\n", name, name,
		        owned, store, name);
		break;
	case RH_BIND_BYTES:
		fprintf(out, "\t\t%srhodes.LeaveBytes(%s, %s))\n", store, name, owned);
		break;
	case RH_BIND_HANDLE:
		fprintf(out, "\t\t%so[%u].%s(%s))\n", store, value->param->handle,
		        value->param->flags & RH_PARAM_CREATES ? "Put" : "Find", name);
		break;
	case RH_BIND_FD:
		fprintf(out, "\t\t%sint32(%s))\n", store, name);
		break;
	default:
		fprintf(out, "\t\t%s%s)\n", store, name);
	}
}

static void put_outs(FILE *out, const struct rh_bind_function *function)
{
	char name[16], store[48];

	if (function->ret.role == RH_BIND_BYTES) {
		uint8_t index = function->ret.param->used_param;

		fprintf(out, "\t\trhodes.Put(a, %u, ", index);
		rh_go_type(out, function->values[index].type);
		fputs("(len(r)))\n", out);
	}
	if (function->ret.role != RH_BIND_VOID)
		put_left(out, &function->ret, "r", "rhodes.Give(a, ");
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];
		bool is_maybe = value->role == RH_BIND_POINTED && rh_go_is_pointer(value) &&
		                value->param->direction == RH_INOUT;

		if (!rh_bind_comes_out(value))
			continue;
		snprintf(name, sizeof name, "%sr%u", is_maybe ? "*" : "", i);
		snprintf(store, sizeof store, "rhodes.Put(a, %u, ", i);
		if (is_maybe)
			fprintf(out, "\t\tif r%u != nil {\n\t", i);
		put_left(out, value, name, store);
		if (is_maybe)
			fputs("\t\t}\n", out);
	}
}

void rh_go_server(FILE *out, const struct rh_binding *binding)
{
	put_interface(out, binding);
	fprintf(out, "func invoke(s Server, o *[%u]rhodes.Objects, number int, a rhodes.Args) error {\n"
	        "\tswitch number {\n", binding->object_count + 1);
	for (uint32_t i = 0; i < binding->count; i++) {
		const struct rh_bind_function *function = &binding->functions[i];

		if (!is_served(binding, function))
			continue;
		fprintf(out, "\tcase %u:\n", function->number);
		for (uint32_t j = 0; j < function->row->param_count; j++)
			if (rh_bind_goes_in(&function->values[j]))
				put_argument(out, function, j);
		put_call(out, function);
		put_outs(out, function);
		fputs("\t\treturn err\n", out);
	}
	fprintf(out, "\t}\n\treturn rhodes.ErrInterface\n}\n\n"
	        "// Serve serves until SIGTERM, on at most so many threads.\n"
	        "func Serve(s Server, threads int) error {\n"
	        "\tobjects := &[%u]rhodes.Objects{}\n"
	        "\treturn rhodes.Serve(functions, func(number int, a rhodes.Args) error {\n"
	        "\t\treturn invoke(s, objects, number, a)\n\t}, threads)\n}\n",
	        binding->object_count + 1);
}
