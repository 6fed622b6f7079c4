/* The marshaller: every kind round trip, and bytes that lie. */
#include "../../sdk/c/marshal.h"

#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct point {
	int32_t x;
	double  y;
};

#define P(...) { __VA_ARGS__ }

/* double mix(int8_t a, float b, struct point c, const char *d, const void *e,
 *            uint32_t e_len, thing *f, const int32_t *g) */
static const struct rh_param mix_params[] = {
	P(.name = "a", .kind = RH_KIND_INT, .size = 1),
	P(.name = "b", .kind = RH_KIND_FLOAT, .size = 4),
	P(.name = "c", .kind = RH_KIND_STRUCT, .size = sizeof(struct point)),
	P(.name = "d", .kind = RH_KIND_STRING, .size = 8, .flags = RH_PARAM_NULLABLE),
	P(.name = "e", .kind = RH_KIND_BYTES, .size = 1, .len_param = 5),
	P(.name = "e_len", .kind = RH_KIND_UINT, .size = 4),
	P(.name = "f", .kind = RH_KIND_HANDLE, .size = 8),
	P(.name = "g", .kind = RH_KIND_INT, .size = 4, .flags = RH_PARAM_POINTER),
};

static const struct rh_function mix = {
	.name = "mix", .params = mix_params, .param_count = 8,
	.ret = P(.kind = RH_KIND_FLOAT, .size = 8, .direction = RH_OUT),
};

/* int fill(void *buf, size_t *len, struct point *at, char **text) */
static const struct rh_param fill_params[] = {
	P(.name = "buf", .kind = RH_KIND_BYTES, .direction = RH_OUT, .size = 2,
	  .len_param = 1, .used_param = 1),
	P(.name = "len", .kind = RH_KIND_UINT, .direction = RH_INOUT, .size = 8,
	  .flags = RH_PARAM_POINTER),
	P(.name = "at", .kind = RH_KIND_STRUCT, .direction = RH_OUT,
	  .size = sizeof(struct point), .flags = RH_PARAM_POINTER),
	P(.name = "text", .kind = RH_KIND_STRING, .direction = RH_OUT, .size = 8,
	  .flags = RH_PARAM_POINTER | RH_PARAM_TRANSFER),
};

static const struct rh_function fill = {
	.name = "fill", .params = fill_params, .param_count = 4,
	.ret = P(.kind = RH_KIND_INT, .size = 4, .direction = RH_OUT),
};

static int to_id(void *user, const struct rh_param *param, void *pointer,
                 uint64_t *ret_id)
{
	(void)user;
	(void)param;
	*ret_id = (uint64_t)(uintptr_t)pointer;
	return RH_OK;
}

static int to_pointer(void *user, const struct rh_param *param, uint64_t id,
                      void **ret_pointer)
{
	(void)user;
	(void)param;
	if (id == 666)
		return RH_EHANDLE;
	*ret_pointer = (void *)(uintptr_t)id;
	return RH_OK;
}

static const struct rh_handle_map handles = {
	.to_id = to_id, .to_pointer = to_pointer,
};

struct mix_call {
	int8_t       a;
	float        b;
	struct point c;
	const char  *d;
	const void  *e;
	uint32_t     e_len;
	void        *f;
	int32_t      g_value;
	int32_t     *g;
	void        *args[8];
};

static void set_up_mix(struct mix_call *call)
{
	*call = (struct mix_call){
		.a = -5, .b = 1.5f, .c = { -7, 2.25 }, .d = "text", .e = "by\0es",
		.e_len = 5, .f = (void *)(uintptr_t)42, .g_value = -99,
	};
	call->g = &call->g_value;
	void *args[8] = { &call->a, &call->b, &call->c, &call->d, &call->e,
	                  &call->e_len, &call->f, &call->g };
	memcpy(call->args, args, sizeof args);
}

static int pack_mix(struct mix_call *call, unsigned char *at)
{
	struct rh_fd_list fds = { 0 };

	return rh_marshal_args(&mix, call->args, &handles, &fds, at);
}

