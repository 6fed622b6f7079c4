#include "../cli.h"
#include "../client.h"
#include "../kind.h"
#include "../output.h"
#include "../problem.h"
#include "../show.h"
#include "../verb.h"

#include "../../base/plural.h"

#include <stdint.h>
#include <string.h>

struct page {
	struct rh_cli *cli;
	const json_t  *object;
	const json_t  *spec;
};

static void put(const struct page *page, const char *text)
{
	rh_text_print(page->cli->out, text ? text : "-", RH_PLAIN, 0);
}

static void heading(const struct page *page, const char *text)
{
	char padded[32];

	snprintf(padded, sizeof padded, "%-12s", text);
	rh_text_print(page->cli->out, padded, RH_BOLD, page->cli->has_color);
	fputc(' ', page->cli->out);
}

/* A line, left out when there is nothing to say. */
static void line(const struct page *page, const char *name, const char *text)
{
	if (!text || !text[0])
		return;
	heading(page, name);
	put(page, text);
	fputc('\n', page->cli->out);
}

static void line_list(const struct page *page, const char *name, const json_t *list)
{
	char    text[2048] = "";
	size_t  used = 0, i;
	json_t *item;

	json_array_foreach(list, i, item) {
		int n = json_is_integer(item)
		                ? snprintf(text + used, sizeof text - used, "%s%lld",
		                           i ? ", " : "",
		                           (long long)json_integer_value(item))
		                : snprintf(text + used, sizeof text - used, "%s%s",
		                           i ? ", " : "",
		                           json_string_value(item)
		                                   ? json_string_value(item)
		                                   : "?");

		if (n < 0 || (size_t)n >= sizeof text - used)
			break;
		used += (size_t)n;
	}
	line(page, name, text);
}

static void put_labels(const struct page *page)
{
	const json_t *labels = json_object_get(json_object_get(page->object, "metadata"),
	                                       "labels");
	const char   *key;
	json_t       *value;
	char          text[512];

	json_object_foreach((json_t *)(uintptr_t)labels, key, value) {
		snprintf(text, sizeof text, "%s=%s", key,
		         json_string_value(value) ? json_string_value(value) : "");
		line(page, "Label", text);
	}
}

static void put_head(const struct page *page)
{
	char text[96];

	line(page, "Name", rh_show_name(page->object));
	line(page, "Kind", rh_show_text(page->object, "kind"));
	snprintf(text, sizeof text, "%lld, generation %lld",
	         rh_show_number(page->object, "revision"),
	         rh_show_number(page->object, "generation"));
	line(page, "Revision", text);
	put_labels(page);
}

static void put_conditions(const struct page *page)
{
	const json_t *list = json_object_get(json_object_get(page->object, "status"),
	                                     "conditions");
	size_t        i;
	json_t       *item;
	char          text[1024];

	json_array_foreach(list, i, item) {
		const char *status = rh_show_text(item, "status");
		const char *message = rh_show_text(item, "message");

		snprintf(text, sizeof text, "%s%s: %s", rh_show_text(item, "type"),
		         status && strcmp(status, "True") == 0 ? "" : " (not)",
		         message ? message : "");
		line(page, i ? "" : "Conditions", text);
	}
}

/* --- a resource
 * ------------------------------------------------------------------------- */

static void put_served(const struct page *page)
{
	const json_t *serve = json_object_get(page->spec, "serve");
	json_int_t    threads = json_integer_value(json_object_get(serve, "threads"));
	const char   *restart = rh_show_text(serve, "restart");
	char          by[512], text[700];

	if (!serve)
		return;
	threads = threads > 0 ? threads : 1;
	snprintf(text, sizeof text, "%s, %lld thread%s, restart %s",
	         rh_show_served_by(page->spec, by, sizeof by), (long long)threads,
	         rh_plural((unsigned long long)threads), restart ? restart : "always");
	line(page, "Served by", text);
}

/* The edges in which the resource is the caller, or the callee. */
static void put_edges(const struct page *page, const json_t *edges, const char *self,
                      const char *other, const char *name)
{
	const char *mine = rh_show_name(page->object);
	bool        is_first = true;
	size_t      i;
	json_t     *edge;
	char        text[400];

	json_array_foreach(edges, i, edge) {
		const char *end = rh_show_text(edge, self);
		long long   calls = json_integer_value(json_object_get(edge, "observed"));
		long long   errors = json_integer_value(json_object_get(edge, "errors"));

		if (!end || !mine || strcmp(end, mine) != 0)
			continue;
		snprintf(text, sizeof text, "%s: %s, by %s, %lld call%s, %lld error%s",
		         rh_show_text(edge, other), rh_show_text(edge, "outcome"),
		         rh_show_text(edge, "protocol"), calls,
		         rh_plural((unsigned long long)calls), errors,
		         rh_plural((unsigned long long)errors));
		line(page, is_first ? name : "", text);
		is_first = false;
	}
}

