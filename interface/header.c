#include "header.h"

#include "../base/diag.h"
#include "header_type.h"

#include <clang-c/Index.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_TYPE "rh_side_type_"

struct reader {
	struct rh_pool                 *pool;
	const struct rh_header_request *request;
	struct rh_header                header;
	const char                    **macros;
	uint32_t                        macro_count;
	uint32_t                        unknown;
	int                             result;
};

const char *rh_header_source(struct rh_pool *pool,
                             const struct rh_header_request *request)
{
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs(RH_HEADER_PRELUDE, out);
	for (uint32_t i = 0; i < request->header_count; i++)
		fprintf(out, "#include \"%s\"\n", request->headers[i]);
	for (uint32_t i = 0; i < request->type_count; i++)
		fprintf(out, "typedef %s " PROBE_TYPE "%u;\n", request->types[i], i);
	const char *copy = fclose(out) == 0 ? rh_pool_copy(pool, text, len) : NULL;
	free(text);
	return copy;
}

static bool is_in_named_header(const struct rh_header_request *request,
                               CXCursor cursor)
{
	CXFile file;
	bool   found = false;

	clang_getExpansionLocation(clang_getCursorLocation(cursor), &file, NULL, NULL,
	                           NULL);
	CXString    name = clang_getFileName(file);
	const char *path = clang_getCString(name);
	size_t      len = path ? strlen(path) : 0;

	for (uint32_t i = 0; i < request->header_count; i++) {
		const char *header = request->headers[i];
		size_t      tail = strlen(header);

		if (len >= tail && strcmp(path + len - tail, header) == 0 &&
		    (len == tail || path[len - tail - 1] == '/'))
			found = true;
	}
	clang_disposeString(name);
	return found;
}

static bool is_wanted(const struct reader *reader, CXCursor cursor,
                      const char *symbol)
{
	if (clang_Cursor_getStorageClass(cursor) == CX_SC_Static)
		return false;
	if (reader->request->wants)
		return reader->request->wants(reader->request->user, symbol);
	return is_in_named_header(reader->request, cursor);
}

static int read_params(struct reader *reader, CXCursor cursor,
                       struct rh_cfunction *function)
{
	int count = clang_Cursor_getNumArguments(cursor);

	if (count <= 0)
		return RH_OK;
	struct rh_cparam *params = rh_pool_take(reader->pool, (size_t)count,
	                                        sizeof *params);
	if (!params)
		return RH_ENOMEM;
	for (int i = 0; i < count; i++) {
		CXCursor param = clang_Cursor_getArgument(cursor, (unsigned)i);

		params[i].name = rh_header_string(reader->pool,
		                                  clang_getCursorSpelling(param));
		params[i].type = rh_header_type(reader->pool, clang_getCursorType(param));
		if (!params[i].name || !params[i].type)
			return RH_ENOMEM;
	}
	function->params = params;
	function->param_count = (uint32_t)count;
	return RH_OK;
}

static struct rh_cfunction *find_function(struct reader *reader, const char *symbol)
{
	for (uint32_t i = 0; i < reader->header.function_count; i++)
		if (strcmp(reader->header.functions[i].symbol, symbol) == 0)
			return &reader->header.functions[i];
	return NULL;
}

static bool has_names(const struct rh_cfunction *function)
{
	return function->param_count > 0 && function->params[0].name[0] != '\0';
}

/* A function may be declared again; the declaration with names is kept. */
static int add_function(struct reader *reader, const struct rh_cfunction *function)
{
	struct rh_header    *header = &reader->header;
	struct rh_cfunction *old = find_function(reader, function->symbol);

	if (old) {
		if (!has_names(old) && has_names(function))
			*old = *function;
		return RH_OK;
	}
	struct rh_cfunction *grown = rh_pool_grow(reader->pool, header->functions,
	                                          header->function_count,
	                                          sizeof *function);
	if (!grown)
		return RH_ENOMEM;
	header->functions = grown;
	header->functions[header->function_count++] = *function;
	return RH_OK;
}

