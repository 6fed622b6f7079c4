#include "package.h"

#include "../base/diag.h"
#include "library.h"
#include "tool.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LIST_BYTES_MAX   ((size_t)4 << 20)

struct finding {
	struct rh_pool       *pool;
	struct rh_package    *package;
	struct rh_elf_exports exports;
	struct rh_elf_span    file;
	struct rh_diag       *diag;
};

static bool ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text), tail_len = strlen(tail);

	return len >= tail_len && strcmp(text + len - tail_len, tail) == 0;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* libmagic of .../libmagic.so.1 */
static const char *stem_of(struct rh_pool *pool, const char *path)
{
	const char *name = file_name(path);
	const char *end = strstr(name, ".so");

	return rh_pool_copy(pool, name, end ? (size_t)(end - name) : strlen(name));
}

/* The files of a package, a line each; NULL when dpkg knows none. */
static char *list_files(struct rh_pool *pool, const char *package)
{
	const char *const argv[] = { "dpkg-query", "-L", package, NULL };
	char             *text = rh_pool_take(pool, LIST_BYTES_MAX, 1);

	if (!text || rh_tool_run(argv, false, text, LIST_BYTES_MAX) < 0)
		return NULL;
	return text;
}

static const char *next_line(char **rest)
{
	char *line = *rest;
	char *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line;
}

/* What comes behind a folder named by -I, or the path. */
static const char *below_flag(const char *path, const char *cflags)
{
	const char *best = path;

	for (const char *at = strstr(cflags, "-I"); at; at = strstr(at + 2, "-I")) {
		size_t len = strcspn(at + 2, " ");

		if (len > (size_t)(best - path) && strncmp(path, at + 2, len) == 0 &&
		    path[len] == '/')
			best = path + len + 1;
	}
	return best;
}

/* How an #include names a file of /usr/include/. */
static const char *include_name(const char *path, const char *cflags)
{
	static const char *const roots[] = { "/usr/include/", "/usr/local/include/" };
	const char              *below = below_flag(path, cflags);

	if (below != path)
		return below;
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
		size_t len = strlen(roots[i]);

		if (strncmp(path, roots[i], len) != 0)
			continue;
		const char *rest = path + len;
		const char *slash = strchr(rest, '/');
		/* the folder of the machine is searched as well */
		if (slash && strstr(rest, "-linux-gnu") && strstr(rest, "-linux-gnu") < slash)
			return slash + 1;
		return rest;
	}
	return path;
}

static int add_header(struct finding *found, const char *path, const char *include)
{
	struct rh_package *package = found->package;

	if (package->header_count == RH_PACKAGE_HEADERS_MAX)
		return RH_OK;
	struct rh_package_header *grown = rh_pool_grow(
		found->pool, package->headers, package->header_count, sizeof *grown);
	if (!grown)
		return RH_ENOMEM;
	package->headers = grown;
	grown[package->header_count++] = (struct rh_package_header){
		.path = path, .include = include,
	};
	return RH_OK;
}

/* Of several libraries the one named like the package is meant. */
static void consider_library(struct finding *found, const char *path,
                             const char *subject)
{
	struct rh_package *package = found->package;
	const char        *stem = stem_of(found->pool, path);

	package->library_count++;
	if (!stem)
		return;
	size_t len = strlen(stem);
	bool   is_named = strncmp(subject, stem, len) == 0 ||
	                  (strncmp(stem, "lib", 3) == 0 &&
	                   strncmp(subject, stem + 3, len - 3) == 0);
	if (!package->library || (is_named && len > strlen(package->stem))) {
		package->library = path;
		package->stem = is_named ? stem : "";
	}
}

