#include "dwarf_type.h"

#include <dwarf.h>
#include <string.h>

#define MODIFIERS_MAX 32u

enum reach { FOLLOW, STOP };   /* what a pointer leads to */

static const struct rh_ctype nothing = {
	.name = "", .alias = "", .spelling = "void", .kind = RH_CTYPE_VOID,
};
static const struct rh_ctype other = {
	.name = "", .alias = "", .spelling = "", .kind = RH_CTYPE_OTHER,
};

static const struct rh_ctype *convert(struct rh_dwarf_records *records, Dwarf_Die *die,
                                      enum reach reach, uint32_t depth);

const char *rh_dwarf_string(struct rh_pool *pool, const char *text)
{
	return text && text[0] ? rh_pool_copy(pool, text, strlen(text)) : "";
}

static bool number_of(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, name, &attribute) &&
	       dwarf_formudata(&attribute, ret) == 0;
}

static bool type_die(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	       dwarf_formref_die(&attribute, ret);
}

/* No type is void; one that stands nowhere is none. */
static bool is_untyped(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	return !dwarf_attr_integrate(die, DW_AT_type, &attribute);
}

static bool has(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool            value = false;

	return dwarf_attr(die, name, &attribute) &&
	       dwarf_formflag(&attribute, &value) == 0 && value;
}

/* --- records already read ------------------------------------------------------------- */

static size_t slot_of(const struct rh_dwarf_records *records, const void *key)
{
	size_t at = ((uintptr_t)key * 0x9e3779b97f4a7c15ull >> 20) % records->cap;

	while (records->keys[at] && records->keys[at] != key)
		at = (at + 1) % records->cap;
	return at;
}

static bool grow(struct rh_dwarf_records *records)
{
	struct rh_dwarf_records old = *records;

	records->cap = old.cap ? old.cap * 2 : 256;
	records->keys = rh_pool_take(old.pool, records->cap, sizeof *records->keys);
	records->types = rh_pool_take(old.pool, records->cap, sizeof *records->types);
	if (!records->keys || !records->types)
		return false;
	for (size_t i = 0; i < old.cap; i++) {
		if (!old.keys[i])
			continue;
		size_t at = slot_of(records, old.keys[i]);
		records->keys[at] = old.keys[i];
		records->types[at] = old.types[i];
	}
	return true;
}

static bool keep(struct rh_dwarf_records *records, const void *key,
                 const struct rh_ctype *type)
{
	if (records->count * 2 >= records->cap && !grow(records))
		return false;
	size_t at = slot_of(records, key);
	records->count += !records->keys[at];
	records->keys[at] = key;
	records->types[at] = type;
	return true;
}

static const struct rh_ctype *kept(const struct rh_dwarf_records *records,
                                   const void *key)
{
	size_t at = records->cap ? slot_of(records, key) : 0;

	return records->cap && records->keys[at] ? records->types[at] : NULL;
}

/* --- kinds ---------------------------------------------------------------------------- */

static void fill_base(Dwarf_Die *die, struct rh_ctype *ret)
{
	const char *name = dwarf_diename(die);
	Dwarf_Word  encoding = 0;

	number_of(die, DW_AT_encoding, &encoding);
	ret->kind = ret->size > 8 ? RH_CTYPE_OTHER : RH_CTYPE_INT;
	switch (encoding) {
	case DW_ATE_float:
		ret->kind = ret->size == 4 || ret->size == 8 ? RH_CTYPE_FLOAT
		                                             : RH_CTYPE_OTHER;
		break;
	case DW_ATE_signed: case DW_ATE_signed_char:
		ret->is_signed = true;
		break;
	case DW_ATE_unsigned: case DW_ATE_unsigned_char: case DW_ATE_boolean:
	case DW_ATE_UTF:
		break;
	default:
		ret->kind = RH_CTYPE_OTHER;
		break;
	}
	if (!ret->size || (ret->size & (ret->size - 1)))
		ret->kind = RH_CTYPE_OTHER;
	ret->is_char = name && strcmp(name, "char") == 0;
}

/* A number, or in DWARF 2 a program that adds one; 0 without either. */
static bool offset_of(Dwarf_Die *member, Dwarf_Word *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Op       *program;
	size_t          len;

	*ret = 0;
	if (!dwarf_attr_integrate(member, DW_AT_data_member_location, &attribute) ||
	    dwarf_formudata(&attribute, ret) == 0)
		return *ret <= UINT32_MAX / 8;
	if (dwarf_getlocation(&attribute, &program, &len) != 0 || len != 1 ||
	    program[0].atom != DW_OP_plus_uconst)
		return false;
	*ret = program[0].number;
	return *ret <= UINT32_MAX / 8;
}

