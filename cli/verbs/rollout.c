#include "../cli.h"
#include "../client.h"
#include "../http.h"
#include "../output.h"
#include "../remedy.h"
#include "../show.h"
#include "../table.h"
#include "../verb.h"

#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 320

static long long number_at(const json_t *json, const char *key)
{
	return (long long)json_integer_value(json_object_get(json, key));
}

/* ---- one rule ---- */

static enum rh_style style_of(const char *state)
{
	if (!state)
		return RH_PLAIN;
	if (strcmp(state, "rejected") == 0 || strcmp(state, "unreachable") == 0 ||
	    strcmp(state, "stopped") == 0 || strcmp(state, "rolled-back") == 0)
		return RH_BAD;
	return strcmp(state, "active") == 0 || strcmp(state, "done") == 0 ? RH_GOOD
	                                                                  : RH_PLAIN;
}

static void print_line(struct rh_cli *cli, const char *heading, const char *text,
                       enum rh_style style)
{
	if (!text)
		return;
	fprintf(cli->out, "%-10s", heading);
	rh_text_print(cli->out, text, style, cli->has_color);
	fputc('\n', cli->out);
}

/* "1, 5%, 100%" */
static const char *steps_text(const json_t *steps, char *text, size_t cap)
{
	json_t *step;
	size_t  i, used = 0;

	text[0] = '\0';
	json_array_foreach(steps, i, step) {
		const char *comma = i ? ", " : "";
		int         len;

		if (json_is_string(step))
			len = snprintf(text + used, cap - used, "%s%s", comma,
			               json_string_value(step));
		else
			len = snprintf(text + used, cap - used, "%s%lld", comma,
			               (long long)json_integer_value(step));
		used += (size_t)len;
		if (used >= cap)
			break;
	}
	return text;
}

static void print_head(struct rh_cli *cli, const json_t *rollout)
{
	const char *state = rh_show_text(rollout, "state");
	char        text[256], steps[128];

	snprintf(text, sizeof text, "%.63s, generation %lld", rh_show_text(rollout, "rule"),
	         number_at(rollout, "generation"));
	print_line(cli, "rule", text, RH_PLAIN);
	if (!state || strcmp(state, "unstaged") != 0) /* the message says so */
		print_line(cli, "state", state, style_of(state));
	print_line(cli, "", rh_show_text(rollout, "message"), RH_PLAIN);
	if (json_array_size(json_object_get(rollout, "steps")) > 0)
		print_line(cli, "steps", steps_text(json_object_get(rollout, "steps"), steps,
		                                    sizeof steps), RH_PLAIN);
	if (number_at(rollout, "calls") > 0 || number_at(rollout, "errors") > 0) {
		snprintf(text, sizeof text, "%lld in this step, %lld failed",
		         number_at(rollout, "calls"), number_at(rollout, "errors"));
		print_line(cli, "calls", text, RH_PLAIN);
	}
	print_line(cli, "changed", rh_show_text(rollout, "changed"), RH_PLAIN);
}

static void add_place(struct rh_table *table, const json_t *place)
{
	const char   *code = rh_show_text(place, "code"), *text = rh_show_text(place, "text");
	const char   *state = rh_show_text(place, "state");
	const json_t *edge = json_object_get(place, "edge");
	char          line[256];

	snprintf(line, sizeof line, "%s%s%s", edge ? json_string_value(
	         json_array_get(edge, 0)) : "", edge ? " -> " : "", edge ?
	         json_string_value(json_array_get(edge, 1)) : "");
	rh_table_text(table, line);
	rh_table_text(table, rh_show_text(place, "agent"));
	rh_table_cell(table, state, style_of(state));
	rh_table_number(table, number_at(place, "revision"));
	snprintf(line, sizeof line, "%s%s%.190s", code ? code : "",
	         code && text ? ": " : "", text ? text : "");
	rh_table_text(table, line);
}

