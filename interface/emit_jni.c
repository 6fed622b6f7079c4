/* emit_jni - native methods for Java: the exports that a JVM looks for.
 *
 * A JVM looks for Java_<class>_<method>, then for that with the types of the parameters
 * behind it.  Only the latter is written: a class that declares other types finds nothing
 * and has its UnsatisfiedLinkError, where it would otherwise be misread.
 *
 * A function has a method for each name that the agent for Java accepts (nameLen of
 * name_len, with and without the interface's prefix), and for
 *   - lengths of arrays left out, or as C has them,
 *   - integers of a Java type that holds all their values, or as wide as in C.
 * The conversions are the SDK's (rhodes-jni.h). */
#include "emit.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_BYTES 256u
#define NAMES_MAX      4u
#define VARIANTS_MAX   4u

/* One way to declare the parameters. */
struct variant {
	char types[RH_PARAMS_MAX + 1];          /* as rh_jni_method has them     */
	char signature[RH_PARAMS_MAX * 20 + 4]; /* "([BJ)"                       */
};

/* --- names, as rhodes.Interface of the SDK for Java finds them ---------------------- */

/* Without what differs between C and Java. */
static void put_plain(char *to, const char *name)
{
	size_t used = 0;

	for (; *name && used + 1 < NAME_MAX_BYTES; name++)
		if (*name != '_')
			to[used++] = (char)tolower((unsigned char)*name);
	to[used] = '\0';
}

static const char *own_name(const struct rh_plan *plan)
{
	const char *name = plan->interface.name;

	return strncmp(name, "lib", 3) == 0 ? name + 3 : name;
}

/* The first function whose plain name is that, or -1. */
static int find_plain(const struct rh_plan *plan, const char *wanted)
{
	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		char plain[NAME_MAX_BYTES];

		put_plain(plain, plan->interface.functions[i].name);
		if (strcmp(plain, wanted) == 0)
			return (int)i;
	}
	return -1;
}

/* The function that a method of that name is. */
static int find_method(const struct rh_plan *plan, const char *name)
{
	char wanted[NAME_MAX_BYTES], longer[2 * NAME_MAX_BYTES];

	for (uint32_t i = 0; i < plan->interface.function_count; i++)
		if (strcmp(plan->interface.functions[i].name, name) == 0)
			return (int)i;
	put_plain(wanted, name);
	int found = find_plain(plan, wanted);
	if (found >= 0)
		return found;
	put_plain(longer, own_name(plan));
	strcat(longer, wanted);
	return find_plain(plan, longer);
}

/* some_words: someWords; XML_Parse: xmlParse */
static void put_camel(char *to, const char *name)
{
	size_t used = 0;
	bool   is_first = true, begins = false;

	for (; *name && used + 1 < NAME_MAX_BYTES; name++) {
		unsigned char c = (unsigned char)*name;

		is_first = is_first && isupper(c);
		if (is_first)
			c = (unsigned char)tolower(c);
		else if (begins && used)
			c = (unsigned char)toupper(c);
		if (c != '_')
			to[used++] = (char)c;
		begins = c == '_';
	}
	to[used] = '\0';
}

/* What stands behind the interface's name; NULL: it does not begin with it. */
static const char *behind_prefix(const struct rh_plan *plan, const char *name)
{
	char own[NAME_MAX_BYTES];
	size_t at = 0;

	put_plain(own, own_name(plan));
	for (; *name && own[at]; name++) {
		if (*name == '_')
			continue;
		if (tolower((unsigned char)*name) != own[at++])
			return NULL;
	}
	name += strspn(name, "_");
	return own[at] || !*name || isdigit((unsigned char)*name) ? NULL : name;
}

static void add_name(const struct rh_plan *plan, uint32_t index,
                     char names[NAMES_MAX][NAME_MAX_BYTES], uint32_t *count,
                     const char *name)
{
	for (uint32_t i = 0; i < *count; i++)
		if (strcmp(names[i], name) == 0)
			return;
	if (strlen(name) < NAME_MAX_BYTES && find_method(plan, name) == (int)index)
		strcpy(names[(*count)++], name);
}

static uint32_t list_names(const struct rh_plan *plan, uint32_t index,
                           char names[NAMES_MAX][NAME_MAX_BYTES])
{
	const char *name = plan->interface.functions[index].name;
	const char *behind = behind_prefix(plan, name);
	char        camel[NAME_MAX_BYTES];
	uint32_t    count = 0;

	for (const char *each = name; each; each = each == name ? behind : NULL) {
		add_name(plan, index, names, &count, each);
		put_camel(camel, each);
		add_name(plan, index, names, &count, camel);
	}
	return count;
}

