#include "source.h"

#include "../base/diag.h"
#include "source_elf.h"
#include "source_java.h"
#include "tool.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

/* Which reader a file's name asks for. */
static const struct { const char *tail, *reader; } readers[] = {
	{ ".py", "python" }, { ".rs", "rust" }, { ".go", "go" }, { ".ts", "typescript" },
};

static bool ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text), tail_len = strlen(tail);

	return len > tail_len && strcmp(text + len - tail_len, tail) == 0;
}

static const char *reader_of(const char *path)
{
	for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
		if (ends_with(path, readers[i].tail))
			return readers[i].reader;
	return NULL;
}

/* Jars are packed with zlib's method; without it Java is not read. */
static bool is_java(const char *path)
{
#ifdef RH_HAS_ZLIB
	return rh_source_java_is(path);
#else
	(void)path;
	return false;
#endif
}

static int read_java(struct rh_pool *pool, const char *path, char **ret,
                     struct rh_diag *diag)
{
#ifdef RH_HAS_ZLIB
	return rh_source_java(pool, path, ret, diag);
#else
	(void)pool, (void)ret;
	return rh_diag_set(diag, RH_ENOENT, "%.150s: this rhodes was built without zlib",
	                   path);
#endif
}

static bool is_untyped(const char *path)
{
	return ends_with(path, ".js") || ends_with(path, ".mjs") || ends_with(path, ".cjs");
}

bool rh_source_is(const char *path)
{
	return reader_of(path) || is_untyped(path) || is_java(path) || rh_source_elf_is(path);
}

static const char *program_of(const char *name)
{
	const struct rh_source_reader *at = rh_source_readers;

	while (at->name && strcmp(at->name, name) != 0)
		at++;
	return at->program;
}

static int check_file(const char *path, struct rh_diag *diag)
{
	struct stat status;

	if (stat(path, &status) < 0 || access(path, R_OK) < 0)
		return rh_diag_set(diag, errno == EACCES ? RH_EACCES : RH_ENOENT,
		                   "%.150s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return rh_diag_set(diag, RH_EINVAL, "%.150s: is no file", path);
	if ((uint64_t)status.st_size > RH_SOURCE_BYTES_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE, "%.150s: has %lld bytes, the limit is "
		                   "%zu", path, (long long)status.st_size,
		                   RH_SOURCE_BYTES_MAX);
	return RH_OK;
}

/* Runs the reader; its text ends with a line of one dot, which is cut off. */
static int run_reader(struct rh_pool *pool, const char *path, char **ret,
                      struct rh_diag *diag)
{
	const char *name = reader_of(path);
	const char *const argv[] = { PYTHON, "-I", "-S", "-c", program_of(name), path,
		                     NULL };
	char *text = rh_pool_take(pool, RH_SOURCE_TEXT_MAX, 1);

	if (!text)
		return RH_ENOMEM;
	int result = rh_tool_run(argv, false, text, RH_SOURCE_TEXT_MAX);
	if (result == RH_ENOENT)
		return rh_diag_set(diag, RH_ENOENT, "%.120s: " PYTHON " reads it, and is not "
		                   "here", path);
	if (text[0] == '!') {
		text[strcspn(text, "\n")] = '\0';
		return rh_diag_set(diag, RH_EINVAL, "%.100s:%.200s", path,
		                   text + (text[1] == ' ' ? 2 : 1));
	}
	size_t len = strlen(text);
	bool   is_whole = len >= 2 && strcmp(text + len - 2, ".\n") == 0 &&
	                  (len == 2 || text[len - 3] == '\n');
	if (result < 0 || !is_whole)
		return rh_diag_set(diag, RH_EINVAL, "%.150s: the reader of %s came to no end "
		                   "with it", path, name);
	text[len - 2] = '\0';
	*ret = text;
	return RH_OK;
}

/* A shadow library that exported read or malloc would be taken for the C library by
 * every program it is put in front of. */
static bool is_taken(void *libc, const char *line)
{
	char   name[256];
	size_t len = strcspn(line, ",");

	if (line[0] == '#' || len >= sizeof name)
		return false;
	memcpy(name, line, len);
	name[len] = '\0';
	return dlsym(libc, name) != NULL;
}

static int copy_lines(FILE *out, char *text)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_LOCAL);

	if (!libc)
		return RH_EIO;
	for (char *line; (line = strsep(&text, "\n"));) {
		if (is_taken(libc, line))
			fprintf(out, "# nocarry %.*s: the C library has a function of that "
			        "name\n", (int)strcspn(line, ","), line);
		else if (line[0])
			fprintf(out, "%s\n", line);
	}
	dlclose(libc);
	return RH_OK;
}

static int leave_libc(struct rh_pool *pool, char *text, const char **ret)
{
	char  *made = NULL;
	size_t len = 0;
	FILE  *out = open_memstream(&made, &len);

	if (!out)
		return RH_ENOMEM;
	int result = copy_lines(out, text);
	if (fclose(out) != 0 && result >= 0)
		result = RH_ENOMEM;
	if (result >= 0) {
		*ret = rh_pool_copy(pool, made, len);
		result = *ret ? RH_OK : RH_ENOMEM;
	}
	free(made);
	return result;
}

/* A language: what it calls a function must be free in C. */
static int read_text(struct rh_pool *pool, const char *path, struct rh_source *ret,
                     struct rh_diag *diag)
{
	char *text = NULL;
	int   result = is_java(path) ? read_java(pool, path, &text, diag)
	                             : check_file(path, diag);

	*ret = (struct rh_source){ 0 };
	if (result >= 0 && !is_java(path))
		result = run_reader(pool, path, &text, diag);
	return result < 0 ? result : leave_libc(pool, text, &ret->text);
}

int rh_source_read(struct rh_pool *pool, const char *path, struct rh_source *ret,
                   struct rh_diag *diag)
{
	if (is_untyped(path))
		return rh_diag_set(diag, RH_EINVAL, "%.150s: JavaScript tells no types: a file "
		                   ".d.ts beside it does", path);
	return reader_of(path) || is_java(path) ? read_text(pool, path, ret, diag)
	                                        : rh_source_elf(pool, path, ret, diag);
}
