/* Records: round trip, room that runs out, and bytes that are cut off or lie. */
#include "../../wire/record.h"

#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD 8u

static void values_come_back(void **state)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	uint32_t                u = 0;
	int32_t                 i = 0;
	uint64_t                w = 0;
	char                    text[8];

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, 1, 0xfffffffeu);
	rh_record_put_i32(&writer, 2, -42);
	rh_record_put_u64(&writer, 3, 0x0102030405060708ull);
	rh_record_put_text(&writer, 4, "a text");
	rh_record_put_text(&writer, 5, "");
	assert_int_equal(rh_record_end(&writer), 5 * HEAD + 4 + 4 + 8 + 6 + 0);

	rh_record_read(&reader, bytes, (size_t)rh_record_end(&writer));
	assert_int_equal(rh_record_u32(&reader, 1, &u), RH_OK);
	assert_true(u == 0xfffffffeu);
	assert_int_equal(rh_record_i32(&reader, 2, &i), RH_OK);
	assert_int_equal(i, -42);
	assert_int_equal(rh_record_u64(&reader, 3, &w), RH_OK);
	assert_true(w == 0x0102030405060708ull);
	assert_int_equal(rh_record_text(&reader, 4, text, sizeof text), RH_OK);
	assert_string_equal(text, "a text");
	assert_int_equal(rh_record_text(&reader, 5, text, sizeof text), RH_OK);
	assert_string_equal(text, "");
}

/* The bytes are the wire's, not the machine's. */
static void the_layout_is_little_endian(void **state)
{
	static const unsigned char wanted[] = {
		0x34, 0x12, 0, 0, 4, 0, 0, 0, 0xdd, 0xcc, 0xbb, 0xaa,
	};
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, 0x1234, 0xaabbccddu);
	assert_int_equal(rh_record_end(&writer), sizeof wanted);
	assert_memory_equal(bytes, wanted, sizeof wanted);
}

static void records_hold_records(void **state)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	struct rh_record_reader reader, inner;
	struct rh_record        record;
	uint32_t                v = 0;

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	for (uint32_t i = 0; i < 2; i++) {
		size_t place = rh_record_open(&writer, 9);

		rh_record_put_u32(&writer, 1, 70 + i);
		rh_record_close(&writer, place);
	}
	rh_record_read(&reader, bytes, (size_t)rh_record_end(&writer));
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(rh_record_next(&reader, &record), 1);
		assert_int_equal(record.tag, 9);
		rh_record_read(&inner, record.bytes, record.len);
		assert_int_equal(rh_record_u32(&inner, 1, &v), RH_OK);
		assert_int_equal(v, 70 + i);
	}
	assert_int_equal(rh_record_next(&reader, &record), 0);
}

/* R1, R2: at every size that is too small the writer fails, and stays failed. */
static void a_full_writer_fails_once_and_for_all(void **state)
{
	const size_t enough = 2 * HEAD + 4 + 8;

	(void)state;
	for (size_t cap = 0; cap <= enough; cap++) {
		unsigned char           bytes[64];
		struct rh_record_writer writer;
		size_t                  place;

		memset(bytes, 0xee, sizeof bytes);
		rh_record_begin(&writer, bytes, cap);
		rh_record_put_u32(&writer, 1, 1);
		rh_record_put_u64(&writer, 2, 2);
		assert_true(writer.used <= cap);
		for (size_t i = cap; i < sizeof bytes; i++)
			assert_int_equal(bytes[i], 0xee);
		if (cap == enough) {
			assert_int_equal(rh_record_end(&writer), enough);
			continue;
		}
		assert_int_equal(rh_record_end(&writer), RH_EMSGSIZE);
		writer.cap = sizeof bytes; /* room that comes too late */
		place = rh_record_open(&writer, 3);
		rh_record_close(&writer, place);
		assert_int_equal(rh_record_end(&writer), RH_EMSGSIZE);
	}
}

static void a_length_that_overflows_is_refused(void **state)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put(&writer, 1, bytes, SIZE_MAX);
	assert_int_equal(rh_record_end(&writer), RH_EMSGSIZE);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put(&writer, 1, bytes, SIZE_MAX - HEAD + 1);
	assert_int_equal(rh_record_end(&writer), RH_EMSGSIZE);
}

