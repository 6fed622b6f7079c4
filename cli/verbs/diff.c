#include "../cli.h"
#include "../client.h"
#include "../fields.h"
#include "../kind.h"
#include "../output.h"
#include "../show.h"
#include "../submission.h"
#include "../table.h"
#include "../verb.h"

#include "../../base/plural.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 100 /* bytes of a value that are shown */

/* ---- comparing ---- */

/* The object as it is in the center, NULL when it is not there. */
static int get_now(struct rh_cli *cli, const char *kind, const char *name,
                   json_t **ret_object)
{
	const struct rh_kind *known = rh_kind_find(kind);
	char                  path[400];

	*ret_object = NULL;
	if (!known)
		return RH_EXIT_OK;
	rh_kind_path(known, name, path, sizeof path);
	return rh_client_get(cli, path, ret_object);
}

static json_t *fields_of(const json_t *now, const json_t *wanted)
{
	json_t *fields = json_array();

	rh_fields_compare(fields, "metadata.labels",
	                  json_object_get(json_object_get(now, "metadata"), "labels"),
	                  json_object_get(json_object_get(wanted, "metadata"), "labels"));
	rh_fields_compare(fields, "spec", json_object_get(now, "spec"),
	                  json_object_get(wanted, "spec"));
	return fields;
}

/* results[i] of the dry run is of objects[i]; those that change, with their fields. */
static int compare_all(struct rh_cli *cli, const json_t *answer, const json_t *objects,
                       json_t *list)
{
	json_t *result;
	size_t  i;

	json_array_foreach(json_object_get(answer, "results"), i, result) {
		const char *kind = rh_show_text(result, "kind");
		const char *name = rh_show_text(result, "name");
		const char *what = rh_show_text(result, "result");
		json_t     *now = NULL;
		int         code = RH_EXIT_OK;

		if (!kind || !name || !what || strcmp(what, "unchanged") == 0)
			continue;
		if (strcmp(what, "created") != 0)
			code = get_now(cli, kind, name, &now);
		if (code != RH_EXIT_OK)
			return code;
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "kind", kind,
			"name", name, "result", what, "fields",
			fields_of(now, json_array_get(objects, i))));
		json_decref(now);
	}
	return RH_EXIT_OK;
}

/* ---- printing ---- */

static void print_value(struct rh_cli *cli, const json_t *value, enum rh_style style)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
	                                       JSON_REAL_PRECISION(12)) : NULL;
	char  cut[VALUE_MAX + 4];

	if (!text) {
		fputs("(none)", cli->out);
		return;
	}
	snprintf(cut, sizeof cut, "%.*s%s", VALUE_MAX, text,
	         strlen(text) > VALUE_MAX ? "..." : "");
	rh_text_print(cli->out, cut, style, cli->has_color);
	free(text);
}

static void print_object(struct rh_cli *cli, const json_t *object)
{
	json_t *field;
	size_t  i;

	rh_text_print(cli->out, rh_show_text(object, "kind"), RH_BOLD, cli->has_color);
	fputc('/', cli->out);
	rh_text_print(cli->out, rh_show_text(object, "name"), RH_BOLD, cli->has_color);
	fprintf(cli->out, " %s\n", rh_show_text(object, "result"));
	json_array_foreach(json_object_get(object, "fields"), i, field) {
		fputs("  ", cli->out);
		rh_text_print(cli->out, rh_show_text(field, "path"), RH_PLAIN, 0);
		fputs(": ", cli->out);
		print_value(cli, json_object_get(field, "before"), RH_BAD);
		fputs(" -> ", cli->out);
		print_value(cli, json_object_get(field, "after"), RH_GOOD);
		fputc('\n', cli->out);
	}
}

/* ", filter by sha256:9f86d081" for each */
static void add_code(const json_t *list, char *text, size_t cap)
{
	json_t *code;
	size_t  i, len = strlen(text);

	json_array_foreach(list, i, code) {
		const char *hook = rh_show_text(code, "hook");
		const char *module = rh_show_text(code, "module");

		if (len < cap)
			len += (size_t)snprintf(text + len, cap - len, ", %s by %.15s",
			                        hook ? hook : "?", module ? module : "?");
	}
}

