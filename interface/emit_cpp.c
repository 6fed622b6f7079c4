/* emit_cpp - a binding for C++: the client and its objects. */
#include "emit_cpp.h"

#include "emit.h"

#include <inttypes.h>
#include <string.h>

void rh_cpp_name(FILE *out, const char *name)
{
	static const char *const words[] = {
		"alignas", "alignof", "and", "asm", "auto", "bool", "break", "case", "catch",
		"char", "class", "const", "constexpr", "continue", "decltype", "default",
		"delete", "do", "double", "else", "enum", "explicit", "export", "extern",
		"false", "float", "for", "friend", "goto", "if", "inline", "int", "long",
		"mutable", "namespace", "new", "noexcept", "not", "nullptr", "operator", "or",
		"private", "protected", "public", "register", "return", "short", "signed",
		"sizeof", "static", "struct", "switch", "template", "this", "throw", "true",
		"try", "typedef", "typeid", "typename", "union", "unsigned", "using",
		"virtual", "void", "volatile", "while", "xor",
	};
	bool is_word = false;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		is_word = is_word || strcmp(words[i], name) == 0;
	fprintf(out, "%s%s", name, is_word ? "_" : "");
}

bool rh_cpp_is_optional(const struct rh_bind_value *value)
{
	return (value->role == RH_BIND_TEXT || value->role == RH_BIND_POINTED) &&
	       rh_bind_is_nullable(value);
}

static void put_number(FILE *out, const struct rh_bind_type *type)
{
	if (type->kind == RH_BIND_FLOAT)
		fputs(type->size == 4 ? "float" : "double", out);
	else
		fprintf(out, "std::%sint%u_t", type->kind == RH_BIND_UINT ? "u" : "",
		        type->size * 8);
}

/* The record of the header that a type is; NULL when the header does not tell. */
static const struct rh_ctype *find_record(const struct rh_ctype *ctype,
                                          const struct rh_bind_type *type)
{
	while (ctype && !rh_ctype_is_record(ctype) &&
	       (ctype->kind == RH_CTYPE_POINTER || ctype->kind == RH_CTYPE_ARRAY))
		ctype = ctype->target;
	if (!ctype || !rh_ctype_is_record(ctype) || ctype->size != type->size)
		return NULL;
	return ctype;
}

static void put_type(FILE *out, const struct rh_ctype *ctype,
                     const struct rh_bind_type *type)
{
	const struct rh_ctype *record;
	const char            *spelling;

	if (type->kind <= RH_BIND_FLOAT) {
		put_number(out, type);
		return;
	}
	if (type->kind == RH_BIND_ARRAY) {
		fputs("std::array<", out);
		put_type(out, ctype, type->element);
		fprintf(out, ", %u>", type->count);
		return;
	}
	record = find_record(ctype, type);
	spelling = record ? record->spelling : "";
	if (strncmp(spelling, "const ", 6) == 0)
		spelling += 6;
	if (!spelling[0] || strchr(spelling, '('))
		fprintf(out, "std::array<unsigned char, %u>", type->size);
	else
		fputs(spelling, out);
}

void rh_cpp_type(FILE *out, const struct rh_bind_value *value)
{
	put_type(out, value->ctype, value->type);
}

static const char *object_name(const struct rh_binding *binding,
                               const struct rh_bind_value *value)
{
	return binding->objects[value->param->handle].upper;
}

void rh_cpp_parameter(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, bool is_server)
{
	bool is_null = rh_cpp_is_optional(value);

	switch (value->role) {
	case RH_BIND_TEXT:
		fputs(is_null ? "std::optional<std::string_view> " : "std::string_view ", out);
		break;
	case RH_BIND_BYTES:
		fputs(value->param->direction == RH_IN ? "rhodes::span<const " : "rhodes::span<", out);
		rh_cpp_type(out, value);
		fputs("> ", out);
		break;
	case RH_BIND_HANDLE:
		if (is_server)
			fputs("const std::shared_ptr<rhodes::object> &", out);
		else
			fprintf(out, value->param->flags & RH_PARAM_DESTROYS ? "%s &&" :
			        "const %s &", object_name(binding, value));
		break;
	case RH_BIND_FD:
		fputs("int ", out);
		break;
	default:
		fputs(is_null ? "std::optional<" : "", out);
		rh_cpp_type(out, value);
		fputs(is_null ? "> " : " ", out);
	}
	rh_cpp_name(out, value->name);
}

