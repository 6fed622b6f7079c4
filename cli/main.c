#include "cli.h"
#include "client.h"
#include "verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool shows_colors(void)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static int usage(const char *text)
{
	fprintf(stderr, "rhodes: %s\n", text);
	return RH_EXIT_USAGE;
}

static int unknown_verb(const char *name)
{
	const struct rh_verb *guess = rh_verb_guess(name);

	fprintf(stderr, "rhodes: there is no verb \"%.40s\"", name);
	if (guess)
		fprintf(stderr, "; did you mean %s?\n", guess->name);
	else
		fputs("; `rhodes help` lists them\n", stderr);
	return RH_EXIT_USAGE;
}

/* A user without a system of that name running uses the one of the whole machine, if
 * it runs; `up` and `doctor` mean the own one in any case. */
static void find_shared(struct rh_dirs *dirs)
{
	struct rh_dirs shared = *dirs;
	char           path[RH_DIR_MAX + 16];

	if (geteuid() == 0 || getenv("RHODES_RUN_DIR"))
		return;
	snprintf(path, sizeof path, "%s/center.sock", dirs->run);
	if (access(path, F_OK) == 0 && rh_dirs_trust(dirs, NULL) == RH_OK)
		return;
	snprintf(shared.run, sizeof shared.run, "/run/rhodes/%s", dirs->system);
	snprintf(shared.state, sizeof shared.state, "/var/lib/rhodes/%s", dirs->system);
	snprintf(path, sizeof path, "%s/center.sock", shared.run);
	if (access(path, F_OK) == 0)
		*dirs = shared;
}

/* Names the first word of the usage that must be there and is not. */
static int refuse_few(const struct rh_cli *cli)
{
	const char *word = cli->verb->words;
	size_t      given = cli->args.word_count;

	for (; *word; word += strcspn(word, " "), word += strspn(word, " ")) {
		if (word[0] != '[' && word[0] != '-' && given-- == 0)
			break;
	}
	return rh_cli_usage(cli, "a word is missing: %.*s", (int)strcspn(word, " "),
	                    word);
}

/* Checks the words and gives way to the verb. */
static int run_verb(struct rh_cli *cli)
{
	const struct rh_verb *verb = cli->verb;

	if (cli->args.word_count < verb->word_least)
		return refuse_few(cli);
	if (cli->args.word_count > verb->word_most)
		return rh_cli_usage(cli, "too many words: \"%.40s\"",
		                    cli->args.words[verb->word_most]);
	return verb->run(cli);
}

/* The run directory need not be called like the system: whoever names one means that one
 * and no other, and whoever names none means the one that is there. */
static int find_owner(struct rh_cli *cli, const char *system)
{
	const char *from_env = getenv("RHODES_SYSTEM");
	const char *own = getenv("RHODES_RUN_DIR");
	char        owner[RH_NAME_MAX + 1];

	if (cli->verb->run == rh_verb_up ||
	    (cli->verb->is_local && cli->verb->run != rh_verb_doctor) ||
	    rh_dirs_trust(&cli->dirs, NULL) < 0 ||
	    rh_dirs_owner(&cli->dirs, owner) < 0 || strcmp(owner, cli->dirs.system) == 0)
		return RH_EXIT_OK;
	if (!system && !(from_env && from_env[0]))
		return rh_dirs_find(owner, &cli->dirs, NULL) < 0 ? RH_EXIT_REFUSED
		                                                 : RH_EXIT_OK;
	return rh_cli_fail(cli, RH_EXIT_DOWN, "no system \"%s\" is here: %s%s belongs to"
	                   " the system \"%s\"; for that one use -S %s, for \"%s\" set"
	                   " RHODES_RUN_DIR to its folder%s", cli->dirs.system,
	                   own ? "RHODES_RUN_DIR, " : "", cli->dirs.run, owner, owner,
	                   cli->dirs.system, own ? " or unset it" : "");
}

/* Everything behind the verb: its options and words, and the directories. */
static int run(struct rh_cli *cli, const char *system, char **argv)
{
	const struct rh_option *tables[2] = { rh_verb_common, cli->verb->options };
	struct rh_diag          diag = { 0 };
	int                     r;

	if (cli->verb->is_raw) {
		for (cli->args.words = argv + 1; argv[cli->args.word_count + 1];)
			cli->args.word_count++;
		return run_verb(cli);
	}
	if (rh_args_parse(&cli->args, tables, argv, false, &diag) < 0)
		return rh_cli_usage(cli, "%s", diag.text);
	if (rh_args_has(&cli->args, "help")) {
		rh_verb_print_help(cli->verb, cli->out);
		return RH_EXIT_OK;
	}
	if (rh_args_has(&cli->args, "system"))
		system = rh_args_value(&cli->args, "system");
	r = rh_dirs_find(system, &cli->dirs, &diag);
	if (r < 0 && !cli->verb->is_local)
		return rh_cli_fail(cli, RH_EXIT_USAGE, "%s", diag.text);
	if (r == RH_OK && cli->verb->run != rh_verb_up &&
	    cli->verb->run != rh_verb_doctor)
		find_shared(&cli->dirs);
	if (r == RH_OK && !cli->verb->is_local && rh_dirs_trust(&cli->dirs, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (r == RH_OK && (r = find_owner(cli, system)) != RH_EXIT_OK)
		return r;
	return run_verb(cli);
}

int main(int argc, char **argv)
{
	static const struct rh_option version[] = {
		{ "version", 'V', NULL, "print the version", RH_COMPLETE_NOTHING },
		{ 0 },
	};
	const struct rh_option *tables[2] = { rh_verb_common, version };
	struct rh_cli           cli = { .out = stdout, .err = stderr, .wait_watch = -1 };
	struct rh_args          args;
	struct rh_diag          diag = { 0 };
	int                     result;

	if (argc < 1)
		return RH_EXIT_USAGE;
	if (rh_args_parse(&args, tables, argv, true, &diag) < 0)
		return usage(diag.text);
	cli.has_color = shows_colors();
	if (rh_args_has(&args, "version"))
		cli.verb = rh_verb_find("version");
	else if (rh_args_has(&args, "help"))
		cli.verb = rh_verb_find("help");
	if (cli.verb)
		return cli.verb->run(&cli);
	if (args.word_count == 0) {
		rh_verb_print_list(stderr);
		return RH_EXIT_USAGE;
	}
	cli.verb = rh_verb_find(args.words[0]);
	if (!cli.verb)
		return unknown_verb(args.words[0]);
	result = run(&cli, rh_args_value(&args, "system"), args.words);
	rh_client_close(&cli);
	/* A full disk or a closed pipe is an error, not silence. */
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && result == RH_EXIT_OK)
		result = rh_cli_fail(&cli, RH_EXIT_REFUSED, "cannot write all of it%s%s",
		                     errno ? ": " : "", errno ? strerror(errno) : "");
	return result;
}
