#include "plan.h"

#include "../base/diag.h"
#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_BYTES_MAX ((uint64_t)64 << 10)

bool rh_plan_is_carried(const struct rh_function *function)
{
	return !(function->flags & (RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY));
}

void rh_plan_fini(struct rh_plan *plan)
{
	rh_elf_unmap(&plan->library);
	rh_pool_fini(&plan->pool);
}

static int read_side(struct rh_plan *plan, const char *path, const char *given,
                     size_t len, struct rh_diag *diag)
{
	const char *slash = strrchr(path, '/');
	char       *text = rh_pool_copy(&plan->pool, given, len);
	char       *name = rh_pool_copy(&plan->pool, path, strlen(path));

	plan->folder = slash ? rh_pool_copy(&plan->pool, path, (size_t)(slash - path) +
	                                    (slash == path)) : ".";
	if (!text || !name || !plan->folder)
		return RH_ENOMEM;
	return rh_side_parse(&plan->pool, name, text, len, &plan->side, diag);
}

/* The library's own path, its bytes and what it exports. */
static int read_library(struct rh_plan *plan, struct rh_diag *diag)
{
	struct rh_side *side = &plan->side;
	char            path[RH_PLAN_PATH_MAX];
	struct rh_elf   elf;
	const char     *name = side->library ? side->library : side->soname;

	if (!side->has_library)
		return RH_OK;
	if (!name)
		return rh_diag_set(diag, RH_EINVAL, "%.80s: needs a 'soname' or a 'library' "
		                   "line", side->file);
	int result = rh_library_find(name, plan->folder, path, sizeof path, diag);
	if (result >= 0)
		result = rh_elf_map(path, &plan->library, diag);
	if (result >= 0)
		result = rh_elf_init(&elf, plan->library.bytes, plan->library.len, diag);
	if (result >= 0)
		result = rh_elf_exports(&plan->pool, &elf, &plan->exports, diag);
	if (result < 0)
		return result;
	plan->library_path = rh_pool_copy(&plan->pool, path, strlen(path));
	return plan->library_path ? RH_OK : RH_ENOMEM;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int name_interface(struct rh_plan *plan, struct rh_diag *diag)
{
	struct rh_interface *interface = &plan->interface;
	struct rh_side      *side = &plan->side;
	const char          *soname = plan->exports.soname;
	char                 version[128] = "";

	if (!soname && plan->library_path)
		soname = file_name(plan->library_path);
	if (side->soname && soname && strcmp(side->soname, soname) != 0)
		return rh_diag_set(diag, RH_EINVAL, "%.60s: soname: %.60s calls itself %.60s, "
		                   "not %.60s", side->file, plan->library_path, soname,
		                   side->soname);
	if (side->soname)
		soname = side->soname;
	if (!side->version && plan->library_path)
		rh_library_version(plan->library_path, version, sizeof version);
	interface->abi = RH_INTERFACE_ABI;
	interface->name = side->name;
	interface->soname = soname ? soname : "";
	interface->version = side->version ? side->version :
	                     rh_pool_copy(&plan->pool, version, strlen(version));
	return interface->version ? RH_OK : RH_ENOMEM;
}

static bool wants(void *user, const char *symbol)
{
	const struct rh_plan          *plan = user;
	const struct rh_side_function *line = rh_side_find(&plan->side, symbol);

	return rh_elf_find(&plan->exports, symbol) != NULL ||
	       (line && line->flags & RH_FUNCTION_EVENT);
}

/* -I folders of the side file are relative to it. */
static int prepare_flags(struct rh_plan *plan)
{
	struct rh_side *side = &plan->side;
	const char    **flags = rh_pool_take(&plan->pool, side->cflag_count + 2,
	                                     sizeof *flags);
	uint32_t        count = 0;

	if (!flags)
		return RH_ENOMEM;
	flags[count++] = "-D_GNU_SOURCE";
	flags[count++] = rh_pool_print(&plan->pool, "-iquote%s", plan->folder);
	for (uint32_t i = 0; i < side->cflag_count; i++) {
		const char *flag = side->cflags[i];

		if (strncmp(flag, "-I", 2) == 0 && flag[2] != '/')
			flag = rh_pool_print(&plan->pool, "-I%s/%s", plan->folder, flag + 2);
		flags[count++] = flag;
	}
	for (uint32_t i = 0; i < count; i++)
		if (!flags[i])
			return RH_ENOMEM;
	plan->request.cflags = flags;
	plan->request.cflag_count = count;
	return RH_OK;
}

static int read_header(struct rh_plan *plan, struct rh_diag *diag)
{
	struct rh_header_request *request = &plan->request;
	uint32_t                  unknown;
	int                       result = prepare_flags(plan);

	if (result < 0)
		return result;
	request->headers = plan->side.headers;
	request->header_count = plan->side.header_count;
	request->types = plan->side.types;
	request->type_count = plan->side.type_count;
	request->folder = plan->folder;
	if (plan->side.has_library)
		request->wants = wants;
	request->user = plan;
	result = rh_header_read(&plan->pool, request, &plan->header, &unknown, diag);
	for (uint32_t i = 0; result >= 0 && i < plan->header.type_count; i++)
		if (!plan->header.types[i]) {
			unknown = i;
			result = RH_EINVAL;
		}
	if (result == RH_EINVAL && unknown < request->type_count)
		rh_diag_set(diag, RH_EINVAL, "%.60s:%u:%u: the headers know no C type "
		            "'%.80s'", plan->side.file, plan->side.type_places[unknown].line,
		            plan->side.type_places[unknown].column,
		            plan->side.types[unknown]);
	return result;
}

/* A line of the side file that describes nothing is a mistake. */
static int check_lines(const struct rh_plan *plan, struct rh_diag *diag)
{
	const struct rh_side *side = &plan->side;

	for (uint32_t i = 0; i < side->function_count; i++) {
		const struct rh_side_function *line = &side->functions[i];
		bool found = line->is_pattern;

		for (uint32_t k = 0; k < plan->header.function_count && !found; k++)
			found = strcmp(plan->header.functions[k].symbol, line->name) == 0;
		if (found || rh_elf_find(&plan->exports, line->name))
			continue;
		return rh_diag_set(diag, RH_EINVAL, "%.60s:%u:%u: %.60s: %s", side->file,
		                   line->place.line, line->place.column, line->name,
		                   side->has_library ?
		                   "the library exports no such function" :
		                   "the header declares no such function");
	}
	return RH_OK;
}

static struct rh_function *rows(struct rh_plan *plan)
{
	return (struct rh_function *)(uintptr_t)plan->interface.functions;
}

static struct rh_function *add_row(struct rh_plan *plan, const struct rh_cfunction *c,
                                   const struct rh_elf_symbol *symbol)
{
	uint32_t            index = plan->interface.function_count++;
	struct rh_function *row = &rows(plan)[index];

	plan->functions[index] = (struct rh_plan_function){ .c = c, .symbol = symbol };
	*row = (struct rh_function){ .name = c ? c->symbol : symbol->name };
	return row;
}

static bool is_ignored(const struct rh_plan *plan, const char *symbol)
{
	const struct rh_side_function *line = rh_side_find(&plan->side, symbol);

	return line && line->is_ignored;
}

static int add_declared(struct rh_plan *plan, struct rh_carry *carry,
                        struct rh_diag *diag)
{
	for (uint32_t i = 0; i < plan->header.function_count; i++) {
		const struct rh_cfunction  *c = &plan->header.functions[i];
		const struct rh_elf_symbol *symbol = rh_elf_find(&plan->exports, c->symbol);
		struct rh_function         *row = add_row(plan, c, symbol);
		int result = rh_carry_function(carry, c, rh_side_find(&plan->side, c->symbol),
		                               row, diag);

		if (result < 0)
			return result;
		row->version = symbol ? symbol->version : NULL;
		plan->functions[i].is_ignored = is_ignored(plan, c->symbol);
	}
	return RH_OK;
}

static bool is_declared(const struct rh_plan *plan, const char *symbol)
{
	for (uint32_t i = 0; i < plan->header.function_count; i++)
		if (strcmp(plan->header.functions[i].symbol, symbol) == 0)
			return true;
	return false;
}

/* A row for a symbol whose types nobody knows. */
static void add_blind(struct rh_plan *plan, const struct rh_elf_symbol *symbol)
{
	const struct rh_side_function *line = rh_side_find(&plan->side, symbol->name);
	struct rh_function            *row = add_row(plan, NULL, symbol);
	bool                           is_old = !symbol->is_default;

	plan->functions[plan->interface.function_count - 1].is_old = is_old;
	row->version = symbol->version;
	if (line && line->flags & RH_FUNCTION_LOCAL)
		row->flags = RH_FUNCTION_LOCAL;
	if (line) {
		row->on_error = line->on_error;
		row->error_errno = line->error_errno;
		row->error_value = line->error_value;
	}
	rh_carry_refuse(row, NULL, is_old ? "an older version of the symbol" :
	                "exported, but the header does not declare it");
	row->hash = rh_function_hash(row);
}

static void add_undeclared(struct rh_plan *plan, bool is_old)
{
	for (uint32_t i = 0; i < plan->exports.symbol_count; i++) {
		const struct rh_elf_symbol *symbol = &plan->exports.symbols[i];

		if (symbol->kind != RH_ELF_FUNCTION || symbol->is_default == is_old)
			continue;
		if (is_old || !is_declared(plan, symbol->name))
			add_blind(plan, symbol);
	}
}

static int add_variables(struct rh_plan *plan)
{
	struct rh_elf elf;

	if (!plan->exports.symbol_count)
		return RH_OK;
	plan->variables = rh_pool_take(&plan->pool, plan->exports.symbol_count,
	                               sizeof *plan->variables);
	if (!plan->variables)
		return RH_ENOMEM;
	if (rh_elf_init(&elf, plan->library.bytes, plan->library.len, NULL) < 0)
		return RH_EPROTO;
	for (uint32_t i = 0; i < plan->exports.symbol_count; i++) {
		const struct rh_elf_symbol *symbol = &plan->exports.symbols[i];
		struct rh_plan_variable    *variable = &plan->variables[plan->variable_count];

		if (symbol->kind == RH_ELF_FUNCTION)
			continue;
		variable->symbol = symbol;
		variable->is_writable = true;
		if (symbol->kind == RH_ELF_OBJECT && symbol->size <= VARIABLE_BYTES_MAX)
			rh_elf_data(&elf, symbol->value, symbol->size, &variable->bytes,
			            &variable->is_writable);
		variable->is_exact = variable->bytes.len > 0;
		plan->variable_count++;
	}
	return RH_OK;
}

/* The function that ends the life of each handle. */
static int32_t destructor_of(const struct rh_plan *plan, uint32_t handle)
{
	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		const struct rh_function *row = &plan->interface.functions[i];

		for (uint8_t k = 0; k < row->param_count; k++)
			if (row->params[k].kind == RH_KIND_HANDLE &&
			    row->params[k].handle == handle &&
			    row->params[k].flags & RH_PARAM_DESTROYS)
				return (int32_t)i;
	}
	return -1;
}

