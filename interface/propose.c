#include "generator.h"

#include "../base/diag.h"
#include "emit.h"
#include "package.h"
#include "proposed.h"
#include "source.h"
#include "suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_TRIED_MAX 48u
#define HEADERS_TAKEN_MAX 24u

struct proposal {
	const struct rh_interface_new_options *options;
	struct rh_pool      pool;
	struct rh_package   package;
	const char         *name;          /* of the interface                */
	const char         *folder;
	const char         *side_path;
	const char         *manifest_path;
	const char         *headers;       /* the words of the header line    */
	struct rh_diag     *diag;
};

/* A header of one's own, without the library that has what it declares. */
static bool is_header(const struct rh_interface_new_options *options)
{
	size_t len = strlen(options->subject);

	return !options->header && len > 2 && !strcmp(options->subject + len - 2, ".h");
}

static void put_line(FILE *out, const char *word, const char *value)
{
	if (value && value[0])
		fprintf(out, "%-10s %s\n", word, value);
}

static const char *head_text(struct proposal *proposal, const char *headers)
{
	const struct rh_package *package = &proposal->package;
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	put_line(out, "interface", proposal->name);
	put_line(out, "header", headers);
	put_line(out, "cflags", package->cflags);
	put_line(out, "soname", package->soname);
	if (strchr(proposal->options->subject, '/') || is_header(proposal->options))
		put_line(out, "library", package->library);
	put_line(out, "package", package->name);
	const char *copy = fclose(out) == 0 ? rh_pool_copy(&proposal->pool, text, len)
	                                    : NULL;
	free(text);
	return copy;
}

/* How many functions these headers declare; -1 when they do not compile. */
static int try_headers(struct proposal *proposal, const char *headers)
{
	struct rh_plan plan;
	const char    *text = head_text(proposal, headers);
	int            declared = 0;

	if (!text || rh_plan_make_text(&plan, proposal->side_path, text, strlen(text),
	                               proposal->diag) < 0)
		return -1;
	for (uint32_t i = 0; i < plan.interface.function_count; i++)
		declared += plan.functions[i].c != NULL;
	rh_plan_fini(&plan);
	return declared;
}

/* Takes the first header that compiles, then every other one that adds to it. */
static int choose_headers(struct proposal *proposal)
{
	const struct rh_package *package = &proposal->package;
	struct rh_diag           first = { 0 };
	uint32_t                 taken = 0;
	int                      declared = 0;

	for (uint32_t i = 0; i < package->header_count && i < HEADERS_TRIED_MAX &&
	     taken < HEADERS_TAKEN_MAX; i++) {
		const struct rh_package_header *header = &package->headers[i];
		const char *more = taken
			? rh_pool_print(&proposal->pool, "%s %s", proposal->headers,
			                header->include) : header->include;

		if (!more)
			return RH_ENOMEM;
		if (!header->declares && !header->is_named &&
		    !proposal->options->header)
			break;
		int count = try_headers(proposal, more);
		if (count < 0 && !first.text[0])
			first = *proposal->diag;
		if (count <= declared)
			continue;
		declared = count;
		proposal->headers = more;
		taken++;
	}
	if (taken)
		return RH_OK;
	if (first.text[0])
		return rh_diag_set(proposal->diag, RH_EINVAL, "%s", first.text);
	return rh_diag_set(proposal->diag, RH_ENOENT, "no header of %.80s declares what "
	                   "%.80s exports", proposal->options->subject, package->soname);
}

static const char *manifest_text(struct proposal *proposal)
{
	const char *resource = rh_proposed_resource(&proposal->pool, proposal->name);
	const char *serve = is_header(proposal->options)
		? "# serve: {program: [./PROGRAM]}"
		: rh_pool_print(&proposal->pool, "serve: {library: %s, workers: 1, restart: "
		                "always}", proposal->package.soname);

	if (!resource || !serve)
		return NULL;
	return rh_pool_print(&proposal->pool,
		"# %s in a process of its own.  Proposed by `rhodes interface new`: change\n"
		"# what you like, then: rhodes up %s.yaml\n"
		"kind: Resource\n"
		"metadata: {name: %s}\n"
		"spec:\n"
		"  type: service\n"
		"  interface: %s\n"
		"  %s\n"
		"---\n"
		"# Runs any program of yours: rhodes run %s_user -- PROGRAM ...\n"
		"kind: Resource\n"
		"metadata: {name: %s_user}\n"
		"spec:\n"
		"  type: application\n"
		"  reference: [%s]\n",
		proposal->package.soname, proposal->name, resource, proposal->name, serve,
		resource, resource, resource);
}

static const char *side_text(struct proposal *proposal, const struct rh_plan *plan)
{
	char  *text = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "# What %s cannot say about %s.  Proposed by `rhodes interface new`;\n"
	        "# rhodes-interface(1) tells the language.\n%s",
	        proposal->headers, proposal->package.soname,
	        head_text(proposal, proposal->headers));
	rh_suggest_write(out, plan);
	const char *copy = fclose(out) == 0 ? rh_pool_copy(&proposal->pool, text, len)
	                                    : NULL;
	free(text);
	return copy;
}

