#include "source_elf.h"

#include "../base/diag.h"
#include "btf.h"
#include "carry_value.h"
#include "dwarf.h"
#include "emit.h"
#include "suggest.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct rh_pool        *pool;
	const char            *path;
	struct rh_elf_span     file;
	struct rh_elf          elf;
	struct rh_elf_exports  exports;
	struct rh_btf          types;
	const char           **made;      /* tags of records that are returned    */
	uint32_t               made_count;
	struct rh_plan         plan;      /* the rows, as they are written        */
	struct rh_diag        *diag;
};

bool rh_source_elf_is(const char *path)
{
	char  magic[4] = "";
	FILE *file = fopen(path, "re");
	bool  is_elf = file && fread(magic, 1, sizeof magic, file) == sizeof magic &&
	              memcmp(magic, "\177ELF", sizeof magic) == 0;

	if (file)
		fclose(file);
	return is_elf;
}

static int read_types(struct reading *reading)
{
	struct rh_elf_span section;

	if (rh_elf_section(&reading->elf, ".BTF", &section) >= 0)
		return rh_btf_read(reading->pool, section.bytes, section.len,
		                   &reading->exports, &reading->types, reading->diag);
#ifdef RH_HAS_LIBDW
	return rh_dwarf_read(reading->pool, reading->path, &reading->exports,
	                     &reading->types, reading->diag);
#else
	return rh_diag_set(reading->diag, RH_ENOENT, "%.120s: it has no BTF, and this "
	                   "rhodes was built without libdw, which reads DWARF (or name a "
	                   "header with -H)", reading->path);
#endif
}

static bool has_function(const struct rh_elf_exports *exports)
{
	for (uint32_t i = 0; i < exports->symbol_count; i++)
		if (exports->symbols[i].kind == RH_ELF_FUNCTION)
			return true;
	return false;
}

static int read_file(struct reading *reading)
{
	int result = rh_elf_map(reading->path, &reading->file, reading->diag);

	if (result >= 0)
		result = rh_elf_init(&reading->elf, reading->file.bytes, reading->file.len,
		                     reading->diag);
	if (result >= 0)
		result = (reading->elf.is_object ? rh_elf_globals : rh_elf_exports)(
			reading->pool, &reading->elf, &reading->exports, reading->diag);
	if (result < 0)
		return result;
	if (!has_function(&reading->exports))
		return rh_diag_set(reading->diag, RH_EINVAL, "%.150s: it exports no function",
		                   reading->path);
	return read_types(reading);
}

/* --- what the types do not say ------------------------------------------------------- */

static const char *tag_of(const struct rh_ctype *record)
{
	return record->name[0] ? record->name : record->alias;
}

static bool is_made(const struct reading *reading, const struct rh_ctype *record)
{
	for (uint32_t i = 0; i < reading->made_count; i++)
		if (strcmp(reading->made[i], tag_of(record)) == 0)
			return true;
	return false;
}

static int note_made(struct reading *reading)
{
	for (uint32_t i = 0; i < reading->types.function_count; i++) {
		const struct rh_ctype *ret = reading->types.functions[i].ret;

		if (ret->kind != RH_CTYPE_POINTER || ret->target->kind != RH_CTYPE_STRUCT ||
		    !tag_of(ret->target)[0] || is_made(reading, ret->target))
			continue;
		const char **grown = rh_pool_grow(reading->pool, reading->made,
		                                  reading->made_count, sizeof *grown);
		if (!grown)
			return RH_ENOMEM;
		reading->made = grown;
		reading->made[reading->made_count++] = tag_of(ret->target);
	}
	return RH_OK;
}

/* As C would write it, for the reasons. */
static const char *spelling(struct rh_pool *pool, const struct rh_ctype *type)
{
	static const char *const words[RH_CTYPE_COUNT] = {
		[RH_CTYPE_VOID] = "void", [RH_CTYPE_ARRAY] = "an array",
		[RH_CTYPE_FUNCTION] = "a function",
		[RH_CTYPE_OTHER] = "a type like long double",
		[RH_CTYPE_STRUCT] = "struct", [RH_CTYPE_UNION] = "union",
	};

	if (type->alias[0])
		return type->alias;
	if (rh_ctype_is_record(type))
		return rh_pool_print(pool, "%s %s", words[type->kind], type->name);
	if (type->kind == RH_CTYPE_POINTER)
		return rh_pool_print(pool, "%s%s *", type->target->is_const ? "const " : "",
		                     type->target->kind == RH_CTYPE_POINTER ? "pointer" :
		                     spelling(pool, type->target));
	if (type->is_char)
		return "char";
	if (type->kind == RH_CTYPE_INT || type->kind == RH_CTYPE_FLOAT)
		return rh_pool_print(pool, "%c%u", type->kind == RH_CTYPE_FLOAT ? 'f' :
		                     type->is_signed ? 'i' : 'u', type->size * 8);
	return words[type->kind];
}

/* A copy with its spelling; a record that is made here is an object. */
static const struct rh_ctype *judge(struct reading *reading, const struct rh_ctype *type,
                                    uint32_t depth)
{
	struct rh_ctype *ret = rh_pool_take(reading->pool, 1, sizeof *ret);

	if (!ret)
		return NULL;
	*ret = *type;
	if (type->kind == RH_CTYPE_POINTER && depth < 3)
		ret->target = judge(reading, type->target, depth + 1);
	if (!ret->target && type->target)
		return NULL;
	if (depth > 0 && type->kind == RH_CTYPE_STRUCT && is_made(reading, type))
		ret->is_complete = false;
	ret->spelling = spelling(reading->pool, ret);
	return ret->spelling ? ret : NULL;
}

