/* text - texts and bytes of JavaScript.
 *
 * JavaScript has UTF-16 and lets surrogates stand alone; N-API would send U+FFFD in
 * their place without a word.  A text that has U+FFFD in it is looked at again. */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_TEXT 120u

static bool has_replacement(const char *text, size_t len)
{
	return memmem(text, len, "\xef\xbf\xbd", 3) != NULL;
}

static bool is_surrogate(unsigned unit, unsigned first)
{
	return (unit & 0xfc00u) == first;
}

/* 1 when every surrogate has its other half, 0 when not, -1 without memory. */
static int is_well_formed(napi_env env, napi_value js)
{
	size_t    len = 0, i;
	char16_t *units;

	if (napi_get_value_string_utf16(env, js, NULL, 0, &len) != napi_ok ||
	    !(units = malloc((len + 1) * sizeof *units)))
		return -1;
	napi_get_value_string_utf16(env, js, units, len + 1, &len);
	for (i = 0; i < len; i++) {
		if (is_surrogate(units[i], 0xd800) && i + 1 < len &&
		    is_surrogate(units[i + 1], 0xdc00))
			i++;
		else if (is_surrogate(units[i], 0xd800) || is_surrogate(units[i], 0xdc00))
			break;
	}
	free(units);
	return i >= len;
}

static int out_of_memory(napi_env env)
{
	napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED", "out of memory");
	return -1;
}

/* With its length; short ones in one look. */
static int copy_string(napi_env env, napi_value js, struct rh_js_arena *arena,
                       char **ret_text, size_t *ret_len)
{
	char *text = rh_js_arena_take(arena, SHORT_TEXT);

	if (!text)
		return out_of_memory(env);
	RH_JS_TRY(napi_get_value_string_utf8(env, js, text, SHORT_TEXT, ret_len));
	if (*ret_len + 4 >= SHORT_TEXT) { /* a letter takes four bytes at most */
		RH_JS_TRY(napi_get_value_string_utf8(env, js, NULL, 0, ret_len));
		if (!(text = rh_js_arena_take(arena, *ret_len + 1)))
			return out_of_memory(env);
		RH_JS_TRY(napi_get_value_string_utf8(env, js, text, *ret_len + 1, ret_len));
	}
	*ret_text = text;
	return 0;
}

static int copy_bytes(napi_env env, napi_value js, struct rh_js_arena *arena,
                      char **ret_text, size_t *ret_len, const struct rh_js_where *where)
{
	void *bytes;

	if (rh_js_bytes_read(env, js, &bytes, ret_len, where) < 0)
		return -1;
	if (!(*ret_text = rh_js_arena_take(arena, *ret_len + 1)))
		return out_of_memory(env);
	if (*ret_len > 0)
		memcpy(*ret_text, bytes, *ret_len);
	(*ret_text)[*ret_len] = '\0';
	return 0;
}

static bool is_bytes(napi_env env, napi_value js)
{
	bool is = false;

	return (napi_is_buffer(env, js, &is) == napi_ok && is) ||
	       (napi_is_arraybuffer(env, js, &is) == napi_ok && is);
}

int rh_js_text_read(napi_env env, napi_value js, struct rh_js_arena *arena, char **ret_text,
                    const struct rh_js_where *where)
{
	napi_valuetype type;
	size_t         len;
	int            r;

	RH_JS_TRY(napi_typeof(env, js, &type));
	if (type == napi_string)
		r = copy_string(env, js, arena, ret_text, &len);
	else if (type == napi_object && is_bytes(env, js))
		r = copy_bytes(env, js, arena, ret_text, &len, where);
	else
		return rh_js_type_error(env, where, "must be a string, or its bytes");
	if (r < 0)
		return -1;
	if (memchr(*ret_text, '\0', len))
		return rh_js_type_error(env, where, "must be a text without NUL");
	if (type == napi_string && has_replacement(*ret_text, len) &&
	    (r = is_well_formed(env, js)) != 1)
		return r < 0 ? out_of_memory(env) : rh_js_type_error(env, where,
		       "has a surrogate alone, which is no text; send its bytes instead");
	return 0;
}