static void print_places(struct rh_cli *cli, const json_t *rollout)
{
	static const char *const headings[] = {
		"EDGE", "AGENT", "STATE", "+SINCE", "WHY", NULL,
	};
	const json_t   *agents = json_object_get(rollout, "agents");
	struct rh_table table;
	json_t         *place;
	size_t          i;

	if (json_array_size(agents) == 0)
		return;
	fputc('\n', cli->out);
	rh_table_init(&table, headings);
	json_array_foreach(agents, i, place)
		add_place(&table, place);
	rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

/* ---- all of them ---- */

/* It is under way, or stands still on the way. */
static bool is_open(const json_t *rollout)
{
	return rh_remedy_takes(rollout, "undo") && (rh_remedy_takes(rollout, "pause") ||
	                                            rh_remedy_takes(rollout, "resume"));
}

/* "2 of 3"; what went back to a former generation is in none. */
static const char *step_text(const json_t *rollout, char *text, size_t cap)
{
	size_t steps = json_array_size(json_object_get(rollout, "steps"));

	if (number_at(rollout, "step") > 0 && steps > 0)
		snprintf(text, cap, "%lld of %zu", number_at(rollout, "step"), steps);
	else if (is_open(rollout) && steps > 0)
		snprintf(text, cap, "before 1 of %zu", steps);
	else
		text[0] = '\0';
	return text;
}

static void print_list(struct rh_cli *cli, const json_t *list)
{
	static const char *const headings[] = { "RULE", "STATE", "STEP", "EDGES", "", NULL };
	struct rh_table table;
	json_t         *one;
	size_t          i;
	char            text[64];

	rh_table_init(&table, headings);
	json_array_foreach(json_object_get(list, "items"), i, one) {
		const json_t *edges = json_object_get(one, "edges");

		rh_table_text(&table, rh_show_text(one, "rule"));
		rh_table_cell(&table, rh_show_text(one, "state"),
		              style_of(rh_show_text(one, "state")));
		rh_table_text(&table, step_text(one, text, sizeof text));
		snprintf(text, sizeof text, "%lld of %lld", number_at(edges, "reached"),
		         number_at(edges, "total"));
		rh_table_text(&table, text);
		rh_table_text(&table, rh_show_text(one, "message"));
	}
	if (rh_table_rows(&table) == 0)
		fputs("no rule comes step by step\n", cli->out);
	else
		rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

static void print_history(struct rh_cli *cli, const json_t *history)
{
	static const char *const headings[] = { "+GENERATION", "+REVISION", "EDGE", "SAYS",
		                                NULL };
	struct rh_table     table;
	struct rh_show_rule rule;
	json_t             *one;
	size_t              i;

	rh_table_init(&table, headings);
	json_array_foreach(json_object_get(history, "items"), i, one) {
		rh_show_rule(one, &rule);
		rh_table_number(&table, number_at(one, "generation"));
		rh_table_number(&table, number_at(one, "revision"));
		rh_table_text(&table, rule.edge);
		rh_table_text(&table, rule.says);
	}
	rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

/* ---- the words ---- */

static void print_status(struct rh_cli *cli, const json_t *answer)
{
	if (json_object_get(answer, "items")) {
		print_list(cli, answer);
	} else {
		print_head(cli, answer);
		print_places(cli, answer);
	}
}

static const struct word {
	const char *name;
	const char *method;
	const char *tail;       /* of the path */
	bool        is_for_all; /* without a rule too */
	void      (*print)(struct rh_cli *cli, const json_t *answer);
} words[] = {
	{ "status",  "GET",  "",         true,  print_status },
	{ "history", "GET",  "/history", false, print_history },
	{ "pause",   "POST", "/pause",   false, print_status },
	{ "resume",  "POST", "/resume",  false, print_status },
	{ "undo",    "POST", "/undo",    false, print_status },
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	}
	return NULL;
}

/* Where to ask; the number after --to is checked here, so that it says what was wrong. */
static int write_path(struct rh_cli *cli, const struct word *word, const char *rule,
                      char path[PATH_MAX_BYTES])
{
	const char *to = rh_args_value(&cli->args, "to");
	char        name[200] = "";

	if (to && (strcmp(word->name, "undo") != 0 || !to[0] ||
	           strspn(to, "0123456789") != strlen(to)))
		return rh_cli_usage(cli, "--to is the generation that undo goes back to, a "
		                    "number");
	if (rule)
		rh_http_escape(name, sizeof name, rule);
	snprintf(path, PATH_MAX_BYTES, "/apis/v1/rollouts%s%s%s%s%.20s", rule ? "/" : "",
	         name, rule ? word->tail : "", to ? "?to=" : "", to ? to : "");
	return RH_EXIT_OK;
}

int rh_verb_rollout(struct rh_cli *cli)
{
	const struct word *word = find_word(cli->args.words[0]);
	const char        *rule = cli->args.word_count > 1 ? cli->args.words[1] : NULL;
	char               path[PATH_MAX_BYTES];
	struct rh_ask      ask = { .path = path };
	enum rh_format     format;
	struct rh_reply    reply;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	if (!word)
		return rh_cli_usage(cli, "\"%.40s\" is none of status, history, pause, resume, "
		                    "undo", cli->args.words[0]);
	if (!rule && !word->is_for_all)
		return rh_cli_usage(cli, "which rule? `rhodes rollout %s RULE`", word->name);
	int result = write_path(cli, word, rule, path);
	if (result != RH_EXIT_OK)
		return result;
	ask.method = word->method;
	result = rh_client_ask(cli, &ask, &reply);
	if (result != RH_EXIT_OK)
		return result;
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		result = rh_output_value(cli, format, reply.json);
	else
		word->print(cli, reply.json);
	rh_reply_fini(&reply);
	return result;
}
