#include "../../interface/side.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define HEAD "interface foo\nheader foo.h\n"

struct fixture {
	struct rh_pool pool;
	struct rh_side side;
	struct rh_diag diag;
};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof fixture);
	rh_pool_init(&fixture.pool);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	rh_pool_fini(&fixture->pool);
	return 0;
}

static int parse(struct fixture *fixture, const char *text)
{
	return rh_side_parse(&fixture->pool, "foo.side", text, strlen(text),
	                     &fixture->side, &fixture->diag);
}

static const struct rh_side_function *line(struct fixture *fixture, const char *text,
                                           const char *name)
{
	char all[2048];

	snprintf(all, sizeof all, HEAD "%s\n", text);
	int result = parse(fixture, all);
	if (result != RH_OK)
		print_error("%s\n", fixture->diag.text);
	assert_int_equal(result, RH_OK);
	const struct rh_side_function *found = rh_side_find(&fixture->side, name);
	assert_non_null(found);
	return found;
}

static void head_says_what_it_is(void **state)
{
	struct fixture       *fixture = *state;
	const struct rh_side *side = &fixture->side;

	assert_int_equal(parse(fixture,
		"# a comment\n\ninterface  libmagic   # behind\n"
		"header magic.h sub/more.h\ncflags -DX=1 -Iinc -std=gnu11\n"
		"soname libmagic.so.1\nlibrary ./build/libmagic.so.1\n"
		"package libmagic-dev\nversion 5.44\n"
		"handle magic_t replay\nhandle struct other\n"
		"handle struct seen mirror 4 8\nhandle struct mirror replay mirror 0 1\n"),
		RH_OK);
	assert_string_equal(side->name, "libmagic");
	assert_int_equal(side->header_count, 2);
	assert_string_equal(side->headers[1], "sub/more.h");
	assert_int_equal(side->cflag_count, 3);
	assert_string_equal(side->cflags[0], "-DX=1");
	assert_string_equal(side->soname, "libmagic.so.1");
	assert_string_equal(side->library, "./build/libmagic.so.1");
	assert_string_equal(side->package, "libmagic-dev");
	assert_string_equal(side->version, "5.44");
	assert_true(side->has_library);
	assert_int_equal(side->handle_count, 4);
	assert_string_equal(side->handles[2].type, "struct seen");
	assert_int_equal(side->handles[2].mirror_off, 4);
	assert_int_equal(side->handles[2].mirror_len, 8);
	assert_string_equal(side->handles[3].type, "struct mirror");
	assert_int_equal(side->handles[3].mirror_len, 1);
	assert_string_equal(side->handles[0].type, "magic_t");
	assert_int_equal(side->handles[0].flags, RH_HANDLE_REPLAY);
	assert_string_equal(side->handles[1].type, "struct other");
	assert_int_equal(side->handles[1].flags, 0);
	assert_int_equal(side->type_count, 4);
}

static void classes_of_java_are_named(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse(fixture, HEAD "java net.NetDriver Outer$Inner_2\njava C\n"),
	                 RH_OK);
	assert_int_equal(fixture->side.java_count, 3);
	assert_string_equal(fixture->side.java[0], "net.NetDriver");
	assert_string_equal(fixture->side.java[1], "Outer$Inner_2");
	assert_string_equal(fixture->side.java[2], "C");
}

static void library_may_be_none(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(parse(fixture, HEAD "library none\n"), RH_OK);
	assert_false(fixture->side.has_library);
}

