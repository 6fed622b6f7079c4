#include "jni_env.h"

#include "rhodes-jni.h"
#include "rhodes-language.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024u

/* Numbers in the table of the JNI specification. */
enum {
	FIND_CLASS = 6, THROW = 13, THROW_NEW = 14, EXCEPTION_CLEAR = 17, IS_SAME_OBJECT = 24,
	NEW_OBJECT_A = 30, GET_OBJECT_CLASS = 31, GET_METHOD_ID = 33, GET_STATIC_METHOD_ID = 113,
	CALL_STATIC_OBJECT_METHOD_A = 116, NEW_STRING = 163, GET_STRING_LENGTH = 164,
	GET_ARRAY_LENGTH = 171, NEW_OBJECT_ARRAY = 172, SET_OBJECT_ARRAY_ELEMENT = 174,
	NEW_BYTE_ARRAY = 176, GET_BOOLEAN_ARRAY_REGION = 199, SET_BOOLEAN_ARRAY_REGION = 207,
	GET_STRING_REGION = 220, EXCEPTION_CHECK = 228,
};

/* Their types; an integer of JNI has a fixed size. */
typedef void    *find_class(rh_jni_env *, const char *);
typedef int32_t  throw_object(rh_jni_env *, void *);
typedef int32_t  throw_new(rh_jni_env *, void *, const char *);
typedef void     exception_clear(rh_jni_env *);
typedef uint8_t  is_same_object(rh_jni_env *, void *, void *);
typedef void    *get_object_class(rh_jni_env *, void *);
typedef void    *get_method_id(rh_jni_env *, void *, const char *, const char *);
typedef void    *new_object(rh_jni_env *, void *, void *, const union rh_jni_value *);
typedef void    *call_static_object(rh_jni_env *, void *, void *,
                                    const union rh_jni_value *);
typedef void    *new_string(rh_jni_env *, const uint16_t *, int32_t);
typedef int32_t  get_length(rh_jni_env *, void *);
typedef void    *new_object_array(rh_jni_env *, int32_t, void *, void *);
typedef void     set_element(rh_jni_env *, void *, int32_t, void *);
typedef void    *new_array(rh_jni_env *, int32_t);
typedef void     get_region(rh_jni_env *, void *, int32_t, int32_t, void *);
typedef void     set_region(rh_jni_env *, void *, int32_t, int32_t, const void *);
typedef uint8_t  exception_check(rh_jni_env *);

#define JNI(type, env, number) ((type *)(*(env))[number])

bool rh_jni_has_thrown(rh_jni_env *env)
{
	return JNI(exception_check, env, EXCEPTION_CHECK)(env) != 0;
}

static void *find(rh_jni_env *env, const char *name)
{
	return JNI(find_class, env, FIND_CLASS)(env, name);
}

static void clear(rh_jni_env *env)
{
	JNI(exception_clear, env, EXCEPTION_CLEAR)(env);
}

/* ThrowNew takes modified UTF-8: only ASCII is that in any case. */
void rh_jni_throw(rh_jni_env *env, const char *class_name, const char *format, ...)
{
	char    text[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (char *at = text; *at; at++)
		if (*at & 0x80)
			*at = '?';
	void *class = find(env, class_name);
	if (class)
		JNI(throw_new, env, THROW_NEW)(env, class, text);
}

/* --- texts -------------------------------------------------------------------------- */

/* Writes a code point; returns its bytes. */
static size_t put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	static const unsigned char heads[] = { 0, 0xc0, 0xe0, 0xf0 };
	size_t                     tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

	for (size_t i = tail; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(heads[tail] | c);
	return tail + 1;
}

/* The code point at *at, which moves on; UINT32_MAX: half a surrogate pair. */
static uint32_t take_utf16(const uint16_t *text, size_t len, size_t *at)
{
	uint32_t c = text[(*at)++];

	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || *at == len || text[*at] < 0xdc00 || text[*at] > 0xdfff)
		return UINT32_MAX;
	return 0x10000 + ((c - 0xd800) << 10) + (text[(*at)++] - 0xdc00u);
}

