#include "../cli.h"
#include "../verb.h"

int rh_verb_help(struct rh_cli *cli)
{
	const struct rh_verb *verb;
	const char           *name = cli->args.word_count ? cli->args.words[0] : NULL;

	if (!name) {
		rh_verb_print_list(cli->out);
		return RH_EXIT_OK;
	}
	verb = rh_verb_find(name);
	if (!verb)
		return rh_cli_fail(cli, RH_EXIT_USAGE, "there is no verb \"%.40s\"; `rhodes "
		                   "help` lists them", name);
	rh_verb_print_help(verb, cli->out);
	return RH_EXIT_OK;
}
