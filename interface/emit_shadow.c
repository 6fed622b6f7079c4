#include "emit.h"

#include "library.h"

#include <string.h>

/* A jump to the real function that leaves every argument where the caller put
 * it: for functions whose arguments C cannot name. */
static const char jump_macro[] =
	"#if !defined(__x86_64__)\n"
	"#error \"a jump to a local function is written for x86-64 only\"\n"
	"#endif\n"
	"#define RH_JUMP(name, resolve) __asm__( \\\n"
	"\t\".text\\n.globl \" name \"\\n.type \" name \", @function\\n\" name \":\\n\" \\\n"
	"\t\".cfi_startproc\\nendbr64\\n\" \\\n"
	"\t\"push %rdi\\npush %rsi\\npush %rdx\\npush %rcx\\n\" \\\n"
	"\t\"push %r8\\npush %r9\\npush %rax\\npush %r10\\n\" \\\n"
	"\t\".cfi_adjust_cfa_offset 64\\n\" \\\n"
	"\t\"sub $136, %rsp\\n.cfi_adjust_cfa_offset 136\\n\" \\\n"
	"\t\"movups %xmm0, 0(%rsp)\\nmovups %xmm1, 16(%rsp)\\n\" \\\n"
	"\t\"movups %xmm2, 32(%rsp)\\nmovups %xmm3, 48(%rsp)\\n\" \\\n"
	"\t\"movups %xmm4, 64(%rsp)\\nmovups %xmm5, 80(%rsp)\\n\" \\\n"
	"\t\"movups %xmm6, 96(%rsp)\\nmovups %xmm7, 112(%rsp)\\n\" \\\n"
	"\t\"call \" resolve \"\\nmov %rax, %r11\\n\" \\\n"
	"\t\"movups 0(%rsp), %xmm0\\nmovups 16(%rsp), %xmm1\\n\" \\\n"
	"\t\"movups 32(%rsp), %xmm2\\nmovups 48(%rsp), %xmm3\\n\" \\\n"
	"\t\"movups 64(%rsp), %xmm4\\nmovups 80(%rsp), %xmm5\\n\" \\\n"
	"\t\"movups 96(%rsp), %xmm6\\nmovups 112(%rsp), %xmm7\\n\" \\\n"
	"\t\"add $136, %rsp\\n.cfi_adjust_cfa_offset -136\\n\" \\\n"
	"\t\"pop %r10\\npop %rax\\npop %r9\\npop %r8\\n\" \\\n"
	"\t\"pop %rcx\\npop %rdx\\npop %rsi\\npop %rdi\\n\" \\\n"
	"\t\".cfi_adjust_cfa_offset -64\\n\" \\\n"
	"\t\"jmp *%r11\\n.cfi_endproc\\n.size \" name \", . - \" name \"\\n\")\n\n";

/* RESULT (name)(T a0, T a1) */
static void put_head(FILE *out, const struct rh_cfunction *c, const char *name)
{
	rh_emit_stored(out, c->ret);
	fprintf(out, "(%s)(", name);
	for (uint32_t i = 0; i < c->param_count; i++) {
		char argument[16];

		snprintf(argument, sizeof argument, "a%u", i);
		fputs(i ? ", " : "", out);
		rh_emit_declarator(out, c->params[i].type, argument);
	}
	if (c->is_variadic)
		fputs(c->param_count ? ", ..." : "void", out);
	else if (!c->param_count)
		fputs("void", out);
	fputc(')', out);
}

/* A function whose body stands in the header is defined under another name. */
static void put_definition(FILE *out, const struct rh_cfunction *c, uint32_t index)
{
	char name[32];

	if (!c->is_inline) {
		put_head(out, c, c->name);
		fputs("\n{\n", out);
		return;
	}
	snprintf(name, sizeof name, "rh_stub_%u", index);
	put_head(out, c, name);
	fprintf(out, " __asm__(\"%s\");\n", c->symbol);
	put_head(out, c, name);
	fputs("\n{\n", out);
}

static void put_return(FILE *out, const struct rh_cfunction *c)
{
	if (c->is_endless)
		fputs("\t__builtin_trap();\n}\n\n", out);
	else
		fputs(c->ret->kind == RH_CTYPE_VOID ? "}\n\n" : "\treturn ret;\n}\n\n", out);
}

