#include "generator.h"

#include "../base/diag.h"
#include "declare.h"
#include "proposed.h"
#include "source.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct proposal {
	const struct rh_interface_new_options *options;
	struct rh_pool     pool;
	const char        *folder;
	const char        *name;     /* of the interface                      */
	const char        *soname;
	struct rh_source   source;
	const char        *paths[3]; /* header, side file, manifest           */
	const char        *texts[3];
	struct rh_declare  made;
	struct rh_diag    *diag;
};

/* Without the folders; of a class in a jar, the class. */
static const char *file_name(const char *path)
{
	const char *name = path;

	for (const char *at = path; *at; at++)
		if ((*at == '/' || *at == '!') && at[1])
			name = at + 1;
	return name;
}

/* pricing.py -> pricing, libpricing.so; two sources of one folder get two names
 * unless only their endings differ. */
static int name_all(struct proposal *proposal)
{
	static const char *const tails[] = { "h", "side", "yaml" };
	struct rh_pool *pool = &proposal->pool;
	const char     *file = file_name(proposal->options->subject);
	const char     *stem = rh_pool_copy(pool, file, strcspn(file, "."));
	int             result = RH_OK;

	proposal->folder = proposal->options->folder ? proposal->options->folder : ".";
	proposal->name = stem ? rh_proposed_name(pool, stem) : NULL;
	if (!proposal->name)
		return RH_ENOMEM;
	if (proposal->name[0] < 'a' || proposal->name[0] > 'z')
		return rh_diag_set(proposal->diag, RH_EINVAL, "%.100s: an interface cannot be "
		                   "called '%.60s'", file, proposal->name);
	proposal->soname = proposal->source.soname;
	if (!proposal->soname)
		proposal->soname = rh_pool_print(pool, "%s%s.so", strncmp(
			proposal->name, "lib", 3) == 0 ? "" : "lib", proposal->name);
	for (size_t i = 0; i < 3 && result >= 0; i++) {
		proposal->paths[i] = rh_pool_print(pool, "%s/%s.%s", proposal->folder,
		                                   proposal->name, tails[i]);
		if (!proposal->paths[i] || !proposal->soname)
			return RH_ENOMEM;
		if (!proposal->options->overwrite)
			result = rh_proposed_check(proposal->paths[i], proposal->diag);
	}
	return result;
}

static bool ends_with(const char *text, size_t len, const char *tail)
{
	size_t tail_len = strlen(tail);

	return len > tail_len && strncmp(text + len - tail_len, tail, tail_len) == 0;
}

/* The file that a language runs to serve it, without the class of a jar; or NULL. */
static const char *served_file(struct proposal *proposal)
{
	static const char *const tails[] = { ".py", ".class", ".jar" };
	const char *subject = proposal->options->subject;
	size_t      len = strcspn(subject, "!");
	const char *file = rh_pool_copy(&proposal->pool, subject, len);
	char        path[PATH_MAX];

	for (size_t i = 0; file && i < sizeof tails / sizeof *tails; i++)
		if (ends_with(file, len, tails[i]) && realpath(file, path))
			return rh_pool_copy(&proposal->pool, path, strlen(path));
	return NULL;
}

/* Who serves it: its library, the file itself, or a program that its author knows. */
static const char *serve_text(struct proposal *proposal)
{
	const char *file = served_file(proposal);

	if (proposal->source.library)
		return rh_pool_print(&proposal->pool, "  serve: {library: %s, workers: 1, "
		                     "restart: always}\n", proposal->source.library);
	if (file)
		return rh_pool_print(&proposal->pool, "  serve: {program: [\"%s\"]}\n", file);
	return "  # serve: {program: [./PROGRAM]}\n";
}

static const char *manifest_text(struct proposal *proposal)
{
	const char *name = proposal->name;
	const char *resource = rh_proposed_resource(&proposal->pool, name);
	const char *serve = serve_text(proposal);

	if (!resource || !serve)
		return NULL;
	return rh_pool_print(&proposal->pool,
		"# What %s offers, from a process of its own.  Proposed by `rhodes interface\n"
		"# new`: change what you like, then: rhodes up %s.yaml\n"
		"kind: Resource\n"
		"metadata: {name: %s}\n"
		"spec:\n"
		"  type: service\n"
		"  interface: %s\n"
		"%s"
		"---\n"
		"# Runs any program of yours: rhodes run %s_user -- PROGRAM ...\n"
		"kind: Resource\n"
		"metadata: {name: %s_user}\n"
		"spec:\n"
		"  type: application\n"
		"  reference: [%s]\n",
		file_name(proposal->options->subject), name, resource, name, serve, resource,
		resource, resource);
}