static void every_kind_goes_in(void **state)
{
	struct rh_scratch scratch = { 0 };
	struct rh_values  values;
	struct rh_fd_list fds = { 0 };
	struct mix_call   call;
	unsigned char     bytes[256];
	int               len;

	(void)state;
	set_up_mix(&call);
	assert_true(rh_marshal_args_bytes(&mix, call.args) <= (int64_t)sizeof bytes);
	len = pack_mix(&call, bytes);
	assert_int_equal(len, rh_marshal_args_bytes(&mix, call.args));
	assert_int_equal(rh_unmarshal_args(&mix, bytes, (uint32_t)len, &handles, &fds,
	                                   &scratch, &values), RH_OK);
	assert_int_equal(*(int8_t *)values.args[0], -5);
	assert_true(*(float *)values.args[1] == 1.5f);
	assert_int_equal(((struct point *)values.args[2])->x, -7);
	assert_true(((struct point *)values.args[2])->y == 2.25);
	assert_string_equal(*(char **)values.args[3], "text");
	assert_memory_equal(*(char **)values.args[4], "by\0es", 5);
	assert_int_equal(*(uint32_t *)values.args[5], 5);
	assert_ptr_equal(*(void **)values.args[6], (void *)(uintptr_t)42);
	assert_int_equal(**(int32_t **)values.args[7], -99);
	rh_scratch_fini(&scratch);
}

static void null_pointers_stay_null(void **state)
{
	struct rh_scratch scratch = { 0 };
	struct rh_values  values;
	struct rh_fd_list fds = { 0 };
	struct mix_call   call;
	unsigned char     bytes[256];
	int               len;

	(void)state;
	set_up_mix(&call);
	call.d = call.e = NULL;
	call.f = NULL;
	call.g = NULL;
	len = pack_mix(&call, bytes);
	assert_int_equal(rh_unmarshal_args(&mix, bytes, (uint32_t)len, &handles, &fds,
	                                   &scratch, &values), RH_OK);
	assert_null(*(char **)values.args[3]);
	assert_null(*(void **)values.args[4]);
	assert_null(*(void **)values.args[6]);
	assert_null(*(void **)values.args[7]);
	rh_scratch_fini(&scratch);
}

struct fill_call {
	uint16_t     buf[8];
	void        *buf_pointer;
	size_t       len;
	size_t      *len_pointer;
	struct point at;
	void        *at_pointer;
	char        *text;
	char       **text_pointer;
	int32_t      ret;
	void        *args[4];
};

static void set_up_fill(struct fill_call *call)
{
	*call = (struct fill_call){ .len = 8 };
	call->buf_pointer = call->buf;
	call->len_pointer = &call->len;
	call->at_pointer = &call->at;
	call->text_pointer = &call->text;
	void *args[4] = { &call->buf_pointer, &call->len_pointer, &call->at_pointer,
	                  &call->text_pointer };
	memcpy(call->args, args, sizeof args);
}

/* What the real function would do. */
static void run_fill(struct rh_values *values)
{
	uint16_t *buf = *(uint16_t **)values->args[0];
	size_t   *len = *(size_t **)values->args[1];

	assert_int_equal(*len, 8);
	buf[0] = 11;
	buf[2] = 33;
	*len = 3;
	**(struct point **)values->args[2] = (struct point){ 4, 0.5 };
	**(char ***)values->args[3] = strdup("handed over");
	*(int32_t *)values->ret = -1;
}

static uint32_t answer_fill(struct fill_call *call, unsigned char *reply)
{
	struct rh_scratch scratch = { 0 };
	struct rh_values  values;
	struct rh_fd_list fds = { 0 };
	unsigned char     bytes[256];
	int len = rh_marshal_args(&fill, call->args, &handles, &fds, bytes);
	int64_t reply_len;

	assert_int_equal(rh_unmarshal_args(&fill, bytes, (uint32_t)len, &handles, &fds,
	                                   &scratch, &values), RH_OK);
	run_fill(&values);
	reply_len = rh_marshal_reply_bytes(&fill, &values);
	assert_int_equal(rh_marshal_reply(&fill, &values, &handles, &fds, reply),
	                 reply_len);
	/* Nothing of it was given up: a reply that did not get away is written again. */
	assert_int_equal(rh_marshal_reply(&fill, &values, &handles, &fds, reply),
	                 reply_len);
	rh_marshal_reply_free(&fill, &values);
	rh_scratch_fini(&scratch);
	return (uint32_t)reply_len;
}

