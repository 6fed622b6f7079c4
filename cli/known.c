#include "known.h"

#include "client.h"
#include "problem.h"
#include "verb.h"

#include "supervise/lock.h"

#include "../base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void path_of(const struct rh_dirs *dirs, const char *suffix,
                    char path[RH_DIR_MAX + 32])
{
	snprintf(path, RH_DIR_MAX + 32, "%s/plan.json%s", dirs->run, suffix);
}

/* --- for the supervisor ---------------------------------------------------------- */

/* At once: json_dumpfd would write each word alone. */
static int write_plan(int fd, const json_t *plan)
{
	char  *text = json_dumps(plan, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	int    is_whole = text && write(fd, text, len) == (ssize_t)len;

	free(text);
	return close(fd) == 0 && is_whole ? 0 : -1;
}

int rh_known_save(const struct rh_dirs *dirs, const json_t *plan, struct rh_diag *diag)
{
	char path[RH_DIR_MAX + 32], beside[RH_DIR_MAX + 32];
	int  fd;

	path_of(dirs, "", path);
	path_of(dirs, ".new", beside);
	if (!plan) {
		unlink(path);
		return RH_OK;
	}
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0 && write_plan(fd, plan) == 0 && rename(beside, path) == 0)
		return RH_OK;
	rh_diag_set(diag, RH_EIO, "%s cannot be written: %s", path, strerror(errno));
	unlink(beside);
	return RH_EIO;
}

/* --- for whoever is started ------------------------------------------------------- */

static bool is_supervised(const struct rh_cli *cli)
{
	pid_t holder;
	int   pidfd = rh_dirs_trust(&cli->dirs, NULL) < 0
	              ? -1 : rh_lock_holder(&cli->dirs, &holder, NULL);

	if (pidfd >= 0)
		close(pidfd);
	return pidfd >= 0;
}

/* A new reference, or NULL. */
static json_t *find_in(const json_t *plan, const char *kind, const char *name)
{
	json_t *item;
	size_t  i;

	json_array_foreach(json_object_get(plan, kind), i, item) {
		const char *other = json_string_value(json_object_get(item, "name"));

		if (other && strcmp(other, name) == 0)
			return json_incref(item);
	}
	return NULL;
}

static json_t *recall(struct rh_cli *cli, const char *kind, const char *name)
{
	char    path[RH_DIR_MAX + 32];
	json_t *plan = NULL, *found;

	path_of(&cli->dirs, "", path);
	if (is_supervised(cli))
		plan = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	found = find_in(plan, kind, name);
	if (found && !cli->is_recalling)
		fprintf(cli->err, "rhodes %s: the center is away; going on with what was"
		        " known at revision %lld\n", cli->verb->name,
		        (long long)json_integer_value(json_object_get(plan, "revision")));
	cli->is_recalling |= found != NULL;
	json_decref(plan);
	return found;
}

static bool is_away(int r, const struct rh_reply *reply)
{
	return r == RH_EDOWN || (r == RH_OK && reply->status == 503);
}

/* What is known need not be waited for. */
static int ask(struct rh_cli *cli, const char *kind, const char *name,
               struct rh_reply *reply, json_t **ret_known, struct rh_diag *diag)
{
	char          path[160];
	struct rh_ask question = { .method = "GET", .path = path };
	uint64_t      wait_until = cli->wait_until;
	int           r;

	snprintf(path, sizeof path, "/apis/v1/%s/", kind);
	rh_http_escape(path, sizeof path, name);
	cli->wait_until = 0;
	r = rh_client_try(cli, &question, reply, diag);
	cli->wait_until = wait_until;
	if (!is_away(r, reply) || (*ret_known = recall(cli, kind, name)) || !wait_until)
		return r;
	rh_reply_fini(reply);
	return rh_client_try(cli, &question, reply, diag);
}

int rh_known_find(struct rh_cli *cli, const char *kind, const char *name,
                  json_t **ret_json, long *ret_status, struct rh_diag *diag)
{
	struct rh_reply reply = { 0 };
	json_t         *known = NULL;
	int             r = ask(cli, kind, name, &reply, &known, diag);

	*ret_status = known ? 200 : reply.status;
	if (!known && r == RH_OK && reply.status == 200)
		known = json_incref(reply.json);
	rh_reply_fini(&reply);
	*ret_json = known;
	return known ? RH_OK : r;
}

int rh_known_get(struct rh_cli *cli, const char *kind, const char *name,
                 json_t **ret_json)
{
	struct rh_reply reply = { 0 };
	struct rh_diag  diag = { 0 };
	json_t         *known = NULL;
	int             r = ask(cli, kind, name, &reply, &known, &diag);
	int             result = RH_EXIT_OK;

	if (!known && r < 0)
		result = rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	else if (!known && reply.status >= 400)
		result = rh_client_tell(cli, &reply);
	else if (!known && !reply.json)
		result = rh_cli_fail(cli, RH_EXIT_REFUSED, "the center did not answer in"
		                     " JSON; is it of this version?");
	if (result == RH_EXIT_OK)
		*ret_json = known ? known : json_incref(reply.json);
	rh_reply_fini(&reply);
	return result;
}
