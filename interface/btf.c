#include "btf.h"

#include "../base/diag.h"

#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#define MODIFIERS_MAX 32u

struct reader {
	struct rh_pool    *pool;
	struct rh_elf_span types;     /* the records                          */
	struct rh_elf_span strings;
	uint32_t          *offsets;   /* of record i; 0 is void               */
	struct rh_ctype   *ctypes;
	uint32_t           count;     /* with void                            */
};

static bool read_at(struct rh_elf_span span, uint64_t at, void *ret, size_t size)
{
	if (at > span.len || size > span.len - at)
		return false;
	memcpy(ret, span.bytes + at, size);
	return true;
}

static const char *name_at(const struct reader *reader, uint32_t at)
{
	if (at >= reader->strings.len ||
	    !memchr(reader->strings.bytes + at, 0, reader->strings.len - at))
		return "";
	return (const char *)reader->strings.bytes + at;
}

/* Bytes behind the common head; -1: an unknown kind. */
static int64_t tail_bytes(uint32_t info)
{
	int64_t count = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return (int64_t)sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * (int64_t)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * (int64_t)sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
	case BTF_KIND_DATASEC:
		return count * 12;
	case BTF_KIND_FUNC_PROTO:
		return count * (int64_t)sizeof(struct btf_param);
	case BTF_KIND_PTR: case BTF_KIND_FWD: case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE: case BTF_KIND_CONST: case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC: case BTF_KIND_FLOAT: case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

static int find_section(struct reader *reader, const void *bytes, size_t len,
                        struct rh_diag *diag)
{
	struct rh_elf_span all = { bytes, len };
	struct btf_header  header;

	if (!read_at(all, 0, &header, sizeof header) || header.magic != BTF_MAGIC)
		return rh_diag_set(diag, RH_EPROTO, "BTF: no header in this byte order");
	if (header.version != BTF_VERSION)
		return rh_diag_set(diag, RH_EPROTO, "BTF: version %u is unknown",
		                   header.version);
	uint64_t types = (uint64_t)header.hdr_len + header.type_off;
	uint64_t strings = (uint64_t)header.hdr_len + header.str_off;
	if (types > len || header.type_len > len - types || strings > len ||
	    header.str_len > len - strings)
		return rh_diag_set(diag, RH_EPROTO, "BTF: types or strings lie outside");
	reader->types = (struct rh_elf_span){ all.bytes + types, header.type_len };
	reader->strings = (struct rh_elf_span){ all.bytes + strings, header.str_len };
	return RH_OK;
}

/* Counts the records; with offsets, notes where each one is. */
static int walk_records(struct reader *reader, uint32_t *offsets, uint32_t *ret_count)
{
	struct btf_type record;
	uint64_t        at = 0;
	uint32_t        count = 1;

	while (at < reader->types.len) {
		if (count == RH_BTF_TYPES_MAX ||
		    !read_at(reader->types, at, &record, sizeof record))
			return RH_EPROTO;
		int64_t tail = tail_bytes(record.info);
		if (tail < 0 || (uint64_t)tail > reader->types.len - at - sizeof record)
			return RH_EPROTO;
		if (offsets)
			offsets[count] = (uint32_t)at;
		count++;
		at += sizeof record + (uint64_t)tail;
	}
	*ret_count = count;
	return RH_OK;
}

static struct btf_type record_of(const struct reader *reader, uint32_t id)
{
	struct btf_type record = { 0 };

	if (id > 0 && id < reader->count)
		read_at(reader->types, reader->offsets[id], &record, sizeof record);
	return record;
}

static uint64_t tail_of(const struct reader *reader, uint32_t id)
{
	return reader->offsets[id] + sizeof(struct btf_type);
}

/* What a number outside of the table means: a type that cannot be carried. */
static const struct rh_ctype *type_of(const struct reader *reader, uint32_t id)
{
	static const struct rh_ctype nowhere = {
		.name = "", .alias = "", .spelling = "", .kind = RH_CTYPE_OTHER,
	};

	return id < reader->count ? &reader->ctypes[id] : &nowhere;
}

static void fill_int(const struct reader *reader, uint32_t id,
                     const struct btf_type *record, struct rh_ctype *ret)
{
	const char *name = name_at(reader, record->name_off);
	uint32_t    word = 0;

	read_at(reader->types, tail_of(reader, id), &word, sizeof word);
	ret->kind = RH_CTYPE_INT;
	ret->size = record->size;
	ret->is_signed = (BTF_INT_ENCODING(word) & BTF_INT_SIGNED) != 0;
	ret->is_char = strcmp(name, "char") == 0;
	/* the float trap */
	if (strcmp(name, "float") == 0 || strcmp(name, "double") == 0)
		ret->kind = RH_CTYPE_FLOAT;
	else if (strcmp(name, "long double") == 0 || record->size > 8)
		ret->kind = RH_CTYPE_OTHER;
}

static bool fill_record(const struct reader *reader, uint32_t id,
                        const struct btf_type *record, struct rh_ctype *ret)
{
	uint32_t          count = BTF_INFO_VLEN(record->info);
	struct rh_cfield *fields = rh_pool_take(reader->pool, count, sizeof *fields);
	struct btf_member member;

	if (!fields)
		return false;
	ret->kind = BTF_INFO_KIND(record->info) == BTF_KIND_UNION ? RH_CTYPE_UNION
	                                                          : RH_CTYPE_STRUCT;
	ret->name = name_at(reader, record->name_off);
	ret->size = record->size;
	ret->is_complete = true;
	ret->fields = fields;
	ret->count = count;
	for (uint32_t i = 0; i < count; i++) {
		if (!read_at(reader->types, tail_of(reader, id) + i * sizeof member, &member,
		             sizeof member))
			return false;
		fields[i].name = name_at(reader, member.name_off);
		fields[i].type = type_of(reader, member.type);
		fields[i].bit_offset = member.offset;
		if (BTF_INFO_KFLAG(record->info)) {
			fields[i].bit_offset = BTF_MEMBER_BIT_OFFSET(member.offset);
			fields[i].bit_width = BTF_MEMBER_BITFIELD_SIZE(member.offset);
		}
	}
	return true;
}

static void fill_array(const struct reader *reader, uint32_t id, struct rh_ctype *ret)
{
	struct btf_array array = { 0 };

	read_at(reader->types, tail_of(reader, id), &array, sizeof array);
	ret->kind = RH_CTYPE_ARRAY;
	ret->target = type_of(reader, array.type);
	ret->count = array.nelems;
}

static bool fill_type(const struct reader *reader, uint32_t id)
{
	struct btf_type  record = record_of(reader, id);
	struct rh_ctype *ret = &reader->ctypes[id];

	switch (BTF_INFO_KIND(record.info)) {
	case BTF_KIND_INT:
		fill_int(reader, id, &record, ret);
		return true;
	case BTF_KIND_FLOAT:
		ret->kind = record.size > 8 ? RH_CTYPE_OTHER : RH_CTYPE_FLOAT;
		ret->size = record.size;
		return true;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		ret->kind = RH_CTYPE_INT;
		ret->is_signed = true;
		ret->size = record.size;
		return true;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return fill_record(reader, id, &record, ret);
	case BTF_KIND_FWD:
		ret->kind = RH_CTYPE_STRUCT;
		ret->name = name_at(reader, record.name_off);
		return true;
	case BTF_KIND_PTR:
		ret->kind = RH_CTYPE_POINTER;
		ret->size = sizeof(void *);
		ret->target = type_of(reader, record.type);
		return true;
	case BTF_KIND_ARRAY:
		fill_array(reader, id, ret);
		return true;
	case BTF_KIND_FUNC_PROTO:
		ret->kind = RH_CTYPE_FUNCTION;
		return true;
	default:
		return true;
	}
}

static bool is_modifier(uint32_t info)
{
	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_TYPEDEF: case BTF_KIND_CONST: case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT: case BTF_KIND_TYPE_TAG:
		return true;
	default:
		return false;
	}
}