static void a_buffer_has_64_mebibytes_at_most(void **state)
{
	struct fill_call call;

	(void)state;
	set_up_fill(&call);
	call.len = RH_BYTES_MAX / sizeof call.buf[0];
	assert_true(rh_marshal_args_bytes(&fill, call.args) > 0); /* room is not sent */
	call.len++;
	assert_int_equal(rh_marshal_args_bytes(&fill, call.args), RH_EMSGSIZE);
	call.len = SIZE_MAX;
	assert_int_equal(rh_marshal_args_bytes(&fill, call.args), RH_EMSGSIZE);
	call.buf_pointer = NULL;
	assert_true(rh_marshal_args_bytes(&fill, call.args) > 0);
}

static int take_fill(struct fill_call *call, const unsigned char *reply, uint32_t len)
{
	const struct rh_keeper keeper = { 0 };
	struct rh_fd_list      fds = { 0 };

	return rh_unmarshal_reply(&fill, reply, len, &handles, &fds, &keeper,
	                          call->args, &call->ret);
}

static void every_kind_comes_out(void **state)
{
	struct fill_call call;
	unsigned char    reply[256];
	uint32_t         len;

	(void)state;
	set_up_fill(&call);
	len = answer_fill(&call, reply);
	assert_int_equal(take_fill(&call, reply, len), RH_OK);
	assert_int_equal(call.ret, -1);
	assert_int_equal(call.len, 3);
	assert_int_equal(call.buf[0], 11);
	assert_int_equal(call.buf[2], 33);
	assert_int_equal(call.at.x, 4);
	assert_true(call.at.y == 0.5);
	assert_string_equal(call.text, "handed over");
	free(call.text);
}

/* The room is what the length parameter says, whatever else the bytes claim. */
static void lengths_that_disagree_are_refused(void **state)
{
	struct rh_scratch scratch = { 0 };
	struct rh_values  values;
	struct rh_fd_list fds = { 0 };
	struct mix_call   call;
	unsigned char     bytes[256];
	uint64_t          huge = 1u << 30;
	int               len;

	(void)state;
	set_up_mix(&call);
	len = pack_mix(&call, bytes);
	memcpy(bytes + rh_marshal_cell(&mix, 5), &huge, 8);
	assert_int_equal(rh_unmarshal_args(&mix, bytes, (uint32_t)len, &handles, &fds,
	                                   &scratch, &values), RH_EPROTO);
	len = pack_mix(&call, bytes);
	huge = 666;
	memcpy(bytes + rh_marshal_cell(&mix, 6), &huge, 8);
	assert_int_equal(rh_unmarshal_args(&mix, bytes, (uint32_t)len, &handles, &fds,
	                                   &scratch, &values), RH_EHANDLE);
	rh_scratch_fini(&scratch);
}

static int unpack_mix(const unsigned char *bytes, int len)
{
	struct rh_scratch scratch = { 0 };
	struct rh_values  values;
	struct rh_fd_list fds = { 0 };
	int r = rh_unmarshal_args(&mix, bytes, (uint32_t)len, &handles, &fds, &scratch,
	                          &values);

	rh_scratch_fini(&scratch);
	return r;
}

/* The cell of parameter i says where its bytes are: so many from there. */
static int unpack_with_blob(unsigned i, uint32_t off, uint32_t count)
{
	const uint32_t  blob[2] = { off, count };
	struct mix_call call;
	unsigned char   bytes[256];
	int             len;

	set_up_mix(&call);
	len = pack_mix(&call, bytes);
	memcpy(bytes + rh_marshal_cell(&mix, i), blob, sizeof blob);
	return unpack_mix(bytes, len);
}

static void arguments_stay_inside_of_what_came(void **state)
{
	struct mix_call call;
	unsigned char   bytes[256];

	(void)state;
	set_up_mix(&call);
	uint32_t len = (uint32_t)pack_mix(&call, bytes);
	for (uint32_t past = 1; past <= 5; past++)
		assert_int_equal(unpack_with_blob(4, len - 5 + past, 5), RH_EPROTO);
	assert_int_equal(unpack_with_blob(4, len - 5, 5), RH_OK);
	assert_int_equal(unpack_with_blob(4, UINT32_MAX, 5), RH_EPROTO);
	assert_int_equal(unpack_with_blob(3, len - 4, 4), RH_EPROTO); /* and its NUL */
	assert_int_equal(unpack_with_blob(3, len - 4, UINT32_MAX), RH_EPROTO);
}

