#include "record.h"

#include "../model/error.h"

#include <string.h>

#define HEAD RH_RECORD_HEAD

void rh_record_begin(struct rh_record_writer *writer, void *bytes, size_t cap)
{
	*writer = (struct rh_record_writer){ .bytes = bytes, .cap = cap };
}

static void put_u32(unsigned char *at, uint32_t v)
{
	at[0] = (unsigned char)v;
	at[1] = (unsigned char)(v >> 8);
	at[2] = (unsigned char)(v >> 16);
	at[3] = (unsigned char)(v >> 24);
}

static uint32_t get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static void put_head(unsigned char *at, uint16_t tag, uint32_t len)
{
	put_u32(at, tag);
	put_u32(at + 4, len);
}

void rh_record_put(struct rh_record_writer *writer, uint16_t tag, const void *bytes,
                   size_t len)
{
	if (writer->failed || writer->cap - writer->used < HEAD ||
	    len > writer->cap - writer->used - HEAD) {
		writer->failed = 1; /* R2 */
		return;
	}
	put_head(writer->bytes + writer->used, tag, (uint32_t)len);
	if (len > 0)
		memcpy(writer->bytes + writer->used + HEAD, bytes, len);
	writer->used += HEAD + len;
}

void rh_record_put_text(struct rh_record_writer *writer, uint16_t tag,
                        const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	rh_record_put(writer, tag, text, len);
}

void rh_record_put_u32(struct rh_record_writer *writer, uint16_t tag, uint32_t v)
{
	unsigned char bytes[4];

	put_u32(bytes, v);
	rh_record_put(writer, tag, bytes, sizeof bytes);
}

void rh_record_put_i32(struct rh_record_writer *writer, uint16_t tag, int32_t v)
{
	rh_record_put_u32(writer, tag, (uint32_t)v);
}

void rh_record_put_u64(struct rh_record_writer *writer, uint16_t tag, uint64_t v)
{
	unsigned char bytes[8];

	put_u32(bytes, (uint32_t)v);
	put_u32(bytes + 4, (uint32_t)(v >> 32));
	rh_record_put(writer, tag, bytes, sizeof bytes);
}

size_t rh_record_open(struct rh_record_writer *writer, uint16_t tag)
{
	size_t place = writer->used;

	rh_record_put(writer, tag, NULL, 0);
	return place;
}

void rh_record_close(struct rh_record_writer *writer, size_t place)
{
	if (writer->failed)
		return;
	put_u32(writer->bytes + place + 4, (uint32_t)(writer->used - place - HEAD));
}

int rh_record_end(const struct rh_record_writer *writer)
{
	return writer->failed ? RH_EMSGSIZE : (int)writer->used;
}

void rh_record_read(struct rh_record_reader *reader, const void *bytes, size_t len)
{
	*reader = (struct rh_record_reader){ .bytes = bytes, .len = len };
}

int rh_record_next(struct rh_record_reader *reader, struct rh_record *ret_record)
{
	if (reader->at == reader->len)
		return 0;
	if (reader->len - reader->at < HEAD)
		return RH_EPROTO;

	const unsigned char *at = reader->bytes + reader->at;
	uint32_t len = get_u32(at + 4);

	if (len > reader->len - reader->at - HEAD)
		return RH_EPROTO;
	*ret_record = (struct rh_record){
		.tag = (uint16_t)get_u32(at), .len = len, .bytes = at + HEAD,
	};
	reader->at += HEAD + len;
	return 1;
}

int rh_record_find(const struct rh_record_reader *reader, uint16_t tag,
                   struct rh_record *ret_record)
{
	struct rh_record_reader look = *reader;
	struct rh_record        record;
	int                     more;

	look.at = 0;
	while ((more = rh_record_next(&look, &record)) > 0) {
		if (record.tag == tag) {
			*ret_record = record;
			return RH_OK;
		}
	}
	return more < 0 ? more : RH_ENOENT;
}

int rh_record_u32(const struct rh_record_reader *reader, uint16_t tag, uint32_t *ret)
{
	struct rh_record record;
	int r = rh_record_find(reader, tag, &record);

	if (r < 0)
		return r;
	if (record.len != 4)
		return RH_EPROTO;
	*ret = get_u32(record.bytes);
	return RH_OK;
}

int rh_record_i32(const struct rh_record_reader *reader, uint16_t tag, int32_t *ret)
{
	uint32_t v;
	int r = rh_record_u32(reader, tag, &v);

	if (r == RH_OK)
		*ret = (int32_t)v;
	return r;
}

int rh_record_u64(const struct rh_record_reader *reader, uint16_t tag, uint64_t *ret)
{
	struct rh_record record;
	int r = rh_record_find(reader, tag, &record);

	if (r < 0)
		return r;
	if (record.len != 8)
		return RH_EPROTO;
	*ret = (uint64_t)get_u32(record.bytes) |
	       (uint64_t)get_u32(record.bytes + 4) << 32;
	return RH_OK;
}

int rh_record_copy_text(const struct rh_record *record, char *text, size_t cap)
{
	if (record->len >= cap)
		return RH_EMSGSIZE;
	for (uint32_t i = 0; i < record->len; i++) {
		if (record->bytes[i] == 0)
			return RH_EPROTO;
	}
	memcpy(text, record->bytes, record->len);
	text[record->len] = 0;
	return RH_OK;
}

int rh_record_text(const struct rh_record_reader *reader, uint16_t tag, char *text,
                   size_t cap)
{
	struct rh_record record;
	int r = rh_record_find(reader, tag, &record);

	return r < 0 ? r : rh_record_copy_text(&record, text, cap);
}
