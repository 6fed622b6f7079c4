/* Files of other languages: their canonical text, and that the header and the side file
 * made of it say the same.  tests/interface/sources holds a file of each language, and
 * beside it the text it must have. */
#include "../../interface/canon.h"
#include "../../interface/elf.h"
#include "../../interface/generator.h"
#include "../../interface/source.h"
#include "../../base/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define TEXT_BYTES (1 << 17)

static char folder[] = "/tmp/rhodes-source-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *below(const char *name)
{
	static char paths[8][PATH_BYTES];
	static int  next;
	char       *path = paths[next++ % 8];

	assert_true(snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES);
	return path;
}

static char *source(const char *name)
{
	static char paths[8][PATH_BYTES];
	static int  next;
	char       *path = paths[next++ % 8];

	assert_true(snprintf(path, PATH_BYTES, SOURCES "/%s", name) < PATH_BYTES);
	return path;
}

static char *read_all(const char *path)
{
	char *text = calloc(1, TEXT_BYTES);
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	assert_true(fread(text, 1, TEXT_BYTES - 1, in) > 0);
	fclose(in);
	return text;
}

static char *show(const char *path)
{
	char          *text = NULL;
	size_t         len = 0;
	struct rh_diag diag = { 0 };
	FILE          *out = open_memstream(&text, &len);

	if (rh_interface_show(path, RH_INTERFACE_TEXT, out, &diag) < 0)
		fail_msg("%s: %s", path, diag.text);
	fclose(out);
	return text;
}

/* The hash of an interface whose functions are those of the text. */
static uint64_t hash_of(const char *text, uint32_t *ret_count)
{
	char    *copy = strdup(text), *rest = copy;
	uint64_t hash = RH_FNV_SEED;

	*ret_count = 0;
	for (char *line; (line = strsep(&rest, "\n"));) {
		struct rh_param      params[RH_PARAMS_MAX] = { 0 };
		struct rh_canon_line split;

		if (line[0] == '#' || line[0] == '\0')
			continue;
		assert_int_equal(rh_canon_split(line, &split), RH_OK);
		for (uint8_t i = 0; i < split.count; i++)
			params[i].type = split.types[i];
		struct rh_function row = {
			.name = split.function, .params = params,
			.param_count = split.count, .ret = { .type = split.ret },
		};
		uint64_t one = rh_function_hash(&row);
		hash = rh_fnv1a(hash, &one, sizeof one);
		++*ret_count;
	}
	free(copy);
	return hash;
}

static void assert_same_text(const char *wanted, const char *found)
{
	const char *a = wanted, *b = found;

	while (*a && *b) {
		size_t a_len = strcspn(a, "\n"), b_len = strcspn(b, "\n");

		if (a_len != b_len || memcmp(a, b, a_len) != 0)
			fail_msg("wanted '%.*s'\n found '%.*s'", (int)a_len, a, (int)b_len, b);
		a += a_len + (a[a_len] != '\0');
		b += b_len + (b[b_len] != '\0');
	}
	if (*a || *b)
		fail_msg("wanted '%.80s', found '%.80s'", a, b);
}

static int propose(const char *path, struct rh_diag *diag)
{
	const struct rh_interface_new_options options = {
		.subject = path, .folder = folder, .overwrite = true,
	};
	FILE *out = fopen("/dev/null", "w");
	int   result = rh_interface_new(&options, out, diag);

	fclose(out);
	return result;
}

/* What C says of the file is what the file says. */
static void assert_round_trip(const char *path, const char *name, const char *text)
{
	struct rh_diag diag = { 0 };
	char           side[256];
	uint32_t       count, again;

	if (propose(path, &diag) < 0)
		fail_msg("%s: %s", path, diag.text);
	snprintf(side, sizeof side, "%s.side", name);
	char *made = show(below(side));
	assert_true(hash_of(text, &count) == hash_of(made, &again));
	assert_true(count > 0);
	assert_int_equal(count, again);
	free(made);
}

static void assert_reads(const char *file, const char *name)
{
	char  golden[256];
	char *text = show(source(file));

	snprintf(golden, sizeof golden, "%s.txt", file);
	char *wanted = read_all(source(golden));
	assert_same_text(wanted, text);
	assert_round_trip(source(file), name, text);
	free(wanted);
	free(text);
}

static const char *write_file(const char *name, const void *bytes, size_t len)
{
	char *path = below(name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(out);
	return path;
}

static void assert_refused(const char *path, int wanted, const char *reason)
{
	struct rh_diag diag = { 0 };
	FILE          *out = fopen("/dev/null", "w");
	int            result = rh_interface_show(path, RH_INTERFACE_TEXT, out, &diag);

	fclose(out);
	if (!strstr(diag.text, reason))
		fail_msg("'%s' lacks '%s'", diag.text, reason);
	assert_int_equal(result, wanted);
}

/* --- Python -------------------------------------------------------------------------- */

static void python_is_read_by_its_hints(void **state)
{
	(void)state;
	assert_reads("pricing.py", "pricing");
}

static void broken_python_is_told_with_its_place(void **state)
{
	static const char broken[] = "def f(a: int) -> int: ...\ndef g(:\n";
	static const char latin[] = "# caf\xe9\n";
	char             *deep = calloc(1, 100001);

	(void)state;
	assert_refused(write_file("broken.py", broken, sizeof broken - 1), RH_EINVAL,
	               "broken.py:2:7: invalid syntax");
	assert_refused(write_file("latin.py", latin, sizeof latin - 1), RH_EINVAL,
	               "latin.py:5: no UTF-8 from this byte on");
	memset(deep, '(', 100000);
	assert_refused(write_file("deep.py", deep, 100000), RH_EINVAL, "deep.py:1:");
	free(deep);
	char *huge = calloc(1, RH_SOURCE_BYTES_MAX + 1);
	assert_refused(write_file("huge.py", huge, RH_SOURCE_BYTES_MAX + 1), RH_EMSGSIZE,
	               "has 1048577 bytes, the limit is 1048576");
	free(huge);
	assert_refused(below("none.py"), RH_ENOENT, "none.py: No such file");
}

static void what_carries_nothing_makes_no_interface(void **state)
{
	static const char empty[] = "def f(a): ...\n";
	struct rh_diag    diag = { 0 };

	(void)state;
	assert_int_equal(propose(write_file("empty.py", empty, sizeof empty - 1), &diag),
	                 RH_EINVAL);
	assert_non_null(strstr(diag.text, "nothing of it can be carried"));
	assert_int_equal(access(below("empty.h"), F_OK), -1);
}

static void what_stands_there_is_kept(void **state)
{
	const struct rh_interface_new_options options = {
		.subject = source("pricing.py"), .folder = folder,
	};
	static const char own[] = "mine\n";
	struct rh_diag    diag = { 0 };
	FILE             *out = fopen("/dev/null", "w");

	(void)state;
	write_file("pricing.h", own, sizeof own - 1);
	assert_int_equal(rh_interface_new(&options, out, &diag), RH_EEXIST);
	fclose(out);
	assert_non_null(strstr(diag.text, "pricing.h: is there already"));
	char *text = read_all(below("pricing.h"));
	assert_string_equal(text, own);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python_is_read_by_its_hints),
		cmocka_unit_test(broken_python_is_told_with_its_place),
		cmocka_unit_test(what_carries_nothing_makes_no_interface),
		cmocka_unit_test(what_stands_there_is_kept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
