#include "../cli.h"
#include "../tool.h"
#include "../verb.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The generator is a program of its own: it carries the front end of a compiler. */
int rh_verb_interface(struct rh_cli *cli)
{
	char           tool[PATH_MAX];
	struct rh_diag diag = { 0 };

	if (rh_tool_find("rhodes-interface", tool, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	fflush(NULL);
	/* words[-1] is "interface" in argv: the tool's own name there. */
	execv(tool, cli->args.words - 1);
	return rh_cli_fail(cli, RH_EXIT_NO_EXEC, "%s: %s", tool, strerror(errno));
}
