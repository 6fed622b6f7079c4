#include "../cli.h"
#include "../client.h"
#include "../kind.h"
#include "../output.h"
#include "../show.h"
#include "../table.h"
#include "../verb.h"

#include <string.h>

#define AUDIT_DEFAULT 50

/* --- one row per kind ------------------------------------------------------------------
 */

static const char *const resource_headings[] = {
	"NAME", "TYPE", "INTERFACE", "REFERENCES", "INSTANCES", "STATUS", NULL,
};
static const char *const resource_wide[] = {
	"NAME", "TYPE", "INTERFACE", "REFERENCES", "INSTANCES", "STATUS", "PRIVILEGE",
	"SERVED BY", "+GENERATION", "+REVISION", NULL,
};

static void add_resource(struct rh_table *table, const json_t *object, bool is_wide)
{
	const json_t *spec = json_object_get(object, "spec");
	enum rh_style style;
	const char   *status = rh_show_status(object, &style);
	char          text[512];

	rh_table_text(table, rh_show_name(object));
	rh_table_text(table, rh_show_text(spec, "type"));
	rh_table_text(table, rh_show_text(spec, "interface"));
	rh_table_text(table, rh_show_list(json_object_get(spec, "reference"), text,
	                                  sizeof text));
	rh_table_text(table, rh_show_instances(object, text, sizeof text));
	rh_table_cell(table, status, style);
	if (!is_wide)
		return;
	rh_table_text(table, rh_show_text(spec, "privilege") ?
	              rh_show_text(spec, "privilege") : "user");
	rh_table_text(table, rh_show_served_by(spec, text, sizeof text));
	rh_table_number(table, rh_show_number(object, "generation"));
	rh_table_number(table, rh_show_number(object, "revision"));
}

static const char *const rule_headings[] = {
	"NAME", "KIND", "OF", "SAYS", "STATUS", "+REVISION", NULL,
};

static void add_rule(struct rh_table *table, const json_t *object, bool is_wide)
{
	struct rh_show_rule rule;
	enum rh_style       style;
	char                text[64];
	const char *status = rh_show_in_force(object, text, sizeof text, &style);

	(void)is_wide;
	rh_show_rule(object, &rule);
	rh_table_text(table, rh_show_name(object));
	rh_table_text(table, rule.kind);
	rh_table_text(table, rule.edge);
	rh_table_text(table, rule.says);
	rh_table_cell(table, status, style);
	rh_table_number(table, rh_show_number(object, "revision"));
}

static const char *const interface_headings[] = {
	"NAME", "SONAME", "VERSION", "+FUNCTIONS", "HASH", "+REVISION", NULL,
};

static void add_interface(struct rh_table *table, const json_t *object, bool is_wide)
{
	const json_t *spec = json_object_get(object, "spec");

	(void)is_wide;
	rh_table_text(table, rh_show_name(object));
	rh_table_text(table, rh_show_text(spec, "soname"));
	rh_table_text(table, rh_show_text(spec, "version"));
	rh_table_number(table, rh_show_functions(rh_show_text(spec, "text")));
	rh_table_text(table, rh_show_text(spec, "hash"));
	rh_table_number(table, rh_show_number(object, "revision"));
}

static const char *const module_headings[] = {
	"SHA256", "NAME", "HOOK", "MODE", "+BYTES", "+REVISION", NULL,
};

static void add_module(struct rh_table *table, const json_t *object, bool is_wide)
{
	const json_t *spec = json_object_get(object, "spec");
	const json_t *manifest = json_object_get(spec, "manifest"); /* of a rule's */
	const char   *name = rh_show_name(object);
	char          cut[24];

	snprintf(cut, sizeof cut, "%.16s...", name ? name : "");
	rh_table_text(table, is_wide ? name : cut);
	rh_table_text(table, rh_show_text(manifest, "name"));
	rh_table_text(table, rh_show_text(manifest, "hook"));
	rh_table_text(table, rh_show_text(manifest, "mode"));
	rh_table_number(table, json_integer_value(json_object_get(
		json_object_get(object, "spec"), "bytes")));
	rh_table_number(table, rh_show_number(object, "revision"));
}