/* --- types -------------------------------------------------------------------------- */

static const char *reason_of(const struct rh_param *param)
{
	bool is_text = param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH;

	if (param->kind == RH_KIND_STRUCT)
		return "JNI has no struct and no fixed array";
	if (is_text && param->flags & RH_PARAM_POINTER)
		return "JNI has no text that comes out of a parameter";
	return NULL;
}

const char *rh_emit_jni_reason(const struct rh_plan *plan, uint32_t index)
{
	const struct rh_function *row = &plan->interface.functions[index];
	char                      names[NAMES_MAX][NAME_MAX_BYTES];
	const char               *reason = reason_of(&row->ret);

	if (row->flags & RH_FUNCTION_LOCAL)
		return "runs in place";
	for (uint32_t i = 0; !reason && i < row->param_count; i++)
		reason = reason_of(&row->params[i]);
	if (!reason && list_names(plan, index, names) == 0)
		reason = "another function has its name in Java";
	return reason;
}

static bool is_bool(const struct rh_ctype *type)
{
	return strstr(type->spelling, "_Bool") || strcmp(type->spelling, "bool") == 0;
}

/* The letter of a number by value. */
static char letter_of(const struct rh_param *param, const struct rh_ctype *type,
                      bool is_wide)
{
	uint32_t size = param->size;

	if (param->kind == RH_KIND_HANDLE)
		return 'J';
	if (param->kind == RH_KIND_FD)
		return 'I';
	if (param->kind == RH_KIND_FLOAT)
		return size == 4 ? 'F' : 'D';
	if (param->kind == RH_KIND_UINT && !is_wide)
		return size < 4 ? 'I' : 'J';
	if (is_bool(type))
		return 'Z';
	return size == 1 ? 'B' : size == 2 ? 'S' : size == 4 ? 'I' : 'J';
}

/* An array of the elements' own type, else byte[]. */
static char letter_of_bytes(const struct rh_param *param, const struct rh_ctype *type,
                            bool is_wide)
{
	const struct rh_ctype *element = type->target;

	if (!is_wide || !element || param->size == 1)
		return 'b';
	if (element->kind == RH_CTYPE_FLOAT)
		return param->size == 4 ? 'f' : 'd';
	if (element->kind != RH_CTYPE_INT)
		return 'b';
	return param->size == 2 ? 's' : param->size == 4 ? 'i' : 'j';
}

/* The length of an array that Java has itself; as rhodes.Binder has it. */
static bool is_hidden(const struct rh_function *row, uint32_t index)
{
	bool is_in = row->params[index].direction == RH_IN;

	for (uint32_t i = 0; i < row->param_count; i++) {
		const struct rh_param *bytes = &row->params[i];

		if (bytes->kind == RH_KIND_BYTES && bytes->len_param == index && is_in)
			return true;
	}
	return false;
}

static char type_letter(const struct rh_plan *plan, uint32_t index, uint32_t at,
                        bool is_wide)
{
	const struct rh_param *param = &plan->interface.functions[index].params[at];
	const struct rh_ctype *type = plan->functions[index].c->params[at].type;

	if (param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH)
		return 'T';
	if (param->kind == RH_KIND_BYTES)
		return letter_of_bytes(param, type, is_wide);
	if (!(param->flags & RH_PARAM_POINTER))
		return letter_of(param, type, is_wide);
	char letter = letter_of(param, type->target ? type->target : type, is_wide);
	return param->direction == RH_IN ? letter : (char)tolower((unsigned char)letter);
}

static void make_variant(struct variant *variant, const struct rh_plan *plan,
                         uint32_t index, bool is_all, bool is_wide)
{
	const struct rh_function *row = &plan->interface.functions[index];
	char                     *to = variant->signature;

	*to++ = '(';
	for (uint32_t i = 0; i < row->param_count; i++) {
		char letter = !is_all && is_hidden(row, i) ? '-'
		              : type_letter(plan, index, i, is_wide);

		variant->types[i] = letter;
		if (letter == 'T')
			to = stpcpy(to, "Ljava/lang/String;");
		else if (letter >= 'a')
			*to++ = '[';
		if (letter != 'T' && letter != '-')
			*to++ = (char)toupper((unsigned char)letter);
	}
	variant->types[row->param_count] = '\0';
	*to++ = ')';
	*to = '\0';
}

static uint32_t list_variants(const struct rh_plan *plan, uint32_t index,
                              struct variant variants[VARIANTS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < VARIANTS_MAX; i++) {
		bool is_known = false;

		make_variant(&variants[count], plan, index, i & 1, i & 2);
		for (uint32_t k = 0; k < count; k++)
			is_known = is_known ||
			           strcmp(variants[k].signature, variants[count].signature) == 0;
		count += !is_known;
	}
	return count;
}