static int make_texts(struct proposal *proposal)
{
	const struct rh_declare_request request = {
		.text = proposal->source.text, .name = proposal->name,
		.library = proposal->source.library,
		.header = file_name(proposal->paths[0]), .soname = proposal->soname,
		.origin = file_name(proposal->options->subject),
	};
	int result = rh_declare_make(&proposal->pool, &request, &proposal->made,
	                             proposal->diag);

	if (result < 0)
		return result;
	if (!proposal->made.carried)
		return rh_diag_set(proposal->diag, RH_EINVAL, "%.120s: nothing of it can be "
		                   "carried; `rhodes interface show` tells why",
		                   proposal->options->subject);
	proposal->texts[0] = proposal->made.header;
	proposal->texts[1] = proposal->made.side;
	proposal->texts[2] = manifest_text(proposal);
	return proposal->texts[2] ? RH_OK : RH_ENOMEM;
}

/* What is written must say what was read: header and side file are compiled in a
 * folder of their own before they come where they are wanted. */
static int try_in(struct proposal *proposal, const char *folder)
{
	struct rh_pool *pool = &proposal->pool;
	struct rh_plan  plan;
	const char *header = rh_pool_print(pool, "%s/%s", folder,
	                                   file_name(proposal->paths[0]));
	const char *side = rh_pool_print(pool, "%s/%s", folder,
	                                 file_name(proposal->paths[1]));

	if (!header || !side)
		return RH_ENOMEM;
	int result = rh_proposed_write(header, proposal->texts[0], proposal->diag);
	if (result < 0)
		return result;
	result = rh_plan_make_text(&plan, side, proposal->texts[1],
	                           strlen(proposal->texts[1]), proposal->diag);
	unlink(header);
	if (result < 0)
		return result;
	result = rh_declare_check(&plan, proposal->source.text, &proposal->made, proposal->diag);
	rh_plan_fini(&plan);
	return result;
}

static int try_texts(struct proposal *proposal)
{
	char *folder = rh_pool_print(&proposal->pool, "%s/.rhodes-new-XXXXXX",
	                             proposal->folder);

	if (!folder)
		return RH_ENOMEM;
	if (!mkdtemp(folder))
		return rh_diag_set(proposal->diag, RH_EIO, "%.150s: %s", proposal->folder,
		                   strerror(errno));
	int result = try_in(proposal, folder);
	rmdir(folder);
	return result;
}

static int write_texts(struct proposal *proposal)
{
	int result = RH_OK;

	for (size_t i = 0; i < 3 && result >= 0; i++)
		result = rh_proposed_write(proposal->paths[i], proposal->texts[i],
		                           proposal->diag);
	return result;
}

static int propose(struct proposal *proposal)
{
	int result = rh_source_read(&proposal->pool, proposal->options->subject,
	                            &proposal->source, proposal->diag);

	if (result >= 0)
		result = name_all(proposal);
	if (result >= 0)
		result = make_texts(proposal);
	if (result >= 0)
		result = try_texts(proposal);
	return result < 0 ? result : write_texts(proposal);
}

int rh_interface_new_source(const struct rh_interface_new_options *options, FILE *out,
                            struct rh_diag *diag)
{
	struct rh_diag  own = { 0 };
	struct proposal proposal = { .options = options, .diag = diag ? diag : &own };

	rh_pool_init(&proposal.pool);
	int result = propose(&proposal);
	if (result >= 0 && options->is_quiet)
		fprintf(out, "%s\n", proposal.paths[1]);
	else if (result >= 0)
		fprintf(out, "%s: %u functions carried; `rhodes interface show %s` tells what "
		        "is not, and why\nwrote %s, %s and %s\nnext: rhodes interface check "
		        "%s\n", proposal.name, proposal.made.carried, options->subject,
		        proposal.paths[0], proposal.paths[1], proposal.paths[2],
		        proposal.paths[1]);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, result, "out of memory");
	rh_pool_fini(&proposal.pool);
	return result;
}