static const char *const agent_headings[] = {
	"RESOURCE", "+PID", "+REVISION", "STATE", "INSTANCES", "SINCE", NULL,
};
static const char *const agent_wide[] = {
	"RESOURCE", "+PID", "+REVISION", "STATE", "INSTANCES", "SINCE", "+UID",
	"+SETTLED", "+LAG", "SOURCE", "+WIRE", NULL,
};

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void add_agent(struct rh_table *table, const json_t *agent, bool is_wide)
{
	enum rh_style style;
	char          text[512];

	if (strcmp(rh_show_text(agent, "role") ? rh_show_text(agent, "role") : "",
	           "supervisor") == 0 && !is_wide)
		return;
	rh_table_text(table, rh_show_text(agent, "resource") &&
	              rh_show_text(agent, "resource")[0] ? rh_show_text(agent, "resource")
	                                                 : "(supervisor)");
	rh_table_number(table, number_of(agent, "pid"));
	rh_table_number(table, number_of(agent, "revision"));
	rh_show_agent(agent, text, sizeof text, &style);
	rh_table_cell(table, text, style);
	rh_table_text(table, rh_show_pids(json_object_get(agent, "instances"), text,
	                                  sizeof text));
	rh_table_text(table, rh_show_text(agent, "since"));
	if (!is_wide)
		return;
	rh_table_number(table, number_of(agent, "uid"));
	rh_table_number(table, number_of(agent, "settledRevision"));
	rh_table_number(table, number_of(agent, "lag"));
	rh_table_text(table, rh_show_text(agent, "source"));
	rh_table_number(table, number_of(agent, "wireVersion"));
}

static const char *const audit_headings[] = {
	"+SEQ", "TIME", "+UID", "VERB", "OBJECT", "RESULT", "DETAIL", NULL,
};

static void add_audit(struct rh_table *table, const json_t *item, bool is_wide)
{
	const json_t *entry = json_object_get(item, "entry");
	const char   *result = rh_show_text(entry, "result");
	char          object[160];

	(void)is_wide;
	snprintf(object, sizeof object, "%s%s%s",
	         rh_show_text(entry, "kind") ? rh_show_text(entry, "kind") : "",
	         rh_show_text(entry, "name") ? "/" : "",
	         rh_show_text(entry, "name") ? rh_show_text(entry, "name") : "");
	rh_table_number(table, json_integer_value(json_object_get(item, "seq")));
	rh_table_text(table, rh_show_text(entry, "time"));
	rh_table_number(table, json_integer_value(json_object_get(entry, "uid")));
	rh_table_text(table, rh_show_text(entry, "verb"));
	rh_table_text(table, object);
	rh_table_cell(table, result, result && strcmp(result, "refused") == 0 ? RH_BAD
	                                                                      : RH_PLAIN);
	rh_table_text(table, rh_show_text(entry, "detail")
	                             ? rh_show_text(entry, "detail")
	                             : rh_show_text(entry, "reason"));
}

struct format {
	const char        *plural;
	const char *const *headings;
	const char *const *wide;     /* NULL: the same */
	void (*add)(struct rh_table *table, const json_t *object, bool is_wide);
};

static const struct format formats[] = {
	{ "resources", resource_headings, resource_wide, add_resource },
	{ "rules", rule_headings, NULL, add_rule },
	{ "interfaces", interface_headings, NULL, add_interface },
	{ "modules", module_headings, NULL, add_module },
	{ "agents", agent_headings, agent_wide, add_agent },
	{ "audit", audit_headings, NULL, add_audit },
};

/* --- getting
 * ----------------------------------------------------------------------------- */

/* "label=value", or "label" for any value. */
static bool is_selected(const json_t *object, const char *selector)
{
	const json_t *labels = json_object_get(json_object_get(object, "metadata"),
	                                       "labels");
	const json_t *also = json_object_get(json_object_get(object, "spec"), "labels");
	const char   *equals, *value;
	char          key[80];

	if (!selector)
		return true;
	equals = strchr(selector, '=');
	snprintf(key, sizeof key, "%.*s", equals ? (int)(equals - selector) : 79,
	         selector);
	value = rh_show_text(labels, key);
	if (!value)
		value = rh_show_text(also, key);
	return value && (!equals || strcmp(value, equals + 1) == 0);
}

static json_t *select_items(const json_t *items, const char *selector, const char *name)
{
	json_t *selected = json_array(), *item;
	size_t  i;

	json_array_foreach(items, i, item) {
		const char *resource = rh_show_text(item, "resource");

		if (is_selected(item, selector) &&
		    (!name || (resource && strcmp(resource, name) == 0)))
			json_array_append(selected, item);
	}
	return selected;
}

/* The newest come first; a log is read downwards. */
static void turn_around(json_t *items)
{
	size_t count = json_array_size(items);

	for (size_t i = 0; i < count / 2; i++) {
		json_t *low = json_incref(json_array_get(items, i));

		json_array_set(items, i, json_array_get(items, count - 1 - i));
		json_array_set_new(items, count - 1 - i, low);
	}
}

