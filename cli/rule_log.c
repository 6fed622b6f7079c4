#include "rule.h"

#include "client.h"
#include "output.h"
#include "show.h"
#include "stop.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define INTERVAL_MS 500 /* between two looks */
#define LINES_MAX   256

struct following {
	struct rh_cli *cli;
	const char    *rule;
	long           lines;   /* of the first look */
	json_int_t     after;   /* the number of the last line that was printed */
	char           began[40]; /* the center that it is of */
	bool           is_away;
};

static int look(struct following *following, json_t **ret_answer)
{
	char            path[400] = "/apis/v1/rules/";
	struct rh_ask   ask = { .method = "GET", .path = path };
	struct rh_reply reply;
	struct rh_diag  diag = { 0 };
	int             result;

	*ret_answer = NULL;
	rh_http_escape(path, 300, following->rule);
	if (following->after)
		snprintf(path + strlen(path), sizeof path - strlen(path), "/log?after=%lld",
		         (long long)following->after);
	else
		snprintf(path + strlen(path), sizeof path - strlen(path), "/log?limit=%ld",
		         following->lines);
	int r = rh_client_try(following->cli, &ask, &reply, &diag);
	if (r == RH_EDOWN && following->after) {
		if (!following->is_away)
			fprintf(following->cli->err, "rhodes rule: the center is away; waiting\n");
		following->is_away = true;
		return RH_EXIT_OK;
	}
	if (r < 0)
		return rh_cli_fail(following->cli, rh_cli_exit_of(r), "%s", diag.text);
	result = reply.status >= 400 ? rh_client_tell(following->cli, &reply) : RH_EXIT_OK;
	following->is_away = false;
	if (result == RH_EXIT_OK)
		*ret_answer = json_incref(reply.json);
	rh_reply_fini(&reply);
	return result;
}

/* Another center counts its lines from 1: all it has is new.  True then. */
static bool is_another(struct following *following, const json_t *answer)
{
	const char *began = rh_show_text(answer, "startedAt");
	bool        is_other = following->began[0] && began &&
	                       strcmp(began, following->began) != 0;

	snprintf(following->began, sizeof following->began, "%s", began ? began : "");
	if (is_other)
		following->after = 0;
	return is_other;
}

static void print(struct following *following, const json_t *answer)
{
	FILE    *out = following->cli->out;
	long long missed = (long long)json_integer_value(json_object_get(answer, "missed"));
	json_t   *line;
	size_t    i;

	if (missed && following->after)
		fprintf(following->cli->err, "rhodes rule: note: %lld lines between them are not"
		        " kept any more\n", missed);
	json_array_foreach(json_object_get(answer, "items"), i, line) {
		const char *time = rh_show_text(line, "time"), *agent = rh_show_text(line, "agent");
		const char *text = rh_show_text(line, "text");

		fprintf(out, "%s %-18s ", time ? time : "", agent ? agent : "");
		rh_text_print(out, text ? text : "", RH_PLAIN, 0);
		fputc('\n', out);
		following->after = json_integer_value(json_object_get(line, "number"));
	}
	fflush(out);
}

static int follow(struct following *following)
{
	struct pollfd stop = { .fd = rh_stop_open(), .events = POLLIN };
	int           result = RH_EXIT_OK;

	while (result == RH_EXIT_OK && poll(&stop, 1, INTERVAL_MS) == 0 &&
	       !ferror(following->cli->out)) {
		json_t *answer;

		result = look(following, &answer);
		if (answer && !is_another(following, answer))
			print(following, answer);
		json_decref(answer);
	}
	if (stop.fd >= 0)
		close(stop.fd);
	return result;
}

int rh_rule_lines(struct rh_cli *cli, const char *rule)
{
	struct following following = { .cli = cli, .rule = rule, .lines = LINES_MAX };
	struct rh_diag   diag = { 0 };
	enum rh_format   format;
	json_t          *answer;

	if (rh_args_number(&cli->args, "lines", 1, LINES_MAX, &following.lines, &diag) ==
	    RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	int result = look(&following, &answer);
	if (result != RH_EXIT_OK)
		return result;
	is_another(&following, answer);
	bool is_for_people = format != RH_FORMAT_JSON && format != RH_FORMAT_YAML;
	if (is_for_people)
		print(&following, answer);
	else
		result = rh_output_value(cli, format, answer);
	json_decref(answer);
	return is_for_people && rh_args_has(&cli->args, "follow")
		? follow(&following) : result;
}
