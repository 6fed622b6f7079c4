/* emit_cpp_server - a server in C++: a class, and what runs its functions. */
#include "emit_cpp.h"

static void put_declaration(FILE *out, const struct rh_binding *binding,
                            const struct rh_bind_function *function)
{
	const char *between = "";

	fprintf(out, "\n\t/* %s */\n\tvirtual ", function->text);
	rh_cpp_result(out, binding, function, true);
	fputc(' ', out);
	rh_cpp_name(out, function->name);
	fputc('(', out);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		fputs(between, out);
		rh_cpp_parameter(out, binding, &function->values[i], true);
		between = ", ";
	}
	fputs(") = 0;\n", out);
}

static void put_told(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function)
{
	fprintf(out, "\n\t/* %s: what it answers, one after the other, is sent. */\n"
	        "\tvirtual events<", function->text);
	rh_cpp_result(out, binding, function, true);
	fputs("> ", out);
	rh_cpp_name(out, function->name);
	fputs("() = 0;\n", out);
}

static void put_class(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "/* What a server of %s implements.  Any number of calls run at once. */\n"
	        "class Server {\npublic:\n\tvirtual ~Server() = default;\n",
	        binding->plan->interface.name);
	for (uint32_t i = 0; i < binding->count; i++)
		if (rh_bind_is_served(&binding->functions[i]))
			put_declaration(out, binding, &binding->functions[i]);
		else if (rh_bind_is_event(&binding->functions[i]))
			put_told(out, binding, &binding->functions[i]);
	fputs("};\n\n", out);
}

static void put_count(FILE *out, const struct rh_bind_function *function,
                      const struct rh_bind_value *value)
{
	uint8_t                     index = value->param->len_param;
	const struct rh_bind_value *length = &function->values[index];
	bool is_pointer = (length->param->flags & RH_PARAM_POINTER) != 0;

	fprintf(out, "static_cast<std::size_t>(rhodes::%s<", is_pointer ? "behind" : "at");
	rh_cpp_type(out, length);
	fprintf(out, ">(rh_args, %u)%s)", index, is_pointer ? ".value_or(0)" : "");
}

static void put_argument(FILE *out, const struct rh_bind_function *function,
                         uint32_t index)
{
	const struct rh_bind_value *value = &function->values[index];
	const char *is_null = rh_bind_is_nullable(value) ? "true" : "false";
	bool        is_present = (value->role == RH_BIND_TEXT ||
	                          value->role == RH_BIND_POINTED) && !rh_cpp_is_optional(value);

	fprintf(out, "\t\t\tauto rh_%u = %s", index, is_present ? "rhodes::present(" : "");
	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "rhodes::text_at(rh_args, %u)", index);
		break;
	case RH_BIND_BYTES:
		fputs(value->param->direction == RH_IN ? "rhodes::bytes_at<const " :
		      "rhodes::bytes_at<", out);
		rh_cpp_type(out, value);
		fprintf(out, ">(rh_args, %u, ", index);
		put_count(out, function, value);
		fprintf(out, ", %s)", is_null);
		break;
	case RH_BIND_HANDLE:
		fprintf(out, "objects_[%u].%s(rhodes::at<void *>(rh_args, %u), %s)",
		        value->param->handle, value->param->flags & RH_PARAM_DESTROYS ? "take" :
		        "get", index, is_null);
		break;
	case RH_BIND_FD:
		fprintf(out, "rhodes::at<int>(rh_args, %u)", index);
		break;
	default:
		fputs(value->role == RH_BIND_VALUE ? "rhodes::at<" : "rhodes::behind<", out);
		rh_cpp_type(out, value);
		fprintf(out, ">(rh_args, %u)", index);
	}
	fputs(is_present ? ");\n" : ";\n", out);
}

/* What a function returned, as C has it. */
static void put_left(FILE *out, const struct rh_bind_value *value, const char *name)
{
	const char *owned = value->param->flags & RH_PARAM_TRANSFER ? "true" : "false";

	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "rhodes::leave_text(%s, %s)", name, owned);
		break;
	case RH_BIND_BYTES:
		fprintf(out, "rhodes::leave_bytes(%s, %s)", name, owned);
		break;
	case RH_BIND_HANDLE:
		fprintf(out, "objects_[%u].%s(%s)", value->param->handle,
		        value->param->flags & RH_PARAM_CREATES ? "put" : "find", name);
		break;
	case RH_BIND_FD:
		fprintf(out, "%s.release()", name);
		break;
	default:
		fputs(name, out);
	}
}

static void put_call(FILE *out, const struct rh_bind_function *function)
{
	const char *between = "";

	fputs(rh_bind_out_count(function) ? "\t\t\tauto rh_out = server_." :
	      "\t\t\tserver_.", out);
	rh_cpp_name(out, function->name);
	fputc('(', out);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		fprintf(out, "%srh_%u", between, i);
		between = ", ";
	}
	fputs(");\n", out);
}

/* What callers see of objects. */
static void put_mirror(FILE *out, const struct rh_bind_value *value, const char *place,
                       const char *name)
{
	if (rh_bind_is_mirrored(value))
		fprintf(out, "\t\t\trhodes::show<%u>(%s, %s);\n", value->param->mirror_len,
		        place, name);
}

static void put_mirrors_in(FILE *out, const struct rh_bind_function *function)
{
	char place[16], name[16];

	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		snprintf(place, sizeof place, "%u", i);
		snprintf(name, sizeof name, "rh_%u", i);
		put_mirror(out, &function->values[i], place, name);
	}
}