/* The bit at which a member begins; DWARF has had three ways to say it. */
static bool place_field(Dwarf_Die *member, struct rh_cfield *field)
{
	Dwarf_Word at, bits = 0, from_top = 0, storage = field->type->size;

	if (!offset_of(member, &at))
		return false;
	field->bit_offset = (uint32_t)at * 8;
	if (!number_of(member, DW_AT_bit_size, &bits))
		return true;
	if (bits == 0 || bits > 64)
		return false;
	field->bit_width = (uint32_t)bits;
	if (number_of(member, DW_AT_data_bit_offset, &at)) {
		field->bit_offset = (uint32_t)at;
		return at <= UINT32_MAX;
	}
	number_of(member, DW_AT_byte_size, &storage);
	if (!number_of(member, DW_AT_bit_offset, &from_top) ||
	    storage > 8 || from_top + bits > storage * 8)
		return false;
	field->bit_offset += (uint32_t)(storage * 8 - from_top - bits);
	return true;
}

static bool add_field(struct rh_dwarf_records *records, Dwarf_Die *member,
                      struct rh_ctype *ret, uint32_t depth)
{
	Dwarf_Die         type;
	struct rh_cfield *fields = (struct rh_cfield *)(uintptr_t)ret->fields;
	struct rh_cfield  field = { .type = &other };

	/* a base class lies in front of the fields as a field of its own would */
	bool is_base = dwarf_tag(member) == DW_TAG_inheritance;
	field.name = is_base ? "(base class)"
	                     : rh_dwarf_string(records->pool, dwarf_diename(member));
	if (!is_base && type_die(member, &type))
		field.type = convert(records, &type, STOP, depth + 1);
	fields = rh_pool_grow(records->pool, fields, ret->count, sizeof *fields);
	if (!fields || !field.name || !field.type)
		return false;
	if (!place_field(member, &field))
		field.type = &other;
	fields[ret->count] = field;
	ret->fields = fields;
	ret->count++;
	return true;
}

static bool is_member(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return (tag == DW_TAG_member && !has(die, DW_AT_external)) ||
	       tag == DW_TAG_inheritance;
}

static bool fill_record(struct rh_dwarf_records *records, Dwarf_Die *die,
                        struct rh_ctype *ret, uint32_t depth)
{
	Dwarf_Die child;

	ret->kind = dwarf_tag(die) == DW_TAG_union_type ? RH_CTYPE_UNION
	                                                : RH_CTYPE_STRUCT;
	ret->name = rh_dwarf_string(records->pool, dwarf_diename(die));
	ret->is_complete = !has(die, DW_AT_declaration);
	if (!ret->name)
		return false;
	if (!ret->is_complete || dwarf_child(die, &child) != 0)
		return true;
	do {
		if (is_member(&child) && !add_field(records, &child, ret, depth))
			return false;
	} while (ret->count <= RH_CTYPE_PARTS_MAX && dwarf_siblingof(&child, &child) == 0);
	return true;
}

/* A record is kept while it is read as what cannot be carried: so one that holds
 * itself ends there. */
static const struct rh_ctype *record(struct rh_dwarf_records *records, Dwarf_Die *die,
                                     struct rh_ctype *ret, uint32_t depth)
{
	const struct rh_ctype *old = kept(records, die->addr);

	if (old)
		return old;
	if (!keep(records, die->addr, &other) || !fill_record(records, die, ret, depth))
		return NULL;
	return keep(records, die->addr, ret) ? ret : NULL;
}

/* Elements of one dimension; 0: not told. */
static uint64_t count_of(Dwarf_Die *range)
{
	Dwarf_Word value;

	if (number_of(range, DW_AT_count, &value))
		return value;
	return number_of(range, DW_AT_upper_bound, &value) ? value + 1 : 0;
}

/* int a[2][3] is one DIE with two ranges: an array of 2 arrays of 3. */
static const struct rh_ctype *dimension(struct rh_dwarf_records *records,
                                        Dwarf_Die *range,
                                        const struct rh_ctype *element, uint32_t depth)
{
	struct rh_ctype *ret = rh_pool_take(records->pool, 1, sizeof *ret);
	uint64_t         count = count_of(range);
	Dwarf_Die        next;
	int              result = dwarf_siblingof(range, &next);

	if (!ret || depth == RH_CTYPE_DEPTH_MAX)
		return ret ? &other : NULL;
	while (result == 0 && dwarf_tag(&next) != DW_TAG_subrange_type)
		result = dwarf_siblingof(&next, &next);
	if (result == 0)
		element = dimension(records, &next, element, depth + 1);
	if (!element)
		return NULL;
	*ret = other;
	if (!count || !element->size || count > UINT32_MAX / element->size)
		return ret;
	ret->kind = RH_CTYPE_ARRAY;
	ret->target = element;
	ret->count = (uint32_t)count;
	ret->size = element->size * (uint32_t)count;
	return ret;
}

