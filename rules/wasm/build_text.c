#include "build_text.h"

#include "../../base/diag.h"
#include "../hook.h"
#include "../module.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line after the prelude of wabt 1.0.32. */
#define AFTER_PRELUDE "\nstatic bool s_module_initialized = false;\n"
#define BACK_EDGE     "goto w2c_L"

/* Copies text; every jump back to the begin of a loop takes a tick of fuel before. */
static void put_ticks(FILE *out, const char *text)
{
	const char *edge;

	while ((edge = strstr(text, BACK_EDGE))) {
		const char *end = edge + strlen(BACK_EDGE);

		while (isdigit((unsigned char)*end))
			end++;
		fwrite(text, 1, (size_t)(edge - text), out);
		if (*end == ';') {
			fprintf(out, "{ RH_TICK %.*s; }", (int)(end - edge), edge);
			end++;
		} else {
			fwrite(edge, 1, (size_t)(end - edge), out);
		}
		text = end;
	}
	fputs(text, out);
}

static void put_end(FILE *out, const struct rh_hook *hook, const struct rh_module *module)
{
	fprintf(out, "\n#define RH_WASM_HOOK_ABI %uu\n", rh_hook_abi(hook));
	if (module->imports)
		fputs("#define RH_WASM_IMPORTS\n", out);
	if (module->wasi)
		fputs("#define RH_WASM_WASI\n", out);
	if (module->has_initialize)
		fputs("#define RH_WASM_INITIALIZE\n", out);
	fputs("#define RH_WASM_FUNCTIONS", out);
	for (unsigned slot = 0; slot < hook->export_count; slot++)
		if (module->exports & 1u << slot)
			fprintf(out, " [%u] = Z_ruleZ_%s,", slot, hook->exports[slot].name);
	fputs("\n#include \"glue.h\"\n", out);
}

static int finish(FILE *out, char **ret_whole, struct rh_diag *diag)
{
	if (fclose(out) == 0)
		return RH_OK;
	free(*ret_whole);
	*ret_whole = NULL;
	return rh_diag_set(diag, RH_ENOMEM, "no memory for the generated code");
}

int rh_build_text(const struct rh_hook *hook, const struct rh_module *module,
                  const char *text, char **ret_whole, size_t *ret_len,
                  struct rh_diag *diag)
{
	const char *after = strstr(text, AFTER_PRELUDE);
	FILE       *out;

	if (!after || !strstr(text, "\n#define FUNC_PROLOGUE"))
		return rh_diag_set(diag, RH_EVERSION, "the C that wasm2c wrote is not that of wabt "
		                   "1.0.32; install Debian 12's wabt");
	out = open_memstream(ret_whole, ret_len);
	if (!out)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for the generated code");
	fwrite(text, 1, (size_t)(after - text), out);
	fputs("\n#include \"access.h\"", out);
	put_ticks(out, after);
	put_end(out, hook, module);
	return finish(out, ret_whole, diag);
}

/* ---- assembly ---- */

#define MOVABS "\tmovabs"

static bool is_number(const char *operand)
{
	return isdigit((unsigned char)*operand) || *operand == '-';
}

/* "\tmovabsl\t4294967295, %eax" or "\tmovabsl\t%eax, 4294967295" get "%gs:" before the
 * number; "\tmovabsq\t$1, %rax" is no access.  false: something else. */
static bool put_movabs(FILE *out, const char *line, const char *end, bool has_gs)
{
	const char *first = memchr(line + 1, '\t', (size_t)(end - line - 1));
	const char *second = first ? memchr(first, ',', (size_t)(end - first)) : NULL;
	const char *address;

	if (!second || second + 2 >= end || second[1] != ' ')
		return false;
	first++;
	second += 2;
	if (*first == '$' && *second == '%') {
		fwrite(line, 1, (size_t)(end - line), out);
		return true;
	}
	address = is_number(first) && *second == '%' ? first :
	          *first == '%' && is_number(second) ? second : NULL;
	if (!address || !has_gs)
		return false;
	fprintf(out, "%.*s%%gs:%.*s", (int)(address - line), line, (int)(end - address),
	        address);
	return true;
}

int rh_build_assembly(const char *text, bool has_gs, char **ret_whole, size_t *ret_len,
                      struct rh_diag *diag)
{
	FILE *out = open_memstream(ret_whole, ret_len);
	int   err;

	if (!out)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for the generated code");
	while (*text) {
		const char *end = strchrnul(text, '\n');

		if (strncmp(text, MOVABS, strlen(MOVABS)) != 0) {
			fwrite(text, 1, (size_t)(end - text), out);
		} else if (!put_movabs(out, text, end, has_gs)) {
			err = rh_diag_set(diag, RH_EINVAL, "gcc made an access that cannot be confined: "
			                  "%.*s", (int)(end - text < 60 ? end - text : 60), text);
			fclose(out);
			free(*ret_whole);
			*ret_whole = NULL;
			return err;
		}
		if (*end)
			fputc('\n', out);
		text = end + (*end != 0);
	}
	return finish(out, ret_whole, diag);
}
