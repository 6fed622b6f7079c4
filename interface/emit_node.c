/* emit_node - an interface as TypeScript sees it: declarations of the module that
 * `rhodes run` makes of it, and of an object that serves it.  sdk/node/README.md has the
 * types.
 *
 * What a program gives may be looser than what it gets: a text may be given as bytes. */
#include "emit_bind.h"

#include <string.h>

enum side { GIVEN, GOT };
enum place { PARAM, OUT, RESULT };

static bool is_reserved(const char *name)
{
	static const char *const words[] = {
		"arguments", "await", "break", "case", "catch", "class", "const", "continue",
		"debugger", "default", "delete", "do", "else", "enum", "eval", "export",
		"extends", "false", "finally", "for", "function", "if", "implements", "import",
		"in", "instanceof", "interface", "let", "new", "null", "package", "private",
		"protected", "public", "return", "static", "super", "switch", "this", "throw",
		"true", "try", "typeof", "var", "void", "while", "with", "yield",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

static void put_label(FILE *out, const char *name)
{
	fprintf(out, "%s%s", name, is_reserved(name) ? "_" : "");
}

/* ts_doc_open: tsDocOpen, as library.js has it. */
static void put_camel(FILE *out, const char *name)
{
	bool begins = false;

	name += strspn(name, "_");
	for (; *name; name++) {
		if (*name == '_') {
			begins = true;
			continue;
		}
		fputc(begins && *name >= 'a' && *name <= 'z' ? *name - 0x20 : *name, out);
		begins = false;
	}
}

static bool has_camel(const char *name)
{
	return name[0] == '_' || strchr(name, '_') != NULL;
}

/* --- types -------------------------------------------------------------------------- */

static void put_plain(FILE *out, const struct rh_bind_type *type)
{
	switch (type->kind) {
	case RH_BIND_INT:
	case RH_BIND_UINT:
		fputs(type->size == 8 ? "bigint" : "number", out);
		return;
	case RH_BIND_FLOAT:
		fputs("number", out);
		return;
	case RH_BIND_STRUCT:
		fputs(type->name, out);
		return;
	case RH_BIND_UNION:
		fputs("Uint8Array", out);
		return;
	default:
		if (type->element->kind == RH_BIND_UINT && type->element->size == 1) {
			fputs("Uint8Array", out);
			return;
		}
		put_plain(out, type->element);
		fputs("[]", out);
	}
}

static void put_record(FILE *out, const struct rh_bind_type *type)
{
	fprintf(out, "  export interface %s {\n", type->name);
	for (uint32_t i = 0; i < type->count; i++) {
		const struct rh_bind_field *field = &type->fields[i];

		if (field->name[0])
			fprintf(out, "    %s: ", field->name);
		else
			fprintf(out, "    at%u: ", field->offset);
		put_plain(out, field->type);
		fputs(";\n", out);
	}
	fputs("  }\n", out);
}

/* How much room bytes have that come out. */
static bool is_room(const struct rh_bind_value *value)
{
	return value->role == RH_BIND_LENGTH && value->bytes != RH_USED_RETURN &&
	       value->param->size == 8;
}

/* A server has any object; of one that callers look into they get bytes. */
static const char *object_type(const struct rh_bind_object *object, bool is_served)
{
	if (!is_served)
		return object->upper;
	return object->is_mirrored ? "Mirrored" : "object";
}

static void put_core(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_value *value, enum side side, bool is_served)
{
	switch (value->param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		fputs(side == GIVEN ? "string | Uint8Array" : "string", out);
		return;
	case RH_KIND_BYTES:
		fputs(side == GIVEN ? "ArrayBufferView | ArrayBuffer" : "Uint8Array", out);
		return;
	case RH_KIND_HANDLE:
		fputs(object_type(&binding->objects[value->param->handle], is_served), out);
		return;
	case RH_KIND_FD:
		fputs("number", out);
		return;
	default:
		put_plain(out, value->type);
		if (side == GIVEN && is_room(value))
			fputs(" | number", out);
	}
}

/* C has NULL for every object, and for every text and bytes that it returns; bytes that a
 * parameter brings have room in the caller. */
static bool can_be_null(const struct rh_bind_value *value, enum place place)
{
	if (value->param->kind == RH_KIND_HANDLE)
		return true;
	if (place == PARAM || value->param->direction == RH_INOUT)
		return rh_bind_is_nullable(value);
	return value->role == RH_BIND_TEXT ||
	       (place == RESULT && value->param->kind == RH_KIND_BYTES);
}

static void put_value(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, enum side side, enum place place,
                      bool is_served)
{
	put_core(out, binding, value, side, is_served);
	if (can_be_null(value, place))
		fputs(" | null", out);
}

/* --- functions ---------------------------------------------------------------------- */

/* Told by bytes that go in. */
static bool is_told(const struct rh_bind_function *function, uint32_t param)
{
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_param *of = function->values[i].param;

		if (of->kind == RH_KIND_BYTES && of->direction != RH_OUT && of->len_param == param)
			return true;
	}
	return false;
}

static void put_params(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function, enum side side,
                       bool is_served)
{
	const char *between = "";

	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		if (value->param->direction == RH_OUT || is_told(function, i))
			continue;
		fputs(between, out);
		put_label(out, value->name);
		fputs(": ", out);
		put_value(out, binding, value, side, PARAM, is_served);
		between = ", ";
	}
}

