#include "../cli.h"
#include "../client.h"
#include "../known.h"
#include "../languages.h"
#include "../module.h"
#include "../supervise/keeper.h"
#include "../supervise/supervisor.h"
#include "../tool.h"
#include "../verb.h"
#include "../view.h"
#include "../wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const json_t *spec_of(const json_t *object)
{
	return json_object_get(object, "spec");
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* serve RESOURCE, or serve -r RESOURCE FILE [ARGUMENT...] */
static const char *resource_name(const struct rh_cli *cli)
{
	const char *option = rh_args_value(&cli->args, "resource");

	return option ? option : cli->args.words[0];
}

/* The file that serves and its arguments; NULL when the resource's library does. */
static char **program_words(const struct rh_cli *cli)
{
	return rh_args_has(&cli->args, "resource") ? cli->args.words : NULL;
}

static int get_interface(struct rh_cli *cli, const json_t *resource,
                         json_t **ret_interface)
{
	const char *name = text_of(spec_of(resource), "interface");

	if (!name)
		return rh_cli_fail(cli, RH_EXIT_REFUSED,
		                   "%s offers no interface, so there"
		                   " is nothing to serve",
		                   resource_name(cli));
	return rh_known_get(cli, "interfaces", name, ret_interface);
}

/* serve.library of the resource, else what the interface names. */
static const char *library_of(const json_t *resource, const json_t *interface)
{
	const char *library = text_of(json_object_get(spec_of(resource), "serve"),
	                              "library");

	if (!library)
		library = text_of(spec_of(interface), "library");
	return library ? library : text_of(spec_of(interface), "soname");
}

/* --- one instance, in this process ----------------------------------------------- */

static int become_worker(struct rh_cli *cli, const json_t *resource,
                         const json_t *interface)
{
	const json_t  *serve = json_object_get(spec_of(resource), "serve");
	const json_t  *modules = json_object_get(spec_of(interface), "modules");
	const char    *skeleton = text_of(modules, "skeleton");
	json_int_t     threads = json_integer_value(json_object_get(serve, "threads"));
	const char    *library = library_of(resource, interface);
	char           worker[PATH_MAX], folder[PATH_MAX], count[24];
	struct rh_diag diag = { 0 };
	int            result;

	if (!skeleton || !library)
		return rh_cli_fail(cli, RH_EXIT_REFUSED,
		                   "the interface %s has no skeleton;"
		                   " apply it from its side file",
		                   text_of(spec_of(resource), "interface"));
	result = rh_module_ensure(cli, skeleton, "skeleton.so", NULL, folder);
	if (result != RH_EXIT_OK)
		return result;
	if (rh_tool_find("rhodes-worker", worker, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	snprintf(count, sizeof count, "%lld", threads > 0 ? (long long)threads : 1);
	fflush(NULL);
	execl(worker, worker, "--interface-dir", folder, "--library", library,
	      "--threads", count, rh_args_has(&cli->args, "check") ? "--check" : NULL,
	      (char *)NULL);
	return rh_cli_fail(cli, RH_EXIT_NO_EXEC, "%s: %s", worker, strerror(errno));
}

/* A program of any language, which finds the interface in its environment. */
static int become_program(struct rh_cli *cli, const json_t *resource)
{
	const json_t *serve = json_object_get(spec_of(resource), "serve");
	json_int_t    threads = json_integer_value(json_object_get(serve, "threads"));
	char        **argv = NULL;
	char          count[24];
	int           result = rh_languages_serve(cli, program_words(cli), &argv);

	if (result != RH_EXIT_OK)
		return result;
	snprintf(count, sizeof count, "%lld", (long long)threads);
	if (threads > 0)
		setenv("RHODES_SERVE_THREADS", count, 1);
	else
		unsetenv("RHODES_SERVE_THREADS"); /* as many as suit the language */
	fflush(NULL);
	execvp(argv[0], argv);
	result = rh_cli_fail(cli, errno == ENOENT ? RH_EXIT_NO_FILE : RH_EXIT_NO_EXEC,
	                     "%s: %s", argv[0], strerror(errno));
	free(argv);
	return result;
}

static int serve_one(struct rh_cli *cli, const char *name)
{
	struct rh_view view;
	json_t        *interface = NULL;
	int            result = rh_view_init(cli, name, &view);

	if (result != RH_EXIT_OK)
		return result;
	rh_view_enter(cli, &view, name);
	result = get_interface(cli, view.resource, &interface);
	if (result == RH_EXIT_OK)
		result = program_words(cli) ? become_program(cli, view.resource)
		                            : become_worker(cli, view.resource, interface);
	json_decref(interface);
	rh_view_fini(&view);
	return result;
}

/* --- several, supervised ------------------------------------------------------------ */

/* Lets the resource be served by the file of this command. */
static int set_program(struct rh_cli *cli, json_t *spec)
{
	char   **words = program_words(cli);
	char     path[PATH_MAX];
	json_t  *serve = json_deep_copy(json_object_get(spec, "serve"));
	json_t  *program = json_array();
	int      result;

	if (!serve)
		serve = json_object();
	for (char **word = words; *word; word++) {
		bool is_file = word == words && access(*word, F_OK) == 0 &&
		               realpath(*word, path);

		json_array_append_new(program, json_string(is_file ? path : *word));
	}
	result = rh_languages_check(cli, json_string_value(json_array_get(program, 0)));
	json_object_del(serve, "library");
	json_object_set_new(serve, "program", program);
	if (json_object_set_new(spec, "serve", serve) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	return result;
}

/* Lets the resource serve as this command says. */
static int set_serve(struct rh_cli *cli, json_t *resource, const json_t *interface)
{
	json_t        *spec = json_object_get(resource, "spec");
	json_t        *serve = json_object_get(spec, "serve");
	struct rh_diag diag = { 0 };
	long           workers = 0;

	if (rh_args_number(&cli->args, "workers", 1, 64, &workers, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (program_words(cli))
		return workers > 1 ? rh_cli_usage(cli, "--workers is for libraries: start the"
		                                  " command once for each instance")
		                   : set_program(cli, spec);
	if (json_object_get(serve, "program"))
		return RH_EXIT_OK;
	if (!serve) {
		serve = json_object();
		json_object_set_new(spec, "serve", serve);
	}
	if (!json_object_get(serve, "library"))
		json_object_set_new(serve, "library",
		                    json_string(library_of(resource, interface)));
	if (workers)
		json_object_set_new(serve, "workers", json_integer(workers));
	return RH_EXIT_OK;
}

/* The agent is not ours: it runs under `rhodes up`. */
static void drop_agents(struct rh_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->tasks[i].role == RH_TASK_AGENT)
			rh_task_fini(&plan->tasks[i]);
		else
			plan->tasks[kept++] = plan->tasks[i];
	}
	plan->count = kept;
}

static int supervise(struct rh_cli *cli, json_t *resource)
{
	char                 self[PATH_MAX];
	struct rh_diag       diag = { 0 };
	struct rh_plan       plan;
	struct rh_plan_paths paths = { .self = self,
		                       .agent = "",
		                       .run_dir = cli->dirs.run,
		                       .system = cli->dirs.system };
	struct rh_supervise  options = { .dirs = &cli->dirs, .self = self, .plan = &plan,
		                         .screen = STDOUT_FILENO, .notify = -1,
		                         .has_color = cli->has_color };
	struct rh_keeper     keeper = { .notify = -1 };
	json_t              *list = json_pack("{s:[O]}", "resources", resource);
	int                  r = rh_tool_self(self, &diag), result = RH_EXIT_OK;

	if (r == RH_OK)
		r = rh_plan_init(&plan, list, &paths, &diag);
	json_decref(list);
	if (r < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	drop_agents(&plan);
	r = rh_keeper_fork(&keeper, &result, &diag);
	if (r < 0)
		result = rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (r == 0)
		result = rh_supervise_run(&options);
	rh_plan_fini(&plan);
	return result;
}

int rh_verb_serve(struct rh_cli *cli)
{
	const char *name = resource_name(cli);
	json_t     *resource = NULL, *interface = NULL;
	char        path[160];
	int         result;

	if (!program_words(cli) && cli->args.word_count > 1)
		return rh_cli_usage(cli, "a file that serves needs -r: rhodes serve -r %s %s",
		                    cli->args.words[0], cli->args.words[1]);
	if (program_words(cli) && rh_args_has(&cli->args, "check"))
		return rh_cli_usage(cli, "--check looks at a library, not at %s",
		                    cli->args.words[0]);
	if ((result = rh_wait_for(cli, name)) != RH_EXIT_OK)
		return result;
	if (rh_args_has(&cli->args, "one") || rh_args_has(&cli->args, "check"))
		return serve_one(cli, name);
	snprintf(path, sizeof path, "/apis/v1/resources/");
	rh_http_escape(path, sizeof path, name);
	result = rh_client_get(cli, path, &resource);
	if (result == RH_EXIT_OK)
		result = get_interface(cli, resource, &interface);
	if (result == RH_EXIT_OK)
		result = set_serve(cli, resource, interface);
	if (result == RH_EXIT_OK)
		result = supervise(cli, resource);
	json_decref(resource);
	json_decref(interface);
	return result;
}
