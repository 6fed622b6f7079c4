#include "rule.h"

#include "rule_start.h"

#include "../rules/hook.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char filter_source[] =
	"/* %s - a filter: every call of an edge, before it leaves and when it ended. */\n"
	"#include <rhodes/hook/filter.h>\n"
	"\n"
	"RH_RULE(filter);\n"
	"\n"
	"int32_t rh_filter_before(void)\n"
	"{\n"
	"\treturn RH_FILTER_ALLOW;\n"
	"}\n";

/* The one that has been there for longest goes. */
static const char cache_source[] =
	"/* %s - a cache: which slot is emptied for what is to come. */\n"
	"#include <rhodes/hook/cache.h>\n"
	"\n"
	"RH_RULE(cache);\n"
	"\n"
	"static int32_t slots, next;\n"
	"\n"
	"int32_t rh_cache_begin(int32_t capacity)\n"
	"{\n"
	"\tslots = capacity;\n"
	"\tnext = 0;\n"
	"\treturn 0;\n"
	"}\n"
	"\n"
	"int32_t rh_cache_hit(int32_t slot)\n"
	"{\n"
	"\t(void)slot;\n"
	"\treturn 0;\n"
	"}\n"
	"\n"
	"int32_t rh_cache_victim(int64_t key)\n"
	"{\n"
	"\tint32_t slot = next;\n"
	"\n"
	"\t(void)key;\n"
	"\tnext = next + 1 < slots ? next + 1 : 0;\n"
	"\treturn slot;\n"
	"}\n"
	"\n"
	"int32_t rh_cache_insert(int32_t slot, int64_t key)\n"
	"{\n"
	"\t(void)slot;\n"
	"\t(void)key;\n"
	"\treturn 0;\n"
	"}\n"
	"\n"
	"int32_t rh_cache_remove(int32_t slot)\n"
	"{\n"
	"\t(void)slot;\n"
	"\treturn 0;\n"
	"}\n";

static const char user_source[] =
	"/* %s - what a program asks at a place of its own: the key of the rule names it. */\n"
	"#include <rhodes/hook/user.h>\n"
	"\n"
	"RH_RULE(user);\n"
	"\n"
	"/* The question is in rh_user.bytes, and so is the answer. */\n"
	"int32_t rh_user_run(int32_t length)\n"
	"{\n"
	"\t(void)length;\n"
	"\treturn (int32_t)RH_USER_DEFAULT;\n"
	"}\n";

static const char project_text[] =
	"# What `rhodes rule publish` builds and sends.\n"
	"name: %s\n"
	"hook: %s\n"
	"abi: 1\n"
	"mode: wasm\n"
	"memory: 1Mi\n"
	"build: >-\n"
	"  clang --target=wasm32 -O2 -mbulk-memory -nostdlib -ffreestanding -Wall -Wextra\n"
	"  -Iinclude -Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=16384\n"
	"  -Wl,--strip-all -o %s.wasm %s.c\n"
	"native: gcc -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Iinclude -o %s.so %s.c\n"
	"file: %s.wasm\n";

static const struct {
	const char *hook;
	const char *source;
} hooks[] = {
	{ "filter", filter_source }, { "cache", cache_source }, { "user", user_source },
};

static const char *source_of(const char *hook)
{
	for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++) {
		if (strcmp(hooks[i].hook, hook) == 0)
			return hooks[i].source;
	}
	return NULL;
}

static bool is_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= 63 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(name);
}

static int fail(const struct rh_cli *cli, const char *path)
{
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", path,
	                   strerror(errno));
}

/* ---- files ---- */

static int write_header(struct rh_cli *cli, const char *name,
                        const struct rh_rule_text *text)
{
	char  path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/include/%s", name, text->path);
	file = fopen(path, "wxe");
	bool is_written = file && fwrite(text->bytes, 1, text->len, file) == text->len;
	if (file && fclose(file) != 0)
		is_written = false;
	return is_written ? RH_EXIT_OK : fail(cli, path);
}

static int make_folders(struct rh_cli *cli, const char *name)
{
	static const char *const folders[] = {
		"", "/include", "/include/rhodes", "/include/rhodes/hook",
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		snprintf(path, sizeof path, "%s%s", name, folders[i]);
		if (mkdir(path, 0777) < 0)
			return fail(cli, path);
	}
	return RH_EXIT_OK;
}

static int write_project(struct rh_cli *cli, const char *name, const char *hook)
{
	char  path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/" RH_RULE_FILE, name);
	file = fopen(path, "wxe");
	bool is_written = file && fprintf(file, project_text, name, hook, name, name,
	                                  name, name, name) > 0;
	if (file && fclose(file) != 0)
		is_written = false;
	return is_written ? RH_EXIT_OK : fail(cli, path);
}

static int write_source(struct rh_cli *cli, const char *name, const char *source)
{
	const char *mark = strstr(source, "%s");
	char        path[PATH_MAX];
	FILE       *file;

	snprintf(path, sizeof path, "%s/%s.c", name, name);
	file = fopen(path, "wxe");
	bool is_written = file && fprintf(file, "%.*s%s%s", (int)(mark - source), source,
	                                  name, mark + 2) > 0;
	if (file && fclose(file) != 0)
		is_written = false;
	return is_written ? RH_EXIT_OK : fail(cli, path);
}

static int write_inputs(struct rh_cli *cli, const char *name, const char *hook)
{
	char  path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/" RH_RULE_INPUTS, name);
	file = fopen(path, "wxe");
	if (file)
		rh_rule_start_inputs(rh_hook_find(hook), file);
	bool is_written = file && !ferror(file);
	if (file && fclose(file) != 0)
		is_written = false;
	return is_written ? RH_EXIT_OK : fail(cli, path);
}

int rh_rule_new(struct rh_cli *cli, const char *name)
{
	const char *hook = rh_args_value(&cli->args, "hook");
	const char *language = rh_args_value(&cli->args, "lang");
	const char *source = source_of(hook ? hook : "filter");

	if (!is_name(name))
		return rh_cli_usage(cli, "\"%.70s\" is no name of a rule: [a-z][a-z0-9_.-]{0,62}",
		                    name);
	if (!source)
		return rh_cli_usage(cli, "\"%.40s\" is no hook; there are filter, cache and user",
		                    hook);
	if (language && strcmp(language, "c") != 0)
		return rh_cli_usage(cli, "a project can be made in c, not in %.40s; a module in "
			"another language is published as a file", language);
	int result = make_folders(cli, name);
	for (const struct rh_rule_text *text = rh_rule_texts;
	     text->path && result == RH_EXIT_OK; text++)
		result = write_header(cli, name, text);
	if (result == RH_EXIT_OK)
		result = write_source(cli, name, source);
	if (result == RH_EXIT_OK)
		result = write_project(cli, name, hook ? hook : "filter");
	if (result == RH_EXIT_OK)
		result = write_inputs(cli, name, hook ? hook : "filter");
	if (result == RH_EXIT_OK)
		fprintf(cli->out, "%s/%s.c is the rule, %s/" RH_RULE_INPUTS " what it is tested "
		        "with; `rhodes rule test %s`\nruns it, `rhodes rule publish %s` builds and "
		        "publishes it\n", name, name, name, name, name);
	return result;
}
