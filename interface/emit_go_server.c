/* emit_go_server - a server in Go: an interface, and what runs its functions. */
#include "emit_go.h"

#include <string.h>

static bool is_served(const struct rh_bind_function *function)
{
	return rh_bind_is_served(function) && !rh_go_reason(function);
}

static bool is_told(const struct rh_bind_function *function)
{
	return rh_bind_is_event(function) && !rh_go_reason(function);
}

/* The field of an event for a value. */
static void put_field(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_function *function,
                      const struct rh_bind_value *value)
{
	const char *upper = value == &function->ret ? "Result" :
	                    rh_bind_upper(&binding->plan->pool, value->name);

	fputs(upper ? upper : "", out);
	fputs(value != &function->ret && upper && strcmp(upper, "Result") == 0 ? "Out" : "", out);
}

/* What goes through the channel of an event: one value as it is, several as a struct. */
static void put_event_type(FILE *out, const struct rh_binding *binding,
                           const struct rh_bind_function *function)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];

	if (rh_bind_outs(function, outs) == 1)
		rh_go_value_type(out, binding, outs[0], true, true);
	else
		fprintf(out, "%sEvent", function->upper);
}

static void put_event_struct(FILE *out, const struct rh_binding *binding,
                             const struct rh_bind_function *function)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];
	uint32_t                    count = rh_bind_outs(function, outs);

	if (count == 1)
		return;
	fprintf(out, "// %sEvent is one event of %s.\ntype %sEvent struct {\n", function->upper,
	        function->name, function->upper);
	for (uint32_t i = 0; i < count; i++) {
		fputc('\t', out);
		put_field(out, binding, function, outs[i]);
		fputc(' ', out);
		rh_go_value_type(out, binding, outs[i], true, true);
		fputc('\n', out);
	}
	fputs("}\n\n", out);
}

/* Takes the next event apart, into what a function would have returned. */
static void put_next(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];
	uint32_t                    count = rh_bind_outs(function, outs);

	fprintf(out, "\t\trhEvent, isOpen := <-e.%s\n\t\tif !isOpen {\n\t\t\treturn rhodes.ErrEnded\n"
	        "\t\t}\n", function->upper);
	for (uint32_t i = 0; i < count; i++) {
		if (outs[i] == &function->ret)
			fputs("\t\tr := rhEvent", out);
		else
			fprintf(out, "\t\tr%u := rhEvent", (unsigned)(outs[i] - function->values));
		if (count > 1) {
			fputc('.', out);
			put_field(out, binding, function, outs[i]);
		}
		fputc('\n', out);
	}
}

static void put_interface(FILE *out, const struct rh_binding *binding)
{
	for (uint32_t i = 0; i < binding->count; i++)
		if (is_told(&binding->functions[i]))
			put_event_struct(out, binding, &binding->functions[i]);
	fprintf(out, "// Server is what a server of %s implements.  Any number of calls run at"
	        " once.\n// Slices live as long as the call.\ntype Server interface {\n",
	        binding->plan->interface.name);
	for (uint32_t i = 0; i < binding->count; i++) {
		const struct rh_bind_function *function = &binding->functions[i];
		const char                    *between = "";

		if (is_told(function)) {
			fprintf(out, "\t// %s tells %s: what comes through the channel is sent.\n"
			        "\t%s() <-chan ", function->upper, function->text, function->upper);
			put_event_type(out, binding, function);
			fputc('\n', out);
		}
		if (!is_served(function))
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

static void put_refusal(FILE *out, const struct rh_bind_value *value, uint32_t i)
{
	fprintf(out, "\t\tif p%u == nil {\n\t\t\treturn rhodes.Missing(\"%s\")\n\t\t}\n", i,
	        value->name);
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
		put_refusal(out, value, i);
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

/* What callers see of objects. */
static void put_mirrors(FILE *out, const struct rh_bind_function *function)
{
	if (rh_bind_is_mirrored(&function->ret))
		fprintf(out, "\t\tif rhErr := a.Mirror(rhodes.Result, r, %u); rhErr != nil {\n"
		        "\t\t\treturn rhErr\n\t\t}\n", function->ret.param->mirror_len);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (rh_bind_is_mirrored(&function->values[i]))
			fprintf(out, "\t\tif rhErr := a.Mirror(%u, %s%u, %u); rhErr != nil {\n"
			        "\t\t\treturn rhErr\n\t\t}\n", i,
			        rh_bind_comes_out(&function->values[i]) ? "r" : "p", i,
			        function->values[i].param->mirror_len);
}

static void put_case(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function)
{
	fprintf(out, "\tcase %u:\n", function->number);
	if (is_told(function)) {
		put_next(out, binding, function);
	} else {
		for (uint32_t i = 0; i < function->row->param_count; i++)
			if (rh_bind_goes_in(&function->values[i]))
				put_argument(out, function, i);
		put_call(out, function);
		put_mirrors(out, function);
	}
	put_outs(out, function);
	fputs(is_told(function) ? "\t\treturn nil\n" : "\t\treturn err\n", out);
}

/* The channels of a server. */
static void put_events(FILE *out, const struct rh_binding *binding)
{
	fputs("type events struct {\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		if (!is_told(&binding->functions[i]))
			continue;
		fprintf(out, "\t%s <-chan ", binding->functions[i].upper);
		put_event_type(out, binding, &binding->functions[i]);
		fputc('\n', out);
	}
	fputs("}\n\n", out);
}

void rh_go_server(FILE *out, const struct rh_binding *binding)
{
	put_interface(out, binding);
	put_events(out, binding);
	fprintf(out, "func invoke(s Server, e *events, o *[%u]rhodes.Objects, number int, a rhodes.Args) error {\n"
	        "\tswitch number {\n", binding->object_count + 1);
	for (uint32_t i = 0; i < binding->count; i++)
		if (is_told(&binding->functions[i]) ||
		    is_served(&binding->functions[i]))
			put_case(out, binding, &binding->functions[i]);
	fputs("\t}\n\treturn rhodes.ErrInterface\n}\n\n"
	      "// Serve serves until SIGTERM, on at most so many threads.\n"
	      "func Serve(s Server, threads int) error {\n\tvar e events\n", out);
	for (uint32_t i = 0; i < binding->count; i++)
		if (is_told(&binding->functions[i]))
			fprintf(out, "\te.%s = s.%s()\n", binding->functions[i].upper,
			        binding->functions[i].upper);
	fprintf(out, "\tobjects := &[%u]rhodes.Objects{}\n"
	        "\treturn rhodes.Serve(functions, func(number int, a rhodes.Args) error {\n"
	        "\t\treturn invoke(s, &e, objects, number, a)\n\t}, threads)\n}\n",
	        binding->object_count + 1);
}
