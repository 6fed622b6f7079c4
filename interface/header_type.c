#include "header_type.h"

#include <string.h>

const char *rh_header_string(struct rh_pool *pool, CXString string)
{
	const char *text = clang_getCString(string);
	const char *copy = rh_pool_copy(pool, text ? text : "", text ? strlen(text) : 0);

	clang_disposeString(string);
	return copy;
}

/* Whether pointers are followed.  Inside of a record they are not: one pointer
 * is enough to know that the record cannot be carried, and a list node would
 * never end. */
enum reach { FOLLOW, STOP };

static const struct rh_ctype *convert(struct rh_pool *pool, CXType type,
                                      enum reach reach);

static const char *tag_name(struct rh_pool *pool, CXType canonical)
{
	CXCursor    decl = clang_getTypeDeclaration(canonical);
	const char *name = rh_header_string(pool, clang_getCursorSpelling(decl));

	/* later versions of libclang spell "(unnamed at file:line)" */
	return name && strpbrk(name, " (") ? "" : name;
}

struct fields {
	struct rh_pool   *pool;
	struct rh_cfield *fields;
	uint32_t          count;
	bool              is_full;
};

static enum CXVisitorResult visit_field(CXCursor cursor, CXClientData data)
{
	struct fields    *all = data;
	long long         offset = clang_Cursor_getOffsetOfField(cursor);
	struct rh_cfield  field = {
		.name = rh_header_string(all->pool, clang_getCursorSpelling(cursor)),
		.type = convert(all->pool, clang_getCursorType(cursor), STOP),
		.bit_offset = offset < 0 ? 0 : (uint32_t)offset,
	};
	struct rh_cfield *grown = rh_pool_grow(all->pool, all->fields, all->count,
	                                       sizeof field);

	if (!grown || !field.name || !field.type) {
		all->is_full = true;
		return CXVisit_Break;
	}
	if (strpbrk(field.name, " ("))
		field.name = "";
	if (clang_Cursor_isBitField(cursor))
		field.bit_width = (uint32_t)clang_getFieldDeclBitWidth(cursor);
	all->fields = grown;
	all->fields[all->count++] = field;
	return CXVisit_Continue;
}

static bool read_record(struct rh_pool *pool, CXType canonical, struct rh_ctype *ret)
{
	CXCursor      decl = clang_getTypeDeclaration(canonical);
	struct fields all = { .pool = pool };

	ret->kind = decl.kind == CXCursor_UnionDecl ? RH_CTYPE_UNION : RH_CTYPE_STRUCT;
	ret->name = tag_name(pool, canonical);
	ret->is_complete = clang_Type_getSizeOf(canonical) >= 0;
	if (ret->is_complete)
		clang_Type_visitFields(canonical, visit_field, &all);
	ret->fields = all.fields;
	ret->count = all.count;
	return ret->name && !all.is_full;
}

static bool read_array(struct rh_pool *pool, CXType canonical, enum reach reach,
                       struct rh_ctype *ret)
{
	long long count = clang_getArraySize(canonical);

	ret->target = convert(pool, clang_getArrayElementType(canonical), reach);
	ret->count = count > 0 ? (uint32_t)count : 0;
	/* a parameter written T x[] is a pointer */
	ret->kind = count > 0 ? RH_CTYPE_ARRAY : RH_CTYPE_POINTER;
	if (ret->kind == RH_CTYPE_POINTER)
		ret->size = sizeof(void *);
	return ret->target != NULL;
}

static bool read_pointer(struct rh_pool *pool, CXType canonical, enum reach reach,
                         CXType written, struct rh_ctype *ret)
{
	static const struct rh_ctype unknown = {
		.name = "", .alias = "", .spelling = "", .kind = RH_CTYPE_VOID,
	};

	ret->kind = RH_CTYPE_POINTER;
	ret->target = &unknown;
	if (reach == STOP)
		return true;
	/* the pointee as written keeps its typedef name */
	CXType target = clang_getPointeeType(written);
	if (target.kind == CXType_Invalid)
		target = clang_getPointeeType(canonical);
	ret->target = convert(pool, target, reach);
	return ret->target != NULL;
}

static void read_scalar(CXType canonical, struct rh_ctype *ret)
{
	ret->kind = RH_CTYPE_INT;
	switch (canonical.kind) {
	case CXType_Char_S: case CXType_Char_U:
		ret->is_char = true;
		ret->is_signed = canonical.kind == CXType_Char_S;
		break;
	case CXType_SChar: case CXType_Short: case CXType_Int: case CXType_Long:
	case CXType_LongLong: case CXType_WChar: case CXType_Enum:
		ret->is_signed = true;
		break;
	case CXType_Bool: case CXType_UChar: case CXType_UShort: case CXType_UInt:
	case CXType_ULong: case CXType_ULongLong: case CXType_Char16:
	case CXType_Char32:
		break;
	case CXType_Float: case CXType_Double:
		ret->kind = RH_CTYPE_FLOAT;
		break;
	default:
		ret->kind = RH_CTYPE_OTHER;
		break;
	}
}

static bool read_kind(struct rh_pool *pool, CXType canonical, CXType written,
                      enum reach reach, struct rh_ctype *ret)
{
	switch (canonical.kind) {
	case CXType_Void:
		ret->kind = RH_CTYPE_VOID;
		return true;
	case CXType_Record:
		return read_record(pool, canonical, ret);
	case CXType_Pointer:
		return read_pointer(pool, canonical, reach, written, ret);
	case CXType_ConstantArray: case CXType_IncompleteArray:
	case CXType_VariableArray:
		return read_array(pool, canonical, reach, ret);
	case CXType_FunctionProto: case CXType_FunctionNoProto:
		ret->kind = RH_CTYPE_FUNCTION;
		return true;
	default:
		read_scalar(canonical, ret);
		return true;
	}
}

static const struct rh_ctype *convert(struct rh_pool *pool, CXType type,
                                      enum reach reach)
{
	struct rh_ctype *ret = rh_pool_take(pool, 1, sizeof *ret);
	CXType           canonical = clang_getCanonicalType(type);
	CXType           named = type;

	if (!ret)
		return NULL;
	if (named.kind == CXType_Elaborated)
		named = clang_Type_getNamedType(named);
	long long size = clang_Type_getSizeOf(canonical);
	ret->name = "";
	ret->alias = named.kind == CXType_Typedef ?
	             rh_header_string(pool, clang_getTypedefName(named)) : "";
	ret->spelling = rh_header_string(pool, clang_getTypeSpelling(type));
	ret->size = size > 0 ? (uint32_t)size : 0;
	ret->is_const = clang_isConstQualifiedType(canonical) != 0;
	if (!ret->alias || !ret->spelling ||
	    !read_kind(pool, canonical, named, reach, ret))
		return NULL;
	return ret;
}

const struct rh_ctype *rh_header_type(struct rh_pool *pool, CXType type)
{
	return convert(pool, type, FOLLOW);
}