/* Adds what pkg-config says, without what a side file would refuse. */
static int add_cflags(struct finding *found, const char *path)
{
	const char *name = file_name(path);
	const char *module = rh_pool_copy(found->pool, name, strlen(name) - 3);
	const char *const argv[] = { "pkg-config", "--cflags", module, NULL };
	char        text[1024];

	if (!module)
		return RH_ENOMEM;
	if (rh_tool_run(argv, false, text, sizeof text) < 0)
		return RH_OK;
	for (char *rest = text, *flag; (flag = strsep(&rest, " \n"));) {
		if ((strncmp(flag, "-I", 2) != 0 && strncmp(flag, "-D", 2) != 0) ||
		    !flag[2] || strstr(found->package->cflags, flag))
			continue;
		found->package->cflags = rh_pool_print(found->pool, "%s%s%s",
			found->package->cflags, found->package->cflags[0] ? " " : "", flag);
		if (!found->package->cflags)
			return RH_ENOMEM;
	}
	return RH_OK;
}

/* A folder "include" that the compiler does not search by itself. */
static int add_root(struct finding *found, const char *path)
{
	const char *end = strstr(path, "/include/");
	const char *root;

	if (!end || include_name(path, found->package->cflags) != path)
		return RH_OK;
	root = rh_pool_copy(found->pool, path, (size_t)(end - path) + strlen("/include"));
	if (root)
		found->package->cflags = rh_pool_print(found->pool, "%s%s-I%s",
			found->package->cflags, found->package->cflags[0] ? " " : "", root);
	return root && found->package->cflags ? RH_OK : RH_ENOMEM;
}

static int read_list(struct finding *found, const char *list, const char *subject)
{
	char       *once = rh_pool_copy(found->pool, list, strlen(list));
	char       *again = rh_pool_copy(found->pool, list, strlen(list));
	const char *line;
	int         result = once && again ? RH_OK : RH_ENOMEM;

	while (result >= 0 && (line = next_line(&once))) {
		if (ends_with(line, ".pc"))
			result = add_cflags(found, line);
		else if (ends_with(line, ".so") && strncmp(file_name(line), "lib", 3) == 0)
			consider_library(found, line, subject);
	}
	/* how a header is named depends on the flags */
	while (result >= 0 && (line = next_line(&again))) {
		if (!ends_with(line, ".h") || strstr(line, "/share/doc/"))
			continue;
		result = add_root(found, line);
		if (result >= 0)
			result = add_header(found, line,
			                    include_name(line, found->package->cflags));
	}
	return result;
}

/* Tries what a user may call a package. */
static char *guess_package(struct finding *found, const char *subject)
{
	static const char *const forms[][2] = {
		{ "", "" }, { "", "-dev" }, { "lib", "-dev" },
	};
	const char *stem = stem_of(found->pool, subject);

	for (size_t i = 0; stem && i < sizeof forms / sizeof *forms; i++) {
		const char *name = rh_pool_print(found->pool, "%s%s%s", forms[i][0], stem,
		                                 forms[i][1]);
		char       *list = name ? list_files(found->pool, name) : NULL;

		if (list && strstr(list, ".h\n") && strstr(list, ".so\n")) {
			found->package->name = name;
			return list;
		}
	}
	return NULL;
}

/* The package that has the link libfoo.so, for names that guessing misses. */
static char *owner_package(struct finding *found, const char *subject)
{
	char        path[PATH_MAX], owner[512];
	const char *stem = stem_of(found->pool, subject);

	for (int i = 0; stem && i < 2; i++) {
		const char *name = rh_pool_print(found->pool, "%s%s.so", i ? "lib" : "",
		                                 stem);

		if (!name || rh_library_find(name, NULL, path, sizeof path, NULL) < 0 ||
		    rh_library_owner(path, owner, sizeof owner) < 0)
			continue;
		found->package->name = rh_pool_copy(found->pool, owner,
		                                    strcspn(owner, ":"));
		return found->package->name ? list_files(found->pool,
		                                         found->package->name) : NULL;
	}
	return NULL;
}

