#include "declare_type.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const c_words[] = {
	"auto", "break", "case", "char", "const", "continue", "default", "do", "double",
	"else", "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long",
	"register", "restrict", "return", "short", "signed", "sizeof", "static", "struct",
	"switch", "typedef", "union", "unsigned", "void", "volatile", "while", "asm",
	"typeof", "bool", "true", "false", "linux", "unix", "NULL", "EOF", "FILE", "stdin",
	"stdout", "stderr", "errno", "va_list", "size_t",
};

bool rh_declare_is_name(const char *text, size_t len)
{
	if (!len || len > 255 || isdigit((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	for (size_t i = 0; i < sizeof c_words / sizeof *c_words; i++)
		if (strlen(c_words[i]) == len && memcmp(c_words[i], text, len) == 0)
			return false;
	return true;
}

static int refuse(struct rh_definitions *all, const char *reason)
{
	all->reason = reason;
	return reason ? RH_EINVAL : RH_ENOMEM;
}

static const struct { const char *text, *c; uint8_t size; } numbers[] = {
	{ "i8", "int8_t", 1 },    { "i16", "int16_t", 2 },  { "i32", "int32_t", 4 },
	{ "i64", "int64_t", 8 },  { "u8", "uint8_t", 1 },   { "u16", "uint16_t", 2 },
	{ "u32", "uint32_t", 4 }, { "u64", "uint64_t", 8 }, { "f32", "float", 4 },
	{ "f64", "double", 8 },
};

static int read_number(struct rh_definitions *all, const char **at,
                       struct rh_declared *ret)
{
	size_t len = strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789");

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (strlen(numbers[i].text) != len ||
		    memcmp(numbers[i].text, *at, len) != 0)
			continue;
		*at += len;
		*ret = (struct rh_declared){ .base = numbers[i].c, .suffix = "",
			                     .size = numbers[i].size,
			                     .align = numbers[i].size };
		return RH_OK;
	}
	return refuse(all, rh_pool_print(all->pool, "'%.40s' is no plain type", *at));
}

static bool read_count(const char **at, char before, uint64_t *ret)
{
	char *end;

	if (**at != before || !isdigit((unsigned char)(*at)[1]))
		return false;
	*ret = strtoull(*at + 1, &end, 10);
	*at = end;
	return *ret <= UINT32_MAX;
}

/* --- records ------------------------------------------------------------------------ */

struct record {
	FILE    *out;
	uint64_t at;          /* behind the last field, in natural layout      */
	uint64_t packed_at;   /* the same, packed                              */
	uint64_t align;
	bool     is_union;
	bool     is_natural;
	bool     is_packed;
	bool     has_bits;
};

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return align > 1 ? (value + align - 1) / align * align : value;
}

static void place_field(struct record *record, const struct rh_declared *field,
                        uint64_t offset)
{
	uint64_t natural = record->is_union ? 0 : round_up(record->at, field->align);
	uint64_t packed = record->is_union ? 0 : record->packed_at;
	uint64_t end = offset + field->size;

	record->is_natural = record->is_natural && natural == offset;
	record->is_packed = record->is_packed && packed == offset;
	if (!record->is_union || end > record->at)
		record->at = record->packed_at = end;
	if (field->align > record->align)
		record->align = field->align;
}

static int plain(struct rh_definitions *all, const char **at, uint32_t depth,
                 struct rh_declared *ret);

/* T NAME@OFFSET or T NAME@BYTE.BIT:WIDTH */
static int read_field(struct rh_definitions *all, const char **at, uint32_t depth,
                      struct record *record)
{
	struct rh_declared field;
	uint64_t           offset, bit, width = 0;
	int                result = plain(all, at, depth + 1, &field);

	if (result < 0)
		return result;
	if (**at != ' ')
		return refuse(all, "a field has no name");
	const char *name = ++*at;
	size_t      len = strcspn(name, "@");
	*at += len;
	if (!rh_declare_is_name(name, len))
		return refuse(all, rh_pool_print(all->pool, "field %.*s has a name that C "
		                                 "does not allow", (int)(len < 80 ? len : 80),
		                                 name));
	if (!read_count(at, '@', &offset))
		return refuse(all, "a field has no offset");
	bool has_bits = read_count(at, '.', &bit);
	if (has_bits && (!read_count(at, ':', &width) || width > 64))
		return refuse(all, "a bit-field has no width");
	record->has_bits = record->has_bits || has_bits;
	place_field(record, &field, offset);
	fprintf(record->out, "\t%s %.*s%s", field.base, (int)len, name, field.suffix);
	if (has_bits)
		fprintf(record->out, " : %llu", (unsigned long long)width);
	fputs(";\n", record->out);
	return RH_OK;
}

static int read_fields(struct rh_definitions *all, const char **at, uint32_t depth,
                       struct record *record)
{
	int result = RH_OK;

	while (result >= 0 && **at != '}') {
		result = read_field(all, at, depth, record);
		if (result >= 0 && **at == ';')
			++*at;
		else if (result >= 0 && **at != '}')
			return refuse(all, "a struct does not end");
	}
	if (result >= 0)
		++*at;
	return result;
}

static struct rh_definition *find(struct rh_definitions *all, const char *tag)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].tag, tag) == 0)
			return &all->items[i];
	return NULL;
}

static struct rh_definition *find_type(struct rh_definitions *all, const char *type)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (all->items[i].code && strcmp(all->items[i].type, type) == 0)
			return &all->items[i];
	return NULL;
}

static int enter(struct rh_definitions *all, const struct rh_definition *item)
{
	struct rh_definition *grown = rh_pool_grow(all->pool, all->items, all->count,
	                                           sizeof *grown);

	if (!grown)
		return RH_ENOMEM;
	all->items = grown;
	all->items[all->count++] = *item;
	return RH_OK;
}