/* const, typedef and their like become what they stand for.  A chain that is too
 * long, or a ring, stays RH_CTYPE_OTHER. */
static void resolve(const struct reader *reader, uint32_t id)
{
	struct btf_type record = record_of(reader, id);
	const char     *alias = "";
	bool            is_const = false;
	uint32_t        at = id;

	for (uint32_t steps = 0; is_modifier(record.info); steps++) {
		if (steps == MODIFIERS_MAX || record.type >= reader->count)
			return;
		is_const = is_const || BTF_INFO_KIND(record.info) == BTF_KIND_CONST;
		if (!alias[0] && BTF_INFO_KIND(record.info) == BTF_KIND_TYPEDEF)
			alias = name_at(reader, record.name_off);
		at = record.type;
		record = record_of(reader, at);
	}
	if (at == id)
		return;
	reader->ctypes[id] = reader->ctypes[at];
	reader->ctypes[id].alias = alias;
	reader->ctypes[id].is_const = is_const;
}

static int fill_types(struct reader *reader)
{
	reader->ctypes = rh_pool_take(reader->pool, reader->count,
	                              sizeof *reader->ctypes);
	if (!reader->ctypes)
		return RH_ENOMEM;
	for (uint32_t id = 0; id < reader->count; id++)
		reader->ctypes[id] = (struct rh_ctype){
			.name = "", .alias = "", .spelling = "", .kind = RH_CTYPE_OTHER,
		};
	reader->ctypes[0].kind = RH_CTYPE_VOID;
	for (uint32_t id = 1; id < reader->count; id++)
		if (!fill_type(reader, id))
			return RH_ENOMEM;
	for (uint32_t id = 1; id < reader->count; id++)
		resolve(reader, id);
	return RH_OK;
}

