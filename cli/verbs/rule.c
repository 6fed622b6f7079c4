#include "../rule.h"
#include "../verb.h"

#include <string.h>

/* How many words stand behind the name. */
struct program {
	const char *name;
	size_t      least, most;
	int       (*run)(struct rh_cli *cli, const char *word);
};

static const struct program programs[] = {
	{ "new", 1, 1, rh_rule_new },         { "record", 1, 2, rh_rule_record },
	{ "test", 1, 1, rh_rule_test },       { "publish", 1, 1, rh_rule_publish },
	{ "pull", 1, 1, rh_rule_pull },       { "list", 0, 0, rh_rule_list },
	{ "top", 0, 1, rh_rule_top },         { "log", 1, 1, rh_rule_lines },
	{ "maps", 1, 2, rh_rule_maps },
};

static int run(struct rh_cli *cli, const struct program *program)
{
	size_t count = cli->args.word_count - 1;

	if (count < program->least)
		return rh_cli_usage(cli, "%s: which one?", program->name);
	if (count > program->most)
		return rh_cli_usage(cli, "%s: \"%.60s\" is one word too many", program->name,
		                    cli->args.words[program->most + 1]);
	return program->run(cli, cli->args.words[1]);
}

int rh_verb_rule(struct rh_cli *cli)
{
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		if (strcmp(programs[i].name, cli->args.words[0]) == 0)
			return run(cli, &programs[i]);
	}
	return rh_cli_usage(cli, "\"%.40s\" is none of new, record, test, publish, pull, list, top, "
	                    "log, maps",
	                    cli->args.words[0]);
}