static void put_out_type(FILE *out, const struct rh_binding *binding,
                         const struct rh_bind_value *value, bool is_server)
{
	bool is_maybe = rh_cpp_is_optional(value) && value->param->direction == RH_INOUT;

	switch (value->role) {
	case RH_BIND_TEXT:
		fputs("std::optional<std::string>", out);
		break;
	case RH_BIND_BYTES:
		fputs("std::optional<std::vector<", out);
		rh_cpp_type(out, value);
		fputs(">>", out);
		break;
	case RH_BIND_HANDLE:
		fputs(is_server ? "std::shared_ptr<rhodes::object>" : object_name(binding, value),
		      out);
		break;
	case RH_BIND_FD:
		fputs("rhodes::descriptor", out);
		break;
	default:
		fputs(is_maybe ? "std::optional<" : "", out);
		rh_cpp_type(out, value);
		fputs(is_maybe ? ">" : "", out);
	}
}

void rh_cpp_result(FILE *out, const struct rh_binding *binding,
                   const struct rh_bind_function *function, bool is_server)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];
	uint32_t                    count = rh_bind_outs(function, outs);

	if (!count) {
		fputs("void", out);
		return;
	}
	fputs(count == 1 ? "" : "std::tuple<", out);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		put_out_type(out, binding, outs[i], is_server);
	}
	fputs(count == 1 ? "" : ">", out);
}

static void put_head(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function, const char *owner)
{
	const char *between = "";

	rh_cpp_result(out, binding, function, false);
	fprintf(out, " %s", owner);
	rh_cpp_name(out, function->name);
	fputc('(', out);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		fputs(between, out);
		rh_cpp_parameter(out, binding, &function->values[i], false);
		between = ", ";
	}
	fputs(") const", out);
}

static void put_length(FILE *out, const struct rh_bind_function *function, uint32_t index)
{
	const struct rh_bind_value *value = &function->values[index];

	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *other = &function->values[i];

		if (other->role != RH_BIND_BYTES || i == value->bytes ||
		    other->param->len_param != index || value->bytes == RH_USED_RETURN)
			continue;
		fputs("\tsame_length(", out);
		rh_cpp_name(out, other->name);
		fputs(".size(), ", out);
		rh_cpp_name(out, function->values[value->bytes].name);
		fputs(".size());\n", out);
	}
	fputc('\t', out);
	rh_cpp_type(out, value);
	fprintf(out, " rh_v%u = ", index);
	if (value->bytes == RH_USED_RETURN) {
		fputs("0;\n", out);
	} else {
		fputs("rhodes::length<", out);
		rh_cpp_type(out, value);
		fputs(">(", out);
		rh_cpp_name(out, function->values[value->bytes].name);
		fputs(".size());\n", out);
	}
	if (value->param->flags & RH_PARAM_POINTER)
		fprintf(out, "\tvoid *rh_p%u = &rh_v%u;\n", index, index);
}

static void put_pointed(FILE *out, const struct rh_bind_value *value, uint32_t index)
{
	bool is_null = rh_cpp_is_optional(value) && value->param->direction != RH_OUT;

	fputs(is_null ? "\tstd::optional<" : "\t", out);
	rh_cpp_type(out, value);
	fprintf(out, "%s rh_v%u", is_null ? ">" : "", index);
	if (value->param->direction == RH_OUT) {
		fputs("{};\n", out);
	} else {
		fputs(" = ", out);
		rh_cpp_name(out, value->name);
		fputs(";\n", out);
	}
	if (is_null)
		fprintf(out, "\tvoid *rh_p%u = rh_v%u ? &*rh_v%u : nullptr;\n", index, index,
		        index);
	else
		fprintf(out, "\tvoid *rh_p%u = &rh_v%u;\n", index, index);
}