static int fill_params(const struct reader *reader, uint32_t proto,
                       struct rh_cfunction *ret)
{
	struct btf_type   record = record_of(reader, proto);
	uint32_t          count = BTF_INFO_VLEN(record.info);
	struct rh_cparam *params = rh_pool_take(reader->pool, count, sizeof *params);
	struct btf_param  param = { 0 };

	if (!params)
		return RH_ENOMEM;
	ret->ret = type_of(reader, record.type);
	ret->params = params;
	for (uint32_t i = 0; i < count; i++) {
		read_at(reader->types, tail_of(reader, proto) + i * sizeof param, &param,
		        sizeof param);
		if (!param.type && !param.name_off) {
			ret->is_variadic = true;
			break;
		}
		params[i].name = name_at(reader, param.name_off);
		params[i].type = type_of(reader, param.type);
		ret->param_count++;
	}
	return RH_OK;
}

static int read_function(const struct reader *reader, uint32_t id,
                         struct rh_btf *btf)
{
	struct btf_type record = record_of(reader, id);
	struct btf_type proto = record_of(reader, record.type);

	if (BTF_INFO_KIND(proto.info) != BTF_KIND_FUNC_PROTO)
		return RH_OK;
	struct rh_cfunction *grown = rh_pool_grow(reader->pool, btf->functions,
	                                          btf->function_count, sizeof *grown);
	if (!grown)
		return RH_ENOMEM;
	btf->functions = grown;
	struct rh_cfunction *function = &grown[btf->function_count];
	*function = (struct rh_cfunction){ .name = name_at(reader, record.name_off) };
	function->symbol = function->name;
	int result = fill_params(reader, record.type, function);
	if (result >= 0)
		btf->function_count++;
	return result;
}

static int compare_names(const void *left, const void *right)
{
	const struct rh_cfunction *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int read_functions(const struct reader *reader,
                          const struct rh_elf_exports *exports, struct rh_btf *btf)
{
	for (uint32_t id = 1; id < reader->count; id++) {
		struct btf_type record = record_of(reader, id);
		const char     *name = name_at(reader, record.name_off);

		if (BTF_INFO_KIND(record.info) != BTF_KIND_FUNC || !name[0] ||
		    (exports && !rh_elf_find(exports, name)))
			continue;
		int result = read_function(reader, id, btf);
		if (result < 0)
			return result;
	}
	if (btf->function_count)
		qsort(btf->functions, btf->function_count, sizeof *btf->functions,
		      compare_names);
	return RH_OK;
}

int rh_btf_read(struct rh_pool *pool, const void *bytes, size_t len,
                const struct rh_elf_exports *exports, struct rh_btf *ret,
                struct rh_diag *diag)
{
	struct reader reader = { .pool = pool };
	struct rh_btf btf = { 0 };

	int result = find_section(&reader, bytes, len, diag);
	if (result < 0)
		return result;
	result = walk_records(&reader, NULL, &reader.count);
	if (result < 0)
		return rh_diag_set(diag, result, "BTF: a record is cut off or of an unknown "
		                   "kind");
	reader.offsets = rh_pool_take(pool, reader.count, sizeof *reader.offsets);
	if (!reader.offsets)
		return RH_ENOMEM;
	walk_records(&reader, reader.offsets, &reader.count);
	result = fill_types(&reader);
	if (result >= 0)
		result = read_functions(&reader, exports, &btf);
	if (result >= 0)
		*ret = btf;
	return result;
}

const struct rh_cfunction *rh_btf_find(const struct rh_btf *btf, const char *name)
{
	const struct rh_cfunction wanted = { .name = name };

	return btf->function_count ? bsearch(&wanted, btf->functions, btf->function_count,
	                                     sizeof wanted, compare_names) : NULL;
}
