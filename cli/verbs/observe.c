#include "../cli.h"
#include "../client.h"
#include "../observe/counts.h"
#include "../observe/loaded.h"
#include "../observe/verdicts.h"
#include "../show.h"
#include "../verb.h"

#include "../../base/plural.h"
#include "../../rules/ebpf/frame.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define INTERVAL_S    1
#define ENFORCED_MAX  32u
#define PAIRS_MAX     1024u /* of one request; the rest is told with the next */

struct observe {
	struct rh_cli        *cli;
	struct rh_bpf_client *client;
	uint64_t              handle;
	struct rh_names       names;
	struct rh_counts      counts;
	struct rh_verdicts    verdicts[ENFORCED_MAX];
	struct rh_enforced    enforced[ENFORCED_MAX]; /* of each */
	size_t                count;
	bool                  is_away; /* the center is, and it was said */
};

/* ---- one turn ---- */

/* The center is away: what stands in the kernel goes on, and counts wait there. */
static int ask_center(struct observe *observe, json_t **ret_resources, json_t **ret_edges)
{
	struct rh_cli *cli = observe->cli;
	FILE          *err = cli->err, *nowhere = NULL;

	if (observe->is_away && (nowhere = fopen("/dev/null", "we")))
		cli->err = nowhere; /* once is enough */
	int result = rh_client_list(cli, "/apis/v1/resources", "items", ret_resources);
	if (result == RH_EXIT_OK) {
		result = rh_client_list(cli, "/apis/v1/matrix", "edges", ret_edges);
		if (result != RH_EXIT_OK)
			json_decref(*ret_resources);
	}
	cli->err = err;
	if (nowhere)
		fclose(nowhere);
	observe->is_away = result == RH_EXIT_DOWN;
	return result;
}

static void print_pairs(struct rh_cli *cli, const json_t *pairs)
{
	size_t  i;
	json_t *pair;

	json_array_foreach(pairs, i, pair) {
		long long calls = json_integer_value(json_object_get(pair, "calls"));

		fprintf(cli->out, "%s -> %s: %lld time%s\n", rh_show_text(pair, "caller"),
		        rh_show_text(pair, "callee"), calls, rh_plural((unsigned long long)calls));
	}
	fflush(cli->out);
}

/* Who looks on, and what is enforced (center/lookout.h). */
static json_t *observer_json(const struct observe *observe, bool has_ended)
{
	json_t *list = json_array();

	for (size_t i = 0; i < observe->count; i++) {
		const struct rh_enforced *its = &observe->enforced[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b}", "resource",
			its->resource, "cgroup", its->cgroup, "strict", its->is_strict, "fresh",
			its->is_fresh));
	}
	return json_pack("{s:i, s:o, s:b}", "pid", (int)getpid(), "enforced", list, "ended",
	                 has_ended);
}

/* Tells the center and prints; what it did not take is told with the next ones. */
static int tell(struct observe *observe, json_t *pairs, bool has_ended)
{
	json_t         *body = json_pack("{s:O, s:o}", "pairs", pairs, "observer",
	                                 observer_json(observe, has_ended));
	struct rh_ask   ask = { .method = "POST", .path = "/apis/v1/observed", .json = body };
	struct rh_reply reply;
	int             result = rh_client_ask(observe->cli, &ask, &reply);

	json_decref(body);
	if (result != RH_EXIT_OK)
		return result == RH_EXIT_DOWN ? RH_EXIT_OK : result;
	rh_reply_fini(&reply);
	for (size_t i = 0; i < observe->count; i++)
		observe->enforced[i].is_fresh = false; /* it knows */
	print_pairs(observe->cli, pairs);
	json_array_clear(pairs);
	return RH_EXIT_OK;
}

static int follow(struct observe *observe, json_t *pairs, bool is_last)
{
	json_t        *resources = NULL, *edges = NULL;
	struct rh_diag diag = { 0 };
	int            result = ask_center(observe, &resources, &edges);

	if (result != RH_EXIT_OK)
		return result == RH_EXIT_DOWN ? RH_EXIT_OK : result;
	rh_names_fini(&observe->names);
	int err = rh_names_init(&observe->names, resources);
	for (size_t i = 0; i < observe->count && !err; i++)
		err = rh_verdicts_follow(&observe->verdicts[i], observe->client,
		                         &observe->names, edges, &diag);
	json_decref(edges);
	if (!err && json_array_size(pairs) < PAIRS_MAX)
		err = rh_counts_read(&observe->counts, observe->client, observe->handle,
		                     &observe->names, pairs, &diag);
	if (err)
		return rh_cli_fail(observe->cli, RH_EXIT_REFUSED, "%s", diag.text[0] ? diag.text
		                   : rh_error_text(err));
	return tell(observe, pairs, is_last);
}