/* Comes out, and is not told by bytes that do. */
static bool is_out(const struct rh_bind_function *function, uint32_t param)
{
	const struct rh_function *row = function->row;

	if (row->params[param].direction != RH_OUT)
		return row->params[param].direction != RH_IN;
	for (uint32_t i = 0; i < row->param_count; i++)
		if (row->params[i].kind == RH_KIND_BYTES && row->params[i].direction != RH_IN &&
		    row->params[i].used_param == param)
			return false;
	return row->ret.kind != RH_KIND_BYTES || row->ret.len_param != param;
}

static bool has_result_param(const struct rh_bind_function *function)
{
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (is_out(function, i) &&
		    strcmp(function->values[i].name, "result") == 0)
			return true;
	}
	return false;
}

static uint32_t count_outs(const struct rh_bind_function *function)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < function->row->param_count; i++)
		count += is_out(function, i);
	return count;
}

static void put_result(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function, enum side side,
                       bool is_served)
{
	bool        is_void = function->ret.role == RH_BIND_VOID;
	const char *between = "";

	if (!count_outs(function)) {
		if (is_void)
			fputs("void", out);
		else
			put_value(out, binding, &function->ret, side, RESULT, is_served);
		return;
	}
	fputs("{ ", out);
	if (!is_void) {
		fputs(has_result_param(function) ? "returned: " : "result: ", out);
		put_value(out, binding, &function->ret, side, RESULT, is_served);
		between = "; ";
	}
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		if (!is_out(function, i))
			continue;
		fprintf(out, "%s%s: ", between, value->name);
		put_value(out, binding, value, side, OUT, is_served);
		between = "; ";
	}
	fputs(" }", out);
}

static void put_function(FILE *out, const struct rh_binding *binding,
                         const struct rh_bind_function *function)
{
	const char *name = function->row->name;

	fprintf(out, "  /** %s */\n  const %s: Callable<[", function->text, name);
	put_params(out, binding, function, GIVEN, false);
	fputs("], ", out);
	put_result(out, binding, function, GOT, false);
	if (function->row->flags & RH_FUNCTION_EVENT)
		fputs(" | null", out); /* none came */
	fprintf(out, ">;\n  export { %s", name);
	if (has_camel(name)) {
		fprintf(out, ", %s as ", name);
		put_camel(out, name);
	}
	fputs(" };\n", out);
}

/* A generator, synchronous or not. */
static void put_served_event(FILE *out, const struct rh_binding *binding,
                             const struct rh_bind_function *function)
{
	fprintf(out, "    %s(): Iterable<", function->row->name);
	put_result(out, binding, function, GIVEN, true);
	fputs("> | AsyncIterable<", out);
	put_result(out, binding, function, GIVEN, true);
	fputs(">;\n", out);
}

/* What goes in and comes out of it is the other way round. */
static void put_served(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function)
{
	fprintf(out, "    %s(", function->row->name);
	put_params(out, binding, function, GOT, true);
	fputs("): ", out);
	put_result(out, binding, function, GIVEN, true);
	fputs(" | Promise<", out);
	put_result(out, binding, function, GIVEN, true);
	fputs(">;\n", out);
}

/* Whether its callers look into some object of it. */
static bool is_mirrored(const struct rh_binding *binding)
{
	bool is = false;

	for (uint32_t i = 0; i < binding->object_count; i++)
		is = is || (binding->objects[i].is_used && binding->objects[i].is_mirrored);
	return is;
}

void rh_emit_node(FILE *out, const struct rh_binding *binding)
{
	const char *name = binding->plan->interface.name;

	fprintf(out, "// %s, by `rhodes interface bind --language node`: do not edit.\n\n"
	        "declare module '%s' {\n  import type { Callable, Handle%s } from 'rhodes';\n\n",
	        name, name, is_mirrored(binding) ? ", Mirrored" : "");
	for (const struct rh_bind_type *type = binding->types.first; type; type = type->next) {
		if (type->kind == RH_BIND_STRUCT)
			put_record(out, type);
	}
	for (uint32_t i = 0; i < binding->object_count; i++) {
		if (binding->objects[i].is_used)
			fprintf(out, "  export interface %s extends Handle {\n"
			        "    /** For the compiler only. */\n"
			        "    readonly __kind?: '%s';\n  }\n", binding->objects[i].upper,
			        binding->objects[i].name);
	}
	fputc('\n', out);
	for (uint32_t i = 0; i < binding->count; i++)
		put_function(out, binding, &binding->functions[i]);
	fputs("\n  /** What an object that serves it has; names may be in lower camel case. */\n"
	      "  export interface Server {\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		if (rh_bind_is_event(&binding->functions[i]))
			put_served_event(out, binding, &binding->functions[i]);
		else if (rh_bind_is_served(&binding->functions[i]))
			put_served(out, binding, &binding->functions[i]);
	}
	fputs("  }\n}\n", out);
	if (strncmp(name, "lib", 3) == 0 && name[3])
		fprintf(out, "\ndeclare module '%s' {\n  export * from '%s';\n}\n", name + 3,
		        name);
}
