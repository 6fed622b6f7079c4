#include "../cli.h"
#include "../client.h"
#include "../governing.h"
#include "../languages.h"
#include "../preload.h"
#include "../verb.h"
#include "../view.h"
#include "../wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int has_references(const struct rh_view *view)
{
	const json_t *spec = json_object_get(view->resource, "spec");

	return json_array_size(json_object_get(spec, "reference")) > 0;
}

/* What is to be run. */
struct program {
	char **argv;
	char   path[PATH_MAX]; /* "": there is none, which exec tells */
};

/* The loader ignores LD_LIBRARY_PATH for these: the real libraries of its callees would run
 * here. */
static int check_program(struct rh_cli *cli, const struct rh_view *view,
                         const struct program *program)
{
	const char *privilege = NULL;

	if (has_references(view) && program->path[0])
		privilege = rh_preload_privilege(program->path);
	if (privilege)
		return rh_cli_fail(cli, RH_EXIT_NO_EXEC,
		                   "%s %s: the loader would not put any library in front of it",
		                   program->path, privilege);
	return RH_EXIT_OK;
}

static int become(struct rh_cli *cli, const struct rh_view *view,
                  const struct program *program)
{
	int    result = check_program(cli, view, program);
	char **argv = program->argv;

	if (result != RH_EXIT_OK)
		return result;
	fflush(NULL);
	execvp(program->path[0] ? program->path : argv[0], argv);
	return rh_cli_fail(cli, errno == ENOENT ? RH_EXIT_NO_FILE : RH_EXIT_NO_EXEC,
	                   "%s: %s", argv[0], strerror(errno));
}

/* How the program is to be scheduled, as the command says; what it does not say, the rule
 * of the resource does, if there is one. */
struct order {
	const char *use, *carrier; /* NULL: it does not say               */
	uint64_t    revision;      /* of the rule, when it was made so; 0 */
};

static int read_order(struct rh_cli *cli, struct order *order)
{
	enum rh_sched_use     use;
	enum rh_sched_carrier carrier;

	*order = (struct order){ .use = rh_args_value(&cli->args, "sched"),
	                         .carrier = rh_args_value(&cli->args, "carrier") };
	if (order->use && rh_sched_use_parse(order->use, strlen(order->use), &use) < 0)
		return rh_cli_usage(cli, "--sched %s: there are cfs, eevdf, deadline, fifo and rr",
		                    order->use);
	if (order->carrier && rh_sched_carrier_parse(order->carrier, strlen(order->carrier),
	                                             &carrier) < 0)
		return rh_cli_usage(cli, "--carrier %s: there are host, fiber and sched_ext",
		                    order->carrier);
	if (order->carrier && carrier == RH_SCHED_EXT && !order->use)
		return rh_cli_usage(cli, "--carrier sched_ext needs --sched");
	return RH_EXIT_OK;
}

/* Puts the runtime in front where it can be; else the kernel schedules it, and it is told
 * why. */
static const char *enter_fiber(struct rh_cli *cli, const char *use, const char *path)
{
	char           library[PATH_MAX];
	struct rh_diag why;

	if (!path[0])
		return "host";
	if (rh_preload_check(path, &why) < 0 || rh_preload_library(library, &why) < 0) {
		fprintf(cli->err, "rhodes run: it runs under the carrier host: %s\n", why.text);
		return "host";
	}
	rh_preload_enter(library);
	setenv("RHODES_SCHED", use, 1);
	return "fiber";
}

static const char *enter_carrier(struct rh_cli *cli, const struct rh_view *view,
                                 const struct order *order, const char *path)
{
	struct rh_governing rule = { .is_any = false };
	const char         *use = order->use;

	if (order->carrier && strcmp(order->carrier, "fiber") != 0)
		return "host";
	if (!order->carrier || !use)
		rh_governing_ask(view->agent, order->revision, &rule);
	if (!order->carrier && (!rule.is_any || rule.carrier != RH_SCHED_FIBER))
		return "host";
	if (rule.is_any)
		use = rh_sched_use_text(rule.use);
	return enter_fiber(cli, use ? use : "cfs", path);
}

/* Becomes one whose threads the agent orders, and then the program. */
static int run(struct rh_cli *cli, const struct rh_view *view, const struct order *order,
               char **argv)
{
	struct program program = { .argv = argv };
	const char    *carrier;
	int            result;

	if (rh_preload_program(argv[0], program.path) < 0)
		program.path[0] = '\0';
	carrier = enter_carrier(cli, view, order, program.path);
	result = rh_governing_join(cli, view->agent, carrier, order->revision,
	                           order->use ? order->use : order->carrier ? "" : NULL);
	return result == RH_EXIT_OK ? become(cli, view, &program) : result;
}

int rh_verb_run_program(struct rh_cli *cli)
{
	const char    *option = rh_args_value(&cli->args, "resource");
	const char    *resource = option ? option : cli->args.words[0];
	char         **argv = cli->args.words + (option ? 0 : 1);
	struct order   order;
	struct rh_view view;
	int            result = argv[0] ? read_order(cli, &order)
	                                : rh_cli_usage(cli, "a word is missing: PROGRAM");

	if (result == RH_EXIT_OK)
		result = rh_wait_for(cli, resource);
	if (result == RH_EXIT_OK && order.use)
		result = rh_governing_state(cli, resource, order.use, order.carrier,
		                            &order.revision);
	if (result == RH_EXIT_OK)
		result = rh_view_init(cli, resource, &view);
	if (result != RH_EXIT_OK)
		return result;
	rh_view_enter(cli, &view, resource);
	rh_languages_enter();
	if (rh_args_has(&cli->args, "print")) {
		fprintf(cli->out,
		        "RHODES_AGENT=%s\nRHODES_RESOURCE=%s\nRHODES_SYSTEM=%s\n",
		        view.agent, resource, cli->dirs.system);
		if (view.library_path)
			fprintf(cli->out, "LD_LIBRARY_PATH=%s\n", view.library_path);
		if (view.interfaces)
			fprintf(cli->out, "RHODES_INTERFACES=%s\n", view.interfaces);
	} else {
		result = run(cli, &view, &order, rh_languages_command(argv));
	}
	rh_view_fini(&view);
	return result;
}
