#include "rule.h"

#include "rule_language.h"
#include "rule_start.h"

#include "../rules/hook.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

static int refuse_hook(struct rh_cli *cli, const char *hook)
{
	char list[256] = "";

	for (unsigned i = 0; i < rh_hook_count; i++) {
		size_t len = strlen(list);

		snprintf(list + len, sizeof list - len, "%s%s",
		         !i ? "" : i + 1 < rh_hook_count ? ", " : " and ", rh_hooks[i].name);
	}
	return rh_cli_usage(cli, "\"%.40s\" is no hook; there are %s", hook, list);
}

int rh_rule_new(struct rh_cli *cli, const char *name)
{
	const char *asked = rh_args_value(&cli->args, "hook");
	const char *in = rh_args_value(&cli->args, "lang");
	const char *hook = asked ? asked : "filter";
	bool is_ebpf = strcmp(hook, "probe") == 0; /* written in C, for the kernel's machine */
	const struct rh_rule_language *language = rh_rule_language_find(
		is_ebpf && (!in || strcmp(in, "c") == 0) ? "ebpf" : in ? in : "c");

	if (!is_name(name))
		return rh_cli_usage(cli, "\"%.70s\" is no name of a rule: [a-z][a-z0-9_.-]{0,62}",
		                    name);
	if (!rh_hook_find(hook))
		return refuse_hook(cli, hook);
	if (!language)
		return rh_cli_usage(cli, "a project can be made in %s, not in %.40s; a module in "
			"another language is published as a file", rh_rule_language_names(), in);
	if (!rh_rule_language_has(language, hook))
		return is_ebpf ? rh_cli_usage(cli, "rules of hook probe are written in c, not in %s",
		                              in) :
		                 rh_cli_usage(cli, "in %s there are rules for hook %s only", in,
		                              rh_rule_language_hook(language));
	int result = make_folders(cli, name);
	for (const struct rh_rule_text *text = rh_rule_texts;
	     text->path && result == RH_EXIT_OK && rh_rule_language_has_headers(language); text++)
		result = write_header(cli, name, text);
	if (result == RH_EXIT_OK)
		result = rh_rule_language_write(cli, language, name, hook);
	if (result == RH_EXIT_OK && is_ebpf) {
		fprintf(cli->out, "%s/%s.bpf.c is the rule; `rhodes rule publish %s` builds and "
		        "publishes it\n", name, name, name);
		return result;
	}
	if (result == RH_EXIT_OK)
		result = write_inputs(cli, name, hook);
	if (result == RH_EXIT_OK)
		fprintf(cli->out, "%s has the rule, and in " RH_RULE_INPUTS " what it is tested "
		        "with; `rhodes rule test %s` runs it,\n`rhodes rule publish %s` builds and "
		        "publishes it\n", name, name, name);
	return result;
}