/* What the agent could not put in force, or not yet. */
static void put_unsettled(const struct page *page, const json_t *agent)
{
	size_t  i;
	json_t *item;

	json_array_foreach(json_object_get(agent, "unsettled"), i, item) {
		const json_t *edge = json_object_get(item, "edge");
		const char   *caller = json_string_value(json_array_get(edge, 0));
		const char   *callee = json_string_value(json_array_get(edge, 1));
		const char   *code = rh_show_text(item, "code");
		const char   *why = rh_show_text(item, "text");
		char          text[512];

		snprintf(text, sizeof text, "%s%s%s: %s%s%s%s%s",
		         caller ? caller : "the resource", caller ? " -> " : "",
		         callee ? callee : "", rh_show_text(item, "state"),
		         code ? ": " : "", code ? code : "", why ? ": " : "",
		         why ? why : "");
		line(page, "", text);
	}
}

static void put_agents(const struct page *page, const json_t *agents)
{
	const char   *mine = rh_show_name(page->object);
	size_t        i;
	json_t       *agent;
	char          pids[256], state[64], text[400];
	enum rh_style style;

	json_array_foreach(agents, i, agent) {
		const char *resource = rh_show_text(agent, "resource");

		if (!resource || !mine || strcmp(resource, mine) != 0)
			continue;
		rh_show_pids(json_object_get(agent, "instances"), pids, sizeof pids);
		rh_show_agent(agent, state, sizeof state, &style);
		snprintf(text, sizeof text, "pid %lld, has revision %lld%s%s",
		         (long long)json_integer_value(json_object_get(agent, "pid")),
		         (long long)json_integer_value(
				 json_object_get(agent, "revision")),
		         state[0] ? ", " : "", state);
		line(page, "Agent", text);
		put_unsettled(page, agent);
		line(page, "Instances", pids);
	}
}

/* Whether "a -> b" has this end, or the rule is one of that resource itself. */
static bool is_about(const struct rh_show_rule *rule, const char *name)
{
	size_t      len = strlen(name);
	const char *arrow = strstr(rule->edge, " -> ");

	if (!arrow)
		return strcmp(rule->edge, name) == 0;
	return strcmp(arrow + 4, name) == 0 ||
	       ((size_t)(arrow - rule->edge) == len && strncmp(rule->edge, name, len) == 0);
}

/* Those that name it: of itself, or of an edge of it. */
static void put_rules(const struct page *page, const json_t *rules)
{
	const char         *mine = rh_show_name(page->object);
	struct rh_show_rule rule;
	enum rh_style       style;
	bool                is_first = true;
	size_t              i;
	json_t             *object;
	char                text[900], status[64];

	json_array_foreach(rules, i, object) {
		rh_show_rule(object, &rule);
		if (!mine || !is_about(&rule, mine))
			continue;
		snprintf(text, sizeof text, "%s: %s%s%s (%s)", rh_show_name(object),
		         rule.is_of_resource ? "" : rule.edge, rule.is_of_resource ? "" : ", ",
		         rule.says, rh_show_in_force(object, status, sizeof status, &style));
		line(page, is_first ? "Rules" : "", text);
		is_first = false;
	}
}

static int describe_resource(const struct page *page)
{
	const json_t *allow = json_object_get(page->spec, "allow");
	const json_t *context = json_object_get(page->spec, "context");
	const char   *privilege = rh_show_text(page->spec, "privilege");
	json_t       *edges = NULL, *agents = NULL, *rules = NULL;
	int           result;

	result = rh_client_list(page->cli, "/apis/v1/matrix", "edges", &edges);
	if (result == RH_EXIT_OK)
		result = rh_client_list(page->cli, "/apis/v1/agents", "items", &agents);
	if (result == RH_EXIT_OK)
		result = rh_client_list(page->cli, "/apis/v1/rules", "items", &rules);
	if (result == RH_EXIT_OK) {
		put_head(page);
		line(page, "Type", rh_show_text(page->spec, "type"));
		line(page, "Description", rh_show_text(page->spec, "description"));
		line(page, "Privilege", privilege ? privilege : "user");
		line(page, "Interface", rh_show_text(page->spec, "interface"));
		put_served(page);
		put_edges(page, edges, "caller", "callee", "Calls");
		put_edges(page, edges, "callee", "caller", "Called by");
		put_rules(page, rules);
		line_list(page, "Programs", json_object_get(allow, "exe"));
		line_list(page, "Users", json_object_get(allow, "uid"));
		line_list(page, "Environment", json_object_get(context, "env"));
		put_agents(page, agents);
		put_conditions(page);
	}
	json_decref(edges);
	json_decref(agents);
	json_decref(rules);
	return result;
}

