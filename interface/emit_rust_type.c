/* emit_rust_type - structs and unions for Rust. */
#include "emit_rust.h"

#include <string.h>

void rh_rust_type(FILE *out, const struct rh_bind_type *type)
{
	static const char letters[] = { [RH_BIND_INT] = 'i', [RH_BIND_UINT] = 'u',
	                                [RH_BIND_FLOAT] = 'f' };

	if (type->kind <= RH_BIND_FLOAT) {
		fprintf(out, "%c%u", letters[type->kind], type->size * 8);
	} else if (type->kind == RH_BIND_ARRAY) {
		fputc('[', out);
		rh_rust_type(out, type->element);
		fprintf(out, "; %u]", type->count);
	} else {
		fputs(type->name, out);
	}
}

void rh_rust_name(FILE *out, const char *name)
{
	static const char *const words[] = {
		"as", "async", "await", "break", "const", "continue", "dyn", "else", "enum",
		"extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match",
		"mod", "move", "mut", "pub", "ref", "return", "static", "struct", "trait",
		"true", "type", "unsafe", "use", "where", "while", "abstract", "become",
		"box", "do", "final", "macro", "override", "priv", "try", "typeof", "unsized",
		"virtual", "yield",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], name) == 0)
			fputs("r#", out);
	/* these cannot be raw */
	if (strcmp(name, "self") == 0 || strcmp(name, "super") == 0 ||
	    strcmp(name, "crate") == 0 || strcmp(name, "Self") == 0)
		fprintf(out, "%s_", name);
	else
		fputs(name, out);
}

static void put_natural(FILE *out, const struct rh_bind_type *type)
{
	fprintf(out, "#[repr(C)]\n#[derive(Clone, Copy, Debug, PartialEq)]\n"
	        "pub struct %s {\n", type->name);
	for (uint32_t i = 0; i < type->count; i++) {
		fputs("    pub ", out);
		rh_rust_name(out, type->fields[i].name);
		fputs(": ", out);
		rh_rust_type(out, type->fields[i].type);
		fputs(",\n", out);
	}
	fputs("}\n", out);
}

static void put_bits(FILE *out, const struct rh_bind_field *field)
{
	uint32_t first = field->offset * 8 + field->bit;

	fprintf(out, "    pub fn get_%s(&self) -> ", field->name);
	rh_rust_type(out, field->type);
	if (field->type->kind == RH_BIND_INT)
		fprintf(out, " {\n        value::extend(value::bits(&self.bytes, %u, %u), %u)",
		        first, field->width, field->width);
	else
		fprintf(out, " {\n        value::bits(&self.bytes, %u, %u)", first,
		        field->width);
	fputs(" as _\n    }\n", out);
	fprintf(out, "    pub fn set_%s(&mut self, to: ", field->name);
	rh_rust_type(out, field->type);
	fprintf(out, ") {\n        value::set_bits(&mut self.bytes, %u, %u, to as u64)\n"
	        "    }\n", first, field->width);
}

static void put_reach(FILE *out, const struct rh_bind_field *field)
{
	fprintf(out, "    pub fn get_%s(&self) -> ", field->name);
	rh_rust_type(out, field->type);
	fprintf(out, " {\n        unsafe { (self.bytes.as_ptr().add(%u) as *const ",
	        field->offset);
	rh_rust_type(out, field->type);
	fputs(").read_unaligned() }\n    }\n", out);
	fprintf(out, "    pub fn set_%s(&mut self, to: ", field->name);
	rh_rust_type(out, field->type);
	fprintf(out, ") {\n        unsafe { (self.bytes.as_mut_ptr().add(%u) as *mut ",
	        field->offset);
	rh_rust_type(out, field->type);
	fputs(").write_unaligned(to) }\n    }\n", out);
}

/* Unions, and structs that Rust would lay out otherwise: bytes. */
static void put_opaque(FILE *out, const struct rh_bind_type *type)
{
	fprintf(out, "#[repr(C, align(%u))]\n#[derive(Clone, Copy, Debug, PartialEq)]\n"
	        "pub struct %s {\n    pub bytes: [u8; %u],\n}\n", type->align, type->name,
	        type->size);
	fprintf(out, "impl %s {\n", type->name);
	for (uint32_t i = 0; i < type->count; i++) {
		const struct rh_bind_field *field = &type->fields[i];

		if (!field->name[0])
			continue;
		if (field->width)
			put_bits(out, field);
		else
			put_reach(out, field);
	}
	fputs("}\n", out);
}

void rh_rust_types(FILE *out, const struct rh_binding *binding)
{
	for (const struct rh_bind_type *type = binding->types.first; type;
	     type = type->next) {
		if (!rh_bind_type_is_record(type))
			continue;
		fprintf(out, "/// %s\n", type->text);
		if (type->is_natural)
			put_natural(out, type);
		else
			put_opaque(out, type);
		fprintf(out, "const _: () = assert!(std::mem::size_of::<%s>() == %u);\n"
		        "impl Default for %s {\n    fn default() -> Self {\n"
		        "        unsafe { value::zeroed() }\n    }\n}\n\n", type->name,
		        type->size, type->name);
	}
}