static void put_bytes_length(FILE *out, const struct rh_bind_function *function,
                             const char *name)
{
	uint8_t index = function->ret.param->used_param;

	fprintf(out, "\t\t\tput(rh_args, %u, rhodes::length<", index);
	rh_cpp_type(out, &function->values[index]);
	fprintf(out, ">(%s ? %s->size() : 0));\n", name, name);
}

static void put_outs(FILE *out, const struct rh_bind_function *function)
{
	uint32_t count = rh_bind_out_count(function), number = 0;
	char     name[32], place[16];

	if (function->ret.role != RH_BIND_VOID) {
		snprintf(name, sizeof name, count == 1 ? "rh_out" : "std::get<0>(rh_out)");
		number = 1;
		if (function->ret.role == RH_BIND_BYTES)
			put_bytes_length(out, function, name);
		put_mirror(out, &function->ret, "RH_LANGUAGE_RESULT", name);
		fputs("\t\t\tgive(rh_ret, ", out);
		put_left(out, &function->ret, name);
		fputs(");\n", out);
	}
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];
		bool is_maybe = rh_cpp_is_optional(value) && value->role == RH_BIND_POINTED &&
		                value->param->direction == RH_INOUT;

		if (!rh_bind_comes_out(value))
			continue;
		snprintf(name, sizeof name, count == 1 ? "rh_out" : "std::get<%u>(rh_out)",
		         number++);
		snprintf(place, sizeof place, "%u", i);
		put_mirror(out, value, place, name);
		fprintf(out, is_maybe ? "\t\t\tif (%s)\n\t\t\t\tput(rh_args, %u, *" :
		        "\t\t\t%sput(rh_args, %u, ", is_maybe ? name : "", i);
		put_left(out, value, name);
		fputs(");\n", out);
	}
}

static void put_next(FILE *out, const struct rh_bind_function *function)
{
	fprintf(out, "\t\tcase %u: {\n\t\t\tauto rh_event = ", function->number);
	rh_cpp_name(out, function->name);
	fputs("_();\n\n\t\t\tif (!rh_event)\n\t\t\t\treturn false;\n"
	      "\t\t\tauto &rh_out = *rh_event;\n", out);
	put_outs(out, function);
	fputs("\t\t\treturn true;\n\t\t}\n", out);
}

/* The callables of a server, which its threads of events own. */
static void put_events(FILE *out, const struct rh_binding *binding)
{
	const char *between = " : ";

	fputs("class Events final : public teller {\npublic:\n"
	      "\texplicit Events(Server &server)", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		if (!rh_bind_is_event(&binding->functions[i]))
			continue;
		fputs(between, out);
		rh_cpp_name(out, binding->functions[i].name);
		fputs("_(server.", out);
		rh_cpp_name(out, binding->functions[i].name);
		fputs("())", out);
		between = ", ";
	}
	fputs(" {}\n\tbool next(unsigned rh_number, void *const *rh_args, void *rh_ret) override\n"
	      "\t{\n\t\t(void)rh_args;\n\t\t(void)rh_ret;\n\t\tswitch (rh_number) {\n", out);
	for (uint32_t i = 0; i < binding->count; i++)
		if (rh_bind_is_event(&binding->functions[i]))
			put_next(out, &binding->functions[i]);
	fputs("\t\tdefault:\n\t\t\treturn false;\n\t\t}\n\t}\n\nprivate:\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		if (!rh_bind_is_event(&binding->functions[i]))
			continue;
		fputs("\tevents<", out);
		rh_cpp_result(out, binding, &binding->functions[i], true);
		fputs("> ", out);
		rh_cpp_name(out, binding->functions[i].name);
		fputs("_;\n", out);
	}
	fputs("};\n\n", out);
}

void rh_cpp_server(FILE *out, const struct rh_binding *binding)
{
	put_class(out, binding);
	if (rh_bind_has_events(binding))
		put_events(out, binding);
	fputs("class Dispatcher final : public dispatcher {\npublic:\n"
	      "\texplicit Dispatcher(Server &server) : server_(server) {}\n"
	      "\tspan<const function> functions() const override { return all(); }\n"
	      "\tvoid invoke(unsigned rh_number, void *const *rh_args, void *rh_ret) override\n"
	      "\t{\n\t\t(void)rh_args;\n\t\t(void)rh_ret;\n\t\tswitch (rh_number) {\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		const struct rh_bind_function *function = &binding->functions[i];

		if (!rh_bind_is_served(function))
			continue;
		fprintf(out, "\t\tcase %u: {\n", function->number);
		for (uint32_t j = 0; j < function->row->param_count; j++)
			if (rh_bind_goes_in(&function->values[j]))
				put_argument(out, function, j);
		put_call(out, function);
		put_mirrors_in(out, function);
		put_outs(out, function);
		fputs("\t\t\treturn;\n\t\t}\n", out);
	}
	fprintf(out, "\t\tdefault:\n\t\t\tthrow rhodes::value_error(\"this server has no such function\");\n"
	        "\t\t}\n\t}\n\nprivate:\n\tServer &server_;\n\tobjects objects_[%u];\n};\n\n"
	        "/* Serves until SIGTERM, on at most so many threads. */\n"
	        "inline void serve(Server &server, unsigned threads)\n{\n"
	        "\tDispatcher to(server);\n\n\trhodes::serve(to, threads%s);\n}\n\n",
	        binding->object_count + 1,
	        rh_bind_has_events(binding) ? ", std::make_unique<Events>(server)" : "");
}