static const struct rh_ctype *array(struct rh_dwarf_records *records, Dwarf_Die *die,
                                    enum reach reach, uint32_t depth)
{
	Dwarf_Die type, range;

	if (has(die, DW_AT_GNU_vector) || !type_die(die, &type))
		return &other;
	const struct rh_ctype *element = convert(records, &type, reach, depth + 1);
	int result = dwarf_child(die, &range);
	while (result == 0 && dwarf_tag(&range) != DW_TAG_subrange_type)
		result = dwarf_siblingof(&range, &range);
	if (!element || result != 0)
		return element ? &other : NULL;
	return dimension(records, &range, element, depth + 1);
}

static bool fill_pointer(struct rh_dwarf_records *records, Dwarf_Die *die,
                         enum reach reach, uint32_t depth, struct rh_ctype *ret)
{
	Dwarf_Die target;

	ret->kind = RH_CTYPE_POINTER;
	ret->size = sizeof(void *);
	ret->target = &nothing;
	if (reach == FOLLOW && !is_untyped(die))
		ret->target = type_die(die, &target)
			? convert(records, &target, reach, depth + 1) : &other;
	return ret->target != NULL;
}

/* Types that several units share stand in a unit of their own. */
static void follow_signature(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die       shared;

	if (dwarf_attr(die, DW_AT_signature, &attribute) &&
	    dwarf_formref_die(&attribute, &shared))
		*die = shared;
}

static const struct rh_ctype *by_tag(struct rh_dwarf_records *records, Dwarf_Die *die,
                                     enum reach reach, uint32_t depth)
{
	struct rh_ctype *ret = rh_pool_take(records->pool, 1, sizeof *ret);
	Dwarf_Word       size = 0;

	if (!ret)
		return NULL;
	follow_signature(die);
	number_of(die, DW_AT_byte_size, &size);
	*ret = other;
	ret->size = size <= UINT32_MAX ? (uint32_t)size : 0;
	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		fill_base(die, ret);
		return ret;
	case DW_TAG_enumeration_type:
		ret->kind = RH_CTYPE_INT;
		ret->is_signed = true;
		return ret;
	case DW_TAG_structure_type: case DW_TAG_union_type: case DW_TAG_class_type:
		return record(records, die, ret, depth);
	case DW_TAG_array_type:
		return array(records, die, reach, depth);
	case DW_TAG_pointer_type:
		return fill_pointer(records, die, reach, depth, ret) ? ret : NULL;
	case DW_TAG_subroutine_type:
		ret->kind = RH_CTYPE_FUNCTION;
		return ret;
	default:
		return ret;
	}
}

static bool is_modifier(int tag)
{
	return tag == DW_TAG_typedef || tag == DW_TAG_const_type ||
	       tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type ||
	       tag == DW_TAG_atomic_type;
}

/* const, typedef and their like become what they stand for. */
static const struct rh_ctype *convert(struct rh_dwarf_records *records, Dwarf_Die *die,
                                      enum reach reach, uint32_t depth)
{
	const char *alias = "";
	bool        is_const = false, is_void = false;
	Dwarf_Die   at = *die;
	uint32_t    steps = 0;

	if (depth >= RH_CTYPE_DEPTH_MAX)
		return &other;
	for (int tag = dwarf_tag(&at); is_modifier(tag) && !is_void; tag = dwarf_tag(&at)) {
		if (steps++ == MODIFIERS_MAX)
			return &other;
		is_const = is_const || tag == DW_TAG_const_type;
		if (!alias[0] && tag == DW_TAG_typedef)
			alias = rh_dwarf_string(records->pool, dwarf_diename(&at));
		if (!alias)
			return NULL;
		is_void = is_untyped(&at);
		if (!is_void && !type_die(&at, &at))
			return &other;
	}
	const struct rh_ctype *made = is_void ? &nothing
	                                      : by_tag(records, &at, reach, depth);
	if (!made || (!alias[0] && !is_const))
		return made;
	struct rh_ctype *ret = rh_pool_take(records->pool, 1, sizeof *ret);
	if (!ret)
		return NULL;
	*ret = *made;
	ret->alias = alias;
	ret->is_const = is_const;
	return ret;
}

const struct rh_ctype *rh_dwarf_type_of(struct rh_dwarf_records *records,
                                        Dwarf_Die *die)
{
	Dwarf_Die type;

	if (is_untyped(die))
		return &nothing;
	return type_die(die, &type) ? convert(records, &type, FOLLOW, 0) : &other;
}
