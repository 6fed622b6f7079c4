#include "dwarf.h"

#include "../base/diag.h"
#include "../model/interface.h"
#include "dwarf_type.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACES_MAX 16u

struct reader {
	struct rh_dwarf_records      records;
	const struct rh_elf_exports *exports;
	struct rh_btf                found;
	bool                         is_c;   /* of the unit in hand: () declares nothing */
};

static bool flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool            value = false;

	return dwarf_attr_integrate(die, name, &attribute) &&
	       dwarf_formflag(&attribute, &value) == 0 && value;
}

static const char *text_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

/* As the linker calls it. */
static const char *symbol_of(Dwarf_Die *die)
{
	const char *symbol = text_of(die, DW_AT_linkage_name);

	if (!symbol)
		symbol = text_of(die, DW_AT_MIPS_linkage_name);
	return symbol ? symbol : dwarf_diename(die);
}

static int add_param(struct reader *reader, Dwarf_Die *die, struct rh_cfunction *ret)
{
	struct rh_cparam *params = (struct rh_cparam *)(uintptr_t)ret->params;

	params = rh_pool_grow(reader->records.pool, params, ret->param_count,
	                      sizeof *params);
	if (!params)
		return RH_ENOMEM;
	ret->params = params;
	params[ret->param_count] = (struct rh_cparam){
		.name = rh_dwarf_string(reader->records.pool, dwarf_diename(die)),
		.type = rh_dwarf_type_of(&reader->records, die),
	};
	if (!params[ret->param_count].name || !params[ret->param_count].type)
		return RH_ENOMEM;
	ret->param_count++;
	return RH_OK;
}

static int read_params(struct reader *reader, Dwarf_Die *die, struct rh_cfunction *ret)
{
	Dwarf_Die child;
	int       result = RH_OK;

	if (dwarf_child(die, &child) != 0)
		return RH_OK;
	do {
		if (dwarf_tag(&child) == DW_TAG_formal_parameter &&
		    ret->param_count <= RH_PARAMS_MAX)
			result = add_param(reader, &child, ret);
		else if (dwarf_tag(&child) == DW_TAG_unspecified_parameters)
			ret->is_variadic = true;
	} while (result >= 0 && dwarf_siblingof(&child, &child) == 0);
	return result;
}

/* Where the parameters stand that were written: not those of a copy that was made
 * when the function was inlined. */
static Dwarf_Die written(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die       origin;

	if (dwarf_attr(die, DW_AT_abstract_origin, &attribute) &&
	    dwarf_formref_die(&attribute, &origin))
		return origin;
	return *die;
}

static int read_function(struct reader *reader, Dwarf_Die *die, const char *symbol)
{
	struct rh_btf *found = &reader->found;
	Dwarf_Die      source = written(die);

	if (found->function_count == RH_DWARF_FUNCTIONS_MAX)
		return RH_ENOSPC;
	struct rh_cfunction *grown = rh_pool_grow(reader->records.pool, found->functions,
	                                          found->function_count, sizeof *grown);
	if (!grown)
		return RH_ENOMEM;
	found->functions = grown;
	struct rh_cfunction *ret = &grown[found->function_count];
	*ret = (struct rh_cfunction){
		.name = rh_dwarf_string(reader->records.pool, symbol),
		.ret = rh_dwarf_type_of(&reader->records, &source),
		.is_endless = flag(die, DW_AT_noreturn),
		.is_variadic = reader->is_c && !flag(die, DW_AT_prototyped),
	};
	ret->symbol = ret->name;
	if (!ret->name || !ret->ret)
		return RH_ENOMEM;
	int result = read_params(reader, &source, ret);
	if (result >= 0)
		found->function_count++;
	return result;
}

static bool is_offered(const struct reader *reader, Dwarf_Die *die, const char **ret)
{
	Dwarf_Attribute attribute;

	if (dwarf_tag(die) != DW_TAG_subprogram || !flag(die, DW_AT_external) ||
	    dwarf_attr(die, DW_AT_declaration, &attribute) ||
	    dwarf_attr(die, DW_AT_inline, &attribute))
		return false;
	*ret = symbol_of(die);
	return *ret && rh_elf_find(reader->exports, *ret);
}