static void report(const struct proposal *proposal, const struct rh_plan *plan,
                   FILE *out)
{
	uint32_t carried = 0, count = plan->interface.function_count;

	if (proposal->options->is_quiet) {
		fprintf(out, "%s\n", proposal->side_path);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		carried += rh_plan_is_carried(&plan->interface.functions[i]);
	fprintf(out, "%s: header %s, library %s\n", proposal->name, proposal->headers,
	        plan->library_path ? plan->library_path : "none");
	if (proposal->package.library_count > 1)
		fprintf(out, "the package holds %u libraries; name another one to take it\n",
		        proposal->package.library_count);
	fprintf(out, "%u functions: %u carried as C declares them, %u wait for a line\n"
	        "wrote %s and %s\nnext: rhodes interface check %s\n", count, carried,
	        count - carried, proposal->side_path, proposal->manifest_path,
	        proposal->side_path);
}

static int write_both(struct proposal *proposal, FILE *out)
{
	struct rh_plan plan;
	const char    *head = head_text(proposal, proposal->headers);

	if (!head)
		return RH_ENOMEM;
	int result = rh_plan_make_text(&plan, proposal->side_path, head, strlen(head),
	                               proposal->diag);
	if (result < 0)
		return result;
	const char *side = side_text(proposal, &plan);
	const char *manifest = manifest_text(proposal);
	rh_plan_fini(&plan);
	if (!side || !manifest)
		return RH_ENOMEM;
	/* what is proposed must be accepted */
	result = rh_plan_make_text(&plan, proposal->side_path, side, strlen(side),
	                           proposal->diag);
	if (result < 0)
		return result;
	result = rh_proposed_write(proposal->side_path, side, proposal->diag);
	if (result >= 0)
		result = rh_proposed_write(proposal->manifest_path, manifest, proposal->diag);
	if (result >= 0)
		report(proposal, &plan, out);
	rh_plan_fini(&plan);
	return result;
}

static int name_files(struct proposal *proposal)
{
	struct rh_pool *pool = &proposal->pool;

	proposal->folder = proposal->options->folder ? proposal->options->folder : ".";
	proposal->name = rh_proposed_name(pool, proposal->package.stem);
	if (!proposal->name)
		return RH_ENOMEM;
	proposal->side_path = rh_pool_print(pool, "%s/%s.side", proposal->folder,
	                                    proposal->name);
	proposal->manifest_path = rh_pool_print(pool, "%s/%s.yaml", proposal->folder,
	                                        proposal->name);
	if (!proposal->side_path || !proposal->manifest_path)
		return RH_ENOMEM;
	if (proposal->options->overwrite)
		return RH_OK;
	int result = rh_proposed_check(proposal->side_path, proposal->diag);
	return result < 0 ? result : rh_proposed_check(proposal->manifest_path,
	                                               proposal->diag);
}

static const char *absolute(struct proposal *proposal, const char *path)
{
	char       *real = realpath(path, NULL);
	const char *copy = real ? rh_pool_copy(&proposal->pool, real, strlen(real)) : NULL;

	free(real);
	return copy;
}

/* foo.h: the interface libfoo of all that it declares. */
static int describe_header(struct proposal *proposal)
{
	const char *slash = strrchr(proposal->options->subject, '/');
	const char *file = slash ? slash + 1 : proposal->options->subject;
	const char *path = absolute(proposal, proposal->options->subject);
	const char *stem = rh_pool_print(&proposal->pool, "%s%.*s", strncmp(file, "lib", 3)
	                                 ? "lib" : "", (int)strcspn(file, "."), file);
	const char *soname = stem ? rh_pool_print(&proposal->pool, "%s.so", stem) : NULL;
	struct rh_package_header *header = rh_pool_take(&proposal->pool, 1, sizeof *header);

	if (!path)
		return rh_diag_set(proposal->diag, RH_ENOENT, "%.150s: %s",
		                   proposal->options->subject, strerror(errno));
	if (!soname || !header)
		return RH_ENOMEM;
	*header = (struct rh_package_header){
		.path = path, .include = path, .is_named = true,
	};
	proposal->package = (struct rh_package){
		.library = "none", .soname = soname, .stem = stem, .cflags = "",
		.headers = header, .header_count = 1, .library_count = 1,
	};
	return RH_OK;
}

/* The paths of a library of one's own are made absolute, so that the side file
 * means the same from any folder. */
static int find_package(struct proposal *proposal)
{
	const char *header = proposal->options->header;
	const char *subject = proposal->options->subject;

	if (is_header(proposal->options))
		return describe_header(proposal);
	if (header && access(header, R_OK) == 0)
		header = absolute(proposal, header);
	if (strchr(subject, '/') && access(subject, R_OK) == 0)
		subject = absolute(proposal, subject);
	if (!subject || (proposal->options->header && !header))
		return RH_ENOMEM;
	return rh_package_find(&proposal->pool, subject, header, &proposal->package,
	                       proposal->diag);
}

int rh_interface_new(const struct rh_interface_new_options *options, FILE *out,
                     struct rh_diag *diag)
{
	struct rh_diag  own = { 0 };

	if (rh_source_is(options->subject) && !options->header)
		return rh_interface_new_source(options, out, diag);
	struct proposal proposal = { .options = options, .diag = diag ? diag : &own };

	rh_pool_init(&proposal.pool);
	int result = find_package(&proposal);
	if (result >= 0)
		result = name_files(&proposal);
	if (result >= 0)
		result = choose_headers(&proposal);
	if (result >= 0)
		result = write_both(&proposal, out);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, result, "out of memory");
	rh_pool_fini(&proposal.pool);
	return result;
}
