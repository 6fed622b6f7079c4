#include "../cli.h"
#include "../verb.h"

int rh_verb_version(struct rh_cli *cli)
{
	fprintf(cli->out, "rhodes %s\n", RH_VERSION);
	return RH_EXIT_OK;
}