/* R3: every cut in the middle of a record is an error, at its end it is an end. */
static void a_cut_is_noticed_wherever_it_is(void **state)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	size_t                  whole, first = HEAD + 3;

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put(&writer, 1, "abc", 3);
	rh_record_put_u32(&writer, 2, 7);
	whole = (size_t)rh_record_end(&writer);
	for (size_t len = 0; len <= whole; len++) {
		struct rh_record_reader reader;
		struct rh_record        record;
		uint32_t                v = 99;
		int                     is_cut = len != 0 && len != first && len != whole;
		int                     r;

		rh_record_read(&reader, bytes, len);
		while ((r = rh_record_next(&reader, &record)) > 0)
			;
		assert_int_equal(r, is_cut ? RH_EPROTO : 0);
		rh_record_read(&reader, bytes, len);
		r = rh_record_u32(&reader, 2, &v);
		assert_int_equal(r, len == whole ? RH_OK : is_cut ? RH_EPROTO : RH_ENOENT);
		assert_int_equal(v, len == whole ? 7 : 99);
	}
}

static void a_length_beyond_the_end_is_refused(void **state)
{
	static const uint32_t lens[] = { 5, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		unsigned char           bytes[12] = { 1 };
		struct rh_record_reader reader;
		struct rh_record        record = { .tag = 77 };

		for (unsigned b = 0; b < 4; b++)
			bytes[4 + b] = (unsigned char)(lens[i] >> 8 * b);
		rh_record_read(&reader, bytes, sizeof bytes);
		assert_int_equal(rh_record_next(&reader, &record), RH_EPROTO);
		assert_int_equal(record.tag, 77);
		assert_int_equal(rh_record_find(&reader, 1, &record), RH_EPROTO);
	}
}

static void a_number_of_another_size_is_refused(void **state)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	uint64_t                w = 5;
	uint32_t                u = 5;
	int32_t                 i = 5;

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, 1, 1);
	rh_record_put_u64(&writer, 2, 2);
	rh_record_put(&writer, 3, "", 0);
	rh_record_put(&writer, 5, "123456789", 9);
	rh_record_read(&reader, bytes, (size_t)rh_record_end(&writer));
	assert_int_equal(rh_record_u64(&reader, 1, &w), RH_EPROTO);
	assert_int_equal(rh_record_u64(&reader, 5, &w), RH_EPROTO);
	assert_int_equal(rh_record_u32(&reader, 2, &u), RH_EPROTO);
	assert_int_equal(rh_record_i32(&reader, 3, &i), RH_EPROTO);
	assert_int_equal(rh_record_u32(&reader, 4, &u), RH_ENOENT);
	assert_true(w == 5 && u == 5 && i == 5);
}

static void a_text_must_fit_and_hold_no_nul(void **state)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	char                    text[5] = "same";

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put(&writer, 1, "12345", 5);
	rh_record_put(&writer, 2, "a\0b", 3);
	rh_record_put(&writer, 3, "1234", 4);
	rh_record_read(&reader, bytes, (size_t)rh_record_end(&writer));
	assert_int_equal(rh_record_text(&reader, 1, text, sizeof text), RH_EMSGSIZE);
	assert_int_equal(rh_record_text(&reader, 2, text, sizeof text), RH_EPROTO);
	assert_int_equal(rh_record_text(&reader, 4, text, sizeof text), RH_ENOENT);
	assert_string_equal(text, "same");
	assert_int_equal(rh_record_text(&reader, 3, text, sizeof text), RH_OK);
	assert_string_equal(text, "1234");
}

static void the_first_of_a_tag_counts_and_others_are_skipped(void **state)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	struct rh_record        record;
	uint32_t                v = 0;

	(void)state;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, 60000, 1); /* from a newer peer */
	rh_record_put_u32(&writer, 4, 2);
	rh_record_put_u32(&writer, 4, 3);
	rh_record_read(&reader, bytes, (size_t)rh_record_end(&writer));
	assert_int_equal(rh_record_next(&reader, &record), 1);
	assert_int_equal(rh_record_u32(&reader, 4, &v), RH_OK);
	assert_int_equal(v, 2);
	assert_int_equal(rh_record_next(&reader, &record), 1); /* find moved nothing */
	assert_int_equal(record.tag, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back),
		cmocka_unit_test(the_layout_is_little_endian),
		cmocka_unit_test(records_hold_records),
		cmocka_unit_test(a_full_writer_fails_once_and_for_all),
		cmocka_unit_test(a_length_that_overflows_is_refused),
		cmocka_unit_test(a_cut_is_noticed_wherever_it_is),
		cmocka_unit_test(a_length_beyond_the_end_is_refused),
		cmocka_unit_test(a_number_of_another_size_is_refused),
		cmocka_unit_test(a_text_must_fit_and_hold_no_nul),
		cmocka_unit_test(the_first_of_a_tag_counts_and_others_are_skipped),
	};

	return cmocka_run_group_tests_name("wire_record", tests, NULL, NULL);
}