static void function_takes_every_flag(void **state)
{
	const struct rh_side_function *f = line(*state,
		"f idempotent state stdio umask", "f");

	assert_int_equal(f->flags, RH_FUNCTION_IDEMPOTENT | RH_FUNCTION_STATE |
	                 RH_FUNCTION_STDIO | RH_FUNCTION_UMASK);
	assert_int_equal(line(*state, "g state (_ destroys) umask", "g")->flags,
	                 RH_FUNCTION_STATE | RH_FUNCTION_UMASK);
	assert_int_equal(line(*state, "g local", "g")->flags, RH_FUNCTION_LOCAL);
	assert_int_equal(line(*state, "g nocarry", "g")->flags, RH_FUNCTION_NOCARRY);
	assert_true(line(*state, "g ignore on_error: return 3", "g")->is_ignored);
	assert_int_equal(line(*state, "g event", "g")->flags, RH_FUNCTION_EVENT);
	assert_int_equal(line(*state, "function handle state", "handle")->flags,
	                 RH_FUNCTION_STATE);
}

static void params_say_everything(void **state)
{
	const struct rh_side_function *f = line(*state,
		"f (_, path|name nullable, path|input null=stdin, fd|fd,\n"
		"   bytes|data len=n inplace, out bytes|buf cap=room used=got,\n"
		"   in size_t|val, inout unsigned long|both, out struct stat|st, out|x,\n"
		"   handle foo_t|h destroys, out new handle bar|made,\n"
		"   out string|text transfer, _|room)", "f");
	const struct rh_side_value *p = f->params;

	assert_int_equal(f->param_count, 14);
	assert_int_equal(p[0].role, RH_ROLE_UNSET);
	assert_int_equal(p[0].direction, RH_SIDE_NO_DIRECTION);
	assert_null(p[0].name);
	assert_int_equal(p[1].role, RH_ROLE_PATH);
	assert_int_equal(p[1].flags, RH_PARAM_NULLABLE);
	assert_string_equal(p[1].name, "name");
	assert_int_equal(p[2].flags, RH_PARAM_STDIN | RH_PARAM_NULLABLE);
	assert_int_equal(p[3].role, RH_ROLE_FD);
	assert_int_equal(p[4].role, RH_ROLE_BYTES);
	assert_string_equal(p[4].length, "n");
	assert_int_equal(p[4].flags, RH_PARAM_INPLACE);
	assert_int_equal(p[5].direction, RH_OUT);
	assert_string_equal(p[5].length, "room");
	assert_string_equal(p[5].used, "got");
	assert_int_equal(p[6].role, RH_ROLE_VALUE);
	assert_int_equal(p[6].direction, RH_IN);
	assert_string_equal(p[6].type, "size_t");
	assert_string_equal(p[7].type, "unsigned long");
	assert_int_equal(p[7].direction, RH_INOUT);
	assert_string_equal(p[8].type, "struct stat");
	assert_int_equal(p[9].role, RH_ROLE_UNSET);
	assert_int_equal(p[9].direction, RH_OUT);
	assert_int_equal(p[10].flags, RH_PARAM_DESTROYS);
	assert_string_equal(p[10].type, "foo_t");
	assert_int_equal(p[11].flags, RH_PARAM_CREATES);
	assert_int_equal(p[12].role, RH_ROLE_STRING);
	assert_int_equal(p[12].flags, RH_PARAM_TRANSFER);
	assert_string_equal(p[13].name, "room");
	assert_int_equal(f->place.line, 3);
	assert_int_equal(p[5].place.line, 4);
	assert_int_equal(p[5].place.column, 30);
}

static void result_and_failure(void **state)
{
	const struct rh_side_function *f = line(*state,
		"f -> new on_error: return NULL, errno EIO", "f");

	assert_true(f->has_ret);
	assert_int_equal(f->ret.flags, RH_PARAM_CREATES);
	assert_int_equal(f->on_error, RH_ON_ERROR_RETURN);
	assert_int_equal(f->error_value, 0);
	assert_int_equal(f->error_errno, 5);
	f = line(*state, "f -> string borrowed on_error: errno ENOSYS", "f");
	assert_int_equal(f->ret.role, RH_ROLE_STRING);
	assert_int_equal(f->on_error, RH_ON_ERROR_DEFAULT);
	assert_int_equal(f->error_errno, 38);
	f = line(*state, "f -> string transfer on_error: return -1", "f");
	assert_int_equal(f->ret.flags, RH_PARAM_TRANSFER);
	assert_int_equal(f->error_value, -1);
	f = line(*state, "f -> new handle foo_t", "f");
	assert_string_equal(f->ret.type, "foo_t");
	f = line(*state, "f on_error: return -0x10", "f");
	assert_int_equal(f->error_value, -16);
	assert_int_equal(line(*state, "f on_error: abort", "f")->on_error,
	                 RH_ON_ERROR_ABORT);
}