static void set_declared(const struct rh_definition *item, struct rh_declared *ret)
{
	*ret = (struct rh_declared){ .base = item->tag, .suffix = "", .size = item->size,
		                     .align = item->align };
}

/* How C gets the layout: by itself, packed, or not at all. */
static const char *layout(struct record *record, uint64_t size)
{
	if (record->has_bits ||
	    (record->is_natural && round_up(record->at, record->align) == size))
		return "";
	if (!record->is_packed || record->packed_at != size)
		return NULL;
	record->align = 1;
	return " __attribute__((packed))";
}

static int define(struct rh_definitions *all, struct record *record,
                  struct rh_definition *item, const char *body)
{
	const char *attribute = layout(record, item->size);
	const char *word = record->is_union ? "union" : "struct";

	if (!attribute)
		return refuse(all, rh_pool_print(all->pool, "C lays %.80s out otherwise",
		                                 item->tag[0] ? item->tag : word));
	item->align = record->align;
	if (item->tag[0]) {
		if (find(all, item->tag))
			return refuse(all, rh_pool_print(all->pool, "%.80s is there twice, and "
			                                 "differs", item->tag));
		item->code = rh_pool_print(all->pool, "%s {\n%s}%s;\n", item->tag, body,
		                           attribute);
	} else {
		item->tag = rh_pool_print(all->pool, "%s_shape_%u", all->prefix, all->count);
		item->code = rh_pool_print(all->pool, "typedef %s {\n%s}%s %s;\n", word, body,
		                           attribute, item->tag);
	}
	return item->tag && item->code ? enter(all, item) : RH_ENOMEM;
}

static int read_body(struct rh_definitions *all, const char **at, uint32_t depth,
                     struct record *record, const char **ret_body)
{
	char  *body = NULL;
	size_t len = 0;

	record->out = open_memstream(&body, &len);
	if (!record->out)
		return RH_ENOMEM;
	int result = read_fields(all, at, depth, record);
	if (fclose(record->out) != 0 && result >= 0)
		result = RH_ENOMEM;
	*ret_body = result >= 0 ? rh_pool_copy(all->pool, body, len) : NULL;
	free(body);
	return result >= 0 && !*ret_body ? RH_ENOMEM : result;
}

/* struct NAME{FIELDS}:SIZE, with the word read already */
static int read_record(struct rh_definitions *all, const char **at, const char *begin,
                       uint32_t depth, struct rh_declared *ret)
{
	struct record record = { .is_union = begin[0] == 'u', .align = 1,
		                 .is_natural = true, .is_packed = true };
	struct rh_definition item = { .tag = "" };
	const char *name = *at, *body;
	size_t      len = strcspn(name, "{");

	if (name[len] != '{')
		return refuse(all, "a struct has no fields");
	if (len && !rh_declare_is_name(name, len))
		return refuse(all, rh_pool_print(all->pool, "struct %.*s has a name that C "
		                                 "does not allow", (int)(len < 80 ? len : 80),
		                                 name));
	*at += len + 1;
	int result = read_body(all, at, depth, &record, &body);
	if (result < 0)
		return result;
	if (!read_count(at, ':', &item.size))
		return refuse(all, "a struct has no size");
	item.type = rh_pool_copy(all->pool, begin, (size_t)(*at - begin));
	if (len)
		item.tag = rh_pool_copy(all->pool, begin, (size_t)(name - begin) + len);
	if (!item.type || !item.tag)
		return RH_ENOMEM;
	const struct rh_definition *old = find_type(all, item.type);
	result = old ? RH_OK : define(all, &record, &item, body);
	if (result >= 0)
		set_declared(old ? old : &all->items[all->count - 1], ret);
	return result;
}

static int plain(struct rh_definitions *all, const char **at, uint32_t depth,
                 struct rh_declared *ret)
{
	const char *begin = *at;
	uint64_t    count;
	int         result;

	if (depth == RH_CTYPE_DEPTH_MAX)
		return refuse(all, "types are nested too deeply");
	if (strncmp(begin, "struct ", 7) == 0 || strncmp(begin, "union ", 6) == 0) {
		*at = strchr(begin, ' ') + 1;
		result = read_record(all, at, begin, depth, ret);
	} else {
		result = read_number(all, at, ret);
	}
	/* the element stands first in the text, and last in C */
	while (result >= 0 && **at == '[') {
		if (!read_count(at, '[', &count) || **at != ']')
			return refuse(all, "an array has no length");
		++*at;
		ret->size *= count;
		ret->suffix = rh_pool_print(all->pool, "[%llu]%s", (unsigned long long)count,
		                            ret->suffix);
		if (!ret->suffix)
			return RH_ENOMEM;
	}
	return result;
}

int rh_declare_plain(struct rh_definitions *all, const char **at,
                     struct rh_declared *ret)
{
	return plain(all, at, 0, ret);
}

int rh_declare_object(struct rh_definitions *all, const char *name)
{
	struct rh_definition item = { .type = "" };

	if (!rh_declare_is_name(name, strlen(name)))
		return refuse(all, rh_pool_print(all->pool, "object %.80s has a name that C "
		                                 "does not allow", name));
	item.tag = rh_pool_print(all->pool, "struct %s", name);
	if (!item.tag)
		return RH_ENOMEM;
	const struct rh_definition *old = find(all, item.tag);
	if (old && old->code)
		return refuse(all, rh_pool_print(all->pool, "%.80s is an object and a value",
		                                 item.tag));
	return old ? RH_OK : enter(all, &item);
}
