#include "languages.h"

#include "preload.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_BEFORE 6

/* A command that grows from the front. */
struct command {
	struct rh_cli *cli;
	const char    *file;
	char           folder[PATH_MAX]; /* of the language */
	char           text[2 * PATH_MAX];
	char          *argv[WORDS_BEFORE];
	size_t         count;
};

struct language {
	const char *name;         /* of its folder                          */
	const char *suffixes[4];
	void      (*begin)(struct command *command);
};

static void add(struct command *command, const char *word)
{
	command->argv[command->count++] = strdup(word);
}

/* Puts a folder in front of what a variable of folders holds. */
static void put_in_front(const char *variable, const char *folder)
{
	const char *before = getenv(variable);
	char        all[4 * PATH_MAX];
	int         len = snprintf(all, sizeof all, "%s%s%s", folder,
	                           before && *before ? ":" : "", before ? before : "");

	if (len > 0 && (size_t)len < sizeof all)
		setenv(variable, all, 1);
}

static void begin_python(struct command *command)
{
	put_in_front("PYTHONPATH", command->folder);
	add(command, "python3");
	add(command, "-m");
	add(command, "rhodes.serve");
	add(command, command->file);
}

/* A class of no package is found in the folder that it lies in; rhodes.Serve knows of others. */
static void begin_java(struct command *command)
{
	const char *slash = strrchr(command->file, '/');
	bool        is_jar = strstr(command->file, ".jar") != NULL;

	snprintf(command->text, sizeof command->text, "%s/rhodes.jar:%.*s", command->folder,
	         is_jar ? (int)strlen(command->file) : slash ? (int)(slash - command->file) : 1,
	         is_jar || slash ? command->file : ".");
	add(command, "java");
	add(command, "-cp");
	add(command, command->text);
	add(command, "rhodes.Serve");
	add(command, command->file);
}

/* Has every node load the hook first; see interceptors/node. */
static void enter_node(void)
{
	const char *before = getenv("NODE_OPTIONS");
	char        folder[PATH_MAX], hook[PATH_MAX + 32], all[4 * PATH_MAX];
	int         len;

	/* A quoted word of NODE_OPTIONS has its own escapes: such a folder is left out. */
	if (rh_tool_folder("node", folder, NULL) < 0 || strpbrk(folder, "\"\\"))
		return;
	snprintf(hook, sizeof hook, "--require \"%s/hook.cjs\"", folder);
	if (before && strstr(before, hook))
		return;
	len = snprintf(all, sizeof all, "%s%s%s", hook, before && *before ? " " : "",
	               before ? before : "");
	if (len > 0 && (size_t)len < sizeof all)
		setenv("NODE_OPTIONS", all, 1);
}

static void begin_node(struct command *command)
{
	enter_node(); /* what it calls itself */
	snprintf(command->text, sizeof command->text, "%s/serve.js", command->folder);
	add(command, "node");
	add(command, command->text);
	add(command, command->file);
}

static const struct language languages[] = {
	{ "python", { ".py" }, begin_python },
	{ "java", { ".class", ".jar" }, begin_java },
	{ "node", { ".js", ".cjs", ".mjs" }, begin_node },
};

static bool ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text), tail_len = strlen(tail);

	return len > tail_len && strcmp(text + len - tail_len, tail) == 0;
}

/* NULL for a program that runs by itself. */
static const struct language *language_of(const char *file)
{
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
		for (const char *const *suffix = languages[i].suffixes; *suffix; suffix++) {
			if (ends_with(file, *suffix))
				return &languages[i];
		}
	}
	return NULL;
}

int rh_languages_check(struct rh_cli *cli, const char *file)
{
	char path[PATH_MAX];

	if (language_of(file))
		return access(file, R_OK) == 0 ? RH_EXIT_OK
		       : rh_cli_fail(cli, RH_EXIT_NO_FILE, "%s cannot be read: %s", file,
		                     strerror(errno));
	if (rh_preload_program(file, path) == RH_OK)
		return RH_EXIT_OK;
	if (strchr(file, '/'))
		return rh_cli_fail(cli, errno == ENOENT ? RH_EXIT_NO_FILE : RH_EXIT_NO_EXEC,
		                   "%s cannot be run: %s", file, strerror(errno));
	return rh_cli_fail(cli, RH_EXIT_NO_FILE, "%s: no such file here, and no program of that"
	                   " name in PATH", file);
}