static void put_bytes(FILE *out, const struct rh_bind_value *value, uint32_t index)
{
	fprintf(out, "\tauto rh_v%u = %s", index, rh_bind_is_nullable(value) ? "" : "rhodes::place(");
	rh_cpp_name(out, value->name);
	fputs(rh_bind_is_nullable(value) ? ".data();\n" : ");\n", out);
}

static void put_plain_argument(FILE *out, const struct rh_bind_value *value,
                               uint32_t index)
{
	fputc('\t', out);
	rh_cpp_type(out, value);
	fprintf(out, " rh_v%u = ", index);
	rh_cpp_name(out, value->name);
	fputs(";\n", out);
}

static void put_argument(FILE *out, const struct rh_bind_function *function,
                         uint32_t index)
{
	const struct rh_bind_value *value = &function->values[index];
	bool                        is_out = value->param->direction == RH_OUT;

	if (is_out && value->role == RH_BIND_TEXT)
		fprintf(out, "\tchar *rh_v%u = nullptr;\n\tvoid *rh_p%u = &rh_v%u;\n", index,
		        index, index);
	else if (is_out && value->role == RH_BIND_HANDLE)
		fprintf(out, "\tvoid *rh_v%u = nullptr, *rh_p%u = &rh_v%u;\n", index, index,
		        index);
	else if (is_out && value->role == RH_BIND_FD)
		fprintf(out, "\tint rh_v%u = -1;\n\tvoid *rh_p%u = &rh_v%u;\n", index, index,
		        index);
	else if (value->role == RH_BIND_TEXT || value->role == RH_BIND_HANDLE ||
	         value->role == RH_BIND_FD) {
		fprintf(out, value->role == RH_BIND_TEXT ? "\trhodes::text rh_t%u(" :
		        value->role == RH_BIND_FD ? "\tint rh_v%u(" : "\tvoid *rh_v%u = (", index);
		rh_cpp_name(out, value->name);
		if (value->role == RH_BIND_HANDLE)
			fprintf(out, ").rh_get(%s);\n", rh_bind_is_nullable(value) ? "true" : "false");
		else if (value->role == RH_BIND_TEXT)
			fprintf(out, ", \"%s: %s\");\n\tconst char *rh_v%u = rh_t%u.c_str();\n",
			        function->row->name, value->param->name, index, index);
		else
			fputs(");\n", out);
	} else if (value->role == RH_BIND_LENGTH)
		put_length(out, function, index);
	else if (value->role == RH_BIND_POINTED)
		put_pointed(out, value, index);
	else if (value->role == RH_BIND_BYTES)
		put_bytes(out, value, index);
	else
		put_plain_argument(out, value, index);
}

/* Whether C's parameter is a pointer to the variable. */
static bool is_behind(const struct rh_bind_value *value)
{
	if (value->role == RH_BIND_POINTED)
		return true;
	if (value->role == RH_BIND_LENGTH)
		return (value->param->flags & RH_PARAM_POINTER) != 0;
	return value->role != RH_BIND_BYTES && value->param->direction == RH_OUT;
}

static void put_result(FILE *out, const struct rh_bind_value *ret)
{
	switch (ret->role) {
	case RH_BIND_VOID:
		break;
	case RH_BIND_TEXT:
		fputs("\tchar *rh_r = nullptr;\n", out);
		break;
	case RH_BIND_HANDLE:
		fputs("\tvoid *rh_r = nullptr;\n", out);
		break;
	case RH_BIND_FD:
		fputs("\tint rh_r = -1;\n", out);
		break;
	case RH_BIND_BYTES:
		fputc('\t', out);
		rh_cpp_type(out, ret);
		fputs(" *rh_r = nullptr;\n", out);
		break;
	default:
		fputc('\t', out);
		rh_cpp_type(out, ret);
		fputs(" rh_r{};\n", out);
	}
}

