#include "source_java.h"

#include "../base/diag.h"
#include "elf.h"
#include "java_type.h"
#include "zip.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct reading {
	struct rh_pool      *pool;
	const char          *path;      /* of the file                         */
	const char          *wanted;    /* a class of the jar, or NULL         */
	struct rh_elf_span   file;
	struct rh_zip        zip;
	bool                 is_jar;
	struct rh_java_types types;
	const char         **names;     /* functions written                   */
	uint32_t             name_count;
	FILE                *out;
	struct rh_diag      *diag;
};

static const char *behind(const char *path, const char *tail)
{
	const char *at = strstr(path, tail);

	return at ? at + strlen(tail) : NULL;
}

bool rh_source_java_is(const char *path)
{
	const char *class = behind(path, ".class"), *jar = behind(path, ".jar");

	return (class && !class[0]) || (jar && (!jar[0] || jar[0] == '!'));
}

static int fail(struct reading *reading, const char *name, int result,
                const struct rh_diag *why)
{
	return rh_diag_set(reading->diag, result == RH_EPROTO ? RH_EINVAL : result,
	                   "%.100s%s%.100s: %.200s", reading->path, name[0] ? "!" : "",
	                   name, why->text);
}

/* --- finding classes ------------------------------------------------------------------ */

static bool is_class_of(const struct rh_zip_file *file, const char *name)
{
	size_t len = strlen(name);

	return file->name_len == len + 6 && memcmp(file->name, name, len) == 0 &&
	       memcmp(file->name + len, ".class", 6) == 0;
}

static int read_packed(struct reading *reading, const struct rh_zip_file *file,
                       struct rh_pool *pool, struct rh_class *ret)
{
	struct rh_elf_span bytes;
	struct rh_diag     why = { 0 };
	int result = rh_zip_read(&reading->zip, file, pool, &bytes, &why);

	if (result >= 0)
		result = rh_class_read(pool, bytes.bytes, bytes.len, ret, &why);
	if (result >= 0 || result == RH_ENOMEM)
		return result;
	char name[128];
	snprintf(name, sizeof name, "%.*s", (int)file->name_len, file->name);
	return fail(reading, name, result, &why);
}

static int find_in_jar(struct reading *reading, const char *name, struct rh_class *ret)
{
	struct rh_zip_file file;
	size_t             at = 0;

	while (rh_zip_next(&reading->zip, &at, &file) >= 0)
		if (is_class_of(&file, name))
			return read_packed(reading, &file, reading->pool, ret);
	return RH_ENOENT;
}

static int read_path(struct rh_pool *pool, const char *path, struct rh_class *ret,
                     struct rh_diag *diag)
{
	struct rh_elf_span bytes;
	int                result = rh_elf_map(path, &bytes, diag);

	if (result < 0)
		return result;
	result = rh_class_read(pool, bytes.bytes, bytes.len, ret, diag);
	rh_elf_unmap(&bytes);
	return result;
}

/* Beside the class file: those of its package only. */
static int find_beside(struct reading *reading, const char *name, struct rh_class *ret)
{
	const char    *slash = strrchr(reading->path, '/');
	const char    *own = strrchr(name, '/');
	struct rh_diag why = { 0 };
	const char    *path = rh_pool_print(reading->pool, "%.*s%s.class",
		slash ? (int)(slash + 1 - reading->path) : 0, reading->path,
		own ? own + 1 : name);

	if (!path)
		return RH_ENOMEM;
	if (access(path, F_OK) < 0)
		return RH_ENOENT;
	int result = read_path(reading->pool, path, ret, &why);
	if (result < 0)
		return result == RH_ENOMEM ? result : fail(reading, name, result, &why);
	return strcmp(ret->name, name) == 0 ? RH_OK : RH_ENOENT;
}

static int find_class(void *user, const char *name, struct rh_class *ret)
{
	struct reading *reading = user;

	return reading->is_jar ? find_in_jar(reading, name, ret)
	                       : find_beside(reading, name, ret);
}

