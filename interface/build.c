#include "generator.h"

#include "../base/diag.h"
#include "emit.h"
#include "sdk_place.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGUMENTS_MAX (RH_SIDE_HEADS_MAX + 48u)
#define TOOL_TEXT_MAX ((size_t)16 << 10)

struct build {
	struct rh_plan      plan;
	struct rh_sdk_place sdk;
	const char         *compiler;
	const char         *folder;      /* at the end                        */
	char                work[PATH_MAX]; /* beside it, until then          */
	bool                pedantic;
	FILE               *out;
	struct rh_diag     *diag;
};

static int complain(struct build *build, const char *path)
{
	return rh_diag_set(build->diag, RH_EIO, "%.150s: %s", path, strerror(errno));
}

/* <work>/<name> from the pool; NULL when it is full. */
static const char *work_path(struct build *build, const char *name)
{
	return rh_pool_print(&build->plan.pool, "%s/%s", build->work, name);
}

static int make_folder(struct build *build, const char *name)
{
	const char *path = work_path(build, name);

	if (!path)
		return RH_ENOMEM;
	return mkdir(path, 0755) < 0 ? complain(build, path) : RH_OK;
}

typedef void emit(FILE *out, const struct rh_plan *plan);

static void emit_map(FILE *out, const struct rh_plan *plan)
{
	rh_emit_map(out, plan);
}

static int write_file(struct build *build, const char *name, emit *write)
{
	const char *path = work_path(build, name);
	FILE       *out = path ? fopen(path, "we") : NULL;

	if (!out)
		return path ? complain(build, path) : RH_ENOMEM;
	write(out, &build->plan);
	bool is_bad = ferror(out) != 0;
	if (fclose(out) != 0 || is_bad)
		return complain(build, path);
	return RH_OK;
}

static int write_sources(struct build *build)
{
	static const struct { const char *name; emit *write; } files[] = {
		{ "interface.txt", rh_emit_text },    { "interface.json", rh_emit_json },
		{ "src/shadow.c", rh_emit_shadow },   { "src/skeleton.c", rh_emit_skeleton },
		{ "src/shadow.map", emit_map },       { "src/wrap.names", rh_emit_wrap_names },
	};
	int result = make_folder(build, "src");

	if (result >= 0)
		result = make_folder(build, "lib");
	for (size_t i = 0; result >= 0 && i < sizeof files / sizeof *files; i++)
		result = write_file(build, files[i].name, files[i].write);
	return result;
}

/* A command line that is put together; full or NULL words are seen at the end. */
struct command {
	const char *words[ARGUMENTS_MAX];
	size_t      count;
	bool        is_bad;
};

static void add(struct command *command, const char *word)
{
	if (!word || command->count + 1 == ARGUMENTS_MAX)
		command->is_bad = true;
	else
		command->words[command->count++] = word;
}

/* A compiler may be several words, as make and meson take it: CC="ccache gcc". */
static void add_compiler(struct build *build, struct command *command)
{
	const char *at = build->compiler + strspn(build->compiler, " ");

	while (*at) {
		int len = (int)strcspn(at, " ");

		add(command, rh_pool_print(&build->plan.pool, "%.*s", len, at));
		at += len;
		at += strspn(at, " ");
	}
}

static void begin(struct build *build, struct command *command)
{
	struct rh_pool *pool = &build->plan.pool;

	*command = (struct command){ .count = 0 };
	add_compiler(build, command);
	add(command, "-std=gnu17");
	for (uint32_t i = 0; i < build->plan.request.cflag_count; i++)
		add(command, build->plan.request.cflags[i]);
	add(command, "-O2");
	add(command, "-fPIC");
	add(command, "-fcf-protection");
	add(command, "-Wall");
	add(command, "-Wextra");
	if (build->pedantic)
		add(command, "-Werror");
	/* the same bytes from the same input, wherever it is built */
	add(command, rh_pool_print(pool, "-ffile-prefix-map=%s=.", build->work));
	add(command, rh_pool_print(pool, "-isystem%s", build->sdk.include));
}