static void put_taken(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, const char *name)
{
	const char *owned = value->param->flags & RH_PARAM_TRANSFER ? "true" : "false";

	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "rhodes::take_text(%s, %s)", name, owned);
		break;
	case RH_BIND_HANDLE:
		fprintf(out, "%s(library_, %s, %s)", object_name(binding, value), name,
		        value->param->flags & RH_PARAM_CREATES ? "true" : "false");
		break;
	case RH_BIND_FD:
		fprintf(out, "rhodes::descriptor(%s)", name);
		break;
	case RH_BIND_BYTES:
		fprintf(out, "rhodes::take_bytes(%s, static_cast<std::size_t>(rh_v%u), %s)", name,
		        value->param->used_param, owned);
		break;
	default:
		fputs(name, out);
	}
}

static void put_answer(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];
	uint32_t                    count = rh_bind_outs(function, outs);
	char                        name[RH_BIND_LOCAL_MAX];

	if (!count)
		return;
	fputs(count == 1 ? "\treturn " : "\treturn {", out);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		put_taken(out, binding, outs[i], rh_bind_local(function, outs[i], name));
	}
	fputs(count == 1 ? ";\n" : "};\n", out);
}

static void put_args(FILE *out, const struct rh_bind_function *function)
{
	if (!function->row->param_count)
		return;
	fputs("\tvoid *rh_args[] = { ", out);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		fprintf(out, is_behind(&function->values[i]) ? "%s&rh_p%u" : "%s(void *)&rh_v%u",
		        i ? ", " : "", i);
	fputs(" };\n", out);
}

static void put_method(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function)
{
	fputs("inline ", out);
	put_head(out, binding, function, "Client::");
	fputs("\n{\n", out);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		put_argument(out, function, i);
	put_result(out, &function->ret);
	put_args(out, function);
	fprintf(out, "\tlibrary_->call(%u, %s, %s);\n", function->number,
	        function->row->param_count ? "rh_args" : "nullptr",
	        function->ret.role == RH_BIND_VOID ? "nullptr" : "&rh_r");
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		if (value->role != RH_BIND_HANDLE || !(value->param->flags & RH_PARAM_DESTROYS))
			continue;
		fputc('\t', out);
		rh_cpp_name(out, value->name);
		fputs(".rh_leave();\n", out);
	}
	put_answer(out, binding, function);
	fputs("}\n\n", out);
}

static void put_end(FILE *out, const struct rh_bind_object *object)
{
	const struct rh_bind_value *ret = object->destroy ? &object->destroy->ret : NULL;

	fputs("\tvoid rh_end() noexcept\n\t{\n", out);
	if (ret && (ret->role == RH_BIND_VOID || (ret->role == RH_BIND_VALUE &&
	                                         ret->type->size <= 16)))
		fprintf(out, "\t\tstd::uint64_t rh_r[2];\n\t\tvoid *rh_args[] = { &raw_ };\n\n"
		        "\t\tif (raw_ && owned_)\n"
		        "\t\t\tlibrary_->try_call(%u, rh_args, rh_r);\n",
		        object->destroy->number);
	fputs("\t\traw_ = nullptr;\n\t}\n", out);
}