/* All macros come before the first declaration. */
static int read_macro(struct reader *reader, CXCursor cursor)
{
	const char *name = rh_header_string(reader->pool,
	                                    clang_getCursorSpelling(cursor));

	if (!name)
		return RH_ENOMEM;
	if (clang_Cursor_isMacroBuiltin(cursor) || !is_wanted(reader, cursor, name))
		return RH_OK;
	const char **grown = rh_pool_grow(reader->pool, reader->macros,
	                                  reader->macro_count, sizeof *grown);
	if (!grown)
		return RH_ENOMEM;
	reader->macros = grown;
	reader->macros[reader->macro_count++] = name;
	return RH_OK;
}

static bool is_macro(const struct reader *reader, const char *name)
{
	for (uint32_t i = 0; i < reader->macro_count; i++)
		if (strcmp(reader->macros[i], name) == 0)
			return true;
	return false;
}

/* libclang tells the attribute only in the spelling of the type. */
static bool never_returns(CXType type)
{
	CXString    spelling = clang_getTypeSpelling(type);
	const char *text = clang_getCString(spelling);
	bool        found = text && strstr(text, "((noreturn))") != NULL;

	clang_disposeString(spelling);
	return found;
}

static int read_function(struct reader *reader, CXCursor cursor)
{
	CXType              type = clang_getCursorType(cursor);
	struct rh_cfunction function = {
		.name = rh_header_string(reader->pool, clang_getCursorSpelling(cursor)),
		.symbol = rh_header_string(reader->pool, clang_Cursor_getMangling(cursor)),
		.is_inline = clang_Cursor_isFunctionInlined(cursor) != 0,
	};

	if (!function.name || !function.symbol)
		return RH_ENOMEM;
	if (!is_wanted(reader, cursor, function.symbol))
		return RH_OK;
	function.is_variadic = clang_isFunctionTypeVariadic(type) != 0 ||
	                       clang_getCanonicalType(type).kind ==
	                       CXType_FunctionNoProto;
	function.is_endless = never_returns(type);
	function.is_macro = is_macro(reader, function.name);
	function.ret = rh_header_type(reader->pool, clang_getCursorResultType(cursor));
	if (!function.ret)
		return RH_ENOMEM;
	int result = read_params(reader, cursor, &function);
	return result < 0 ? result : add_function(reader, &function);
}

static int read_variable(struct reader *reader, CXCursor cursor)
{
	struct rh_header *header = &reader->header;
	const char       *symbol = rh_header_string(reader->pool,
	                                            clang_Cursor_getMangling(cursor));

	if (!symbol)
		return RH_ENOMEM;
	if (!is_wanted(reader, cursor, symbol))
		return RH_OK;
	const char **grown = rh_pool_grow(reader->pool, header->variables,
	                                  header->variable_count, sizeof *grown);
	if (!grown)
		return RH_ENOMEM;
	header->variables = grown;
	header->variables[header->variable_count++] = symbol;
	return RH_OK;
}

static int read_typedef(struct reader *reader, CXCursor cursor)
{
	CXString    spelling = clang_getCursorSpelling(cursor);
	const char *name = clang_getCString(spelling);
	unsigned    index = 0;
	bool        is_ours = name && sscanf(name, PROBE_TYPE "%u", &index) == 1 &&
	                      index < reader->header.type_count;

	clang_disposeString(spelling);
	if (!is_ours)
		return RH_OK;
	reader->header.types[index] =
		rh_header_type(reader->pool, clang_getTypedefDeclUnderlyingType(cursor));
	return reader->header.types[index] ? RH_OK : RH_ENOMEM;
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent,
                                     CXClientData data)
{
	struct reader *reader = data;

	(void)parent;
	switch (clang_getCursorKind(cursor)) {
	case CXCursor_FunctionDecl:
		reader->result = read_function(reader, cursor);
		break;
	case CXCursor_MacroDefinition:
		reader->result = read_macro(reader, cursor);
		break;
	case CXCursor_VarDecl:
		reader->result = read_variable(reader, cursor);
		break;
	case CXCursor_TypedefDecl:
		reader->result = read_typedef(reader, cursor);
		break;
	case CXCursor_LinkageSpec:
		return CXChildVisit_Recurse;
	default:
		break;
	}
	return reader->result < 0 ? CXChildVisit_Break : CXChildVisit_Continue;
}