/* --- text --------------------------------------------------------------------------- */

/* As the JNI specification mangles names and types. */
static void put_mangled(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '(': case ')': break;
		case '.': case '/': fputc('_', out); break;
		case '_': fputs("_1", out); break;
		case ';': fputs("_2", out); break;
		case '[': fputs("_3", out); break;
		case '$': fputs("_00024", out); break;
		default:  fputc(*text, out); break;
		}
	}
}

static const char *c_type(char letter)
{
	switch (letter) {
	case 'Z': return "uint8_t ";
	case 'B': return "int8_t ";
	case 'S': return "int16_t ";
	case 'I': return "int32_t ";
	case 'J': return "int64_t ";
	case 'F': return "float ";
	case 'D': return "double ";
	default:  return "void *";
	}
}

static char member_of(char letter)
{
	return letter == 'F' ? 'f' : letter == 'D' ? 'd' : strchr("ZBSIJ", letter) ? 'j' : 'l';
}

static char result_member(const struct rh_param *ret)
{
	switch (ret->kind) {
	case RH_KIND_FLOAT:  return ret->size == 4 ? 'f' : 'd';
	case RH_KIND_STRING:
	case RH_KIND_PATH:
	case RH_KIND_BYTES:  return 'l';
	default:             return 'j';
	}
}

static void put_head(FILE *out, const struct rh_param *ret, const char *types,
                     uint32_t number)
{
	char member = result_member(ret);

	fprintf(out, "%srh_jni_%u(void *env, void *self",
	        c_type(member == 'l' ? 'T' : (char)toupper((unsigned char)member)), number);
	for (uint32_t i = 0; types[i]; i++)
		if (types[i] != '-')
			fprintf(out, ", %sa%u", c_type(types[i]), i);
	fputc(')', out);
}

static void put_values(FILE *out, const char *types)
{
	const char *comma = "";

	fputs("\tconst union rh_jni_value    values[] = { ", out);
	for (uint32_t i = 0; types[i]; i++) {
		if (types[i] == '-')
			continue;
		fprintf(out, "%s{ .%c = a%u }", comma, member_of(types[i]), i);
		comma = ", ";
	}
	fputs(*comma ? " };\n" : "{ 0 } };\n", out);
}

static void put_method(FILE *out, const struct rh_plan *plan, uint32_t index,
                       const struct variant *variant, const char *class_name,
                       const char *name, uint32_t number)
{
	const struct rh_param *ret = &plan->interface.functions[index].ret;

	put_head(out, ret, variant->types, number);
	fputs(" __asm__(\"Java_", out);
	put_mangled(out, class_name);
	fputc('_', out);
	put_mangled(out, name);
	fputs("__", out);
	put_mangled(out, variant->signature);
	fputs("\");\n", out);
	put_head(out, ret, variant->types, number);
	fprintf(out, "\n{\n\tstatic struct rh_jni_method method = { &rh_lib, %u, 0, \"%s\", "
	        "\"%s\", \"%s\" };\n", index, name, variant->signature, variant->types);
	put_values(out, variant->types);
	fprintf(out, "\n\treturn rh_jni_call(&method, env, self, values).%c;\n}\n\n",
	        result_member(ret));
}

static void put_methods(FILE *out, const struct rh_plan *plan, uint32_t index,
                        uint32_t *number)
{
	char           names[NAMES_MAX][NAME_MAX_BYTES];
	struct variant variants[VARIANTS_MAX];
	uint32_t       name_count = list_names(plan, index, names);
	uint32_t       variant_count = list_variants(plan, index, variants);

	for (uint32_t i = 0; i < plan->side.java_count; i++)
		for (uint32_t n = 0; n < name_count; n++)
			for (uint32_t v = 0; v < variant_count; v++)
				put_method(out, plan, index, &variants[v], plan->side.java[i],
				           names[n], (*number)++);
}

void rh_emit_jni(FILE *out, const struct rh_plan *plan)
{
	uint32_t number = 0;

	if (!plan->side.java_count)
		return;
	fputs("#ifndef RH_STATIC\n#include <rhodes-jni.h>\n\n", out);
	for (uint32_t i = 0; i < plan->interface.function_count; i++)
		if (rh_plan_is_carried(&plan->interface.functions[i]) &&
		    !plan->functions[i].is_old && !rh_emit_jni_reason(plan, i))
			put_methods(out, plan, i, &number);
	fputs("#endif\n", out);
}
