#include "../cli.h"
#include "../client.h"
#include "../output.h"
#include "../show.h"
#include "../verb.h"

#include "../../base/plural.h"

#include <string.h>

static void put(struct rh_cli *cli, const char *text)
{
	rh_text_print(cli->out, text ? text : "?", RH_PLAIN, 0);
}

static void put_heading(struct rh_cli *cli, const char *heading)
{
	fprintf(cli->out, "%-12s", heading);
}

static void print_verdict(struct rh_cli *cli, const json_t *answer)
{
	bool is_allowed = json_is_true(json_object_get(answer, "allowed"));

	rh_text_print(cli->out,
	              rh_show_text(answer, "text") ? rh_show_text(answer, "text") : "?",
	              is_allowed ? RH_GOOD : RH_BAD, cli->has_color);
	fputc('\n', cli->out);
}

/* What a rule says of the edge; the hierarchy says nothing of a type that nobody knows. */
static const char *word_of(const json_t *answer, const json_t *rule)
{
	const char   *kind = rh_show_text(rule, "kind");
	const json_t *callee = json_object_get(answer, "callee");

	if (json_is_true(json_object_get(rule, "allows")))
		return "allows";
	return kind && strcmp(kind, "hierarchy") == 0 &&
	       json_is_false(json_object_get(callee, "registered"))
	     ? "decides when it is registered" : "refuses";
}

/* Every rule that was asked, in the order in which they are. */
static void print_chain(struct rh_cli *cli, const json_t *answer)
{
	const json_t *chain = json_object_get(answer, "chain");
	size_t        i;
	json_t       *rule;

	json_array_foreach(chain, i, rule) {
		const char *reason = rh_show_text(rule, "reason");

		put_heading(cli, i == 0 ? "rules" : "");
		put(cli, rh_show_text(rule, "rule"));
		fprintf(cli->out, " (revision %lld) %s: ",
		        (long long)json_integer_value(json_object_get(rule, "revision")),
		        word_of(answer, rule));
		put(cli, rh_show_text(rule, "text"));
		if (reason) {
			fputs("; reason: ", cli->out);
			put(cli, reason);
		}
		fputc('\n', cli->out);
	}
}

static void print_protocol(struct rh_cli *cli, const json_t *answer)
{
	const json_t *protocol = json_object_get(answer, "protocol");
	const char   *rule = rh_show_text(protocol, "rule");
	const char   *text = rh_show_text(protocol, "text");

	put_heading(cli, "protocol");
	put(cli, rh_show_text(protocol, "use"));
	if (rule) {
		fputs(", by rule ", cli->out);
		put(cli, rule);
		fprintf(cli->out, " (revision %lld)%s", (long long)json_integer_value(
			json_object_get(protocol, "revision")), text ? ", " : "");
		rh_text_print(cli->out, text ? text : "", RH_PLAIN, 0);
		fputc('\n', cli->out);
	} else if (text && strcmp(rh_show_text(protocol, "use"), "bind") != 0) {
		fputs(", the default ", cli->out); /* with a limit in its place */
		put(cli, text);
		fputc('\n', cli->out);
	} else {
		fputs(", the default\n", cli->out);
	}
}

static void print_limit(struct rh_cli *cli, const json_t *answer)
{
	const json_t *limit = json_object_get(answer, "limit");
	long long     calls = json_integer_value(json_object_get(limit, "calls"));

	if (!limit)
		return;
	put_heading(cli, "limit");
	fprintf(cli->out, "%lld call%s under way, by rule ", calls,
	        rh_plural((unsigned long long)calls));
	put(cli, rh_show_text(limit, "rule"));
	fprintf(cli->out, " (revision %lld)\n", (long long)json_integer_value(
		json_object_get(limit, "revision")));
}