static int begin(struct command *command)
{
	const struct language *language = language_of(command->file);
	struct rh_diag         diag = { 0 };
	int                    result = rh_languages_check(command->cli, command->file);

	if (result != RH_EXIT_OK)
		return result;
	if (!language) {
		add(command, command->file);
		return RH_EXIT_OK;
	}
	if (rh_tool_folder(language->name, command->folder, &diag) < 0)
		return rh_cli_fail(command->cli, RH_EXIT_REFUSED, "%s", diag.text);
	language->begin(command);
	return RH_EXIT_OK;
}

/* Folders of what is imported by itself, and by it; see interceptors/python. */
static void enter_python(void)
{
	const char *before = getenv("PYTHONPATH");
	char        folder[PATH_MAX], hook[PATH_MAX];

	if (rh_tool_folder("python", folder, NULL) < 0 ||
	    rh_tool_folder("python/hook", hook, NULL) < 0)
		return; /* programs in Python run as they are */
	if (before && strstr(before, hook))
		return; /* rhodes run, below rhodes run */
	put_in_front("PYTHONPATH", folder);
	put_in_front("PYTHONPATH", hook);
}

/* The argument that gives a JVM the agent for unmodified programs; false without it. */
static bool java_agent(char *option, size_t cap)
{
	const char *wish = getenv("RHODES_JAVA");
	char        folder[PATH_MAX];
	int         len;

	if ((wish && strcmp(wish, "off") == 0) || rh_tool_folder("java", folder, NULL) < 0)
		return false;
	len = snprintf(option, cap, "-javaagent:%s/rhodes-agent.jar", folder);
	return len > 0 && (size_t)len < cap && access(strchr(option, ':') + 1, R_OK) == 0;
}

/* For a JVM that the program starts: it prints a line that it has read this. */
static void enter_java(void)
{
	static const char variable[] = "JAVA_TOOL_OPTIONS";
	const char       *before = getenv(variable);
	char              option[2 * PATH_MAX], all[4 * PATH_MAX];
	int               len;

	if (!java_agent(option, sizeof option) || (before && strstr(before, option)))
		return;
	len = snprintf(all, sizeof all, "%s%s%s", before ? before : "", before ? " " : "",
	               option);
	if (len > 0 && (size_t)len < sizeof all)
		setenv(variable, all, 1);
}

static bool is_java(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, "java") == 0;
}

char **rh_languages_command(char **argv)
{
	static char option[2 * PATH_MAX];
	size_t      count = 0;
	char      **more;

	if (!is_java(argv[0])) {
		enter_java();
		return argv;
	}
	while (argv[count])
		count++;
	more = java_agent(option, sizeof option) ? calloc(count + 2, sizeof *more) : NULL;
	if (!more)
		return argv;
	more[0] = argv[0];
	more[1] = option;
	memcpy(more + 2, argv + 1, (count - 1) * sizeof *more);
	return more;
}

void rh_languages_enter(void)
{
	enter_python();
	enter_node();
}

int rh_languages_serve(struct rh_cli *cli, char *const *words, char ***ret_argv)
{
	struct command command = { .cli = cli, .file = words[0] };
	int            result = begin(&command);
	size_t         more = 0;
	char         **argv;

	if (result != RH_EXIT_OK)
		return result;
	while (words[more + 1])
		more++;
	argv = calloc(command.count + more + 1, sizeof *argv);
	if (!argv)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	for (size_t i = 0; i < command.count; i++)
		argv[i] = command.argv[i];
	for (size_t i = 0; i < more; i++)
		argv[command.count + i] = words[i + 1];
	*ret_argv = argv;
	return RH_EXIT_OK;
}
