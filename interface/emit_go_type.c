/* emit_go_type - names, structs and unions for Go. */
#include "emit_go.h"

#include <ctype.h>
#include <string.h>

void rh_go_type(FILE *out, const struct rh_bind_type *type)
{
	static const char *const words[] = { [RH_BIND_INT] = "int", [RH_BIND_UINT] = "uint",
	                                     [RH_BIND_FLOAT] = "float" };

	if (type->kind <= RH_BIND_FLOAT) {
		fprintf(out, "%s%u", words[type->kind], type->size * 8);
	} else if (type->kind == RH_BIND_ARRAY) {
		fprintf(out, "[%u]", type->count);
		rh_go_type(out, type->element);
	} else {
		fputs(type->name, out);
	}
}

static bool is_word(const char *name)
{
	static const char *const words[] = {
		"break", "case", "chan", "const", "continue", "default", "defer", "else",
		"fallthrough", "for", "func", "go", "goto", "if", "import", "interface", "map",
		"package", "range", "return", "select", "struct", "switch", "type", "var",
		"len", "nil", "true", "false", "uintptr", "int", "int8", "int16", "int32",
		"int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "string",
		"byte", "error", "any", "c", "f", "err", "result", "rhodes", "runtime", "unsafe",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return strncmp(name, "rh", 2) == 0;
}

void rh_go_name(FILE *out, const char *name)
{
	bool begins = false;

	for (const char *at = name; *at; at++) {
		if (*at == '_' && at != name && at[1])
			begins = true;
		else {
			fputc(begins ? toupper((unsigned char)*at) : *at, out);
			begins = false;
		}
	}
	fputs(is_word(name) ? "_" : "", out);
}

/* Exported: other packages read them. */
static void put_field_name(FILE *out, const char *name)
{
	bool begins = true;

	for (const char *at = name; *at; at++) {
		if (*at == '_') {
			begins = true;
			continue;
		}
		if (at == name && isdigit((unsigned char)*at))
			fputc('N', out);
		fputc(begins ? toupper((unsigned char)*at) : *at, out);
		begins = false;
	}
}

static void put_natural(FILE *out, const struct rh_bind_type *type)
{
	fprintf(out, "type %s struct {\n", type->name);
	for (uint32_t i = 0; i < type->count; i++) {
		fputc('\t', out);
		put_field_name(out, type->fields[i].name);
		fputc(' ', out);
		rh_go_type(out, type->fields[i].type);
		fputc('\n', out);
	}
	fputs("}\n", out);
}

static void put_head(FILE *out, const struct rh_bind_type *type,
                     const struct rh_bind_field *field, const char *verb)
{
	fprintf(out, "\nfunc (t *%s) %s", type->name, verb);
	put_field_name(out, field->name);
}

static void put_bits(FILE *out, const struct rh_bind_type *type,
                     const struct rh_bind_field *field)
{
	uint32_t first = field->offset * 8 + field->bit;
	bool     is_signed = field->type->kind == RH_BIND_INT;

	put_head(out, type, field, "Get");
	fputs("() ", out);
	rh_go_type(out, field->type);
	fputs(" {\n\treturn ", out);
	rh_go_type(out, field->type);
	fprintf(out, is_signed ? "(rhodes.Extend(rhodes.Bits(t.Bytes[:], %u, %u), %u))\n}\n" :
	        "(rhodes.Bits(t.Bytes[:], %u, %u))\n}\n", first, field->width, field->width);
	put_head(out, type, field, "Set");
	fputs("(to ", out);
	rh_go_type(out, field->type);
	fprintf(out, ") {\n\trhodes.SetBits(t.Bytes[:], %u, %u, uint64(to))\n}\n", first,
	        field->width);
}

static void put_reach(FILE *out, const struct rh_bind_type *type,
                      const struct rh_bind_field *field)
{
	put_head(out, type, field, "Get");
	fputs("() ", out);
	rh_go_type(out, field->type);
	fputs(" {\n\treturn *(*", out);
	rh_go_type(out, field->type);
	fprintf(out, ")(unsafe.Add(unsafe.Pointer(t), %u))\n}\n", field->offset);
	put_head(out, type, field, "Set");
	fputs("(to ", out);
	rh_go_type(out, field->type);
	fputs(") {\n\t*(*", out);
	rh_go_type(out, field->type);
	fprintf(out, ")(unsafe.Add(unsafe.Pointer(t), %u)) = to\n}\n", field->offset);
}

/* Unions, and structs that Go would lay out otherwise: bytes. */
static void put_opaque(FILE *out, const struct rh_bind_type *type)
{
	fprintf(out, "type %s struct {\n\t_ [0]uint%u\n\tBytes [%u]byte\n}\n", type->name,
	        (type->align > 8 ? 8 : type->align) * 8, type->size);
	for (uint32_t i = 0; i < type->count; i++) {
		const struct rh_bind_field *field = &type->fields[i];

		if (!field->name[0])
			continue;
		if (field->width)
			put_bits(out, type, field);
		else
			put_reach(out, type, field);
	}
}

void rh_go_types(FILE *out, const struct rh_binding *binding)
{
	for (const struct rh_bind_type *type = binding->types.first; type;
	     type = type->next) {
		if (!rh_bind_type_is_record(type))
			continue;
		fprintf(out, "// %s is %s.\n", type->name, type->text);
		if (type->is_natural)
			put_natural(out, type);
		else
			put_opaque(out, type);
		fprintf(out, "\nfunc init() { rhodes.Sized(unsafe.Sizeof(%s{}), %u) }\n\n",
		        type->name, type->size);
	}
}

const char *rh_go_reason(const struct rh_bind_function *function)
{
	uint32_t bytes = 0, outs = function->ret.role == RH_BIND_TEXT ||
	                           function->ret.role == RH_BIND_BYTES;

	if (function->reason)
		return function->reason;
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		bytes += function->values[i].role == RH_BIND_BYTES;
		outs += function->values[i].role == RH_BIND_TEXT &&
		        function->values[i].param->direction == RH_OUT;
	}
	if (bytes > RH_GO_BYTES)
		return "more slices than a call from Go carries";
	return outs > RH_GO_OUTS ? "more texts than a call from Go brings" : NULL;
}

