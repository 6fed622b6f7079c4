/* The record reader: any bytes, read every way, also as records that hold records. */
#include "../../model/check.h"
#include "../../model/error.h"
#include "../../wire/frame.h"
#include "../../wire/record.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DEPTH = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was found lies inside the bytes, and outputs of failures are untouched. */
static void find_all(const struct rh_record_reader *reader)
{
	for (uint16_t tag = 0; tag < RH_TAGS; tag++) {
		struct rh_record record;
		char             text[32] = "untouched";
		uint32_t         u = 7;
		uint64_t         w = 7;
		int              r = rh_record_find(reader, tag, &record);

		RH_CHECK(r == RH_OK || r == RH_ENOENT || r == RH_EPROTO);
		if (r == RH_OK)
			RH_CHECK(record.bytes >= reader->bytes && record.tag == tag &&
			         record.len <= reader->len -
			         (size_t)(record.bytes - reader->bytes));
		RH_CHECK(rh_record_u32(reader, tag, &u) == RH_OK || u == 7);
		RH_CHECK(rh_record_u64(reader, tag, &w) == RH_OK || w == 7);
		if (rh_record_text(reader, tag, text, sizeof text) != RH_OK)
			RH_CHECK(strcmp(text, "untouched") == 0);
		else
			RH_CHECK(strlen(text) == record.len);
	}
}

static unsigned read_all(const void *bytes, size_t len, int depth)
{
	struct rh_record_reader reader;
	struct rh_record        record;
	unsigned                sum = 0;
	size_t                  passed = 0;
	int                     r;

	rh_record_read(&reader, bytes, len);
	if (depth == DEPTH)
		find_all(&reader);
	while ((r = rh_record_next(&reader, &record)) > 0) {
		passed += 8 + record.len;
		for (uint32_t i = 0; i < record.len; i++)
			sum += record.bytes[i];
		if (depth > 0)
			sum += read_all(record.bytes, record.len, depth - 1);
	}
	RH_CHECK(r == RH_EPROTO ? passed < len : passed == len);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_all(data, size, DEPTH) == 0xffffffffu ? -1 : 0;
}
