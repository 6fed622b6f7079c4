#include "emit.h"

#include <inttypes.h>
#include <string.h>

static const char *place_of(const struct rh_function *row)
{
	if (row->flags & RH_FUNCTION_LOCAL)
		return "local";
	return row->flags & RH_FUNCTION_NOCARRY ? "nocarry" : "carried";
}

static void put_name(FILE *out, const struct rh_function *row, bool is_old)
{
	fputs(row->name, out);
	if (row->version)
		fprintf(out, "%s%s", is_old ? "@" : "@@", row->version);
}

void rh_emit_text(FILE *out, const struct rh_plan *plan)
{
	const struct rh_interface *interface = &plan->interface;
	char                       text[RH_TEXT_MAX];

	for (uint32_t i = 0; i < interface->function_count; i++) {
		const struct rh_function *row = &interface->functions[i];

		if (!rh_plan_is_carried(row)) {
			fprintf(out, "# %s ", place_of(row));
			put_name(out, row, plan->functions[i].is_old);
			fprintf(out, ": %s\n", row->reason);
		} else if (rh_function_text(row, text, sizeof text) >= 0) {
			fprintf(out, "%s\n", text);
		}
	}
	for (uint32_t i = 0; i < plan->variable_count; i++) {
		const struct rh_plan_variable *variable = &plan->variables[i];

		fprintf(out, "# variable %s: %s\n", variable->symbol->name,
		        variable->is_exact && !variable->is_writable ?
		        "constant, copied from the library" :
		        "each process has its own");
	}
}

static void put_json_flags(FILE *out, uint16_t flags)
{
	static const char *const names[] = {
		"idempotent", "state", "creates", "stdio", "umask", "local", "nocarry",
		"event",
	};
	const char *between = "";

	fputs("[", out);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!(flags & 1u << i))
			continue;
		fprintf(out, "%s\"%s\"", between, names[i]);
		between = ", ";
	}
	fputs("]", out);
}

static void put_json_on_error(FILE *out, const struct rh_function *row)
{
	if (row->on_error == RH_ON_ERROR_ABORT)
		fputs(", \"on_error\": \"abort\"", out);
	if (row->on_error == RH_ON_ERROR_RETURN)
		fprintf(out, ", \"on_error\": {\"return\": %" PRId64 "}", row->error_value);
	if (row->error_errno)
		fprintf(out, ", \"errno\": %" PRId32, row->error_errno);
}

static void put_json_function(FILE *out, const struct rh_function *row, bool is_old)
{
	char text[RH_TEXT_MAX];

	fputs("    {\"name\": ", out);
	rh_emit_quoted(out, row->name);
	if (row->version) {
		fputs(", \"version\": ", out);
		rh_emit_quoted(out, row->version);
	}
	if (is_old)
		fputs(", \"old\": true", out);
	fprintf(out, ", \"hash\": \"%016" PRIx64 "\", \"flags\": ", row->hash);
	put_json_flags(out, row->flags);
	if (rh_plan_is_carried(row) && rh_function_text(row, text, sizeof text) >= 0) {
		fputs(", \"text\": ", out);
		rh_emit_quoted(out, text);
	}
	if (row->reason) {
		fputs(", \"reason\": ", out);
		rh_emit_quoted(out, row->reason);
	}
	put_json_on_error(out, row);
	fputs("}", out);
}

static void put_json_functions(FILE *out, const struct rh_plan *plan)
{
	fputs("  \"functions\": [\n", out);
	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		put_json_function(out, &plan->interface.functions[i],
		                  plan->functions[i].is_old);
		fputs(i + 1 < plan->interface.function_count ? ",\n" : "\n", out);
	}
	fputs("  ],\n", out);
}

static void put_json_rest(FILE *out, const struct rh_plan *plan)
{
	fputs("  \"handles\": [", out);
	for (uint32_t i = 0; i < plan->interface.handle_count; i++) {
		const struct rh_handle_type *handle = &plan->interface.handles[i];

		fputs(i ? ", {\"name\": " : "{\"name\": ", out);
		rh_emit_quoted(out, handle->name);
		fprintf(out, ", \"replay\": %s}",
		        handle->flags & RH_HANDLE_REPLAY ? "true" : "false");
	}
	fputs("],\n  \"variables\": [", out);
	for (uint32_t i = 0; i < plan->variable_count; i++) {
		fputs(i ? ", " : "", out);
		rh_emit_quoted(out, plan->variables[i].symbol->name);
	}
	fputs("]\n", out);
}

static void put_json_word(FILE *out, const char *key, const char *word)
{
	fprintf(out, "  \"%s\": ", key);
	rh_emit_quoted(out, word);
	fputs(",\n", out);
}

void rh_emit_json(FILE *out, const struct rh_plan *plan)
{
	const struct rh_interface *interface = &plan->interface;

	fputs("{\n", out);
	put_json_word(out, "name", interface->name);
	put_json_word(out, "soname", interface->soname);
	put_json_word(out, "version", interface->version);
	fprintf(out, "  \"hash\": \"%016" PRIx64 "\",\n", interface->hash);
	if (plan->library_path)
		put_json_word(out, "library", plan->library_path);
	if (plan->side.package)
		put_json_word(out, "package", plan->side.package);
	put_json_functions(out, plan);
	put_json_rest(out, plan);
	fputs("}\n", out);
}