/* "shm", "refused: ELAYER", "not declared" */
static const char *side_text(const json_t *side, char *text, size_t cap)
{
	const char *verdict = rh_show_text(side, "verdict");
	const char *protocol = rh_show_text(side, "protocol");
	long long   calls = json_integer_value(json_object_get(side, "calls"));

	if (!json_is_true(json_object_get(side, "declared")))
		return "not declared";
	if (verdict && strcmp(verdict, "OK") != 0)
		snprintf(text, cap, "%s: %s", strcmp(verdict, "EPENDING") == 0 ? "pending"
		         : "refused", verdict);
	else if (calls)
		snprintf(text, cap, "%s, at most %lld call%s", protocol ? protocol : "?", calls,
		         rh_plural((unsigned long long)calls));
	else
		snprintf(text, cap, "%s", protocol ? protocol : "?");
	add_code(json_object_get(side, "code"), text, cap);
	return text;
}

static void print_edges(struct rh_cli *cli, const json_t *edges)
{
	static const char *const headings[] = { "EDGE", "NOW", "THEN", "STEP", NULL };
	struct rh_table table;
	json_t         *edge;
	size_t          i;
	char            text[160];

	if (json_array_size(edges) == 0)
		return;
	fputc('\n', cli->out);
	rh_table_init(&table, headings);
	json_array_foreach(edges, i, edge) {
		const json_t *ends = json_object_get(edge, "edge");
		long long     step = (long long)json_integer_value(json_object_get(edge,
		                                                                   "step"));

		snprintf(text, sizeof text, "%s -> %s",
		         json_string_value(json_array_get(ends, 0)),
		         json_string_value(json_array_get(ends, 1)));
		rh_table_text(&table, text);
		rh_table_text(&table, side_text(json_object_get(edge, "before"), text,
		                                sizeof text));
		rh_table_text(&table, side_text(json_object_get(edge, "after"), text,
		                                sizeof text));
		snprintf(text, sizeof text, "%lld", step);
		rh_table_text(&table, step ? text : "at once");
	}
	rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

static int print(struct rh_cli *cli, enum rh_format format, const json_t *found)
{
	json_t *object;
	size_t  i;

	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		return rh_output_value(cli, format, found);
	json_array_foreach(json_object_get(found, "objects"), i, object)
		print_object(cli, object);
	print_edges(cli, json_object_get(found, "edges"));
	if (json_is_true(json_object_get(found, "edgesMore")))
		fputs("and more edges, which were not looked at\n", cli->out);
	return RH_EXIT_OK;
}

/* The answer of the dry run, with the fields in place of the results. */
static int compare(struct rh_cli *cli, enum rh_format format, const json_t *answer,
                   const json_t *objects)
{
	json_t *list = json_array();
	json_t *more = json_object_get(answer, "edgesMore");
	json_t *found = json_pack("{s:o, s:O}", "objects", list, "edges",
	                          json_object_get(answer, "edges"));
	int     result = compare_all(cli, answer, objects, list);

	if (more)
		json_object_set(found, "edgesMore", more);
	if (result == RH_EXIT_OK)
		result = print(cli, format, found);
	if (result == RH_EXIT_OK && json_array_size(list) > 0)
		result = RH_EXIT_REFUSED; /* "are they the same?" no */
	json_decref(found);
	return result;
}

int rh_verb_diff(struct rh_cli *cli)
{
	struct rh_manifest *manifest;
	enum rh_format      format;
	json_t             *answer = NULL, *objects = NULL;
	int                 result;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	manifest = rh_manifest_create();
	if (!manifest)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	result = rh_submit(cli, manifest, true, &answer, &objects);
	if (result == RH_EXIT_OK)
		result = compare(cli, format, answer, objects);
	json_decref(answer);
	json_decref(objects);
	rh_manifest_destroy(manifest);
	return result;
}