/* A unit or a namespace. */
static int read_children(struct reader *reader, Dwarf_Die *die, uint32_t depth)
{
	Dwarf_Die   child;
	const char *symbol;
	int         result = RH_OK;

	if (depth == NAMESPACES_MAX || dwarf_child(die, &child) != 0)
		return RH_OK;
	do {
		if (dwarf_tag(&child) == DW_TAG_namespace)
			result = read_children(reader, &child, depth + 1);
		else if (is_offered(reader, &child, &symbol))
			result = read_function(reader, &child, symbol);
	} while (result >= 0 && dwarf_siblingof(&child, &child) == 0);
	return result;
}

static bool is_c(Dwarf_Die *unit)
{
	int language = dwarf_srclang(unit);

	return language == DW_LANG_C89 || language == DW_LANG_C ||
	       language == DW_LANG_C99 || language == DW_LANG_C11;
}

static int read_units(struct reader *reader, Dwarf *dwarf)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint8_t   kind;
	int       more, result = RH_OK;

	while (result >= 0 &&
	       (more = dwarf_get_units(dwarf, unit, &unit, NULL, &kind, &die, NULL)) == 0) {
		reader->is_c = is_c(&die);
		if (kind == DW_UT_compile || kind == DW_UT_partial)
			result = read_children(reader, &die, 0);
	}
	return result < 0 || more == 1 ? result : RH_EPROTO;
}

static int compare_names(const void *left, const void *right)
{
	const struct rh_cfunction *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* The same inline function in several units is one. */
static void sort(struct rh_btf *found)
{
	uint32_t count = 0;

	if (found->function_count)
		qsort(found->functions, found->function_count, sizeof *found->functions,
		      compare_names);
	for (uint32_t i = 0; i < found->function_count; i++)
		if (!count || strcmp(found->functions[count - 1].name,
		                     found->functions[i].name) != 0)
			found->functions[count++] = found->functions[i];
	found->function_count = count;
}

/* Debug data in other files is not looked for: that could ask servers. */
static int find_nothing(Dwfl_Module *module, void **user, const char *name,
                        Dwarf_Addr base, const char *file, const char *link,
                        GElf_Word checksum, char **ret)
{
	(void)module, (void)user, (void)name, (void)base, (void)file, (void)link;
	(void)checksum, (void)ret;
	return -1;
}

static int read_module(struct reader *reader, Dwfl *dwfl, const char *path,
                       struct rh_diag *diag)
{
	Dwarf_Addr   bias;
	Dwfl_Module *module = dwfl_report_offline(dwfl, "", path, -1);

	dwfl_report_end(dwfl, NULL, NULL);
	if (!module)
		return rh_diag_set(diag, RH_EPROTO, "%.150s: %s", path, dwfl_errmsg(-1));
	Dwarf *dwarf = dwfl_module_getdwarf(module, &bias);
	if (!dwarf)
		return rh_diag_set(diag, RH_ENOENT, "%.150s: it has neither BTF nor DWARF "
		                   "(compile with -g, or name a header with -H)", path);
	int result = read_units(reader, dwarf);
	if (result == RH_EPROTO)
		return rh_diag_set(diag, result, "%.150s: DWARF: %s", path, dwarf_errmsg(-1));
	if (result == RH_ENOSPC)
		return rh_diag_set(diag, result, "%.150s: more than %u functions", path,
		                   RH_DWARF_FUNCTIONS_MAX);
	return result;
}

int rh_dwarf_read(struct rh_pool *pool, const char *path,
                  const struct rh_elf_exports *exports, struct rh_btf *ret,
                  struct rh_diag *diag)
{
	static const Dwfl_Callbacks callbacks = {
		.find_debuginfo = find_nothing,
		.section_address = dwfl_offline_section_address,
	};
	struct reader reader = { .records = { .pool = pool }, .exports = exports };
	Dwfl         *dwfl = dwfl_begin(&callbacks);

	if (!dwfl)
		return RH_ENOMEM;
	int result = read_module(&reader, dwfl, path, diag);
	dwfl_end(dwfl);
	if (result < 0)
		return result;
	sort(&reader.found);
	*ret = reader.found;
	return RH_OK;
}