/* --- other kinds
 * ---------------------------------------------------------------------------- */

static int describe_rule(const struct page *page)
{
	struct rh_show_rule rule;

	rh_show_rule(page->object, &rule);
	put_head(page);
	line(page, "Rule", rule.kind);
	line(page, rule.is_of_resource ? "Resource" : "Edge", rule.edge);
	line(page, "Says", rule.says);
	put_conditions(page);
	return RH_EXIT_OK;
}

static int describe_interface(const struct page *page)
{
	const json_t *modules = json_object_get(page->spec, "modules");
	const char   *text = rh_show_text(page->spec, "text");

	put_head(page);
	line(page, "Soname", rh_show_text(page->spec, "soname"));
	line(page, "Version", rh_show_text(page->spec, "version"));
	line(page, "Hash", rh_show_text(page->spec, "hash"));
	line(page, "Shadow", rh_show_text(modules, "shadow"));
	line(page, "Skeleton", rh_show_text(modules, "skeleton"));
	put_conditions(page);
	for (bool is_first = true; text && *text; is_first = false) {
		size_t len = strcspn(text, "\n");
		char   one[1100];

		snprintf(one, sizeof one, "%.*s", (int)len, text);
		line(page, is_first ? "Functions" : "", one);
		text += len;
		text += *text == '\n';
	}
	return RH_EXIT_OK;
}

static int describe(struct rh_cli *cli, const struct rh_kind *kind, const json_t *object)
{
	struct page page = { .cli = cli, .object = object,
		             .spec = json_object_get(object, "spec") };

	if (strcmp(kind->singular, "resource") == 0)
		return describe_resource(&page);
	if (strcmp(kind->singular, "rule") == 0)
		return describe_rule(&page);
	return describe_interface(&page);
}

/* --- finding it
 * ------------------------------------------------------------------------------- */

/* GET; a missing one is RH_EXIT_NOT_FOUND without a word. */
static int find(struct rh_cli *cli, const struct rh_kind *kind, const char *name,
                json_t **ret_object)
{
	char              path[400];
	struct rh_ask     ask = { .method = "GET", .path = path };
	struct rh_reply   reply;
	struct rh_problem problem;
	struct rh_diag    diag = { 0 };
	int               r;

	rh_kind_path(kind, name, path, sizeof path);
	r = rh_client_try(cli, &ask, &reply, &diag);
	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	r = RH_EXIT_OK;
	if (reply.status == 200) {
		*ret_object = json_incref(reply.json);
	} else {
		rh_problem_read(&problem, reply.status, reply.json);
		r = rh_problem_exit(&problem);
		if (r != RH_EXIT_NOT_FOUND && reply.status != 400)
			rh_problem_print(&problem, cli->err, "rhodes describe", NULL);
		else
			r = RH_EXIT_NOT_FOUND; /* no such name could exist */
	}
	rh_reply_fini(&reply);
	return r;
}

static const struct rh_kind *find_any(struct rh_cli *cli, const char *word,
                                      const char *name, json_t **ret_object,
                                      int *ret_result)
{
	static const char *const kinds[] = { "resource", "rule", "interface" };

	*ret_result = RH_EXIT_NOT_FOUND;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct rh_kind *kind = rh_kind_find(kinds[i]);

		if (word && kind != rh_kind_find(word))
			continue;
		*ret_result = find(cli, kind, name, ret_object);
		if (*ret_result != RH_EXIT_NOT_FOUND)
			return kind;
	}
	rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "there is no %s \"%.63s\"",
	            word ? rh_kind_find(word)->singular : "resource, rule or interface",
	            name);
	return NULL;
}

int rh_verb_describe(struct rh_cli *cli)
{
	bool                  has_kind = cli->args.word_count == 2;
	const char           *word = has_kind ? cli->args.words[0] : NULL;
	const char           *name = cli->args.words[has_kind ? 1 : 0];
	const struct rh_kind *kind = word ? rh_kind_find(word) : NULL;
	enum rh_format        format;
	json_t               *object = NULL;
	int                   result;

	if (word && (!kind || !kind->object || strcmp(kind->singular, "module") == 0))
		return rh_cli_usage(cli,
		                    "\"%.40s\" cannot be described; a resource, rule or"
		                    " interface can",
		                    word);
	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	kind = find_any(cli, word, name, &object, &result);
	if (!object)
		return result;
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		result = rh_output_value(cli, format, object);
	else
		result = describe(cli, kind, object);
	json_decref(object);
	return result;
}
