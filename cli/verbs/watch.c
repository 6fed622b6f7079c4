#include "../cli.h"
#include "../kind.h"
#include "../verb.h"
#include "../watching.h"

#include <stdint.h>
#include <string.h>

/* "rules", "rule", "all"; false when there is no such kind. */
static bool read_kind(const char *word, const struct rh_kind **ret_kind)
{
	if (strcmp(word, "all") == 0) {
		*ret_kind = NULL;
		return true;
	}
	*ret_kind = rh_kind_find(word);
	return *ret_kind && (*ret_kind)->object;
}

static bool read_format(const struct rh_cli *cli, bool *ret_is_json)
{
	const char *wanted = rh_args_value(&cli->args, "output");

	*ret_is_json = wanted && strcmp(wanted, "json") == 0;
	return !wanted || *ret_is_json || strcmp(wanted, "table") == 0;
}

int rh_verb_watch(struct rh_cli *cli)
{
	struct rh_watching_order order = { .from = -1 };
	struct rh_diag           diag = { 0 };
	long                     from = -1;

	if (!read_kind(cli->args.words[0], &order.kind))
		return rh_cli_usage(cli, "\"%.40s\" cannot be watched; resources, rules,"
		                    " interfaces, modules and all can",
		                    cli->args.words[0]);
	if (!read_format(cli, &order.is_json))
		return rh_cli_usage(cli, "-o takes json or table, not \"%.40s\"",
		                    rh_args_value(&cli->args, "output"));
	if (rh_args_number(&cli->args, "from", 0, INT64_MAX, &from, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (cli->args.word_count > 1)
		order.name = cli->args.words[1];
	if (order.name && !order.kind)
		return rh_cli_usage(cli, "a name goes with one kind, not with all");
	order.from = from;
	return rh_watching_run(cli, &order);
}
