#include "../cli.h"
#include "../client.h"
#include "../push_page.h"
#include "../push_tracing.h"
#include "../sched_tracing.h"
#include "../show.h"
#include "../tracing.h"
#include "../verb.h"

#include "../../base/diag.h"

#include <string.h>

/* --- what the steps need to be read ----------------------------------------------------
 */

static int get(struct rh_cli *cli, const char *kind, const char *name, json_t **ret_json)
{
	char path[200];

	snprintf(path, sizeof path, "/apis/v1/%s/", kind);
	rh_http_escape(path, sizeof path, name);
	return rh_client_get(cli, path, ret_json);
}

/* The callee's agent, and its functions when its interface is registered. */
static int add_callee(struct rh_cli *cli, struct rh_tracing *tracing, const char *name)
{
	json_t     *resource = NULL, *interface = NULL;
	const char *offers, *text = NULL;
	int         result = get(cli, "resources", name, &resource), r;

	if (result == RH_EXIT_NOT_FOUND)
		return RH_EXIT_OK; /* pending: nobody to listen to yet */
	if (result != RH_EXIT_OK)
		return result;
	offers = rh_show_text(json_object_get(resource, "spec"), "interface");
	if (offers && get(cli, "interfaces", offers, &interface) == RH_EXIT_OK)
		text = rh_show_text(json_object_get(interface, "spec"), "text");
	r = rh_tracing_add_callee(tracing, name, text);
	json_decref(resource);
	json_decref(interface);
	return r < 0 ? rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", rh_error_text(r))
	             : RH_EXIT_OK;
}

static int add_callees(struct rh_cli *cli, struct rh_tracing *tracing,
                       const json_t *resource, const char *only)
{
	const json_t *references = json_object_get(json_object_get(resource, "spec"),
	                                           "reference");
	size_t        i, count = 0;
	json_t       *reference;
	int           result = RH_EXIT_OK;

	json_array_foreach(references, i, reference) {
		const char *name = json_string_value(reference);

		if (!name || (only && strcmp(only, name) != 0) || result != RH_EXIT_OK)
			continue;
		count++;
		result = add_callee(cli, tracing, name);
	}
	if (result == RH_EXIT_OK && count == 0)
		return rh_cli_fail(cli, RH_EXIT_NOT_FOUND,
		                   only ? "%s does not reference %s"
		                        : "%s references nobody%s",
		                   cli->args.words[0], only ? only : "");
	return result;
}

/* Under bind the agents are not on the way of a call. */
static int tell_bound(struct rh_cli *cli, const char *caller, const char *only)
{
	json_t *edges = NULL, *edge;
	size_t  i;
	int     result = rh_client_list(cli, "/apis/v1/matrix", "edges", &edges);

	json_array_foreach(edges, i, edge) {
		const char *from = rh_show_text(edge, "caller");
		const char *to = rh_show_text(edge, "callee");
		const char *use = rh_show_text(edge, "protocol");

		if (!from || !to || !use || strcmp(from, caller) != 0 ||
		    (only && strcmp(only, to) != 0) || strcmp(use, "bind") != 0)
			continue;
		fprintf(cli->err,
		        "rhodes trace: note: %s -> %s uses bind: its calls pass no"
		        " agent and are not seen; a rule with msgqueue, shm or semaphore"
		        " brings them back\n",
		        from, to);
	}
	json_decref(edges);
	return result;
}

/* --- tracing
 * ----------------------------------------------------------------------------- */

static int follow(struct rh_cli *cli, struct rh_tracing *tracing, uint32_t count)
{
	struct rh_diag diag = { 0 };
	int            r = rh_tracing_start(tracing, &cli->dirs, count, &diag);

	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	r = rh_tracing_run(tracing, cli->out, cli->has_color, &diag);
	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	return RH_EXIT_OK;
}

/* --- how rules are pushed
 * ----------------------------------------------------------------------------- */

