#include "../rule.h"
#include "../verb.h"

#include <string.h>

int rh_verb_rule(struct rh_cli *cli)
{
	static const struct {
		const char *name;
		int       (*run)(struct rh_cli *cli, const char *word);
	} words[] = {
		{ "new", rh_rule_new }, { "test", rh_rule_test },
		{ "publish", rh_rule_publish }, { "pull", rh_rule_pull },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].name, cli->args.words[0]) == 0)
			return words[i].run(cli, cli->args.words[1]);
	}
	return rh_cli_usage(cli, "\"%.40s\" is none of new, test, publish, pull",
	                    cli->args.words[0]);
}
