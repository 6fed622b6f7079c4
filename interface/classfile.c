#include "classfile.h"

#include "../base/diag.h"

#include <string.h>

struct cursor {
	const uint8_t *bytes;
	size_t         len;
	size_t         at;
	bool           is_bad;     /* it was read beyond the end              */
};

struct reader {
	struct rh_pool *pool;
	struct cursor   in;
	uint32_t       *places;    /* of constant i: its tag; 0: none         */
	uint16_t        count;
	bool            is_full;   /* the pool                                */
};

static uint32_t take(struct cursor *in, size_t size)
{
	uint32_t value = 0;

	if (in->is_bad || size > in->len - in->at) {
		in->is_bad = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		value = value << 8 | in->bytes[in->at++];
	return value;
}

static void skip(struct cursor *in, size_t size)
{
	if (in->is_bad || size > in->len - in->at)
		in->is_bad = true;
	else
		in->at += size;
}

/* Bytes behind the tag of a constant; -1: an unknown one. */
static int constant_bytes(uint32_t tag)
{
	static const int8_t bytes[21] = {
		[3] = 4, [4] = 4, [5] = 8, [6] = 8, [7] = 2, [8] = 2, [9] = 4, [10] = 4,
		[11] = 4, [12] = 4, [15] = 3, [16] = 2, [17] = 4, [18] = 4, [19] = 2,
		[20] = 2,
	};

	return tag < sizeof bytes && bytes[tag] ? bytes[tag] : -1;
}

static void read_constants(struct reader *reader)
{
	struct cursor *in = &reader->in;

	reader->count = (uint16_t)take(in, 2);
	reader->places = rh_pool_take(reader->pool, reader->count + 1u,
	                              sizeof *reader->places);
	reader->is_full = !reader->places;
	for (uint32_t i = 1; i < reader->count && !in->is_bad && !reader->is_full; i++) {
		reader->places[i] = (uint32_t)in->at;
		uint32_t tag = take(in, 1);
		int      bytes = tag == 1 ? (int)take(in, 2) : constant_bytes(tag);

		if (bytes < 0)
			in->is_bad = true;
		else
			skip(in, (size_t)bytes);
		i += tag == 5 || tag == 6;   /* long and double count twice */
	}
}

static bool find(struct reader *reader, uint32_t index, uint32_t tag,
                 struct cursor *ret)
{
	*ret = reader->in;
	if (index >= reader->count || !reader->places[index])
		return false;
	ret->at = reader->places[index];
	return take(ret, 1) == tag;
}

/* A constant of text; sets is_bad where there is none. */
static const char *text_at(struct reader *reader, uint32_t index)
{
	struct cursor at;

	if (!find(reader, index, 1, &at)) {
		reader->in.is_bad = true;
		return "";
	}
	size_t      len = take(&at, 2);
	const char *text = rh_pool_copy(reader->pool, (const char *)at.bytes + at.at, len);
	reader->is_full = reader->is_full || !text;
	if (!text || strlen(text) != len)
		reader->in.is_bad = true;
	return text ? text : "";
}

static const char *class_at(struct reader *reader, uint32_t index)
{
	struct cursor at;

	if (find(reader, index, 7, &at))
		return text_at(reader, take(&at, 2));
	reader->in.is_bad = true;
	return "";
}

static void read_param_names(struct reader *reader, struct rh_class_member *member)
{
	struct cursor *in = &reader->in;
	uint8_t        count = (uint8_t)take(in, 1);

	member->params = rh_pool_take(reader->pool, count + 1u, sizeof *member->params);
	reader->is_full = reader->is_full || !member->params;
	for (uint8_t i = 0; i < count && !in->is_bad && !reader->is_full; i++) {
		uint32_t name = take(in, 2);

		skip(in, 2);
		member->params[i] = name ? text_at(reader, name) : "";
		member->param_count = (uint8_t)(i + 1);
	}
}

/* Attributes of a member: only the names of parameters matter. */
static void read_attributes(struct reader *reader, struct rh_class_member *member)
{
	struct cursor *in = &reader->in;
	uint32_t       count = take(in, 2);

	for (uint32_t i = 0; i < count && !in->is_bad && !reader->is_full; i++) {
		const char *name = text_at(reader, take(in, 2));
		size_t      len = take(in, 4), begin = in->at;

		skip(in, len);
		if (in->is_bad || !member || strcmp(name, "MethodParameters") != 0)
			continue;
		size_t end = in->at;
		in->at = begin;
		read_param_names(reader, member);
		in->at = end;
	}
}

static void read_member(struct reader *reader, struct rh_class_member *ret)
{
	struct cursor *in = &reader->in;

	*ret = (struct rh_class_member){ .flags = (uint16_t)take(in, 2) };
	ret->name = text_at(reader, take(in, 2));
	ret->descriptor = text_at(reader, take(in, 2));
	read_attributes(reader, ret);
}

static void skip_fields(struct reader *reader)
{
	struct rh_class_member field;
	uint32_t               count = take(&reader->in, 2);

	for (uint32_t i = 0; i < count && !reader->in.is_bad && !reader->is_full; i++)
		read_member(reader, &field);
}

static void read_methods(struct reader *reader, struct rh_class *ret)
{
	uint16_t count = (uint16_t)take(&reader->in, 2);

	ret->methods = rh_pool_take(reader->pool, count + 1u, sizeof *ret->methods);
	reader->is_full = reader->is_full || !ret->methods;
	for (; ret->method_count < count && !reader->in.is_bad && !reader->is_full;
	     ret->method_count++)
		read_member(reader, &ret->methods[ret->method_count]);
}

static void read_components(struct reader *reader, struct rh_class *ret)
{
	struct cursor *in = &reader->in;
	uint16_t       count = (uint16_t)take(in, 2);

	ret->is_record = true;
	ret->component_count = 0;
	ret->components = rh_pool_take(reader->pool, count + 1u, sizeof *ret->components);
	reader->is_full = reader->is_full || !ret->components;
	for (uint16_t i = 0; i < count && !in->is_bad && !reader->is_full; i++) {
		ret->components[i].name = text_at(reader, take(in, 2));
		ret->components[i].descriptor = text_at(reader, take(in, 2));
		read_attributes(reader, NULL);
		ret->component_count = (uint16_t)(i + 1);
	}
}

static void read_class_attributes(struct reader *reader, struct rh_class *ret)
{
	struct cursor *in = &reader->in;
	uint32_t       count = take(in, 2);

	for (uint32_t i = 0; i < count && !in->is_bad && !reader->is_full; i++) {
		const char *name = text_at(reader, take(in, 2));
		size_t      len = take(in, 4), begin = in->at;

		skip(in, len);
		if (in->is_bad || strcmp(name, "Record") != 0)
			continue;
		size_t end = in->at;
		in->at = begin;
		read_components(reader, ret);
		in->at = end;
	}
}

static void read_class(struct reader *reader, struct rh_class *ret)
{
	struct cursor *in = &reader->in;

	skip(in, 4);   /* version: what is read here has never changed */
	read_constants(reader);
	if (in->is_bad || reader->is_full)
		return;
	ret->flags = (uint16_t)take(in, 2);
	ret->name = class_at(reader, take(in, 2));
	skip(in, 2);
	skip(in, 2 * (size_t)take(in, 2));
	skip_fields(reader);
	if (!in->is_bad && !reader->is_full)
		read_methods(reader, ret);
	if (!in->is_bad && !reader->is_full)
		read_class_attributes(reader, ret);
}

int rh_class_read(struct rh_pool *pool, const void *bytes, size_t len,
                  struct rh_class *ret, struct rh_diag *diag)
{
	struct reader   reader = { .pool = pool, .in = { .bytes = bytes, .len = len } };
	struct rh_class made = { .name = "" };

	if (len > RH_CLASS_BYTES_MAX)
		return rh_diag_set(diag, RH_EPROTO, "a class of %zu bytes, the limit is %zu",
		                   len, RH_CLASS_BYTES_MAX);
	if (take(&reader.in, 4) != 0xcafebabe)
		return rh_diag_set(diag, RH_EPROTO, "byte 0: it is no class file");
	read_class(&reader, &made);
	if (reader.is_full)
		return RH_ENOMEM;
	if (reader.in.is_bad)
		return rh_diag_set(diag, RH_EPROTO, "byte %zu: the class file is cut off, or "
		                   "breaks the format here", reader.in.at);
	*ret = made;
	return RH_OK;
}