/* NULL, and what is wrong with it. */
static char *to_utf8(const uint16_t *text, size_t len, const char **ret_wrong)
{
	char  *made = malloc(len * 3 + 1);
	size_t used = 0;

	if (!made)
		return NULL;
	for (size_t i = 0; i < len;) {
		uint32_t c = take_utf16(text, len, &i);

		if (c != 0 && c != UINT32_MAX) {
			used += put_utf8(made + used, c);
			continue;
		}
		*ret_wrong = c == 0 ? "holds a NUL" :
		             "has half a surrogate pair, which has no UTF-8";
		free(made);
		return NULL;
	}
	made[used] = '\0';
	return made;
}

char *rh_jni_text(rh_jni_env *env, void *string, const char *function,
                  const char *parameter)
{
	int32_t     len = JNI(get_length, env, GET_STRING_LENGTH)(env, string);
	uint16_t   *units = malloc(len > 0 ? (size_t)len * sizeof *units : 1);
	const char *wrong = NULL;
	char       *text = NULL;

	if (units)
		JNI(get_region, env, GET_STRING_REGION)(env, string, 0, len, units);
	if (units && !rh_jni_has_thrown(env))
		text = to_utf8(units, (size_t)len, &wrong);
	free(units);
	if (wrong)
		rh_jni_throw(env, "java/lang/IllegalArgumentException", "%s: %s %s", function,
		             parameter, wrong);
	else if (!text && !rh_jni_has_thrown(env))
		rh_jni_throw(env, "java/lang/OutOfMemoryError", "no memory for a text");
	return text;
}

/* The code point at *at, which moves on; UINT32_MAX: no UTF-8. */
static uint32_t take_utf8(const unsigned char **at)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t              c = *(*at)++;
	size_t tail = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 :
	              c >= 0xf0 && c < 0xf5 ? 3 : SIZE_MAX;

	if (tail == 0 || tail == SIZE_MAX)
		return tail ? UINT32_MAX : c;
	c &= 0x3fu >> tail;
	for (size_t i = 0; i < tail; i++, (*at)++) {
		if ((**at & 0xc0) != 0x80)
			return UINT32_MAX;
		c = c << 6 | (**at & 0x3f);
	}
	return c < least[tail] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? UINT32_MAX : c;
}

/* Returns the units, or SIZE_MAX: no UTF-8.  lenient: '?' stands for what is none. */
static size_t to_utf16(const char *text, uint16_t *to, bool is_lenient)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t               used = 0;

	while (*at) {
		uint32_t c = take_utf8(&at);

		if (c == UINT32_MAX && !is_lenient)
			return SIZE_MAX;
		if (c == UINT32_MAX)
			c = '?';
		if (c >= 0x10000) {
			to[used++] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		to[used++] = (uint16_t)c;
	}
	return used;
}

static void *string_of(rh_jni_env *env, const char *text, bool is_lenient)
{
	size_t    len = strlen(text);
	uint16_t *units = len < INT32_MAX ? malloc(len * sizeof *units + 1) : NULL;
	void     *string = NULL;

	if (!units) {
		rh_jni_throw(env, "java/lang/OutOfMemoryError", "no memory for a text");
		return NULL;
	}
	size_t count = to_utf16(text, units, is_lenient);
	if (count == SIZE_MAX)
		rh_jni_throw(env, "java/lang/IllegalArgumentException",
		             "the text that came is no UTF-8; take it as byte[]");
	else
		string = JNI(new_string, env, NEW_STRING)(env, units, (int32_t)count);
	free(units);
	return string;
}

void *rh_jni_string(rh_jni_env *env, const char *text)
{
	return string_of(env, text, false);
}

/* --- arrays ------------------------------------------------------------------------- */

void *rh_jni_bytes(rh_jni_env *env, const void *bytes, size_t len)
{
	void *array = NULL;

	if (len > INT32_MAX)
		rh_jni_throw(env, "java/lang/OutOfMemoryError", "no array has %zu bytes", len);
	else
		array = JNI(new_array, env, NEW_BYTE_ARRAY)(env, (int32_t)len);
	if (array)
		rh_jni_set(env, 'b', array, len, bytes);
	return array;
}

size_t rh_jni_length(rh_jni_env *env, void *array)
{
	return (size_t)JNI(get_length, env, GET_ARRAY_LENGTH)(env, array);
}

