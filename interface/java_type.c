#include "java_type.h"

#include "ctype.h"

#include <stdio.h>
#include <string.h>

static int refuse(struct rh_java_types *types, const char *reason)
{
	types->reason = reason;
	return reason ? RH_EINVAL : RH_ENOMEM;
}

static int set(struct rh_java_type *ret, uint32_t kind, const char *text, uint32_t size)
{
	*ret = (struct rh_java_type){ .kind = kind, .size = size, .align = size };
	snprintf(ret->text, sizeof ret->text, "%s", text);
	return RH_OK;
}

static int primitive(struct rh_java_types *types, char letter, struct rh_java_type *ret)
{
	switch (letter) {
	case 'B': return set(ret, RH_JAVA_PLAIN, "i8", 1);
	case 'C': return set(ret, RH_JAVA_PLAIN, "u16", 2);
	case 'D': return set(ret, RH_JAVA_PLAIN, "f64", 8);
	case 'F': return set(ret, RH_JAVA_PLAIN, "f32", 4);
	case 'I': return set(ret, RH_JAVA_PLAIN, "i32", 4);
	case 'J': return set(ret, RH_JAVA_PLAIN, "i64", 8);
	case 'S': return set(ret, RH_JAVA_PLAIN, "i16", 2);
	case 'Z': return set(ret, RH_JAVA_PLAIN, "u8", 1);
	case 'V': return set(ret, RH_JAVA_VOID, "void", 0);
	default:  return refuse(types, "a descriptor that Java does not know");
	}
}

/* Outer$Point of net/Outer$Point.class is Point to others. */
static const char *simple_name(const char *name)
{
	const char *at = name;

	for (const char *c = name; *c; c++)
		if ((*c == '/' || *c == '$') && c[1])
			at = c + 1;
	return at;
}

static int by_class(struct rh_java_types *types, const char *name, uint32_t depth,
                    struct rh_java_type *ret);

static int read_type(struct rh_java_types *types, const char **at, uint32_t depth,
                     struct rh_java_type *ret)
{
	const char *begin = *at;
	size_t      arrays = strspn(begin, "[");

	*at += arrays;
	if (**at != 'L') {
		char letter = **at;

		*at += letter != '\0';
		if (arrays == 1 && letter == 'B')
			return set(ret, RH_JAVA_BYTES, "", 0);
		return arrays ? refuse(types, "an array; only byte[] is carried")
		              : primitive(types, letter, ret);
	}
	size_t len = strcspn(*at, ";");
	char  *name = rh_pool_copy(types->pool, *at + 1, len - 1);
	*at += len + ((*at)[len] == ';');
	if (!name)
		return RH_ENOMEM;
	return arrays ? refuse(types, "an array of objects") :
	                by_class(types, name, depth, ret);
}

/* Adds a field in the place that C gives it. */
static int add_field(struct rh_java_types *types, const struct rh_class_member *component,
                     uint32_t depth, struct rh_java_type *ret)
{
	const char         *descriptor = component->descriptor;
	struct rh_java_type field;
	size_t              used = strlen(ret->text);
	int result = read_type(types, &descriptor, depth + 1, &field);

	if (result < 0)
		return result;
	if (field.kind != RH_JAVA_PLAIN)
		return refuse(types, rh_pool_print(types->pool, "a record with field %.80s, "
		                                   "which is no plain data",
		                                   component->name));
	uint32_t offset = (ret->size + field.align - 1) / field.align * field.align;
	int len = snprintf(ret->text + used, sizeof ret->text - used, "%s%s %s@%u",
	                   ret->size ? ";" : "", field.text, component->name, offset);
	if (len < 0 || (size_t)len >= sizeof ret->text - used)
		return refuse(types, "its text is longer than the limit");
	ret->size = offset + field.size;
	if (field.align > ret->align)
		ret->align = field.align;
	return RH_OK;
}

static int by_record(struct rh_java_types *types, const struct rh_class *class,
                     uint32_t depth, struct rh_java_type *ret)
{
	int result = RH_OK;

	*ret = (struct rh_java_type){ .kind = RH_JAVA_PLAIN, .align = 1 };
	snprintf(ret->text, sizeof ret->text, "struct %.200s{", simple_name(class->name));
	for (uint16_t i = 0; i < class->component_count && result >= 0; i++)
		result = add_field(types, &class->components[i], depth, ret);
	if (result < 0)
		return result;
	if (!ret->size)
		return refuse(types, "a record without fields");
	ret->size = (ret->size + ret->align - 1) / ret->align * ret->align;
	size_t used = strlen(ret->text);
	int    len = snprintf(ret->text + used, sizeof ret->text - used, "}:%u", ret->size);
	return len < 0 || (size_t)len >= sizeof ret->text - used
		? refuse(types, "its text is longer than the limit") : RH_OK;
}

static int by_class(struct rh_java_types *types, const char *name, uint32_t depth,
                    struct rh_java_type *ret)
{
	static const struct { const char *name, *text; uint32_t kind; } known[] = {
		{ "java/lang/String", "string", RH_JAVA_WORD },
		{ "java/nio/file/Path", "path", RH_JAVA_WORD },
		{ "java/io/File", "path", RH_JAVA_WORD },
		{ "java/nio/ByteBuffer", "", RH_JAVA_BYTES },
	};
	struct rh_class class;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i].name, name) == 0)
			return set(ret, known[i].kind, known[i].text, 0);
	if (strncmp(name, "java/", 5) == 0 || strncmp(name, "javax/", 6) == 0)
		return refuse(types, rh_pool_print(types->pool, "%.120s is an object of Java",
		                                   name));
	if (depth == RH_CTYPE_DEPTH_MAX)
		return refuse(types, "records are nested too deeply");
	int result = types->find(types->user, name, &class);
	if (result == RH_ENOENT)
		return set(ret, RH_JAVA_HANDLE, simple_name(name), 0);
	if (result < 0)
		return result;
	if (class.is_record)
		return by_record(types, &class, depth, ret);
	if (class.flags & RH_CLASS_ENUM)
		return set(ret, RH_JAVA_PLAIN, "i32", 4);
	return set(ret, RH_JAVA_HANDLE, simple_name(name), 0);
}

int rh_java_type(struct rh_java_types *types, const char **at,
                 struct rh_java_type *ret)
{
	return read_type(types, at, 0, ret);
}