/* --- functions ------------------------------------------------------------------------ */

struct function {
	const struct rh_class        *class;
	const struct rh_class_member *method;
	char                          text[4 * RH_TEXT_MAX];
	size_t                        used;
	uint32_t                      rows;      /* parameters written          */
};

/* Whether a line for it would be longer than the limit is judged at the end. */
__attribute__((format(printf, 2, 3)))
static void put(struct function *function, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(function->text + function->used,
	                    sizeof function->text - function->used, format, args);
	va_end(args);
	function->used += len > 0 ? (size_t)len : 0;
	if (function->used >= sizeof function->text)
		function->used = sizeof function->text - 1;
}

/* One of its words is one of these, as in basketClose or close_basket. */
static bool ends_object(const char *name)
{
	static const char *const words[] = {
		"free", "destroy", "delete", "close", "release", "unref",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t len = strlen(words[i]);

		for (const char *at = name; *at; at++) {
			bool begins = at == name || at[-1] == '_' || isupper((unsigned char)*at);

			if (begins && strncasecmp(at, words[i], len) == 0 &&
			    (!at[len] || at[len] == '_' || isupper((unsigned char)at[len])))
				return true;
		}
	}
	return false;
}

static bool is_identifier(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t            len = strlen(name);

	return len && strchr(letters, name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	                    "0123456789") == len;
}

static int put_param(struct reading *reading, struct function *function,
                     const struct rh_java_type *type, uint32_t index, bool is_only)
{
	const struct rh_class_member *method = function->method;
	const char *told = index < method->param_count ? method->params[index] : "";
	char        name[128];

	snprintf(name, sizeof name, "%.100s", told);
	if (!is_identifier(name))
		snprintf(name, sizeof name, "a%u", index);
	function->rows++;
	switch (type->kind) {
	case RH_JAVA_BYTES:
		function->rows++;
		put(function, ", bytes(len %u)|%s, u64|%s_len", function->rows, name, name);
		return RH_OK;
	case RH_JAVA_HANDLE:
		put(function, ", %shandle %s|%s", is_only && ends_object(method->name) ?
		    "drop " : "", type->text, name);
		return RH_OK;
	case RH_JAVA_VOID:
		reading->types.reason = "a parameter of no type";
		return RH_EINVAL;
	default:
		put(function, ", %s|%s", type->text, name);
		return RH_OK;
	}
}

static void put_result(struct function *function, const struct rh_java_type *type)
{
	if (type->kind == RH_JAVA_BYTES) {
		function->rows++;
		put(function, ", out u64|result_len, bytes(used %u)", function->rows);
	} else if (type->kind == RH_JAVA_HANDLE) {
		put(function, ", new handle %s", type->text);
	} else {
		put(function, ", %s", type->text);
	}
}

static int put_descriptor(struct reading *reading, struct function *function)
{
	struct rh_java_types *types = &reading->types;
	const char           *at = function->method->descriptor;
	struct rh_java_type   type;
	int                   result = RH_OK;

	types->reason = "a descriptor that Java does not know";
	if (*at++ != '(')
		return RH_EINVAL;
	for (uint32_t i = 0; *at && *at != ')'; i++) {
		result = rh_java_type(types, &at, &type);
		if (result >= 0)
			result = put_param(reading, function, &type, i, i == 0 && *at == ')');
		if (result < 0)
			return result;
	}
	types->reason = "a descriptor that Java does not know";
	if (*at++ != ')')
		return RH_EINVAL;
	result = rh_java_type(types, &at, &type);
	if (result >= 0)
		put_result(function, &type);
	return result;
}

static bool is_written(const struct reading *reading, const char *name)
{
	for (uint32_t i = 0; i < reading->name_count; i++)
		if (strcmp(reading->names[i], name) == 0)
			return true;
	return false;
}