/* The end of the letter that begins there; NULL when it is none (RFC 3629). */
static const unsigned char *next_letter(const unsigned char *at, const unsigned char *end)
{
	static const struct { unsigned char low, high, more, first_low, first_high; } rows[] = {
		{ 0x00, 0x7f, 0, 0x80, 0xbf }, { 0xc2, 0xdf, 1, 0x80, 0xbf },
		{ 0xe0, 0xe0, 2, 0xa0, 0xbf }, { 0xe1, 0xec, 2, 0x80, 0xbf },
		{ 0xed, 0xed, 2, 0x80, 0x9f }, { 0xee, 0xef, 2, 0x80, 0xbf },
		{ 0xf0, 0xf0, 3, 0x90, 0xbf }, { 0xf1, 0xf3, 3, 0x80, 0xbf },
		{ 0xf4, 0xf4, 3, 0x80, 0x8f },
	};
	size_t i = 0;

	while (i < sizeof rows / sizeof *rows && (*at < rows[i].low || *at > rows[i].high))
		i++;
	if (i == sizeof rows / sizeof *rows || end - at <= rows[i].more)
		return NULL;
	for (unsigned k = 1; k <= rows[i].more; k++) {
		if (at[k] < (k == 1 ? rows[i].first_low : 0x80) ||
		    at[k] > (k == 1 ? rows[i].first_high : 0xbf))
			return NULL;
	}
	return at + 1 + rows[i].more;
}

static bool is_utf8(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + len;

	while (at && at < end)
		at = next_letter(at, end);
	return at != NULL;
}

static bool is_ascii(const char *text, size_t len)
{
	unsigned char all = 0;

	for (size_t i = 0; i < len; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

static int refuse_text(napi_env env, const char *text, size_t len,
                       const struct rh_js_where *where)
{
	napi_value error, bytes;
	bool       is_pending;

	rh_js_type_error(env, where, "is not UTF-8; .raw() of the function returns bytes");
	if (napi_is_exception_pending(env, &is_pending) != napi_ok || !is_pending ||
	    napi_get_and_clear_last_exception(env, &error) != napi_ok)
		return -1;
	if (napi_create_buffer_copy(env, len, text, NULL, &bytes) == napi_ok)
		napi_set_named_property(env, error, "bytes", bytes);
	napi_throw(env, error);
	return -1;
}

int rh_js_text_write(napi_env env, const char *text, bool as_bytes, napi_value *ret_js,
                     const struct rh_js_where *where)
{
	size_t len = text ? strlen(text) : 0;

	if (!text)
		RH_JS_TRY(napi_get_null(env, ret_js));
	else if (as_bytes)
		return rh_js_bytes_write(env, text, len, ret_js);
	else if (is_ascii(text, len))
		RH_JS_TRY(napi_create_string_latin1(env, text, len, ret_js));
	else if (is_utf8(text, len))
		RH_JS_TRY(napi_create_string_utf8(env, text, len, ret_js));
	else
		return refuse_text(env, text, len, where);
	return 0;
}

int rh_js_bytes_read(napi_env env, napi_value js, void **ret_bytes, size_t *ret_len,
                     const struct rh_js_where *where)
{
	bool is = false;

	if (napi_is_buffer(env, js, &is) == napi_ok && is) {
		RH_JS_TRY(napi_get_buffer_info(env, js, ret_bytes, ret_len));
		return 0;
	}
	if (napi_is_arraybuffer(env, js, &is) == napi_ok && is) {
		RH_JS_TRY(napi_get_arraybuffer_info(env, js, ret_bytes, ret_len));
		return 0;
	}
	return rh_js_type_error(env, where, "must be a Buffer, a typed array, a DataView or"
	                        " an ArrayBuffer");
}

int rh_js_bytes_write(napi_env env, const void *bytes, size_t len, napi_value *ret_js)
{
	void *room;

	RH_JS_TRY(napi_create_buffer(env, len, &room, ret_js));
	if (len > 0)
		memcpy(room, bytes, len);
	return 0;
}