static int set_handles(struct rh_plan *plan, const struct rh_carry *carry)
{
	struct rh_handle_type *handles = rh_pool_take(&plan->pool, carry->handle_count,
	                                              sizeof *handles);

	if (!handles)
		return RH_ENOMEM;
	for (uint32_t i = 0; i < carry->handle_count; i++)
		handles[i] = (struct rh_handle_type){
			.name = carry->handles[i].name,
			.flags = carry->handles[i].flags,
			.destructor = destructor_of(plan, i),
		};
	plan->interface.handles = handles;
	plan->interface.handle_count = carry->handle_count;
	return RH_OK;
}

static int make_rows(struct rh_plan *plan, struct rh_diag *diag)
{
	size_t          most = plan->header.function_count + plan->exports.symbol_count;
	struct rh_carry carry;

	plan->functions = rh_pool_take(&plan->pool, most, sizeof *plan->functions);
	plan->interface.functions = rh_pool_take(&plan->pool, most,
	                                         sizeof *plan->interface.functions);
	if (!plan->functions || !plan->interface.functions)
		return RH_ENOMEM;
	int result = rh_carry_init(&carry, &plan->pool, &plan->side, plan->header.types,
	                           diag);
	if (result >= 0)
		result = check_lines(plan, diag);
	if (result >= 0)
		result = add_declared(plan, &carry, diag);
	if (result < 0)
		return result;
	add_undeclared(plan, false);
	add_undeclared(plan, true);
	result = set_handles(plan, &carry);
	if (result >= 0)
		result = add_variables(plan);
	plan->interface.hash = rh_interface_hash(&plan->interface);
	return result;
}

int rh_plan_make_text(struct rh_plan *plan, const char *side_path, const char *text,
                      size_t len, struct rh_diag *diag)
{
	*plan = (struct rh_plan){ 0 };
	rh_pool_init(&plan->pool);
	int result = read_side(plan, side_path, text, len, diag);
	if (result >= 0)
		result = read_library(plan, diag);
	if (result >= 0)
		result = name_interface(plan, diag);
	if (result >= 0)
		result = read_header(plan, diag);
	if (result >= 0)
		result = make_rows(plan, diag);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, RH_ENOMEM, "%.100s: needs more memory than allowed",
		            side_path);
	if (result < 0)
		rh_plan_fini(plan);
	return result;
}

int rh_plan_make(struct rh_plan *plan, const char *side_path, struct rh_diag *diag)
{
	struct rh_elf_span file;
	int                result = rh_elf_map(side_path, &file, diag);

	if (result < 0)
		return result;
	result = rh_plan_make_text(plan, side_path, (const char *)file.bytes, file.len,
	                           diag);
	rh_elf_unmap(&file);
	return result;
}