/* e_len is 5: neither fewer nor more, whatever is there. */
static void bytes_are_as_many_as_their_length_says(void **state)
{
	(void)state;
	assert_int_equal(unpack_with_blob(4, 8, 4), RH_EPROTO);
	assert_int_equal(unpack_with_blob(4, 8, 6), RH_EPROTO);
	assert_int_equal(unpack_with_blob(4, 8, 5), RH_OK);
}

static void a_text_ends_where_it_says(void **state)
{
	struct mix_call call;
	unsigned char   bytes[256];

	(void)state;
	set_up_mix(&call);
	int            len = pack_mix(&call, bytes);
	unsigned char *text = memmem(bytes, (size_t)len, "text", 5);
	assert_non_null(text);
	text[2] = 0;
	assert_int_equal(unpack_mix(bytes, len), RH_EPROTO);
}

/* The room is the caller's: what the function stores in its length parameter is how
 * much it would have needed. */
static void a_length_that_grows_does_not_grow_the_room(void **state)
{
	struct rh_scratch scratch = { 0 };
	struct rh_values  values;
	struct rh_fd_list fds = { 0 };
	struct fill_call  call;
	unsigned char     bytes[256];
	int64_t           all;

	(void)state;
	set_up_fill(&call);
	int len = rh_marshal_args(&fill, call.args, &handles, &fds, bytes);
	assert_int_equal(rh_unmarshal_args(&fill, bytes, (uint32_t)len, &handles, &fds,
	                                   &scratch, &values), RH_OK);
	run_fill(&values);
	**(size_t **)values.args[1] = sizeof call.buf / 2;
	all = rh_marshal_reply_bytes(&fill, &values);
	**(size_t **)values.args[1] = 4096;
	assert_int_equal(rh_marshal_reply_bytes(&fill, &values), all);
	free(**(char ***)values.args[3]);
	rh_scratch_fini(&scratch);
}

/* Where the cells of fill's reply stand: mask, result, buf, len, at, text. */
enum { BUF_CELL = 16, TEXT_CELL = 48 };

static void a_reply_stays_inside_of_the_programs_room(void **state)
{
	static const uint32_t counts[] = { 17, 18, 40 };
	struct fill_call      call;
	unsigned char         reply[256];
	uint32_t              blob[2] = { 0 };

	(void)state;
	set_up_fill(&call);
	uint32_t len = answer_fill(&call, reply);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		set_up_fill(&call);
		blob[1] = counts[i]; /* the room is 16 */
		memcpy(reply + BUF_CELL, blob, sizeof blob);
		assert_int_equal(take_fill(&call, reply, len), RH_EPROTO);
		assert_int_equal(call.buf[0], 0);
	}
	blob[0] = len - 15;
	blob[1] = 16;
	memcpy(reply + BUF_CELL, blob, sizeof blob);
	assert_int_equal(take_fill(&call, reply, len), RH_EPROTO);
}

static void a_reply_has_texts_that_end(void **state)
{
	struct fill_call call;
	unsigned char    reply[256];
	uint32_t         blob[2];

	(void)state;
	set_up_fill(&call);
	uint32_t len = answer_fill(&call, reply);
	memcpy(blob, reply + TEXT_CELL, sizeof blob);
	assert_memory_equal(reply + blob[0], "handed over", blob[1]);
	reply[blob[0] + blob[1]] = 'x';
	assert_int_equal(take_fill(&call, reply, len), RH_EPROTO);
	assert_null(call.text);
	blob[1]++; /* no byte is left for the NUL */
	memcpy(reply + TEXT_CELL, blob, sizeof blob);
	assert_int_equal(take_fill(&call, reply, len), RH_EPROTO);
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

/* Any bytes at all: refused or understood, never out of bounds (run it under the
 * address sanitizer), and never more output than the program has room for. */
static void random_bytes_do_no_harm(void **state)
{
	unsigned          seed = 20260101;
	struct rh_scratch scratch = { 0 };
	struct rh_values  values;
	struct rh_fd_list fds = { 0 };

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct mix_call  call;
		struct fill_call out;
		unsigned char    bytes[256], reply[256];
		uint32_t         len;

		set_up_mix(&call);
		len = (uint32_t)pack_mix(&call, bytes);
		for (unsigned i = next_random(&seed) % 8; i > 0; i--)
			bytes[next_random(&seed) % len] = (unsigned char)next_random(&seed);
		unsigned char *exact = malloc(len); /* its end is watched */
		memcpy(exact, bytes, len);
		rh_unmarshal_args(&mix, exact, len - next_random(&seed) % 4, &handles,
		                  &fds, &scratch, &values);
		free(exact);
		rh_scratch_reset(&scratch);

		set_up_fill(&out);
		len = answer_fill(&out, reply);
		for (unsigned i = next_random(&seed) % 8; i > 0; i--)
			reply[next_random(&seed) % len] = (unsigned char)next_random(&seed);
		exact = malloc(len);
		memcpy(exact, reply, len);
		out.text = NULL;
		take_fill(&out, exact, len);
		free(out.text);
		free(exact);
	}
	rh_scratch_fini(&scratch);
}