static void put_object(FILE *out, const struct rh_bind_object *object)
{
	const char *name = object->upper;

	fprintf(out, "/* An object of the callee; empty where C has NULL. */\nclass %s {\npublic:\n"
	        "\t%s() noexcept = default;\n"
	        "\t%s(std::shared_ptr<const rhodes::library> from, void *raw, bool owned)\n"
	        "\t\t: library_(std::move(from)), raw_(raw), owned_(owned) {}\n"
	        "\t%s(%s &&from) noexcept { swap(from); }\n"
	        "\t%s &operator=(%s &&from) noexcept\n\t{\n"
	        "\t\t%s old(std::move(from));\n\n\t\tswap(old);\n\t\treturn *this;\n\t}\n"
	        "\t~%s() { rh_end(); }\n"
	        "\texplicit operator bool() const noexcept { return raw_ != nullptr; }\n",
	        name, name, name, name, name, name, name, name, name);
	fprintf(out, "\tvoid *rh_get(bool is_nullable) const\n\t{\n"
	        "\t\tif (!raw_ && !is_nullable)\n"
	        "\t\t\tthrow rhodes::value_error(\"an object that is not there any more\");\n"
	        "\t\treturn raw_;\n\t}\n"
	        "\tvoid rh_leave() noexcept { raw_ = nullptr; }\n\nprivate:\n"
	        "\tvoid swap(%s &with) noexcept\n\t{\n\t\tstd::swap(library_, with.library_);\n"
	        "\t\tstd::swap(raw_, with.raw_);\n\t\tstd::swap(owned_, with.owned_);\n\t}\n",
	        name);
	put_end(out, object);
	fputs("\tstd::shared_ptr<const rhodes::library> library_;\n"
	      "\tvoid *raw_ = nullptr;\n\tbool owned_ = false;\n};\n\n", out);
}

static void put_opening(FILE *out, const struct rh_binding *binding)
{
	const struct rh_side *side = &binding->plan->side;

	fprintf(out, "/* The interface %s: generated by rhodes-interface, do not edit.\n"
	        " * Interface hash %016" PRIx64 ". */\n#ifndef RHODES_BIND_%s_HPP\n"
	        "#define RHODES_BIND_%s_HPP\n\n#include <rhodes.hpp>\n\n"
	        "/* C's own, before they are declared as C. */\n#include <stdarg.h>\n"
	        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <time.h>\n"
	        "#include <math.h>\n#include <inttypes.h>\n#include <sys/types.h>\n\n"
	        "extern \"C\" {\n", binding->plan->interface.name,
	        binding->plan->interface.hash, binding->name, binding->name);
	for (uint32_t i = 0; i < side->header_count; i++)
		fprintf(out, "#include \"%s\"\n", side->headers[i]);
	fputs("}\n", out);
	for (uint32_t i = 0; i < binding->count; i++)
		fprintf(out, "#undef %s\n", binding->functions[i].name);
	fprintf(out, "\nnamespace rhodes::%s {\n\n", binding->name);
}

static void put_functions(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "inline constexpr function functions[%u] = {\n", binding->count + 1);
	for (uint32_t i = 0; i < binding->count; i++)
		fprintf(out, "\t{ \"%s\", \"%s\" },\n", binding->functions[i].name,
		        binding->functions[i].text);
	fprintf(out, "};\n\ninline rhodes::span<const function> all() { return { functions, %u }; }\n\n",
	        binding->count);
}

static void put_client(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "/* A callee that offers %s.  Copies are the same callee. */\n"
	        "class Client {\npublic:\n"
	        "\texplicit Client(std::string_view name)\n"
	        "\t\t: library_(std::make_shared<rhodes::library>(name, all())) {}\n",
	        binding->plan->interface.name);
	for (uint32_t i = 0; i < binding->count; i++) {
		const struct rh_bind_function *function = &binding->functions[i];

		fprintf(out, "\n\t/* %s */\n\t", function->text);
		if (function->reason) {
			fprintf(out, "/* not shown: %s */\n", function->reason);
			continue;
		}
		put_head(out, binding, function, "");
		fputs(";\n", out);
	}
	fputs("\nprivate:\n\tstd::shared_ptr<const rhodes::library> library_;\n};\n\n", out);
}

void rh_emit_cpp(FILE *out, const struct rh_binding *binding)
{
	put_opening(out, binding);
	put_functions(out, binding);
	for (uint32_t i = 0; i < binding->object_count; i++)
		if (binding->objects[i].is_used)
			put_object(out, &binding->objects[i]);
	put_client(out, binding);
	for (uint32_t i = 0; i < binding->count; i++)
		if (!binding->functions[i].reason)
			put_method(out, binding, &binding->functions[i]);
	rh_cpp_server(out, binding);
	fprintf(out, "} // namespace rhodes::%s\n\n#endif\n", binding->name);
}