static void the_longest_pattern_wins(void **state)
{
	struct fixture *fixture = *state;

	line(fixture, "* nocarry\nfoo_* state\nfoo_get_* idempotent\nfoo_get_x", "f");
	assert_int_equal(rh_side_find(&fixture->side, "bar")->flags,
	                 RH_FUNCTION_NOCARRY);
	assert_int_equal(rh_side_find(&fixture->side, "foo_set")->flags,
	                 RH_FUNCTION_STATE);
	assert_int_equal(rh_side_find(&fixture->side, "foo_get_y")->flags,
	                 RH_FUNCTION_IDEMPOTENT);
	assert_int_equal(rh_side_find(&fixture->side, "foo_get_x")->flags, 0);
	line(fixture, "f state", "f");
	assert_null(rh_side_find(&fixture->side, "ff"));
}

/* Each is refused, at that place, with that word in the reason. */
static const struct bad {
	const char *text;
	const char *message;
} bads[] = {
	{ "", "foo.side:1:1: end of the file: there is no 'interface" },
	{ "interface foo\n", "there is no 'header" },
	{ "interface Foo\n", "1:11: interface: 'Foo' is no name" },
	{ "interface foo bar\n", "1:15: interface: 'bar' does not belong" },
	{ "interface foo\ninterface foo\n", "2:1: interface: stands here a second" },
	{ "header a\"b\n", "cannot stand in an #include" },
	{ "cflags -fplugin=x\n", "'-fplugin=x' is refused" },
	{ "cflags -I\n", "'-I' is refused" },
	{ "java net/NetDriver\n", "'net/NetDriver' is no class" },
	{ "java a..B\n", "'a..B' is no class" },
	{ "java a.\n", "'a.' is no class" },
	{ "java 1a\n", "'1a' is no class" },
	{ "java\n", "java" },
	{ "soname ../x\n", "no file name" },
	{ "soname\n", "soname: a word is missing" },
	{ HEAD "handle\n", "a C type is missing" },
	{ HEAD "handle a*\n", "'a*' is no word of a C type" },
	{ HEAD "handle a\nhandle a replay\n", "'a' is a handle since line 3" },
	{ HEAD "f idempotnt\n", "3:3: f: unknown word 'idempotnt'" },
	{ HEAD "f state state\n", "'state' twice" },
	{ HEAD "f ignore on_error: errno EIO\n", "what is ignored returns" },
	{ HEAD "f ignore on_error: abort\n", "what is ignored returns" },
	{ HEAD "f ignore local\n", "exclude each other" },
	{ HEAD "f local nocarry\n", "exclude each other" },
	{ HEAD "f\nf\n", "4:1: f: already described in line 3" },
	{ HEAD "f-g\n", "is no function name" },
	{ HEAD "f* (_)\n", "a pattern has only flags" },
	{ HEAD "f (_\n", "expected ',' or ')'" },
	{ HEAD "f (_ _)\n", "3:6: f: unknown word '_'" },
	{ HEAD "f (|)\n", "a word is missing" },
	{ HEAD "f (a|b c)\n", "unknown word 'c'" },
	{ HEAD "f (a|b len)\n", "unknown word 'len'" },
	{ HEAD "f (_ len=x)\n", "belong to bytes" },
	{ HEAD "f (bytes|x)\n", "bytes need len=" },
	{ HEAD "f (bytes|x room=y)\n", "unknown key 'room'" },
	{ HEAD "f (out|x size=y)\n", "'y' is no number" },
	{ HEAD "f (out|x size=0)\n", "'0' is no number" },
	{ HEAD "f (_|x size=3)\n", "size= stands with in, out" },
	{ HEAD "f (out bytes|x cap=n inplace)\n", "only read" },
	{ HEAD "f (string|x null=stdin)\n", "belongs to a path" },
	{ HEAD "f (path|x null=zero)\n", "null= can only be stdin" },
	{ HEAD "f (string|x new)\n", "belong to a handle" },
	{ HEAD "f (fd|x transfer)\n", "transfer belongs" },
	{ HEAD "f (_,_,_,_,_,_,_,_,_,_,_,_,_,_,_,_,_)\n", "more than 16 parameters" },
	{ HEAD "f -> out|x\n", "direction" },
	{ HEAD "f -> int\n", "a result is new" },
	{ HEAD "f -> _ destroys\n", "cannot be destroyed" },
	{ HEAD "f -> bytes\n", "need used=" },
	{ HEAD "f on_error return 1\n", "expected ':'" },
	{ HEAD "f on_error: retrun 1\n", "expected abort" },
	{ HEAD "f on_error: return x\n", "neither a number nor NULL" },
	{ HEAD "f on_error: return 99999999999999999999\n", "neither a number" },
	{ HEAD "f on_error: errno EFOO\n", "'EFOO' is no errno name" },
	{ HEAD "f\x01g\n", "control byte" },
	{ HEAD "f (int x y=)\n", "expected ',' or ')'" },
};