/* ---- set-up ---- */

/* "NAME=/CGROUP". */
static int enforce(struct observe *observe, const char *text)
{
	const char         *at = strchr(text, '=');
	struct rh_enforced *enforced = &observe->enforced[observe->count];
	struct rh_cli      *cli = observe->cli;

	if (!at || at == text || at[1] != '/' || (size_t)(at - text) > RH_NAME_MAX)
		return rh_cli_usage(cli, "--enforce takes NAME=/CGROUP, not \"%.80s\"", text);
	snprintf(enforced->resource, sizeof enforced->resource, "%.*s", (int)(at - text), text);
	snprintf(enforced->cgroup, sizeof enforced->cgroup, "%.480s", at + 1);
	enforced->is_strict = rh_args_has(&cli->args, "strict");
	int result = rh_enforce_load(cli, observe->client, enforced);
	if (result != RH_EXIT_OK)
		return result;
	observe->verdicts[observe->count++] = (struct rh_verdicts){
		.resource = enforced->resource, .handle = enforced->handle };
	fprintf(cli->out, "enforcing %s in %s%s\n", enforced->resource, enforced->cgroup,
	        enforced->is_fresh ? "" : ", as it was");
	return RH_EXIT_OK;
}

static int load(struct observe *observe)
{
	const char *text;
	int         result = rh_observe_load(observe->cli, observe->client, &observe->handle);

	for (size_t i = 0; result == RH_EXIT_OK &&
	     (text = rh_args_nth(&observe->cli->args, "enforce", i)); i++)
		result = i < ENFORCED_MAX ? enforce(observe, text)
		         : rh_cli_usage(observe->cli, "at most %u cgroups", ENFORCED_MAX);
	return result;
}

static int connect_helper(struct observe *observe)
{
	char           path[RH_SOCKET_PATH_MAX + 1];
	struct rh_diag diag = { 0 };
	int            err = rh_dirs_socket(&observe->cli->dirs, RH_BPF_SOCKET, path, &diag);

	if (!err)
		err = rh_bpf_connect(path, &observe->client, &diag);
	return err ? rh_cli_fail(observe->cli, RH_EXIT_REFUSED, "%s", diag.text) : RH_EXIT_OK;
}

static int watch(struct observe *observe, long interval_s, int stop)
{
	struct pollfd waits[] = {
		{ .fd = stop, .events = POLLIN },
		{ .fd = rh_bpf_fd(observe->client), .events = POLLIN },
	};
	json_t *pairs = json_array();
	int     result = follow(observe, pairs, false);

	fprintf(observe->cli->out, "observing\n");
	fflush(observe->cli->out);
	while (result == RH_EXIT_OK) {
		poll(waits, 2, (int)interval_s * 1000);
		if (waits[0].revents)
			break;
		result = waits[1].revents ? rh_cli_fail(observe->cli, RH_EXIT_DOWN,
			"rhodes-bpf ended, and its rules with it") : follow(observe, pairs, false);
	}
	if (result == RH_EXIT_OK)
		result = follow(observe, pairs, true); /* what came since */
	json_decref(pairs);
	return result;
}

static int open_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

/* Asked to end, it takes its rules away; killed, they go after the helper's grace. */
static void leave(struct observe *observe)
{
	if (observe->handle)
		rh_bpf_unload(observe->client, observe->handle, NULL);
	for (size_t i = 0; i < observe->count; i++) {
		rh_bpf_unload(observe->client, observe->verdicts[i].handle, NULL);
		rh_verdicts_fini(&observe->verdicts[i]);
	}
	rh_bpf_disconnect(observe->client);
	rh_counts_fini(&observe->counts);
	rh_names_fini(&observe->names);
}

int rh_verb_observe(struct rh_cli *cli)
{
	static struct observe observe;
	long                  interval_s = INTERVAL_S;
	struct rh_diag        diag = { 0 };

	observe.cli = cli;
	if (rh_args_number(&cli->args, "interval", 1, 3600, &interval_s, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	int stop = open_signals();
	int result = connect_helper(&observe);
	if (result != RH_EXIT_OK)
		return result;
	result = load(&observe);
	if (result == RH_EXIT_OK)
		result = watch(&observe, interval_s, stop);
	leave(&observe);
	close(stop);
	return result;
}