static int get_audit(struct rh_cli *cli, json_t **ret_items)
{
	long           limit = AUDIT_DEFAULT;
	struct rh_diag diag = { 0 };
	char           path[64];
	json_t        *page = NULL;
	int            result;

	if (rh_args_number(&cli->args, "limit", 1, 5000, &limit, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	snprintf(path, sizeof path, "/apis/v1/audit?limit=%ld", limit);
	result = rh_client_get(cli, path, &page);
	if (result != RH_EXIT_OK)
		return result;
	*ret_items = json_incref(json_object_get(page, "items"));
	json_decref(page);
	turn_around(*ret_items);
	return RH_EXIT_OK;
}

static int get_items(struct rh_cli *cli, const struct rh_kind *kind, const char *name,
                     json_t **ret_items)
{
	const char *selector = rh_args_value(&cli->args, "selector");
	char        path[256];
	json_t     *items = NULL;
	int         result;

	if (strcmp(kind->plural, "audit") == 0)
		return get_audit(cli, ret_items);
	rh_kind_path(kind, NULL, path, sizeof path);
	result = rh_client_list(cli, path, "items", &items);
	if (result != RH_EXIT_OK)
		return result;
	*ret_items = select_items(items, selector, name);
	json_decref(items);
	return RH_EXIT_OK;
}

static void print_table(struct rh_cli *cli, const struct rh_kind *kind,
                        const json_t *items, bool is_wide)
{
	const struct format *format = formats;
	struct rh_table      table;
	size_t               i;
	json_t              *item;

	while (strcmp(format->plural, kind->plural) != 0)
		format++;
	rh_table_init(&table, is_wide && format->wide ? format->wide : format->headings);
	json_array_foreach(items, i, item)
		format->add(&table, item, is_wide);
	if (rh_table_rows(&table) == 0)
		fprintf(cli->err, "no %s\n", kind->plural);
	else
		rh_table_print(&table, cli->out, !rh_args_has(&cli->args, "no-header"),
		               cli->has_color);
	rh_table_fini(&table);
}

static void print_names(struct rh_cli *cli, const struct rh_kind *kind,
                        const json_t *items)
{
	size_t  i;
	json_t *item;

	json_array_foreach(items, i, item) {
		const char *name = rh_show_name(item);

		fprintf(cli->out, "%s/", kind->object ? kind->object : kind->singular);
		if (name || rh_show_text(item, "resource"))
			rh_text_print(cli->out,
			              name ? name : rh_show_text(item, "resource"),
			              RH_PLAIN, 0);
		else
			fprintf(cli->out, "%lld", (long long)json_integer_value(
				json_object_get(item, "seq")));
		fputc('\n', cli->out);
	}
}

static int get_one(struct rh_cli *cli, const struct rh_kind *kind, const char *name,
                   enum rh_format format)
{
	char    path[400];
	json_t *object = NULL, *items;
	int     result;

	rh_kind_path(kind, name, path, sizeof path);
	result = rh_client_get(cli, path, &object);
	if (result != RH_EXIT_OK)
		return result;
	items = json_pack("[O]", object);
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		result = rh_output_value(cli, format, object);
	else if (format == RH_FORMAT_NAME)
		print_names(cli, kind, items);
	else
		print_table(cli, kind, items, format == RH_FORMAT_WIDE);
	json_decref(items);
	json_decref(object);
	return result;
}

int rh_verb_get(struct rh_cli *cli)
{
	const struct rh_kind *kind = rh_kind_find(cli->args.words[0]);
	const char           *name = cli->args.words[1];
	enum rh_format        format;
	json_t               *items = NULL;
	int                   result;

	if (!kind)
		return rh_cli_usage(cli, "there is no kind \"%.40s\"%s",
		                    cli->args.words[0],
		                    strncmp(cli->args.words[0], "rollout", 7) == 0
		                    ? "; `rhodes rollout status` lists roll-outs" : "");
	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	/* A module's own path gives its bytes, agents have none. */
	if (name && kind->object && strcmp(kind->plural, "modules") != 0)
		return get_one(cli, kind, name, format);
	result = get_items(cli, kind, name, &items);
	if (result != RH_EXIT_OK)
		return result;
	if (name && json_array_size(items) == 0)
		result = rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "no %s of \"%.63s\"",
		                     kind->singular, name);
	else if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		result = rh_output_value(cli, format, items);
	else if (format == RH_FORMAT_NAME)
		print_names(cli, kind, items);
	else
		print_table(cli, kind, items, format == RH_FORMAT_WIDE);
	json_decref(items);
	return result;
}