/* The regions stand in this order, char between byte and short. */
static int region(int first, char letter)
{
	static const char order[] = "zbcsijfd";

	return first + (int)(strchr(order, letter) - order);
}

void rh_jni_get(rh_jni_env *env, char letter, void *array, size_t count, void *to)
{
	JNI(get_region, env, region(GET_BOOLEAN_ARRAY_REGION, letter))(env, array, 0,
	                                                               (int32_t)count, to);
}

void rh_jni_set(rh_jni_env *env, char letter, void *array, size_t count,
                const void *from)
{
	JNI(set_region, env, region(SET_BOOLEAN_ARRAY_REGION, letter))(env, array, 0,
	                                                               (int32_t)count, from);
}

/* --- classes ------------------------------------------------------------------------ */

static void *method_id(rh_jni_env *env, int number, void *class, const char *name,
                       const char *signature)
{
	void *id = JNI(get_method_id, env, number)(env, class, name, signature);

	if (!id)
		clear(env);
	return id;
}

bool rh_jni_declares(rh_jni_env *env, void *self, const char *name, const char *signature)
{
	void *class = JNI(get_object_class, env, GET_OBJECT_CLASS)(env, self);
	void *of_classes = find(env, "java/lang/Class");

	if (!of_classes) {
		clear(env);
		return false;
	}
	if (JNI(is_same_object, env, IS_SAME_OBJECT)(env, class, of_classes))
		return method_id(env, GET_STATIC_METHOD_ID, self, name, signature) != NULL;
	return method_id(env, GET_METHOD_ID, class, name, signature) != NULL;
}

/* What was raised, as RhodesError.of has it: four texts, or NULL. */
static void *raised(rh_jni_env *env)
{
	const struct rh_exception *exception = rh_last_exception();
	void *class = exception ? find(env, "java/lang/String") : NULL;
	void *array = class ? JNI(new_object_array, env, NEW_OBJECT_ARRAY)(env, 4, class, NULL)
	                    : NULL;

	if (!array)
		return NULL;
	const char *const texts[] = { exception->language, exception->type,
	                              exception->message, exception->stack };
	for (int32_t i = 0; i < 4; i++) {
		void *text = string_of(env, texts[i], true);

		if (!text)
			return NULL;
		JNI(set_element, env, SET_OBJECT_ARRAY_ELEMENT)(env, array, i, text);
	}
	return array;
}

/* The SDK's exception for the code, or NULL and nothing pending. */
static void *rhodes_error(rh_jni_env *env, int code, void *text)
{
	void *class = find(env, "rhodes/RhodesError");
	void *of = class ? method_id(env, GET_STATIC_METHOD_ID, class, "of",
	                             "(IZLjava/lang/String;[Ljava/lang/String;)"
	                             "Lrhodes/RhodesError;") : NULL;
	void *texts = of ? raised(env) : NULL;

	if (!of || rh_jni_has_thrown(env)) {
		clear(env);
		return NULL;
	}
	union { int32_t i; uint8_t z; union rh_jni_value value; } number = { .i = -code },
	      ran = { .z = rh_last_ran() != 0 };
	const union rh_jni_value values[] = { number.value, ran.value, { .l = text },
	                                      { .l = texts } };
	void *error = JNI(call_static_object, env, CALL_STATIC_OBJECT_METHOD_A)(env, class, of,
	                                                                       values);
	if (rh_jni_has_thrown(env)) {
		clear(env);
		return NULL;
	}
	return error;
}

static void *runtime_error(rh_jni_env *env, void *text)
{
	const union rh_jni_value values[] = { { .l = text } };
	void *class = find(env, "java/lang/RuntimeException");
	void *init = class ? JNI(get_method_id, env, GET_METHOD_ID)(env, class, "<init>",
	                                                           "(Ljava/lang/String;)V")
	                   : NULL;

	return init ? JNI(new_object, env, NEW_OBJECT_A)(env, class, init, values) : NULL;
}

void rh_jni_throw_last(rh_jni_env *env, int code)
{
	void *text = string_of(env, rh_last_error(), true);
	void *error = text ? rhodes_error(env, code, text) : NULL;

	if (text && !error)
		error = runtime_error(env, text);
	if (error)
		JNI(throw_object, env, THROW)(env, error);
}