/* only: the resource that was asked for, or NULL. */
static int add_agents(struct rh_cli *cli, struct rh_push_tracing *tracing,
                      const char *only)
{
	json_t *agents = NULL, *agent;
	bool    is_there = false;
	size_t  i;
	int     result = rh_client_list(cli, "/apis/v1/agents", "items", &agents);

	if (result != RH_EXIT_OK)
		return result;
	json_array_foreach(agents, i, agent) {
		const char *name = rh_show_text(agent, "resource");

		if (name)
			rh_push_tracing_add(tracing, name);
		is_there |= name && only && strcmp(name, only) == 0;
	}
	if (only && !is_there)
		fprintf(cli->err, "rhodes trace: note: %.64s has no agent now; waiting for"
		        " one (`rhodes get agents` lists them)\n", only);
	if (!only && json_array_size(agents) > RH_PUSH_AGENTS_MAX)
		fprintf(cli->err, "rhodes trace: note: there are %zu agents; of %u their own"
		        " steps are shown, of the others only those of the center\n",
		        json_array_size(agents), RH_PUSH_AGENTS_MAX);
	json_decref(agents);
	return RH_EXIT_OK;
}

static int trace_push(struct rh_cli *cli, uint32_t count)
{
	const char *only = cli->args.word_count ? cli->args.words[0] : NULL;
	struct rh_push_tracing *tracing = rh_push_tracing_create(&cli->dirs, only);
	struct rh_diag          diag = { 0 };
	int                     result, r;

	if (!tracing)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	if (rh_args_has(&cli->args, "callee")) {
		rh_push_tracing_destroy(tracing);
		return rh_cli_usage(cli, "--callee is for calls, not for --push");
	}
	r = rh_push_tracing_start(tracing, &diag);
	result = r < 0 ? rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text)
	               : add_agents(cli, tracing, only);
	if (result == RH_EXIT_OK) {
		rh_push_page_headings(cli->out, cli->has_color);
		fflush(cli->out);
		r = rh_push_tracing_run(tracing, count, cli->out, cli->has_color, &diag);
		if (r < 0)
			result = rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	}
	rh_push_tracing_destroy(tracing);
	return result;
}

/* --- how threads are scheduled
 * ----------------------------------------------------------------------------- */

static int trace_sched(struct rh_cli *cli, const char *resource, uint32_t count)
{
	struct rh_sched_tracing *tracing;
	struct rh_diag           diag = { 0 };
	int                      r;

	if (!resource)
		return rh_cli_usage(cli, "--sched takes the resource whose programs are traced; for"
		                    " a program of none state one in a manifest (kind: Resource,"
		                    " metadata: {name: NAME}, spec: {type: application}), `rhodes"
		                    " up` it, and start the program with `rhodes run -r NAME"
		                    " --sched cfs --carrier fiber -- PROGRAM`");
	if (rh_args_has(&cli->args, "push") || rh_args_has(&cli->args, "callee"))
		return rh_cli_usage(cli, "--sched takes neither --push nor --callee");
	tracing = rh_sched_tracing_create(&cli->dirs, resource);
	r = tracing ? rh_sched_tracing_start(tracing, &diag)
	            : rh_diag_set(&diag, RH_ENOMEM, "out of memory");
	if (r >= 0)
		r = rh_sched_tracing_run(tracing, count, cli->out, cli->err, cli->has_color,
		                         &diag);
	rh_sched_tracing_destroy(tracing);
	return r < 0 ? rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text) : RH_EXIT_OK;
}

int rh_verb_trace(struct rh_cli *cli)
{
	const char        *name = cli->args.words[0];
	const char        *only = rh_args_value(&cli->args, "callee");
	long               count = 0;
	struct rh_diag     diag = { 0 };
	struct rh_tracing *tracing;
	json_t            *resource = NULL;
	int                result;

	if (rh_args_number(&cli->args, "count", 1, 1000000000, &count, &diag) ==
	    RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (rh_args_has(&cli->args, "sched"))
		return trace_sched(cli, name, (uint32_t)count);
	if (rh_args_has(&cli->args, "push"))
		return trace_push(cli, (uint32_t)count);
	if (!name)
		return rh_cli_usage(cli, "which resource?");
	tracing = rh_tracing_create(name);
	if (!tracing)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	result = get(cli, "resources", name, &resource);
	if (result == RH_EXIT_OK)
		result = add_callees(cli, tracing, resource, only);
	if (result == RH_EXIT_OK)
		result = tell_bound(cli, name, only);
	json_decref(resource);
	if (result == RH_EXIT_OK) {
		rh_tracing_limit_to(tracing, only);
		result = follow(cli, tracing, (uint32_t)count);
	}
	rh_tracing_destroy(tracing);
	return result;
}