/* The type whose typedef in the probe holds the error; type_count: none. */
static uint32_t type_in_line(const struct rh_header_request *request,
                             CXDiagnostic diagnostic)
{
	CXFile   file;
	unsigned line;
	unsigned first = RH_HEADER_PRELUDE_LINES + request->header_count + 1;

	clang_getExpansionLocation(clang_getDiagnosticLocation(diagnostic), &file,
	                           &line, NULL, NULL);
	CXString    name = clang_getFileName(file);
	const char *path = clang_getCString(name);
	bool        is_probe = path && strstr(path, RH_HEADER_PROBE) != NULL;

	clang_disposeString(name);
	if (!is_probe || line < first || line - first >= request->type_count)
		return request->type_count;
	return line - first;
}

static int refuse(struct reader *reader, CXDiagnostic diagnostic, struct rh_diag *diag)
{
	CXString text = clang_formatDiagnostic(diagnostic,
	                                       CXDiagnostic_DisplaySourceLocation);

	reader->unknown = type_in_line(reader->request, diagnostic);
	rh_diag_set(diag, RH_EINVAL, "the headers do not compile: %s",
	            clang_getCString(text));
	clang_disposeString(text);
	return RH_EINVAL;
}

static int check_diagnostics(struct reader *reader, CXTranslationUnit unit,
                             struct rh_diag *diag)
{
	unsigned count = clang_getNumDiagnostics(unit);

	for (unsigned i = 0; i < count; i++) {
		CXDiagnostic diagnostic = clang_getDiagnostic(unit, i);
		int          result = RH_OK;

		if (clang_getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error)
			result = refuse(reader, diagnostic, diag);
		clang_disposeDiagnostic(diagnostic);
		if (result < 0)
			return result;
	}
	return RH_OK;
}

static int read_unit(struct reader *reader, CXTranslationUnit unit,
                     struct rh_diag *diag)
{
	int result = check_diagnostics(reader, unit, diag);

	if (result < 0)
		return result;
	reader->header.type_count = reader->request->type_count;
	reader->header.types = rh_pool_take(reader->pool, reader->header.type_count,
	                                    sizeof *reader->header.types);
	if (!reader->header.types)
		return RH_ENOMEM;
	clang_visitChildren(clang_getTranslationUnitCursor(unit), visit, reader);
	return reader->result;
}

static int parse_unit(CXIndex index, const struct rh_header_request *request,
                      struct rh_pool *pool, CXTranslationUnit *ret)
{
	const char *text = rh_header_source(pool, request);
	const char *path = rh_pool_print(pool, "%s/" RH_HEADER_PROBE, request->folder);

	if (!text || !path)
		return RH_ENOMEM;
	struct CXUnsavedFile file = {
		.Filename = path, .Contents = text, .Length = strlen(text),
	};
	enum CXErrorCode code = clang_parseTranslationUnit2(
		index, path, request->cflags, (int)request->cflag_count, &file, 1,
		CXTranslationUnit_SkipFunctionBodies |
		CXTranslationUnit_DetailedPreprocessingRecord, ret);
	return code == CXError_Success ? RH_OK : RH_EINVAL;
}

int rh_header_read(struct rh_pool *pool, const struct rh_header_request *request,
                   struct rh_header *ret, uint32_t *ret_unknown,
                   struct rh_diag *diag)
{
	struct reader     reader = {
		.pool = pool, .request = request, .unknown = request->type_count,
	};
	CXTranslationUnit unit = NULL;
	CXIndex           index = clang_createIndex(0, 0);
	int               result = parse_unit(index, request, pool, &unit);

	if (result == RH_EINVAL)
		rh_diag_set(diag, RH_EINVAL, "libclang cannot read the headers");
	if (result >= 0)
		result = read_unit(&reader, unit, diag);
	if (unit)
		clang_disposeTranslationUnit(unit);
	clang_disposeIndex(index);
	*ret_unknown = reader.unknown;
	if (result >= 0)
		*ret = reader.header;
	return result;
}
