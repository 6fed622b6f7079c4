#include "declare_value.h"

#include "../model/interface.h"

#include <stdlib.h>
#include <string.h>

/* A canonical type, taken apart. */
struct parts {
	char        text[RH_TEXT_MAX];  /* without the words around it        */
	const char *direction;          /* "in ", "out ", "inout ", or ""     */
	const char *null;               /* the side file's attribute, or ""   */
	bool        is_own;
	bool        is_new;
	bool        is_drop;
};

static bool skip(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0)
		return false;
	*text += len;
	return true;
}

static void take_apart(const char *type, struct parts *ret)
{
	static const char *const directions[] = { "inout ", "in ", "out " };

	*ret = (struct parts){ .direction = "", .null = "" };
	for (size_t i = 0; i < 3 && !ret->direction[0]; i++)
		if (skip(&type, directions[i]))
			ret->direction = directions[i];
	ret->is_own = skip(&type, "own ");
	ret->is_new = skip(&type, "new ");
	ret->is_drop = skip(&type, "drop ");
	size_t len = strlen(type);
	if (len > 6 && strcmp(type + len - 6, "?stdin") == 0) {
		ret->null = " null=stdin";
		len -= 6;
	} else if (len > 1 && type[len - 1] == '?') {
		ret->null = " nullable";
		len--;
	}
	if (len >= sizeof ret->text)
		len = sizeof ret->text - 1;
	memcpy(ret->text, type, len);
}

static int refuse(struct rh_definitions *all, const char *reason)
{
	all->reason = reason;
	return RH_EINVAL;
}

/* Fills both; NULL because the pool is full. */
static int set(struct rh_declared_value *ret, const char *c, const char *side)
{
	*ret = (struct rh_declared_value){ c, side };
	return c && side ? RH_OK : RH_ENOMEM;
}

static bool is_in(const struct parts *parts)
{
	return parts->direction[0] == '\0';
}

static int text_param(struct rh_definitions *all, const struct parts *parts,
                      const char *name, struct rh_declared_value *ret)
{
	struct rh_pool *pool = all->pool;

	if (strcmp(parts->direction, "out ") == 0)
		return set(ret, rh_pool_print(pool, "char **%s", name),
		           rh_pool_print(pool, "out string|%s%s%s", name, parts->null,
		                         parts->is_own ? " transfer" : ""));
	if (!is_in(parts) || parts->is_own)
		return refuse(all, "a text is in or out");
	return set(ret, rh_pool_print(pool, "const char *%s", name), parts->null[0] ?
	           rh_pool_print(pool, "string|%s%s", name, parts->null) : "_");
}

static int path_param(struct rh_definitions *all, const struct parts *parts,
                      const char *name, struct rh_declared_value *ret)
{
	if (!is_in(parts))
		return refuse(all, "a path is only read");
	return set(ret, rh_pool_print(all->pool, "const char *%s", name),
	           rh_pool_print(all->pool, "path|%s%s", name, parts->null));
}

static int fd_param(struct rh_definitions *all, const struct parts *parts,
                    const char *name, struct rh_declared_value *ret)
{
	return set(ret, rh_pool_print(all->pool, "int %s%s", is_in(parts) ? "" : "*", name),
	           rh_pool_print(all->pool, "%sfd|%s%s", parts->direction, name,
	                         parts->null));
}

static int handle_param(struct rh_definitions *all, const struct parts *parts,
                        const char *name, struct rh_declared_value *ret)
{
	const char *object = parts->text + strlen("handle ");
	int         result = rh_declare_object(all, object);

	if (result < 0)
		return result;
	bool is_plain = is_in(parts) && !parts->null[0] && !parts->is_drop;
	return set(ret, rh_pool_print(all->pool, "struct %s %s%s", object,
	                              is_in(parts) ? "*" : "**", name),
	           is_plain ? "_" : rh_pool_print(all->pool, "%s%shandle|%s%s%s",
	                                          parts->direction,
	                                          parts->is_new ? "new " : "", name,
	                                          parts->null,
	                                          parts->is_drop ? " destroys" : ""));
}

/* bytes:K(len N), (cap N), (cap N used M), (cap N used return), (used M) */
struct span {
	unsigned long size;
	unsigned long length;   /* 0: none, else a parameter from 1 */
	unsigned long used;
	bool          is_used_return;
};

static bool take_number(const char **at, unsigned long *ret)
{
	char *end;

	*ret = strtoul(*at, &end, 10);
	bool found = end != *at && *ret > 0;
	*at = end;
	return found;
}

static bool read_span(const char *text, uint8_t count, struct span *ret)
{
	*ret = (struct span){ .size = 1 };
	if (!skip(&text, "bytes") || (skip(&text, ":") && !take_number(&text, &ret->size)) ||
	    !skip(&text, "("))
		return false;
	if ((skip(&text, "len ") || skip(&text, "cap ")) &&
	    (!take_number(&text, &ret->length) || ret->length > count))
		return false;
	skip(&text, " ");
	if (skip(&text, "used return"))
		ret->is_used_return = true;
	else if (skip(&text, "used ") &&
	         (!take_number(&text, &ret->used) || ret->used > count))
		return false;
	return strcmp(text, ")") == 0 && ret->size <= 65536;
}

/* Any element of that size: the text does not tell which it was. */
static int element_of(struct rh_definitions *all, unsigned long size, const char **ret)
{
	struct rh_declared made;

	*ret = size == 1 ? "void" : size == 2 ? "uint16_t" : size == 4 ? "uint32_t" :
	       size == 8 ? "uint64_t" : NULL;
	if (*ret)
		return RH_OK;
	const char *type = rh_pool_print(all->pool, "struct {u8[%lu] bytes@0}:%lu", size,
	                                 size);
	int result = type ? rh_declare_plain(all, &type, &made) : RH_ENOMEM;
	if (result >= 0)
		*ret = made.base;
	return result;
}

