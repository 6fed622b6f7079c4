#include "rule.h"

#include "client.h"
#include "recording.h"
#include "show.h"

#include "../base/plural.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALLS     1000
#define CALLS_MAX 50000 /* two lines each: what a test reads */
#define NAME_ROOM 64

struct edge {
	char caller[NAME_ROOM];
	char callee[NAME_ROOM];
};

/* ---- which edge ---- */

/* The resource, or NULL when there is none of that name. */
static int find_resource(struct rh_cli *cli, const char *name, json_t **ret_resource)
{
	char            path[200] = "/apis/v1/resources/";
	struct rh_ask   ask = { .method = "GET", .path = path };
	struct rh_reply reply;
	struct rh_diag  diag = { 0 };
	int             result = RH_EXIT_OK;

	*ret_resource = NULL;
	rh_http_escape(path, sizeof path, name);
	int r = rh_client_try(cli, &ask, &reply, &diag);
	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	if (reply.status == 200)
		*ret_resource = json_incref(reply.json);
	else if (reply.status != 404)
		result = rh_client_tell(cli, &reply);
	rh_reply_fini(&reply);
	return result;
}

static bool references(const json_t *resource, const char *callee)
{
	const json_t *list = json_object_get(json_object_get(resource, "spec"), "reference");
	size_t        i;
	json_t       *name;

	json_array_foreach(list, i, name) {
		if (json_is_string(name) && strcmp(json_string_value(name), callee) == 0)
			return true;
	}
	return false;
}

/* The one that it calls. */
static int find_only(struct rh_cli *cli, const json_t *resource, struct edge *edge)
{
	const json_t *list = json_object_get(json_object_get(resource, "spec"), "reference");
	char          names[300];

	if (json_array_size(list) == 0)
		return rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "%s references nobody", edge->caller);
	if (json_array_size(list) > 1)
		return rh_cli_usage(cli, "%s calls more than one: %s; which one? `rhodes rule "
		                    "record %s CALLEE`", edge->caller,
		                    rh_show_list(list, names, sizeof names), edge->caller);
	snprintf(edge->callee, sizeof edge->callee, "%s",
	         json_string_value(json_array_get(list, 0)));
	return RH_EXIT_OK;
}

/* "file-magic": either name may have a - of its own. */
static int find_split(struct rh_cli *cli, const char *word, struct edge *edge)
{
	int result = RH_EXIT_OK;

	for (const char *dash = strchr(word, '-'); dash; dash = strchr(dash + 1, '-')) {
		json_t *resource;
		bool    is_it;

		if ((size_t)(dash - word) >= NAME_ROOM || strlen(dash + 1) >= NAME_ROOM)
			continue;
		snprintf(edge->caller, NAME_ROOM, "%.*s", (int)(dash - word), word);
		snprintf(edge->callee, NAME_ROOM, "%s", dash + 1);
		result = find_resource(cli, edge->caller, &resource);
		if (result != RH_EXIT_OK)
			return result;
		is_it = resource && references(resource, edge->callee);
		json_decref(resource);
		if (is_it)
			return RH_EXIT_OK;
	}
	return rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "there is no resource %.64s, and no edge of "
	                   "that name; `rhodes matrix` shows who calls whom", word);
}

static int find_edge(struct rh_cli *cli, const char *word, struct edge *edge)
{
	const char *callee = cli->args.words[2];
	json_t     *resource;
	int         result;

	if (strlen(word) >= NAME_ROOM || (callee && strlen(callee) >= NAME_ROOM))
		return callee ? rh_cli_usage(cli, "a name has at most 63 bytes")
		              : find_split(cli, word, edge);
	snprintf(edge->caller, NAME_ROOM, "%s", word);
	result = find_resource(cli, word, &resource);
	if (result != RH_EXIT_OK)
		return result;
	if (!resource && !callee)
		return find_split(cli, word, edge);
	if (!resource)
		return rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "there is no resource %s", word);
	if (!callee)
		result = find_only(cli, resource, edge);
	else if (!references(resource, callee))
		result = rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "%s does not reference %s", word,
		                     callee);
	else
		snprintf(edge->callee, NAME_ROOM, "%s", callee);
	json_decref(resource);
	return result;
}