static int note(struct reading *reading, const char *name)
{
	const char **grown = rh_pool_grow(reading->pool, reading->names,
	                                  reading->name_count, sizeof *grown);

	if (!grown)
		return RH_ENOMEM;
	reading->names = grown;
	grown[reading->name_count] = rh_pool_copy(reading->pool, name, strlen(name));
	return grown[reading->name_count++] ? RH_OK : RH_ENOMEM;
}

static const char *printable(struct rh_pool *pool, const char *text)
{
	char *copy = rh_pool_copy(pool, text, strlen(text));

	for (char *at = copy; at && *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return copy ? copy : "?";
}

static void refuse_method(struct reading *reading, const char *name, const char *reason)
{
	fprintf(reading->out, "# nocarry %.200s: %.200s\n",
	        printable(reading->pool, name), printable(reading->pool, reason));
}

/* Java tells functions apart by their parameters, others by their names. */
static bool is_overloaded(const struct rh_class *class,
                          const struct rh_class_member *method,
                          bool (*is_offered)(const struct rh_class *,
                                             const struct rh_class_member *))
{
	for (uint16_t i = 0; i < class->method_count; i++)
		if (&class->methods[i] != method && is_offered(class, &class->methods[i]) &&
		    strcmp(class->methods[i].name, method->name) == 0)
			return true;
	return false;
}

static bool has_native(const struct rh_class *class)
{
	for (uint16_t i = 0; i < class->method_count; i++)
		if (class->methods[i].flags & RH_CLASS_NATIVE)
			return true;
	return false;
}

static bool is_offered(const struct rh_class *class, const struct rh_class_member *method)
{
	if (method->name[0] == '<' || method->flags & RH_CLASS_SYNTHETIC)
		return false;
	if (has_native(class))
		return (method->flags & RH_CLASS_NATIVE) != 0;
	return method->flags & RH_CLASS_PUBLIC &&
	       !(class->flags & RH_CLASS_INTERFACE && method->flags & RH_CLASS_STATIC);
}

static int write_method(struct reading *reading, const struct rh_class *class,
                        const struct rh_class_member *method)
{
	struct function function = { .class = class, .method = method };
	bool            again = is_written(reading, method->name);
	int             result = note(reading, method->name);

	if (result < 0)
		return result;
	if (is_overloaded(class, method, is_offered) || again) {
		if (!again || !is_overloaded(class, method, is_offered))
			refuse_method(reading, method->name, again ?
			              "another class has it, too: name one, FILE.jar!CLASS" :
			              "overloaded: others know a function by its name only");
		return RH_OK;
	}
	put(&function, "%.250s", method->name);
	result = is_identifier(method->name) ? put_descriptor(reading, &function)
	                                     : RH_EINVAL;
	if (!is_identifier(method->name))
		reading->types.reason = "its name is none in C";
	else if (result >= 0 && function.rows > RH_PARAMS_MAX)
		reading->types.reason = "more parameters than the limit";
	else if (result >= 0 && function.used >= RH_TEXT_MAX)
		reading->types.reason = "its text is longer than the limit";
	else if (result >= 0)
		return fprintf(reading->out, "%s\n", function.text) < 0 ? RH_ENOMEM : RH_OK;
	if (result < 0 && result != RH_EINVAL)
		return result;
	refuse_method(reading, method->name, reading->types.reason);
	return RH_OK;
}

static int write_class(struct reading *reading, const struct rh_class *class)
{
	int result = RH_OK;

	for (uint16_t i = 0; i < class->method_count && result >= 0; i++)
		if (is_offered(class, &class->methods[i]))
			result = write_method(reading, class, &class->methods[i]);
	return result;
}

/* --- files ---------------------------------------------------------------------------- */

typedef bool chooses(const struct rh_class *class);

static bool is_service(const struct rh_class *class)
{
	return class->flags & RH_CLASS_PUBLIC && class->flags & RH_CLASS_INTERFACE &&
	       !(class->flags & RH_CLASS_ANNOTATION);
}

static bool is_class_file(const struct rh_zip_file *file)
{
	return file->name_len > 6 && memcmp(file->name + file->name_len - 6, ".class", 6) == 0 &&
	       !(file->name_len >= 9 && memcmp(file->name, "META-INF/", 9) == 0);
}

/* Writes the classes that are chosen; how many there were. */
static int write_chosen(struct reading *reading, chooses *choose)
{
	struct rh_zip_file file;
	size_t             at = 0;
	int                count = 0, result = RH_OK;

	while (result >= 0 && rh_zip_next(&reading->zip, &at, &file) >= 0) {
		struct rh_class class;
		struct rh_pool  pool;

		if (!is_class_file(&file))
			continue;
		rh_pool_init(&pool);
		result = read_packed(reading, &file, &pool, &class);
		if (result >= 0 && choose(&class)) {
			count++;
			result = write_class(reading, &class);
		}
		rh_pool_fini(&pool);
	}
	return result < 0 ? result : count;
}

static int write_jar(struct reading *reading)
{
	struct rh_diag  why = { 0 };
	struct rh_class class;
	int result = rh_zip_open(&reading->zip, reading->file.bytes, reading->file.len, &why);

	if (result < 0)
		return fail(reading, "", result, &why);
	if (reading->wanted) {
		result = find_in_jar(reading, reading->wanted, &class);
		if (result == RH_ENOENT)
			rh_diag_set(reading->diag, result, "%.150s: it has no class %.100s",
			            reading->path, reading->wanted);
		return result < 0 ? result : write_class(reading, &class);
	}
	int count = write_chosen(reading, has_native);
	if (count == 0)
		count = write_chosen(reading, is_service);
	if (count == 0)
		return rh_diag_set(reading->diag, RH_EINVAL, "%.150s: it has neither native "
		                   "methods nor public interfaces; name a class, "
		                   "FILE.jar!CLASS", reading->path);
	return count < 0 ? count : RH_OK;
}

static int write_file(struct reading *reading)
{
	struct rh_class class;
	struct rh_diag  why = { 0 };

	if (reading->is_jar)
		return write_jar(reading);
	int result = rh_class_read(reading->pool, reading->file.bytes, reading->file.len,
	                           &class, &why);
	if (result < 0)
		return result == RH_ENOMEM ? result : fail(reading, "", result, &why);
	return write_class(reading, &class);
}

static int write_text(struct reading *reading, char **ret)
{
	char  *text = NULL;
	size_t len = 0;

	reading->out = open_memstream(&text, &len);
	if (!reading->out)
		return RH_ENOMEM;
	int result = write_file(reading);
	if (fclose(reading->out) != 0 && result >= 0)
		result = RH_ENOMEM;
	if (result >= 0) {
		*ret = rh_pool_copy(reading->pool, text, len);
		result = *ret ? RH_OK : RH_ENOMEM;
	}
	free(text);
	return result;
}

int rh_source_java(struct rh_pool *pool, const char *path, char **ret,
                   struct rh_diag *diag)
{
	struct reading reading = { .pool = pool, .path = path, .diag = diag };
	const char    *jar = behind(path, ".jar");

	reading.types = (struct rh_java_types){ .pool = pool, .find = find_class,
		                                .user = &reading };
	reading.is_jar = jar && (!jar[0] || jar[0] == '!');
	if (reading.is_jar && jar[0] == '!') {
		reading.path = rh_pool_copy(pool, path, (size_t)(jar - path));
		reading.wanted = jar + 1;
		if (!reading.path)
			return RH_ENOMEM;
	}
	int result = rh_elf_map(reading.path, &reading.file, diag);
	if (result >= 0)
		result = write_text(&reading, ret);
	rh_elf_unmap(&reading.file);
	return result;
}
