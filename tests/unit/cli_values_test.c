#include "../../cli/values.h"
#include "../../model/interface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A body as the SDK packs it. */
struct body {
	unsigned char bytes[512];
	size_t        len;
};

static struct body body(uint64_t mask)
{
	struct body made = { .len = 8 };

	memcpy(made.bytes, &mask, 8);
	return made;
}

static void add(struct body *body, const void *bytes, size_t len)
{
	memcpy(body->bytes + body->len, bytes, len);
	body->len += (len + 7) & ~(size_t)7;
}

static void add_u64(struct body *body, uint64_t value)
{
	add(body, &value, sizeof value);
}

static void add_blob(struct body *body, uint32_t off, uint32_t len)
{
	uint32_t cell[2] = { off, len };

	add(body, cell, sizeof cell);
}

typedef void print(FILE *file, const char *line, const void *body, size_t len);

static void assert_printed(print *show, const char *line, const struct body *body,
                           const char *expected)
{
	char  *text = NULL;
	size_t len;
	FILE  *file = open_memstream(&text, &len);

	assert_non_null(file);
	show(file, line, body->bytes, body->len);
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
}

static void values_stand_in_place_of_names(void **state)
{
	struct body args = body(1u << 3);
	double      wide = 2.5;
	float       narrow = -0.5f;
	(void)state;

	add_u64(&args, (uint64_t)-7);
	add_u64(&args, 7);
	add_blob(&args, 64, 7);
	add_u64(&args, 0);             /* NULL by the mask */
	add(&args, &wide, sizeof wide);
	add(&args, &narrow, sizeof narrow);
	add_u64(&args, 0xab);
	add(&args, "/bin/ls", 8);      /* at 64 */
	assert_int_equal(args.len, 72);
	assert_printed(rh_values_print_args,
	               "f, i32|a, u64|b, path?stdin|c, string?|d, f64|e, f32|f, handle "
	               "h|g, void\n"
	               "g, void",
	               &args,
	               "f, i32|-7, u64|7, path?stdin|\"/bin/ls\", string?|NULL, f64|2.5, "
	               "f32|-0.5,"
	               " handle h|#ab, void");
}

static void structs_arrays_and_memory(void **state)
{
	struct body args = body(0);
	(void)state;

	add(&args, "\1\2\3\4\5\6\7\10\11\12\13\14", 12);
	add(&args, "\20\21\22", 3);
	add_blob(&args, 56, 20);
	add_u64(&args, (uint64_t)-1);
	add_u64(&args, 5);
	assert_int_equal(args.len, 56);
	memcpy(args.bytes + 56, "0123456789abcdefghij", 20);
	args.len += 20;
	assert_printed(
		rh_values_print_args,
		"f, struct s{u32 a@0;u8[8] b@4}:12|s, in u8[3]|t, bytes(len 5)|m, fd|d, "
	        "u32|n,"
		" out i32|o, i32",
		&args,
		"f, struct s{u32 a@0;u8[8] b@4}:12|0x0102030405060708090a0b0c, in"
		" u8[3]|0x101112, bytes(len 5)|20 bytes"
		" 0x30313233343536373839616263646566..., fd|-1, u32|5, out i32|o, i32");
}

static void a_reply_tells_what_was_written(void **state)
{
	struct body reply = body(0);
	(void)state;

	add_u64(&reply, (uint64_t)-1);   /* the result             */
	add_u64(&reply, 9);              /* out u64                */
	add_u64(&reply, 77);             /* the handle's mirror    */
	add_blob(&reply, 40, 2);         /* inout string           */
	assert_int_equal(reply.len, 40);
	add(&reply, "ok", 3);
	assert_printed(rh_values_print_reply,
	               "f, out u64|val, handle h[68+4]|a, inout string|name, drop handle "
	               "h[68+4]|b,"
	               " in i32|c, i32",
	               &reply, "-1, val = 9, name = \"ok\"");

	reply = body((uint64_t)1 << 63);
	add_u64(&reply, 0);
	assert_printed(rh_values_print_reply, "f, string", &reply, "NULL");
	assert_printed(rh_values_print_reply, "f, void", &reply, "done");
}

static void a_long_text_is_cut_and_cleaned(void **state)
{
	struct body args = body(0);
	(void)state;

	add_blob(&args, 16, 100);
	memset(args.bytes + 16, 'x', 100);
	args.bytes[17] = 0x1b;
	args.len = 116;
	assert_printed(rh_values_print_args, "f, string|a, void", &args,
	               "f, "
	               "string|\"x?"
	               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	               "xxxxxxxxxxxxxxxx\"..., void");
}

static void what_does_not_fit_is_a_question(void **state)
{
	struct body args = body(0), none = { .len = 0 };
	(void)state;

	assert_printed(rh_values_print_args, "f, i32|a, i32|b, void", &args,
	               "f, i32|?, i32|?, void");
	assert_printed(rh_values_print_args, "f, i32|a, void", &none, "f, i32|?, void");
	assert_printed(rh_values_print_reply, "f, out i32|a, i32", &none, "?, a = ?");
	add_blob(&args, 4000000000u, 5);
	assert_printed(rh_values_print_args, "f, string|a, void", &args,
	               "f, string|..., void");
	args = body(0);
	add_blob(&args, 8, 4000000000u);
	assert_printed(rh_values_print_args, "f, string|a, void", &args,
	               "f, string|..., void");
	assert_printed(rh_values_print_args, "f, bytes(len 1)|a, void", &args,
	               "f, bytes(len 1)|4000000000 bytes 0x0800000000286bee, void");
	/* A type of a newer version hides what stands behind it. */
	assert_printed(rh_values_print_args, "f, quad|a, i32|b, void", &args,
	               "f, quad|?, i32|?, void");
	assert_printed(rh_values_print_args, "no line", &args, "no line");
	assert_printed(rh_values_print_args, "f, u8[99999999][99999999]|a, void", &args,
	               "f, u8[99999999][99999999]|?, void");
}

/* The hash is the model's. */
static void the_hash_names_the_function(void **state)
{
	static const struct rh_param params[] = {
		{ .name = "a", .type = "handle magic_t[68+4]" },
		{ .name = "filename", .type = "path?stdin" },
	};
	static const struct rh_function function = {
		.name = "magic_file", .params = params, .param_count = 2,
		.ret = { .name = "", .type = "string" },
	};
	(void)state;

	assert_int_equal(rh_values_hash("magic_file, handle magic_t[68+4]|x,"
	                                " path?stdin|y, string\nnext, void"),
	                 rh_function_hash(&function));
	assert_int_equal(rh_values_hash("# magic_file nocarry: why"), 0);
	assert_int_equal(rh_values_hash(""), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_in_place_of_names),
		cmocka_unit_test(structs_arrays_and_memory),
		cmocka_unit_test(a_reply_tells_what_was_written),
		cmocka_unit_test(a_long_text_is_cut_and_cleaned),
		cmocka_unit_test(what_does_not_fit_is_a_question),
		cmocka_unit_test(the_hash_names_the_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