/* Under bind the agents are not on the way of a call. */
static int refuse_bound(struct rh_cli *cli, const struct edge *edge)
{
	json_t *edges = NULL, *each;
	size_t  i;
	bool    is_bound = false;
	int     result = rh_client_list(cli, "/apis/v1/matrix", "edges", &edges);

	json_array_foreach(edges, i, each) {
		const char *from = rh_show_text(each, "caller"), *to = rh_show_text(each, "callee");
		const char *use = rh_show_text(each, "protocol");

		is_bound |= from && to && use && strcmp(from, edge->caller) == 0 &&
		            strcmp(to, edge->callee) == 0 && strcmp(use, "bind") == 0;
	}
	json_decref(edges);
	if (result != RH_EXIT_OK || !is_bound)
		return result;
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s -> %s uses bind: its calls pass no agent "
		"and cannot be recorded; carry it by a rule while you record, such as\n"
		"kind: Rule\nmetadata: {name: carried}\nspec: {protocol: {edge: [%s, %s], use: shm}}",
		edge->caller, edge->callee, edge->caller, edge->callee);
}

/* ---- the file ---- */

static int open_file(struct rh_cli *cli, const char *path, int *ret_fd)
{
	if (strcmp(path, "-") == 0) {
		*ret_fd = STDOUT_FILENO;
		return RH_EXIT_OK;
	}
	*ret_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret_fd < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", path,
		                   strerror(errno));
	return RH_EXIT_OK;
}

static void write_heading(const struct edge *edge, int fd)
{
	char   when[32] = "";
	time_t now = time(NULL);

	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	dprintf(fd, "# Calls of %s -> %s, recorded %s: real data of those who called.\n",
	        edge->caller, edge->callee, when);
}

/* ---- all ---- */

static void say_done(const struct rh_cli *cli, const struct rh_recording *recording,
                     const char *path)
{
	fprintf(cli->err, "%s: %u call%s and %u repl%s of %s -> %s\n",
	        strcmp(path, "-") == 0 ? "standard output" : path, recording->calls,
	        rh_plural(recording->calls), recording->replies,
	        recording->replies == 1 ? "y" : "ies", recording->caller, recording->callee);
	if (recording->left_out)
		fprintf(cli->err, "rhodes rule: note: %llu call%s left out between them: the "
		        "calls were faster than this reads them\n",
		        (unsigned long long)recording->left_out,
		        recording->left_out == 1 ? " was" : "s were");
}

static int record(struct rh_cli *cli, const struct edge *edge, uint32_t calls,
                  const char *path)
{
	struct rh_recording recording = { .caller = edge->caller, .callee = edge->callee,
		                          .wanted = calls };
	struct rh_diag      diag = { 0 };
	int                 result = open_file(cli, path, &recording.fd);

	if (result != RH_EXIT_OK)
		return result;
	write_heading(edge, recording.fd);
	int r = rh_recording_run(&recording, &cli->dirs, &diag);
	say_done(cli, &recording, path);
	if (recording.fd != STDOUT_FILENO)
		close(recording.fd);
	if (r < 0 && recording.calls == 0 && recording.fd != STDOUT_FILENO)
		unlink(path);
	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s%s%s%s", recording.is_full ? path : "",
		                   recording.is_full ? ": " : "", diag.text, recording.calls
		                   ? "; what was written until then can be used" : "");
	return RH_EXIT_OK;
}

int rh_rule_record(struct rh_cli *cli, const char *word)
{
	const char    *path = rh_args_value(&cli->args, "output");
	struct edge    edge = { 0 };
	struct rh_diag diag = { 0 };
	long           calls = CALLS;
	int            result;

	if (rh_args_number(&cli->args, "calls", 1, CALLS_MAX, &calls, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	result = find_edge(cli, word, &edge);
	if (result == RH_EXIT_OK)
		result = refuse_bound(cli, &edge);
	return result == RH_EXIT_OK
		? record(cli, &edge, (uint32_t)calls, path ? path : RH_RULE_RECORDED) : result;
}