/* Neither side can name a descriptor of the other's by a number that is negative in
 * the cell and positive in an int. */
static void no_number_names_a_descriptor_of_the_other_side(void **state)
{
	static const struct rh_param param = { .name = "fd", .kind = RH_KIND_FD, .size = 4 };
	static const struct rh_function swap = {
		.name = "swap", .params = &param, .param_count = 1,
		.ret = P(.kind = RH_KIND_FD, .size = 4, .direction = RH_OUT),
	};
	static const int64_t lies[] = {
		INT64_MIN, INT64_MIN + 5, -4294967296 + 5, (int64_t)INT32_MIN - 1, 0, 1, INT64_MAX,
	};
	const struct rh_keeper keeper = { 0 };
	struct rh_scratch      scratch = { 0 };
	struct rh_values       values;
	struct rh_fd_list      fds = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		unsigned char bytes[16] = { 0 };
		int           fd = 77, ret = 77;
		void         *args[1] = { &fd };

		memcpy(bytes + 8, &lies[i], 8);
		assert_int_equal(rh_unmarshal_args(&swap, bytes, sizeof bytes, &handles, &fds,
		                                   &scratch, &values), RH_EPROTO);
		assert_int_equal(rh_unmarshal_reply(&swap, bytes, sizeof bytes, &handles, &fds,
		                                    &keeper, args, &ret), RH_EPROTO);
		assert_int_equal(ret, 77);
	}
	rh_scratch_fini(&scratch);
}

/* A NULL for a number would be eight bytes of zero over four; a NULL for bytes that
 * are returned must arrive. */
static void null_comes_back_only_where_a_pointer_is(void **state)
{
	static const struct rh_param number = {
		.name = "n", .kind = RH_KIND_INT, .size = 4, .direction = RH_OUT,
		.flags = RH_PARAM_POINTER,
	};
	static const struct rh_param length = {
		.name = "n", .kind = RH_KIND_UINT, .size = 8, .direction = RH_OUT,
		.flags = RH_PARAM_POINTER,
	};
	static const struct rh_function store = {
		.name = "store", .params = &number, .param_count = 1,
		.ret = P(.kind = RH_KIND_INT, .size = 4, .direction = RH_OUT),
	};
	static const struct rh_function peek = {
		.name = "peek", .params = &length, .param_count = 1,
		.ret = P(.kind = RH_KIND_BYTES, .size = 1, .direction = RH_OUT),
	};
	const struct rh_keeper keeper = { 0 };
	struct rh_fd_list      fds = { 0 };
	uint64_t               bytes[4] = { 0 };
	int32_t                numbers[2] = { 77, 77 }, ret = 77;
	uint64_t               len = 77;
	void *at = numbers, *len_at = &len, *args[1] = { &at }, *peek_args[1] = { &len_at };
	void *returned = &ret;

	(void)state;
	for (unsigned bit = 0; bit < 64; bit += 63) {
		bytes[0] = 1ull << bit;
		assert_int_equal(rh_unmarshal_reply(&store, (unsigned char *)bytes, 24,
		                                    &handles, &fds, &keeper, args, &ret),
		                 RH_EPROTO);
		assert_int_equal(numbers[1], 77);
	}
	bytes[0] = 1ull << 63;
	assert_int_equal(rh_unmarshal_reply(&peek, (unsigned char *)bytes, 24, &handles,
	                                    &fds, &keeper, peek_args, &returned), RH_OK);
	assert_null(returned);
}