static int find_installed(struct finding *found, const char *subject)
{
	char *list = guess_package(found, subject);

	if (!list)
		list = owner_package(found, subject);
	if (!list)
		return rh_diag_set(found->diag, RH_ENOENT, "no installed package for '%.80s' with "
		                   "headers and a library (tried %.40s, %.40s-dev, "
		                   "lib%.40s-dev)", subject, subject, subject, subject);
	int result = read_list(found, list, subject);
	if (result >= 0 && !found->package->library)
		return rh_diag_set(found->diag, RH_ENOENT, "package %.80s holds no library",
		                   found->package->name);
	return result;
}

/* A library of the user's own: the header is named, or stands beside it. */
static int find_own(struct finding *found, const char *subject, const char *header)
{
	struct rh_package *package = found->package;
	char               path[PATH_MAX];

	int result = rh_library_find(subject, NULL, path, sizeof path, found->diag);
	if (result < 0)
		return result;
	if (!header)
		return rh_diag_set(found->diag, RH_EINVAL, "%.120s: name its header with -H",
		                   subject);
	package->library = rh_pool_copy(found->pool, path, strlen(path));
	package->library_count = 1;
	return package->library ? RH_OK : RH_ENOMEM;
}

/* libncurses.so and libc.so are texts for the linker that name the real one. */
static int follow_script(struct finding *found)
{
	struct rh_elf_span file;
	char               text[1024], path[PATH_MAX];

	if (rh_elf_map(found->package->library, &file, found->diag) < 0)
		return RH_ENOENT;
	size_t len = file.len < sizeof text ? file.len : sizeof text - 1;
	memcpy(text, file.bytes, len);
	text[len] = '\0';
	rh_elf_unmap(&file);
	if (memcmp(text, "\177ELF", 4) == 0)
		return RH_OK;
	for (char *rest = text, *word; (word = strsep(&rest, " \t\n()"));) {
		if (!strstr(word, ".so"))
			continue;
		int result = rh_library_find(word, NULL, path, sizeof path, found->diag);
		if (result < 0)
			return result;
		found->package->library = rh_pool_copy(found->pool, path, strlen(path));
		return found->package->library ? RH_OK : RH_ENOMEM;
	}
	return rh_diag_set(found->diag, RH_ENOENT, "%.150s names no library",
	                   found->package->library);
}

static int read_exports(struct finding *found)
{
	struct rh_package *package = found->package;
	struct rh_elf      elf;
	int                result = follow_script(found);

	if (result >= 0)
		result = rh_elf_map(package->library, &found->file, found->diag);
	if (result >= 0)
		result = rh_elf_init(&elf, found->file.bytes, found->file.len, found->diag);
	if (result >= 0)
		result = rh_elf_exports(found->pool, &elf, &found->exports, found->diag);
	if (result < 0)
		return result;
	const char *soname = found->exports.soname;
	if (!soname)
		soname = file_name(package->library);
	package->soname = rh_pool_copy(found->pool, soname, strlen(soname));
	package->stem = stem_of(found->pool, package->soname ? package->soname : "");
	return package->soname && package->stem ? RH_OK : RH_ENOMEM;
}

static int find_all(struct finding *found, const char *subject, const char *header)
{
	struct rh_package *package = found->package;
	int result = strchr(subject, '/') ? find_own(found, subject, header)
	                                  : find_installed(found, subject);

	if (result >= 0)
		result = read_exports(found);
	if (result >= 0 && header) {
		package->header_count = 0;
		package->headers = NULL;
		result = add_header(found, header, header);
	}
	if (result < 0)
		return result;
	rh_package_weigh(package, &found->exports);
	return RH_OK;
}

int rh_package_find(struct rh_pool *pool, const char *subject, const char *header,
                    struct rh_package *ret, struct rh_diag *diag)
{
	struct rh_package package = { .stem = "", .cflags = "" };
	struct finding    found = { .pool = pool, .package = &package, .diag = diag };
	int               result = find_all(&found, subject, header);

	rh_elf_unmap(&found.file);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, result, "out of memory");
	if (result < 0)
		return result;
	if (!package.header_count)
		return rh_diag_set(diag, RH_ENOENT, "%.80s: no header found", subject);
	*ret = package;
	return RH_OK;
}