static int bytes_param(struct rh_definitions *all, const struct rh_canon_line *line,
                       const struct parts *parts, const char *name,
                       struct rh_declared_value *ret)
{
	struct rh_pool *pool = all->pool;
	const char     *element, *used = "";
	struct span     span;

	if (!read_span(parts->text, line->count, &span) || !span.length)
		return refuse(all, "bytes without a length");
	int result = element_of(all, span.size, &element);
	if (result < 0)
		return result;
	if (span.used || span.is_used_return)
		used = rh_pool_print(pool, " used=%s", span.used ? line->names[span.used - 1]
		                                                  : "return");
	if (!used)
		return RH_ENOMEM;
	return set(ret, rh_pool_print(pool, "%s%s *%s", is_in(parts) ? "const " : "",
	                              element, name),
	           rh_pool_print(pool, "%sbytes|%s %s=%s%s%s", parts->direction, name,
	                         is_in(parts) ? "len" : "cap",
	                         line->names[span.length - 1], used, parts->null));
}

/* The whole text must be one type. */
static int whole_plain(struct rh_definitions *all, const char *text,
                       struct rh_declared *ret)
{
	int result = rh_declare_plain(all, &text, ret);

	return result >= 0 && *text ? refuse(all, "its type is followed by more") : result;
}

static int plain_param(struct rh_definitions *all, const struct parts *parts,
                       const char *name, struct rh_declared_value *ret)
{
	struct rh_pool    *pool = all->pool;
	struct rh_declared type;
	int                result = whole_plain(all, parts->text, &type);

	if (result < 0)
		return result;
	if (is_in(parts) && (type.suffix[0] || parts->null[0]))
		return refuse(all, "C passes no array by value, and no number that is NULL");
	if (is_in(parts))
		return set(ret, rh_pool_print(pool, "%s %s", type.base, name), "_");
	return set(ret, rh_pool_print(pool, "%s%s %s%s%s",
	                              strcmp(parts->direction, "in ") == 0 ? "const " : "",
	                              type.base, type.suffix[0] ? "" : "*", name,
	                              type.suffix),
	           rh_pool_print(pool, "%.*s|%s%s", (int)strlen(parts->direction) - 1,
	                         parts->direction, name, parts->null));
}

int rh_declare_param(struct rh_definitions *all, const struct rh_canon_line *line,
                     uint8_t index, struct rh_declared_value *ret)
{
	const char  *name = line->names[index];
	struct parts parts;

	take_apart(line->types[index], &parts);
	if (strcmp(parts.text, "string") == 0)
		return text_param(all, &parts, name, ret);
	if (strcmp(parts.text, "path") == 0)
		return path_param(all, &parts, name, ret);
	if (strcmp(parts.text, "fd") == 0)
		return fd_param(all, &parts, name, ret);
	if (strncmp(parts.text, "handle ", 7) == 0)
		return handle_param(all, &parts, name, ret);
	if (strncmp(parts.text, "bytes", 5) == 0)
		return bytes_param(all, line, &parts, name, ret);
	return plain_param(all, &parts, name, ret);
}

static int bytes_result(struct rh_definitions *all, const struct rh_canon_line *line,
                        const struct parts *parts, struct rh_declared_value *ret)
{
	const char *element;
	struct span span;

	if (!read_span(parts->text, line->count, &span) || !span.used || span.length)
		return refuse(all, "bytes are returned without a length");
	int result = element_of(all, span.size, &element);
	if (result < 0)
		return result;
	return set(ret, rh_pool_print(all->pool, "const %s *", element),
	           rh_pool_print(all->pool, "bytes used=%s", line->names[span.used - 1]));
}

static int handle_result(struct rh_definitions *all, const struct parts *parts,
                         struct rh_declared_value *ret)
{
	const char *object = parts->text + strlen("handle ");
	int         result = rh_declare_object(all, object);

	if (result < 0 || parts->is_drop)
		return result < 0 ? result : refuse(all, "a result cannot be destroyed");
	return set(ret, rh_pool_print(all->pool, "struct %s *", object),
	           parts->is_new ? "new" : "");
}

static int plain_result(struct rh_definitions *all, const struct parts *parts,
                        struct rh_declared_value *ret)
{
	struct rh_declared type;
	int                result = whole_plain(all, parts->text, &type);

	if (result >= 0 && type.suffix[0])
		return refuse(all, "C returns no array");
	return result < 0 ? result : set(ret, type.base, "");
}

int rh_declare_result(struct rh_definitions *all, const struct rh_canon_line *line,
                      struct rh_declared_value *ret)
{
	struct parts parts;

	take_apart(line->ret, &parts);
	if (parts.direction[0] || parts.null[0])
		return refuse(all, "a result has no direction, and may be NULL anyway");
	if (strcmp(parts.text, "void") == 0)
		return set(ret, "void", "");
	if (strcmp(parts.text, "string") == 0)
		return set(ret, parts.is_own ? "char *" : "const char *",
		           parts.is_own ? "string transfer" : "");
	if (strcmp(parts.text, "path") == 0)
		return set(ret, "const char *", "path");
	if (strcmp(parts.text, "fd") == 0)
		return set(ret, "int", "fd");
	if (strncmp(parts.text, "handle ", 7) == 0)
		return handle_result(all, &parts, ret);
	if (strncmp(parts.text, "bytes", 5) == 0)
		return bytes_result(all, line, &parts, ret);
	return plain_result(all, &parts, ret);
}