static void *keep_nothing(void *user, const void *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	return user;
}

/* A callee that says more bytes than it sent would have its caller read what is behind. */
static void returned_bytes_are_as_many_as_were_sent(void **state)
{
	static const struct rh_param length = {
		.name = "n", .kind = RH_KIND_UINT, .size = 8, .direction = RH_OUT,
		.flags = RH_PARAM_POINTER,
	};
	static const struct rh_function peek = {
		.name = "peek", .params = &length, .param_count = 1,
		.ret = { .name = "", .kind = RH_KIND_BYTES, .size = 2, .direction = RH_OUT,
		         .len_param = 0, .used_param = 0 },
	};
	char                   kept[8];
	const struct rh_keeper keeper = { .user = kept, .keep = keep_nothing };
	struct rh_fd_list      fds = { 0 };
	uint32_t               words[8] = { 0, 0, 24, 4 }; /* a blob of 4 bytes at 24 */
	uint64_t               len = 0;
	void                  *len_at = &len, *args[1] = { &len_at }, *returned = NULL;

	(void)state;
	for (uint32_t count = 0; count < 4; count++) {
		words[4] = count;
		assert_int_equal(rh_unmarshal_reply(&peek, (unsigned char *)words,
		                                    sizeof words, &handles, &fds, &keeper,
		                                    args, &returned),
		                 count <= 2 ? RH_OK : RH_EPROTO);
	}
	words[5] = UINT32_MAX;
	assert_int_equal(rh_unmarshal_reply(&peek, (unsigned char *)words, sizeof words,
	                                    &handles, &fds, &keeper, args, &returned),
	                 RH_EPROTO);
}

/* A descriptor goes as itself; a closed one as nothing that is open or known. */
static void closed_descriptors_stay_closed(void **state)
{
	static const struct rh_param param = { .name = "fd", .kind = RH_KIND_FD, .size = 4 };
	static const struct rh_function take = {
		.name = "take", .params = &param, .param_count = 1,
		.ret = P(.kind = RH_KIND_VOID, .direction = RH_OUT),
	};
	static const struct { int fd; int arrives; unsigned sent; } cases[] = {
		{ 0, 0, 1 }, { -1, -1, 0 }, { -100, -100, 0 }, { 1 << 20, INT32_MIN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int               fd = cases[i].fd, arrived;
		void             *args[] = { &fd };
		unsigned char     at[64] = { 0 };
		struct rh_fd_list fds = { 0 };
		struct rh_scratch scratch = { 0 };
		struct rh_values  values;

		assert_true(rh_marshal_args(&take, args, &handles, &fds, at) >= 0);
		assert_int_equal(fds.count, cases[i].sent);
		assert_int_equal(rh_unmarshal_args(&take, at, 16, &handles, &fds, &scratch,
		                                   &values), RH_OK);
		memcpy(&arrived, values.args[0], sizeof arrived);
		assert_int_equal(arrived, cases[i].arrives);
		rh_scratch_fini(&scratch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_goes_in),
		cmocka_unit_test(null_pointers_stay_null),
		cmocka_unit_test(every_kind_comes_out),
		cmocka_unit_test(a_buffer_has_64_mebibytes_at_most),
		cmocka_unit_test(lengths_that_disagree_are_refused),
		cmocka_unit_test(arguments_stay_inside_of_what_came),
		cmocka_unit_test(bytes_are_as_many_as_their_length_says),
		cmocka_unit_test(a_text_ends_where_it_says),
		cmocka_unit_test(a_length_that_grows_does_not_grow_the_room),
		cmocka_unit_test(a_reply_stays_inside_of_the_programs_room),
		cmocka_unit_test(a_reply_has_texts_that_end),
		cmocka_unit_test(closed_descriptors_stay_closed),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(null_comes_back_only_where_a_pointer_is),
		cmocka_unit_test(returned_bytes_are_as_many_as_were_sent),
		cmocka_unit_test(no_number_names_a_descriptor_of_the_other_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