static int judge_function(struct reading *reading, struct rh_cfunction *function)
{
	struct rh_cparam *params = rh_pool_take(reading->pool, function->param_count,
	                                        sizeof *params);

	if (!params)
		return RH_ENOMEM;
	for (uint32_t i = 0; i < function->param_count; i++) {
		params[i].name = function->params[i].name;
		params[i].type = judge(reading, function->params[i].type, 0);
		if (!params[i].type)
			return RH_ENOMEM;
	}
	function->params = params;
	function->ret = judge(reading, function->ret, 0);
	return function->ret ? RH_OK : RH_ENOMEM;
}

/* --- rows ---------------------------------------------------------------------------- */

static struct rh_function *row_of(struct reading *reading, uint32_t index)
{
	const struct rh_function *rows = reading->plan.interface.functions;

	return (struct rh_function *)(uintptr_t)&rows[index];
}

static int add_row(struct reading *reading, struct rh_carry *carry,
                   const struct rh_elf_symbol *symbol)
{
	uint32_t            index = reading->plan.interface.function_count++;
	struct rh_function *row = row_of(reading, index);
	struct rh_cfunction *c = (struct rh_cfunction *)(uintptr_t)rh_btf_find(
		&reading->types, symbol->name);

	bool is_mangled = strncmp(symbol->name, "_Z", 2) == 0;

	*row = (struct rh_function){ .name = symbol->name };
	if (!c || is_mangled) {
		rh_carry_refuse(row, NULL, is_mangled ?
		                "C++: only what is extern \"C\" has a form that others know" :
		                "exported, but its types are not told");
		return RH_OK;
	}
	int result = judge_function(reading, c);
	return result < 0 ? result : rh_carry_function(carry, c, NULL, row, reading->diag);
}

static int add_rows(struct reading *reading, struct rh_carry *carry)
{
	uint32_t count = reading->exports.symbol_count;
	int      result = RH_OK;

	reading->plan.functions = rh_pool_take(reading->pool, count,
	                                       sizeof *reading->plan.functions);
	reading->plan.interface.functions = rh_pool_take(
		reading->pool, count, sizeof *reading->plan.interface.functions);
	if (!reading->plan.functions || !reading->plan.interface.functions)
		return RH_ENOMEM;
	for (uint32_t i = 0; i < count && result >= 0; i++) {
		const struct rh_elf_symbol *symbol = &reading->exports.symbols[i];

		if (symbol->kind == RH_ELF_FUNCTION && symbol->is_default)
			result = add_row(reading, carry, symbol);
	}
	return result;
}

/* Who makes an object and who ends it, names tell. */
static int set_lives(struct reading *reading, struct rh_carry *carry)
{
	const struct rh_interface *interface = &reading->plan.interface;
	int                        result = RH_OK;

	for (uint32_t i = 0; i < interface->function_count && result >= 0; i++) {
		struct rh_function *row = row_of(reading, i);

		if (!rh_plan_is_carried(row))
			continue;
		if (rh_suggest_makes(row)) {
			row->ret.flags |= RH_PARAM_CREATES;
			row->flags |= RH_FUNCTION_CREATES;
			result = rh_carry_text(carry, &row->ret, true);
		} else if (rh_suggest_ends(interface, row)) {
			struct rh_param *first = (struct rh_param *)(uintptr_t)row->params;

			first->flags |= RH_PARAM_DESTROYS;
			result = rh_carry_text(carry, first, false);
		}
		row->hash = rh_function_hash(row);
	}
	return result;
}

static int make_rows(struct reading *reading)
{
	const struct rh_side side = { .file = reading->path };
	struct rh_carry      carry;
	int result = rh_carry_init(&carry, reading->pool, &side, NULL, reading->diag);

	if (result >= 0)
		result = note_made(reading);
	if (result >= 0)
		result = add_rows(reading, &carry);
	return result < 0 ? result : set_lives(reading, &carry);
}

static int write_rows(struct reading *reading, struct rh_source *ret)
{
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);

	if (!out)
		return RH_ENOMEM;
	rh_emit_text(out, &reading->plan);
	if (fclose(out) == 0)
		ret->text = rh_pool_copy(reading->pool, text, len);
	free(text);
	return ret->text ? RH_OK : RH_ENOMEM;
}

/* Only what has a soname is meant to be loaded by others. */
static int name_library(struct reading *reading, struct rh_source *ret)
{
	const char *soname = reading->exports.soname;

	if (!soname)
		return RH_OK;
	char *path = realpath(reading->path, NULL);
	if (path)
		ret->library = rh_pool_copy(reading->pool, path, strlen(path));
	free(path);
	ret->soname = rh_pool_copy(reading->pool, soname, strlen(soname));
	return ret->library && ret->soname ? RH_OK : RH_ENOMEM;
}

int rh_source_elf(struct rh_pool *pool, const char *path, struct rh_source *ret,
                  struct rh_diag *diag)
{
	struct reading   reading = { .pool = pool, .path = path, .diag = diag };
	struct rh_source made = { 0 };
	int              result = read_file(&reading);

	if (result >= 0)
		result = make_rows(&reading);
	if (result >= 0)
		result = write_rows(&reading, &made);
	if (result >= 0)
		result = name_library(&reading, &made);
	rh_elf_unmap(&reading.file);
	if (result >= 0)
		*ret = made;
	return result;
}