static void put_invoke(FILE *out, const struct rh_cfunction *c, uint32_t index,
                       const char *args)
{
	fprintf(out, "\trh_stub_invoke(&rh_lib, %u, %s, %s);\n", index, args,
	        c->ret->kind == RH_CTYPE_VOID ? "NULL" : "&ret");
}

static void put_result(FILE *out, const struct rh_cfunction *c)
{
	if (c->ret->kind == RH_CTYPE_VOID)
		return;
	fputc('\t', out);
	rh_emit_stored(out, c->ret);
	fputs("ret;\n", out);
}

static void put_carried(FILE *out, const struct rh_cfunction *c, uint32_t index)
{
	put_definition(out, c, index);
	put_result(out, c);
	if (c->param_count) {
		fputs("\tvoid *args[] = { ", out);
		for (uint32_t i = 0; i < c->param_count; i++)
			fprintf(out, "%s(void *)&a%u", i ? ", " : "", i);
		fputs(" };\n", out);
	}
	fputc('\n', out);
	put_invoke(out, c, index, c->param_count ? "args" : "NULL");
	put_return(out, c);
}

/* The result of a function that is not carried: of the right kind, no more. */
static void put_blank_result(FILE *out, const struct rh_cfunction *c)
{
	if (c->ret->kind == RH_CTYPE_POINTER)
		fputs("void *", out);
	else
		rh_emit_stored(out, c->ret);
}

/* What returns a failure does not look at its arguments, so they need no types: the
 * caller's stand where they are. */
static void put_blank(FILE *out, const struct rh_cfunction *c, uint32_t index)
{
	put_blank_result(out, c);
	fprintf(out, "rh_stub_%u(void) __asm__(\"%s\");\n", index, c->symbol);
	put_blank_result(out, c);
	fprintf(out, "rh_stub_%u(void)\n{\n", index);
	if (c->ret->kind == RH_CTYPE_VOID)
		return;
	fputc('\t', out);
	put_blank_result(out, c);
	fputs("ret;\n\n", out);
}

static void put_nocarry(FILE *out, const struct rh_cfunction *c, uint32_t index)
{
	put_blank(out, c, index);
	put_invoke(out, c, index, "NULL");
	put_return(out, c);
}

/* Says nothing and returns what on_error names, or zeros. */
static void put_ignored(FILE *out, const struct rh_cfunction *c,
                        const struct rh_function *row, uint32_t index)
{
	put_blank(out, c, index);
	if (c->ret->kind == RH_CTYPE_INT)
		fprintf(out, "\tret = (%lldLL);\n", (long long)row->error_value);
	else if (c->ret->kind != RH_CTYPE_VOID)
		fputs("\t__builtin_memset(&ret, 0, sizeof ret);\n", out);
	put_return(out, c);
}

static void put_local(FILE *out, const struct rh_cfunction *c, uint32_t index)
{
	put_definition(out, c, index);
	fprintf(out, "\t__typeof__(%s) *real = (__typeof__(%s) *)"
	        "rh_stub_local(&rh_lib, %u);\n\n\t%sreal(", c->name, c->name, index,
	        c->ret->kind == RH_CTYPE_VOID ? "" : "return ");
	for (uint32_t i = 0; i < c->param_count; i++)
		fprintf(out, "%sa%u", i ? ", " : "", i);
	fputs(");\n}\n\n", out);
}

static void put_jump(FILE *out, const char *symbol, uint32_t index)
{
	fprintf(out, "__attribute__((used))\nstatic void *rh_real_%u(void)\n{\n"
	        "\treturn rh_stub_local(&rh_lib, %u);\n}\n\n"
	        "RH_JUMP(\"%s\", \"rh_real_%u\");\n\n", index, index, symbol, index);
}

static void put_blind(FILE *out, const char *symbol, uint32_t index)
{
	fprintf(out, "long rh_stub_%u(void) __asm__(\"%s\");\n"
	        "long rh_stub_%u(void)\n{\n\tlong ret;\n\n"
	        "\trh_stub_invoke(&rh_lib, %u, NULL, &ret);\n\treturn ret;\n}\n\n",
	        index, symbol, index, index);
}