/* Says what the compiler said, then what failed. */
static int run(struct build *build, struct command *command, const char *what)
{
	char *text = rh_pool_take(&build->plan.pool, TOOL_TEXT_MAX, 1);

	if (!text || command->is_bad)
		return rh_diag_set(build->diag, RH_ENOMEM, "the command line is too long");
	int result = rh_tool_run(command->words, true, text, TOOL_TEXT_MAX);
	if (text[0] && build->out)
		fputs(text, build->out);
	if (result == RH_ENOENT)
		return rh_diag_set(build->diag, result, "there is no program %.60s",
		                   command->words[0]);
	if (result < 0)
		return rh_diag_set(build->diag, result, "%s: %.60s failed", what,
		                   command->words[0]);
	return RH_OK;
}

static void link_shared(struct command *command)
{
	add(command, "-shared");
	add(command, "-s");
	add(command, "-Wl,-z,relro,-z,now,-z,noexecstack");
}

static int compile_shadow(struct build *build)
{
	struct rh_pool *pool = &build->plan.pool;
	const char     *soname = build->plan.interface.soname;
	struct command  command;

	begin(build, &command);
	link_shared(&command);
	add(&command, rh_pool_print(pool, "-Wl,-soname,%s", soname));
	if (build->plan.exports.version_count)
		add(&command, rh_pool_print(pool, "-Wl,--version-script=%s/src/shadow.map",
		                            build->work));
	add(&command, "-o");
	add(&command, rh_pool_print(pool, "%s/lib/%s", build->work, soname));
	add(&command, work_path(build, "src/shadow.c"));
	add(&command, build->sdk.library);
	return run(build, &command, "shadow library");
}

/* The link name without .so: libmagic of libmagic.so.1 */
static const char *stem_of(struct build *build)
{
	const char *soname = build->plan.interface.soname;
	const char *end = strstr(soname, ".so");

	return rh_pool_copy(&build->plan.pool, soname,
	                    end ? (size_t)(end - soname) : strlen(soname));
}

static int link_name(struct build *build)
{
	const char *soname = build->plan.interface.soname;
	const char *stem = stem_of(build);
	const char *path = stem ? rh_pool_print(&build->plan.pool, "%s/lib/%s.so",
	                                        build->work, stem) : NULL;

	if (!path)
		return RH_ENOMEM;
	if (symlink(soname, path) < 0 && errno != EEXIST)
		return complain(build, path);
	return RH_OK;
}

/* lib/<stem><tail>.a of one object. */
static int archive(struct build *build, const char *object, const char *tail)
{
	const char    *stem = stem_of(build);
	struct command command = { .count = 0 };

	add(&command, "ar");
	add(&command, "rcsD");
	add(&command, stem ? rh_pool_print(&build->plan.pool, "%s/lib/%s%s.a", build->work,
	                                   stem, tail) : NULL);
	add(&command, object);
	return run(build, &command, "static shadow library");
}

/* The same for programs with the real library in them: lib/<stem>-wrap.a, and what the
 * linker is told. */
static int compile_wrap(struct build *build, const char *object)
{
	const char    *stem = stem_of(build);
	const char    *wrapped = work_path(build, "wrap.o");
	const char    *options = stem ? rh_pool_print(&build->plan.pool, "lib/%s.wrap", stem)
	                              : NULL;
	struct command command = { .count = 0 };

	if (!wrapped || !options)
		return RH_ENOMEM;
	add(&command, "objcopy");
	add(&command, rh_pool_print(&build->plan.pool, "--redefine-syms=%s/src/wrap.names",
	                            build->work));
	add(&command, object);
	add(&command, wrapped);
	int result = run(build, &command, "library to wrap with");
	if (result >= 0)
		result = archive(build, wrapped, "-wrap");
	if (result >= 0)
		result = write_file(build, options, rh_emit_wrap_options);
	unlink(wrapped);
	return result;
}

static int compile_static(struct build *build)
{
	const char     *object = work_path(build, "shadow.o");
	struct command  command;

	begin(build, &command);
	add(&command, "-DRH_STATIC");
	add(&command, "-c");
	add(&command, "-o");
	add(&command, object);
	add(&command, work_path(build, "src/shadow.c"));
	int result = run(build, &command, "static shadow library");
	if (result < 0)
		return result;
	result = archive(build, object, "");
	if (result >= 0)
		result = compile_wrap(build, object);
	unlink(object);
	return result;
}

