#include "problem.h"

#include "cli.h"
#include "text.h"

#include <stdbool.h>
#include <string.h>

/* What the user can do.  %1 stands for the caller, %2 for the callee. */
static const struct {
	int         code;
	const char *hint;
} hints[] = {
	{ RH_ELAYER, "reference something of the next layer, or apply a Rule with an"
	             " exception for %1 -> %2 and its reason;"
	             " `rhodes explain %1 %2` tells more" },
	{ RH_ENOEDGE, "add %2 to the references of %1" },
	{ RH_EREVOKED, "`rhodes explain %1 %2` tells by which rule" },
	{ RH_EPENDING,
	  "apply the resource that is missing, in the same manifest or later" },
	{ RH_ESTALE, "somebody changed it meanwhile: get it again, then apply again" },
	{ RH_EACCES, "only root and the user who runs the center may change the system" },
	{ RH_EPERM, "only root and the user who runs the center may change the system" },
	{ RH_EINTERFACE, "run `rhodes interface check`, or apply the interface anew" },
	{ RH_EDOWN, "`rhodes logs %2` tells why no instance is up" },
	{ RH_ESTORE, "look at the disk and at `rhodes logs center`" },
	{ RH_EOUTDATED, "start the center again (`rhodes logs center` tells why it ended), or"
	                " let rule stale be more patient" },
	{ RH_EFUNC, "`rhodes describe interface NAME` lists the functions" },
};

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text && text[0] ? text : NULL;
}

static int code_of(const char *name, long status)
{
	static const struct {
		const char *name;
		int         code;
	} names[] = {
#define RH_ERROR(name, code, status, text) { #name, -(code) },
#include "../model/errors.def"
#undef RH_ERROR
	};

	for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i].name, name) == 0)
			return names[i].code;
	}
	switch (status) {
	case 400:
		return RH_EINVAL;
	case 403:
		return RH_EACCES;
	case 404:
		return RH_ENOENT;
	case 409:
		return RH_EEXIST;
	case 412:
		return RH_ESTALE;
	default:
		return RH_EIO;
	}
}

/* The center puts the pointer in front of its sentence; here it is shown apart, or
 * not at all beside file, line and column. */
static void skip_pointer(struct rh_problem *problem)
{
	size_t len = problem->pointer ? strlen(problem->pointer) : 0;

	if (len && strncmp(problem->detail, problem->pointer, len) == 0 &&
	    strncmp(problem->detail + len, ": ", 2) == 0)
		problem->detail += len + 2;
}

void rh_problem_read(struct rh_problem *ret_problem, long status, const json_t *json)
{
	const json_t *edge = json_object_get(json, "edge");
	const json_t *object = json_object_get(json, "object");
	const char   *kind = text_of(object, "kind");
	const char   *name = text_of(object, "name");
	const char   *detail = text_of(json, "detail");
	int           code = code_of(text_of(json, "code"), status);

	if (!detail)
		detail = text_of(json, "title");
	*ret_problem = (struct rh_problem){
		.status = status,
		.code = code,
		.detail = detail ? detail : rh_error_text(code),
		.rule = text_of(json, "rule"),
		.pointer = text_of(json, "pointer"),
		.caller = json_string_value(json_array_get(edge, 0)),
		.callee = json_string_value(json_array_get(edge, 1)),
		.revision = json_integer_value(json_object_get(json, "revision")),
	};
	if (name)
		snprintf(ret_problem->object, sizeof ret_problem->object, "%s%s%s",
		         kind ? kind : "", kind ? "/" : "", name);
	skip_pointer(ret_problem);
}

/* Prints text with control bytes replaced. */
static void put(FILE *file, const char *text)
{
	rh_text_print(file, text, RH_PLAIN, 0);
}

static void put_hint(const struct rh_problem *problem, FILE *file, const char *hint)
{
	for (; *hint; hint++) {
		if (hint[0] == '%' && hint[1] == '1')
			put(file, problem->caller ? problem->caller : "CALLER");
		else if (hint[0] == '%' && hint[1] == '2')
			put(file, problem->callee ? problem->callee : "CALLEE");
		else {
			fputc(*hint, file);
			continue;
		}
		hint++;
	}
}

static const char *hint_of(const struct rh_problem *problem)
{
	for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
		if (hints[i].code == problem->code)
			return hints[i].hint;
	}
	return NULL;
}

/* "spec.reference[0]: " for /spec/reference/0; of /objects/3/... only the rest. */
static void put_path(const char *pointer, FILE *file)
{
	char   path[512];
	size_t used = 0;

	if (strncmp(pointer, "/objects/", 9) == 0) {
		pointer = strchr(pointer + 9, '/');
		if (!pointer)
			return;
	}
	while (*pointer == '/' && used + 80 < sizeof path) {
		size_t len = strcspn(pointer + 1, "/");
		bool   is_index = len && strspn(pointer + 1, "0123456789") == len;

		used += (size_t)snprintf(path + used, sizeof path - used, "%s%.*s%s",
		                         is_index ? "[" : used ? "." : "",
		                         len < 70 ? (int)len : 70, pointer + 1,
		                         is_index ? "]" : "");
		pointer += len + 1;
	}
	path[used] = '\0';
	put(file, path);
	fputs(": ", file);
}

/* Whether the sentence of the center names both ends already. */
static int tells_edge(const struct rh_problem *problem)
{
	return strstr(problem->detail, problem->caller) &&
	       strstr(problem->detail, problem->callee);
}

void rh_problem_print(const struct rh_problem *problem, FILE *file, const char *who,
                      const char *where)
{
	const char *hint = hint_of(problem);

	fprintf(file, "%s: ", who);
	if (where) {
		put(file, where);
		fputs(": ", file);
	}
	if (problem->object[0] && !strstr(problem->detail, " named ")) {
		put(file, problem->object);
		fputs(": ", file);
	}
	if (problem->pointer)
		put_path(problem->pointer, file);
	put(file, problem->detail);
	if (problem->caller && problem->callee && !tells_edge(problem)) {
		fputs(" (", file);
		put(file, problem->caller);
		fputs(" -> ", file);
		put(file, problem->callee);
		fputc(')', file);
	}
	if (problem->rule) {
		fputs("\n    rule        ", file);
		put(file, problem->rule);
		if (problem->revision > 0)
			fprintf(file, ", revision %lld", (long long)problem->revision);
	}
	if (hint) {
		fputs("\n    what to do  ", file);
		put_hint(problem, file, hint);
	}
	fputc('\n', file);
}

int rh_problem_exit(const struct rh_problem *problem)
{
	if (problem->status == 404)
		return RH_EXIT_NOT_FOUND;
	if (problem->status == 409 || problem->status == 412)
		return RH_EXIT_CONFLICT;
	return RH_EXIT_REFUSED;
}