/* Only the linker's dynamic table knows more than one version of a name. */
static void put_old(FILE *out, const struct rh_function *row,
                    const struct rh_elf_symbol *symbol, uint32_t index)
{
	char name[32];

	snprintf(name, sizeof name, "rh_old_%u", index);
	fputs("#ifndef RH_STATIC\n", out);
	if (row->flags & RH_FUNCTION_LOCAL)
		put_jump(out, name, index);
	else
		put_blind(out, name, index);
	fprintf(out, "__asm__(\".symver %s, %s@%s, remove\");\n#endif\n\n", name,
	        symbol->name, symbol->version);
}

/* Types that cannot be written again as they are spelled: callbacks, va_list. */
static bool is_hard_to_write(const struct rh_cfunction *c)
{
	bool is_hard = strchr(c->ret->spelling, '(') != NULL;

	for (uint32_t i = 0; i < c->param_count; i++)
		is_hard = is_hard || strchr(c->params[i].type->spelling, '(') ||
		          strstr(c->params[i].type->spelling, "va_list");
	return is_hard;
}

/* A varargs function, for one, can only be jumped to. */
static bool needs_jump(const struct rh_plan *plan, uint32_t index)
{
	const struct rh_cfunction *c = plan->functions[index].c;

	return plan->interface.functions[index].flags & RH_FUNCTION_LOCAL &&
	       (!c || c->is_variadic || is_hard_to_write(c));
}

/* In the archive the stub is also __wrap_NAME, for ld --wrap and for the plugins of
 * compilers; NAME is weak there, so that a program may have a function of its own that
 * is called so. */
static void put_wrapped(FILE *out, const struct rh_plan_function *function,
                        const struct rh_function *row, uint32_t index)
{
	const struct rh_cfunction *c = function->c;
	char                       name[32];

	snprintf(name, sizeof name, "rh_stub_%u", index);
	bool is_named = c && !c->is_inline && !function->is_ignored &&
	                !(row->flags & RH_FUNCTION_NOCARRY);
	fprintf(out, "#ifdef RH_STATIC\n#pragma weak %s\n__asm__(\".globl __wrap_%s\\n\"\n"
	        "\t\".hidden __wrap_%s\\n.set __wrap_%s, %s\\n\");\n#endif\n",
	        is_named ? c->name : name, row->name, row->name, row->name, row->name);
}

static void put_function(FILE *out, const struct rh_plan *plan, uint32_t index)
{
	const struct rh_plan_function *function = &plan->functions[index];
	const struct rh_function      *row = &plan->interface.functions[index];

	if (!function->is_old && !needs_jump(plan, index))
		put_wrapped(out, function, row, index);
	if (row->reason)
		fprintf(out, "/* %s: %s */\n",
		        row->flags & RH_FUNCTION_LOCAL ? "local" : "not carried", row->reason);
	if (function->is_old)
		put_old(out, row, function->symbol, index);
	else if (needs_jump(plan, index))
		put_jump(out, row->name, index);
	else if (!function->c)
		put_blind(out, row->name, index);
	else if (function->is_ignored)
		put_ignored(out, function->c, row, index);
	else if (row->flags & RH_FUNCTION_LOCAL)
		put_local(out, function->c, index);
	else if (row->flags & RH_FUNCTION_NOCARRY)
		put_nocarry(out, function->c, index);
	else
		put_carried(out, function->c, index);
}

/* "extern" and the definition begin alike. */
static void put_variable_head(FILE *out, const struct rh_plan_variable *variable,
                              uint32_t index)
{
	const struct rh_elf_symbol *symbol = variable->symbol;

	fprintf(out, "%s%schar rh_variable_%u[%lu]",
	        symbol->kind == RH_ELF_THREAD_LOCAL ? "__thread " : "",
	        !variable->is_writable && variable->bytes.len ? "const " : "", index,
	        (unsigned long)(symbol->size ? symbol->size : 1));
}

