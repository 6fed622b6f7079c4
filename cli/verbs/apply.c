#include "../cache.h"
#include "../cli.h"
#include "../output.h"
#include "../remedy.h"
#include "../submission.h"
#include "../text.h"
#include "../verb.h"

#include "../../base/plural.h"

/* Why a rule that is unchanged need not be in force. */
static void print_rollout(struct rh_cli *cli, const json_t *rollout)
{
	const char *message = json_string_value(json_object_get(rollout, "message"));
	char        remedy[RH_REMEDY_MAX];

	if (!message)
		return;
	rh_remedy_rollout(rollout, remedy, sizeof remedy);
	fputs("    its roll-out: ", cli->out);
	rh_text_print(cli->out, message, RH_BOLD, cli->has_color);
	fputs("\n    ", cli->out);
	rh_text_print(cli->out, remedy, RH_PLAIN, 0);
	fputc('\n', cli->out);
}

/* "; sent again to 2 agents that rejected it: app, lib" */
static void print_again(struct rh_cli *cli, const json_t *again, bool is_dry)
{
	const json_t      *agents = json_object_get(again, "agents");
	unsigned long long total =
		(unsigned long long)json_integer_value(json_object_get(again, "total"));
	size_t  i;
	json_t *agent;

	if (!again)
		return;
	fprintf(cli->out, "; %s to %llu agent%s that rejected it: ",
	        is_dry ? "would be sent again" : "sent again", total, rh_plural(total));
	json_array_foreach(agents, i, agent) {
		fputs(i ? ", " : "", cli->out);
		rh_text_print(cli->out, json_string_value(agent), RH_PLAIN, 0);
	}
	if (total > json_array_size(agents))
		fputs(", ...", cli->out);
}

static int print_results(struct rh_cli *cli, enum rh_format format,
                         const json_t *answer, bool is_dry)
{
	size_t  i;
	json_t *item;

	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		return rh_output_value(cli, format, answer);
	json_array_foreach(json_object_get(answer, "results"), i, item) {
		const char *kind = json_string_value(json_object_get(item, "kind"));
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *result = json_string_value(json_object_get(item, "result"));

		rh_text_print(cli->out, kind ? kind : "?", RH_PLAIN, 0);
		fputc('/', cli->out);
		rh_text_print(cli->out, name ? name : "?", RH_PLAIN, 0);
		fprintf(cli->out, " %s", result ? result : "?");
		print_again(cli, json_object_get(item, "sentAgain"), is_dry);
		fputs(is_dry ? " (dry run)\n" : "\n", cli->out);
		print_rollout(cli, json_object_get(item, "rollout"));
	}
	return RH_EXIT_OK;
}

int rh_verb_apply(struct rh_cli *cli)
{
	bool                is_dry = rh_args_has(&cli->args, "dry-run");
	struct rh_manifest *manifest;
	enum rh_format      format;
	json_t             *answer = NULL;
	int                 result;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	manifest = rh_manifest_create();
	if (!manifest)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	result = rh_submit(cli, manifest, is_dry, &answer, NULL);
	if (result == RH_EXIT_OK)
		result = print_results(cli, format, answer, is_dry);
	json_decref(answer);
	rh_manifest_destroy(manifest);
	if (result == RH_EXIT_OK && !is_dry)
		rh_cache_sweep(cli);
	return result;
}