static void mistakes_are_named_with_their_place(void **state)
{
	struct fixture *fixture = *state;
	struct rh_side  before;

	memset(&before, 0x5a, sizeof before);
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		fixture->side = before;
		fixture->diag.text[0] = '\0';
		assert_int_equal(parse(fixture, bads[i].text), RH_EINVAL);
		if (!strstr(fixture->diag.text, bads[i].message))
			fail_msg("%zu: '%s' lacks '%s'", i, fixture->diag.text,
			         bads[i].message);
		assert_memory_equal(&fixture->side, &before, sizeof before);
	}
}

static void sizes_are_limited(void **state)
{
	struct fixture *fixture = *state;
	static char     text[RH_SIDE_BYTES_MAX + 2];

	memset(text, '\n', sizeof text - 1);
	assert_int_equal(parse(fixture, text), RH_EINVAL);
	assert_non_null(strstr(fixture->diag.text, "larger than"));
	memset(text, 'a', 400);
	text[400] = '\0';
	assert_int_equal(parse(fixture, text), RH_EINVAL);
	assert_non_null(strstr(fixture->diag.text, "endless word"));
	size_t used = (size_t)sprintf(text, HEAD);
	for (unsigned i = 0; i <= RH_SIDE_FUNCTIONS_MAX; i++)
		used += (size_t)sprintf(text + used, "f%u\n", i);
	assert_int_equal(parse(fixture, text), RH_EINVAL);
	assert_non_null(strstr(fixture->diag.text, "more than 4096 functions"));
}

/* A text may stop anywhere: no byte behind it is read (run under ASan). */
static void a_cut_text_reads_nothing_behind(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] =
		HEAD "cflags -DX\nhandle a_t replay\n"
		"f idempotent (_, bytes|b len=n, _|n)\n -> new on_error: return NULL,"
		" errno EIO # end\n";

	for (size_t len = 0; len < sizeof text; len++) {
		char *exact = test_malloc(len ? len : 1);

		memcpy(exact, text, len);
		rh_side_parse(&fixture->pool, "foo.side", exact, len, &fixture->side,
		              NULL);
		test_free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(head_says_what_it_is),
		TEST(classes_of_java_are_named),
		TEST(library_may_be_none),
		TEST(function_takes_every_flag),
		TEST(params_say_everything),
		TEST(result_and_failure),
		TEST(the_longest_pattern_wins),
		TEST(mistakes_are_named_with_their_place),
		TEST(sizes_are_limited),
		TEST(a_cut_text_reads_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