static void print_agents(struct rh_cli *cli, const json_t *answer, const char *end)
{
	const json_t *peers = json_object_get(json_object_get(answer, "agents"), end);
	const char   *name = rh_show_text(json_object_get(answer, end), "name");
	char          pids[256];
	size_t        i;
	json_t       *peer;

	json_array_foreach(peers, i, peer) {
		put_heading(cli, "agent");
		put(cli, name);
		fprintf(cli->out, ": pid %lld, has revision %lld",
		        (long long)json_integer_value(json_object_get(peer, "pid")),
		        (long long)json_integer_value(json_object_get(peer, "revision")));
		rh_show_pids(json_object_get(peer, "instances"), pids, sizeof pids);
		fprintf(cli->out, pids[0] ? ", instances %s\n" : ", no instance%s\n",
		        pids);
	}
	if (json_array_size(peers) == 0) {
		put_heading(cli, "agent");
		put(cli, name);
		fputs(": none is up\n", cli->out);
	}
}

static void print_observed(struct rh_cli *cli, const json_t *answer)
{
	const json_t *observed = json_object_get(answer, "observed");
	long long     calls = json_integer_value(json_object_get(observed, "calls"));
	long long     errors = json_integer_value(json_object_get(observed, "errors"));

	put_heading(cli, "observed");
	fprintf(cli->out, "%lld call%s, %lld error%s\n", calls,
	        rh_plural((unsigned long long)calls), errors,
	        rh_plural((unsigned long long)errors));
}

static void print_function(struct rh_cli *cli, const json_t *answer)
{
	const json_t *function = json_object_get(answer, "function");
	const char   *interface = rh_show_text(function, "interface");

	if (!function)
		return;
	put_heading(cli, "function");
	if (json_is_true(json_object_get(function, "known"))) {
		put(cli, rh_show_text(function, "text"));
	} else {
		put(cli, rh_show_text(function, "name"));
		fputs(interface ? " is not carried by interface "
		                : " is not known: the callee offers no interface",
		      cli->out);
		if (interface)
			put(cli, interface);
	}
	fputc('\n', cli->out);
}

/* Only what is wrong, or still missing. */
static void print_conditions(struct rh_cli *cli, const json_t *answer)
{
	const json_t *conditions = json_object_get(answer, "conditions");
	size_t        i;
	json_t       *condition;

	json_array_foreach(conditions, i, condition) {
		const char *type = rh_show_text(condition, "type");
		const char *status = rh_show_text(condition, "status");
		bool is_good =
			type && status &&
			(strcmp(type, "Registered") == 0 || strcmp(type, "Ready") == 0);

		if (is_good)
			continue;
		put_heading(cli, "condition");
		put(cli, rh_show_text(condition, "resource"));
		fputs(" ", cli->out);
		put(cli, type);
		fputs(": ", cli->out);
		put(cli, rh_show_text(condition, "message"));
		fputc('\n', cli->out);
	}
}

int rh_verb_explain(struct rh_cli *cli)
{
	enum rh_format  format;
	json_t         *question;
	struct rh_ask   ask = { .method = "POST", .path = "/apis/v1/explain" };
	struct rh_reply reply;
	int             result;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	question = json_pack("{s:s, s:s, s:s*}", "caller", cli->args.words[0], "callee",
	                     cli->args.words[1], "function",
	                     cli->args.word_count > 2 ? cli->args.words[2] : NULL);
	if (!question)
		return rh_cli_usage(cli, "the names are not UTF-8");
	ask.json = question;
	result = rh_client_ask(cli, &ask, &reply);
	json_decref(question);
	if (result != RH_EXIT_OK)
		return result;
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML) {
		result = rh_output_value(cli, format, reply.json);
	} else {
		print_verdict(cli, reply.json);
		print_chain(cli, reply.json);
		print_protocol(cli, reply.json);
		print_limit(cli, reply.json);
		print_function(cli, reply.json);
		print_agents(cli, reply.json, "caller");
		print_agents(cli, reply.json, "callee");
		print_observed(cli, reply.json);
		print_conditions(cli, reply.json);
	}
	rh_reply_fini(&reply);
	return result;
}
