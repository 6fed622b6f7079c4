#include "generator.h"

#include "../base/diag.h"
#include "emit_bind.h"

#include <errno.h>
#include <string.h>

typedef void emit(FILE *out, const struct rh_binding *binding);

static const struct { const char *language; emit *write; } languages[] = {
	{ "cpp", rh_emit_cpp }, { "go", rh_emit_go }, { "node", rh_emit_node },
	{ "rust", rh_emit_rust },
};

static emit *find_language(const char *language)
{
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
		if (strcmp(languages[i].language, language) == 0)
			return languages[i].write;
	return NULL;
}

static int write_file(const struct rh_binding *binding, emit *write, const char *path,
                      struct rh_diag *diag)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return rh_diag_set(diag, RH_EIO, "%.150s: %s", path, strerror(errno));
	write(out, binding);
	bool is_bad = ferror(out) != 0;
	if (fclose(out) != 0 || is_bad)
		return rh_diag_set(diag, RH_EIO, "%.150s: %s", path, strerror(errno));
	return RH_OK;
}

int rh_interface_bind(const struct rh_interface_bind_options *options, FILE *out,
                      struct rh_diag *diag)
{
	emit             *write = find_language(options->language);
	struct rh_plan    plan;
	struct rh_binding binding;

	if (!write)
		return rh_diag_set(diag, RH_EINVAL, "--language is cpp, go, node or rust, not %.40s",
		                   options->language);
	int result = rh_plan_make(&plan, options->side, diag);
	if (result < 0)
		return result;
	result = rh_binding_make(&binding, &plan, diag);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, result, "out of memory");
	if (result >= 0 && options->file)
		result = write_file(&binding, write, options->file, diag);
	else if (result >= 0)
		write(out, &binding);
	rh_plan_fini(&plan);
	return result;
}
