#include "rule.h"

#include "client.h"
#include "output.h"
#include "show.h"
#include "table.h"

#include <string.h>

static void name_place(const json_t *code, char *text, size_t cap)
{
	const json_t *edge = json_object_get(code, "edge");
	const char   *caller = json_string_value(json_array_get(edge, 0));
	const char   *callee = json_string_value(json_array_get(edge, 1));
	const char   *resource = rh_show_text(code, "resource");

	if (caller && callee)
		snprintf(text, cap, "%.64s -> %.64s", caller, callee);
	else
		snprintf(text, cap, "%.64s", resource ? resource : "?");
}

/* The version of a module, "-" when it has none, or went meanwhile. */
static void name_version(const json_t *modules, const char *module, char *text, size_t cap)
{
	json_t *object;
	size_t  i;

	snprintf(text, cap, "-");
	json_array_foreach(modules, i, object) {
		const json_t *version = json_object_get(json_object_get(json_object_get(object,
			"spec"), "manifest"), "version");

		if (version && strcmp(module, rh_show_name(object)) == 0)
			snprintf(text, cap, "%lld", (long long)json_integer_value(version));
	}
}

static void add_row(struct rh_table *table, const json_t *object, const json_t *modules)
{
	const json_t  *code = json_object_get(json_object_get(object, "spec"), "code");
	const char    *module = rh_show_text(code, "module");
	enum rh_style  style = RH_PLAIN;
	char           text[160];
	const char    *in_force;

	rh_table_text(table, rh_show_name(object));
	rh_table_text(table, rh_show_text(code, "hook"));
	name_place(code, text, sizeof text);
	rh_table_text(table, text);
	rh_table_text(table, rh_show_text(code, "mode"));
	module = module && strlen(module) > 7 ? module + 7 : ""; /* "sha256:" */
	snprintf(text, sizeof text, "%.12s", module);
	rh_table_text(table, text);
	name_version(modules, module, text, sizeof text);
	rh_table_text(table, text);
	in_force = rh_show_in_force(object, text, sizeof text, &style);
	rh_table_cell(table, in_force, style);
}

static json_t *only_code(const json_t *rules)
{
	json_t *list = json_array(), *rule;
	size_t  i;

	json_array_foreach(rules, i, rule) {
		if (json_object_get(json_object_get(rule, "spec"), "code"))
			json_array_append(list, rule);
	}
	return list;
}

static void print_table(struct rh_cli *cli, const json_t *list, const json_t *modules)
{
	static const char *const headings[] = {
		"NAME", "HOOK", "WHERE", "MODE", "MODULE", "VERSION", "IN FORCE", NULL,
	};
	struct rh_table table;
	json_t         *rule;
	size_t          i;

	if (json_array_size(list) == 0) {
		fputs("there is no rule of code; `rhodes rule new NAME` begins one\n", cli->out);
		return;
	}
	rh_table_init(&table, headings);
	json_array_foreach(list, i, rule)
		add_row(&table, rule, modules);
	rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

static int show_table(struct rh_cli *cli, const json_t *list)
{
	json_t *modules = NULL;
	int     result = rh_client_list(cli, "/apis/v1/modules", "items", &modules);

	if (result == RH_EXIT_OK)
		print_table(cli, list, modules);
	json_decref(modules);
	return result;
}

static void print_names(struct rh_cli *cli, const json_t *list)
{
	json_t *rule;
	size_t  i;

	json_array_foreach(list, i, rule)
		fprintf(cli->out, "%s\n", rh_show_name(rule));
}

int rh_rule_list(struct rh_cli *cli, const char *word)
{
	json_t        *rules = NULL, *list;
	enum rh_format format;
	int            result;

	(void)word;
	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	result = rh_client_list(cli, "/apis/v1/rules", "items", &rules);
	if (result != RH_EXIT_OK)
		return result;
	list = only_code(rules);
	if (format == RH_FORMAT_NAME)
		print_names(cli, list);
	else if (format == RH_FORMAT_TABLE || format == RH_FORMAT_WIDE)
		result = show_table(cli, list);
	else
		result = rh_output_value(cli, format, list);
	json_decref(list);
	json_decref(rules);
	return result;
}
