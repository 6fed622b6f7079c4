#include "client.h"

#include "problem.h"
#include "verb.h"
#include "wait.h"

#include <string.h>

/* It is not there, went away in between, or starts: asking again may help, and asking
 * twice changes nothing. */
static bool is_away(const struct rh_ask *ask, int r, const struct rh_reply *reply)
{
	if (strcmp(ask->method, "GET") != 0)
		return false;
	return r == RH_EDOWN || (r == RH_OK && reply->status == 503);
}

int rh_client_try(struct rh_cli *cli, const struct rh_ask *ask,
                  struct rh_reply *ret_reply, struct rh_diag *diag)
{
	struct rh_reply reply = { 0 };
	int             r = RH_OK;

	if (!cli->http && (r = rh_http_open(&cli->dirs, &cli->http, diag)) < 0)
		return r;
	r = rh_http_ask(cli->http, ask, &reply, diag);
	while (is_away(ask, r, &reply) && rh_wait_more(cli)) {
		rh_reply_fini(&reply);
		r = rh_http_ask(cli->http, ask, &reply, diag);
	}
	if (r == RH_OK)
		*ret_reply = reply;
	return r;
}

int rh_client_tell(const struct rh_cli *cli, const struct rh_reply *reply)
{
	struct rh_problem problem;
	char              who[64];

	rh_problem_read(&problem, reply->status, reply->json);
	snprintf(who, sizeof who, "rhodes %s", cli->verb->name);
	rh_problem_print(&problem, cli->err, who, NULL);
	return rh_problem_exit(&problem);
}

int rh_client_ask(struct rh_cli *cli, const struct rh_ask *ask,
                  struct rh_reply *ret_reply)
{
	struct rh_reply reply = { 0 };
	struct rh_diag  diag = { 0 };
	int             r = rh_client_try(cli, ask, &reply, &diag);

	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	if (reply.status >= 400) {
		r = rh_client_tell(cli, &reply);
		rh_reply_fini(&reply);
		return r;
	}
	*ret_reply = reply;
	return RH_EXIT_OK;
}

int rh_client_get(struct rh_cli *cli, const char *path, json_t **ret_json)
{
	struct rh_ask   ask = { .method = "GET", .path = path };
	struct rh_reply reply;
	int             result = rh_client_ask(cli, &ask, &reply);

	if (result != RH_EXIT_OK)
		return result;
	if (reply.json)
		*ret_json = json_incref(reply.json);
	rh_reply_fini(&reply);
	if (!*ret_json)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "the center did not answer in"
		                                         " JSON; is it of this version?");
	return RH_EXIT_OK;
}

/* Writes path with the continuation of a page behind it; false at the last one.  It
 * stands in the metadata or beside the items, as a text or a number. */
static bool next_path(char *next, size_t cap, const char *path, const json_t *page)
{
	const json_t *token =
		json_object_get(json_object_get(page, "metadata"), "continue");
	const char   *text;
	char          number[32] = "";

	if (!token)
		token = json_object_get(page, "continue");
	text = json_string_value(token);
	if (json_is_integer(token))
		snprintf(number, sizeof number, "%lld",
		         (long long)json_integer_value(token));
	if (!(text && text[0]) && !number[0])
		return false;
	snprintf(next, cap, "%s%ccontinue=", path, strchr(path, '?') ? '&' : '?');
	rh_http_escape(next, cap, text ? text : number);
	return true;
}

int rh_client_list(struct rh_cli *cli, const char *path, const char *key,
                   json_t **ret_items)
{
	json_t *items = json_array();
	char    next[1024];
	bool    has_more = true;

	snprintf(next, sizeof next, "%s", path);
	while (has_more) {
		json_t *page = NULL;
		int     result = rh_client_get(cli, next, &page);

		if (result != RH_EXIT_OK) {
			json_decref(items);
			return result;
		}
		json_array_extend(items, json_object_get(page, key));
		has_more = next_path(next, sizeof next, path, page);
		json_decref(page);
	}
	*ret_items = items;
	return RH_EXIT_OK;
}

void rh_client_close(struct rh_cli *cli)
{
	rh_http_close(cli->http);
	cli->http = NULL;
}
