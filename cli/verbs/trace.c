#include "../cli.h"
#include "../verb.h"

int rh_verb_trace(struct rh_cli *cli)
{
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "not built yet");
}