/* The real library is named on the line, so that its symbol versions are those
 * the skeleton asks for. */
static int compile_skeleton(struct build *build)
{
	struct command command;

	begin(build, &command);
	link_shared(&command);
	add(&command, "-fvisibility=hidden");
	add(&command, "-o");
	add(&command, work_path(build, "skeleton.so"));
	add(&command, work_path(build, "src/skeleton.c"));
	if (build->plan.library_path)
		add(&command, build->plan.library_path);
	return run(build, &command, "skeleton");
}

static int compile_all(struct build *build)
{
	int result = compile_shadow(build);

	if (result >= 0)
		result = link_name(build);
	if (result >= 0)
		result = compile_static(build);
	if (result >= 0)
		result = compile_skeleton(build);
	return result;
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Only a folder that this program made, or an empty one, is replaced. */
static int check_target(struct build *build)
{
	const char *mark = rh_pool_print(&build->plan.pool, "%s/interface.json",
	                                 build->folder);

	if (!mark)
		return RH_ENOMEM;
	if (access(build->folder, F_OK) < 0 || access(mark, F_OK) == 0 ||
	    rmdir(build->folder) == 0)
		return RH_OK;
	return rh_diag_set(build->diag, RH_EEXIST, "%.150s: exists and holds no interface",
	                   build->folder);
}

static int publish(struct build *build)
{
	if (chmod(build->work, 0755) < 0)
		return complain(build, build->work);
	if (rename(build->work, build->folder) == 0)
		return RH_OK;
	if (renameat2(AT_FDCWD, build->work, AT_FDCWD, build->folder,
	              RENAME_EXCHANGE) < 0)
		return complain(build, build->folder);
	remove_tree(build->work);
	return RH_OK;
}

/* Whether there is a word in it. */
static bool says(const char *compiler)
{
	return compiler && compiler[strspn(compiler, " ")];
}

static const char *find_compiler(const char *wanted)
{
	static const char *const usual[] = { "cc", "gcc", "clang" };

	if (says(wanted))
		return wanted;
	wanted = getenv("CC");
	if (says(wanted))
		return wanted;
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		const char *const argv[] = { usual[i], "--version", NULL };

		if (rh_tool_run(argv, false, NULL, 0) >= 0)
			return usual[i];
	}
	return NULL;
}

static int prepare(struct build *build, const struct rh_interface_build_options *options)
{
	build->folder = options->folder ? options->folder : build->plan.interface.name;
	build->compiler = find_compiler(options->compiler);
	build->pedantic = options->pedantic;
	if (!build->compiler)
		return rh_diag_set(build->diag, RH_ENOENT, "no C compiler: install gcc");
	if (!build->plan.interface.soname[0])
		return rh_diag_set(build->diag, RH_EINVAL, "%.100s: needs a 'soname' line",
		                   options->side);
	int result = rh_sdk_place_find(&build->sdk, build->diag);
	if (result >= 0)
		result = check_target(build);
	if (result < 0)
		return result;
	int len = snprintf(build->work, sizeof build->work, "%s.new-XXXXXX",
	                   build->folder);
	if (len < 0 || (size_t)len >= sizeof build->work)
		return rh_diag_set(build->diag, RH_EMSGSIZE, "the folder's name is too long");
	if (!mkdtemp(build->work)) {
		result = complain(build, build->work);
		build->work[0] = '\0';
		return result;
	}
	return RH_OK;
}

static int build_planned(struct build *build,
                         const struct rh_interface_build_options *options)
{
	int result = prepare(build, options);

	if (result < 0)
		return result;
	result = write_sources(build);
	if (result >= 0)
		result = compile_all(build);
	if (result >= 0)
		result = publish(build);
	if (result < 0)
		remove_tree(build->work);
	return result;
}

int rh_interface_build(const struct rh_interface_build_options *options, FILE *out,
                       struct rh_diag *diag)
{
	struct build build = { .out = out, .diag = diag };
	int          result = rh_plan_make(&build.plan, options->side, diag);

	if (result < 0)
		return result;
	result = build_planned(&build, options);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, result, "out of memory");
	rh_plan_fini(&build.plan);
	return result;
}