static void put_variable(FILE *out, const struct rh_plan_variable *variable,
                         uint32_t index)
{
	const struct rh_elf_symbol *symbol = variable->symbol;
	bool                        is_old = !symbol->is_default;

	fputs(is_old ? "#ifndef RH_STATIC\nextern " : "extern ", out);
	put_variable_head(out, variable, index);
	if (!is_old)
		fprintf(out, " __asm__(\"%s\")", symbol->name);
	fputs(";\n", out);
	put_variable_head(out, variable, index);
	fputs(" __attribute__((aligned(16)))", out);
	for (size_t i = 0; i < variable->bytes.len; i++)
		fprintf(out, "%s(char)0x%02x", i ? (i % 12 ? ", " : ",\n\t") : " = {\n\t",
		        variable->bytes.bytes[i]);
	fputs(variable->bytes.len ? "\n};\n" : ";\n", out);
	if (is_old)
		fprintf(out, "__asm__(\".symver rh_variable_%u, %s@%s, remove\");\n#endif\n",
		        index, symbol->name, symbol->version);
	fputc('\n', out);
}

/* What programs compare with the tables that they were linked with. */
static void put_lines(FILE *out, const struct rh_interface *interface)
{
	char text[RH_TEXT_MAX];

	fputs("#ifndef RH_STATIC\n"
	      "__attribute__((section(\"" RH_INTERFACE_SECTION "\"), used))\n"
	      "static const char rh_lines[] =\n\t\"\"", out);
	for (uint32_t i = 0; i < interface->function_count; i++) {
		if (rh_function_carried(&interface->functions[i], text, sizeof text) < 0)
			continue;
		fputs("\n\t", out);
		rh_emit_quoted(out, text);
		fputs(" \"\\n\"", out);
	}
	fputs(";\n#endif\n\n", out);
}

void rh_emit_shadow(FILE *out, const struct rh_plan *plan)
{
	const struct rh_interface *interface = &plan->interface;
	bool                       jumps = false;

	rh_emit_opening(out, plan, "Shadow library");
	rh_emit_tables(out, plan);
	fprintf(out, "__attribute__((section(\"" RH_LIBRARY_SHADOW_SECTION "\"), used))\n"
	        "static const char rh_mark[] = \"%s\";\n\n"
	        "static struct rh_stub_library rh_lib = {\n"
	        "\t.abi = RH_STUB_ABI,\n\t.interface = &rh_table,\n};\n\n",
	        interface->name);
	put_lines(out, interface);
	/* Runtimes of other languages find the tables by this name. */
	fputs("#ifndef RH_STATIC\n"
	      "extern const struct rh_stub_library *const rh_shadow;\n"
	      "__attribute__((visibility(\"default\")))\n"
	      "const struct rh_stub_library *const rh_shadow = &rh_lib;\n"
	      "#endif\n\n", out);
	for (uint32_t i = 0; i < interface->function_count; i++)
		jumps = jumps || needs_jump(plan, i);
	if (jumps)
		fputs(jump_macro, out);
	for (uint32_t i = 0; i < interface->function_count; i++)
		put_function(out, plan, i);
	for (uint32_t i = 0; i < plan->variable_count; i++)
		put_variable(out, &plan->variables[i], i);
	rh_emit_jni(out, plan);
}

static void put_node(FILE *out, const struct rh_plan *plan,
                     const struct rh_elf_version *version)
{
	const char *opening = "\tglobal:\n";

	fprintf(out, "%s {\n", version->name);
	for (uint32_t i = 0; i < plan->exports.symbol_count; i++) {
		const struct rh_elf_symbol *symbol = &plan->exports.symbols[i];

		if (!symbol->version || !symbol->is_default ||
		    strcmp(symbol->version, version->name) != 0)
			continue;
		fprintf(out, "%s\t\t%s;\n", opening, symbol->name);
		opening = "";
	}
	fprintf(out, "}%s%s;\n", version->parent ? " " : "",
	        version->parent ? version->parent : "");
}

bool rh_emit_map(FILE *out, const struct rh_plan *plan)
{
	for (uint32_t i = 0; i < plan->exports.version_count; i++)
		put_node(out, plan, &plan->exports.versions[i]);
	return plan->exports.version_count > 0;
}
