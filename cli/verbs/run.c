#include "../cli.h"
#include "../client.h"
#include "../verb.h"
#include "../view.h"
#include "../wait.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The loader ignores LD_LIBRARY_PATH for these: the real library would run here. */
static int check_program(struct rh_cli *cli, const char *path)
{
	struct stat st;

	if (strchr(path, '/') && stat(path, &st) == 0 &&
	    (st.st_mode & (S_ISUID | S_ISGID)))
		return rh_cli_fail(cli, RH_EXIT_NO_EXEC,
		                   "%s is set-user-id: the loader would not put any"
		                   " library in front of it", path);
	return RH_EXIT_OK;
}

static int become(struct rh_cli *cli, char **argv)
{
	int result = check_program(cli, argv[0]);

	if (result != RH_EXIT_OK)
		return result;
	fflush(NULL);
	execvp(argv[0], argv);
	return rh_cli_fail(cli, errno == ENOENT ? RH_EXIT_NO_FILE : RH_EXIT_NO_EXEC,
	                   "%s: %s", argv[0], strerror(errno));
}

int rh_verb_run_program(struct rh_cli *cli)
{
	const char    *resource = cli->args.words[0];
	char         **argv = cli->args.words + 1;
	struct rh_view view;
	int            result = rh_wait_for(cli, resource);

	if (result == RH_EXIT_OK)
		result = rh_view_init(cli, resource, &view);
	if (result != RH_EXIT_OK)
		return result;
	rh_view_enter(cli, &view, resource);
	if (rh_args_has(&cli->args, "print")) {
		fprintf(cli->out,
		        "RHODES_AGENT=%s\nRHODES_RESOURCE=%s\nRHODES_SYSTEM=%s\n",
		        view.agent, resource, cli->dirs.system);
		if (view.library_path)
			fprintf(cli->out, "LD_LIBRARY_PATH=%s\n", view.library_path);
	} else {
		result = become(cli, argv);
	}
	rh_view_fini(&view);
	return result;
}