bool rh_go_is_pointer(const struct rh_bind_value *value)
{
	return (value->role == RH_BIND_TEXT || value->role == RH_BIND_POINTED) &&
	       rh_bind_is_nullable(value);
}

void rh_go_value_type(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, bool is_out, bool is_server)
{
	const struct rh_bind_object *object = rh_bind_object_of(binding, value);
	bool is_pointer = rh_go_is_pointer(value);

	if (is_out) /* a text may always be missing; a value only if it was when it went in */
		is_pointer = value->role == RH_BIND_TEXT ||
		             (is_pointer && value->param->direction == RH_INOUT);
	fputs(is_pointer ? "*" : "", out);
	switch (value->role) {
	case RH_BIND_TEXT:
		fputs("string", out);
		break;
	case RH_BIND_BYTES:
		fputs("[]", out);
		rh_go_type(out, value->type);
		break;
	case RH_BIND_HANDLE:
		fputs(is_server ? "any" : "*", out);
		fputs(is_server ? "" : object->upper, out);
		break;
	case RH_BIND_FD:
		fputs("int", out);
		break;
	default:
		rh_go_type(out, value->type);
	}
}

void rh_go_results(FILE *out, const struct rh_binding *binding,
                   const struct rh_bind_function *function, bool is_server)
{
	fputc('(', out);
	if (function->ret.role != RH_BIND_VOID) {
		fputs("result ", out);
		rh_go_value_type(out, binding, &function->ret, true, is_server);
		fputs(", ", out);
	}
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		if (!rh_bind_comes_out(value))
			continue;
		rh_go_name(out, value->name);
		fputs("Out ", out);
		rh_go_value_type(out, binding, value, true, is_server);
		fputs(", ", out);
	}
	fputs("err error)", out);
}
