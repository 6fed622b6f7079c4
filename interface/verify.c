#include "verify.h"

#include "../base/diag.h"
#include "canon.h"
#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A registered type, taken apart. */
struct wanted {
	char text[RH_TEXT_MAX];   /* without direction and question mark     */
	bool is_behind;           /* in, out, inout: behind a pointer         */
};

static bool skip_word(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0)
		return false;
	*text += len;
	return true;
}

static void take_apart(const char *type, struct wanted *ret)
{
	ret->is_behind = skip_word(&type, "in ") || skip_word(&type, "out ") ||
	                 skip_word(&type, "inout ");
	(void)(skip_word(&type, "own ") || skip_word(&type, "new ") ||
	       skip_word(&type, "drop "));
	snprintf(ret->text, sizeof ret->text, "%s", type);
	char *question = strrchr(ret->text, '?');
	if (question && (question[1] == '\0' || strcmp(question, "?stdin") == 0))
		*question = '\0';
}

static bool starts(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static bool is_pointer(const struct rh_ctype *type)
{
	return type->kind == RH_CTYPE_POINTER || type->kind == RH_CTYPE_ARRAY;
}

static bool is_text(const struct rh_ctype *type)
{
	return is_pointer(type) && type->target &&
	       (type->target->kind == RH_CTYPE_VOID ||
	        (type->target->kind == RH_CTYPE_INT && type->target->size == 1));
}

static bool is_object(const struct rh_ctype *type)
{
	if (type->kind != RH_CTYPE_POINTER || !type->target)
		return false;
	switch (type->target->kind) {
	case RH_CTYPE_VOID: case RH_CTYPE_STRUCT: case RH_CTYPE_UNION:
	case RH_CTYPE_INT: case RH_CTYPE_FUNCTION:
		return true;
	default:
		return false;
	}
}

static bool same_plain(const struct rh_ctype *type, const char *wanted)
{
	char text[RH_TEXT_MAX];

	if (type->kind == RH_CTYPE_VOID)
		return strcmp(wanted, "void") == 0;
	return rh_ctype_is_plain(type) &&
	       rh_ctype_text(type, text, sizeof text) >= 0 && strcmp(text, wanted) == 0;
}

/* u8[16] behind a pointer to u8: the binary does not know how many. */
static bool same_elements(const struct rh_ctype *element, const char *wanted)
{
	const char *bracket = strrchr(wanted, '[');
	char        text[RH_TEXT_MAX];

	if (!bracket || wanted[strlen(wanted) - 1] != ']')
		return false;
	snprintf(text, sizeof text, "%.*s", (int)(bracket - wanted), wanted);
	return same_plain(element, text);
}

/* What lies behind the pointer of in, out, inout. */
static bool fits_behind(const struct rh_ctype *type, const char *wanted)
{
	const struct rh_ctype *target = type->target;

	if (!is_pointer(type) || !target)
		return false;
	if (starts(wanted, "bytes"))
		return target->kind == RH_CTYPE_VOID || rh_ctype_is_plain(target);
	if (strcmp(wanted, "string") == 0)
		return is_text(target);
	if (starts(wanted, "handle "))
		return is_object(target);
	if (strcmp(wanted, "fd") == 0)
		return same_plain(target, "i32");
	/* a void * or a byte pointer can be told to be anything */
	return target->kind == RH_CTYPE_VOID || same_plain(target, wanted) ||
	       same_elements(target, wanted) || same_plain(type, wanted) ||
	       (target->kind == RH_CTYPE_INT && target->size == 1);
}

static bool fits(const struct rh_ctype *type, const struct wanted *wanted)
{
	const char *text = wanted->text;

	if (wanted->is_behind)
		return fits_behind(type, text);
	if (strcmp(text, "string") == 0 || strcmp(text, "path") == 0)
		return is_text(type);
	if (starts(text, "bytes"))
		return is_pointer(type) && type->target &&
		       (type->target->kind == RH_CTYPE_VOID ||
		        rh_ctype_is_plain(type->target));
	if (starts(text, "handle "))
		return is_object(type);
	if (strcmp(text, "fd") == 0)
		return same_plain(type, "i32");
	return same_plain(type, text);
}

/* What a person wants to read about a type that does not fit. */
static void describe(const struct rh_ctype *type, char *text, size_t cap)
{
	const char *name = "";

	if (type->kind == RH_CTYPE_VOID || rh_ctype_is_plain(type)) {
		if (rh_ctype_text(type, text, cap) < 0)
			snprintf(text, cap, "(a type too long to print)");
		return;
	}
	if (type->target)
		name = type->target->name[0] ? type->target->name : type->target->alias;
	if (type->kind == RH_CTYPE_POINTER && is_text(type))
		snprintf(text, cap, "pointer to bytes");
	else if (type->kind == RH_CTYPE_POINTER && name[0])
		snprintf(text, cap, "pointer to %s", name);
	else if (type->kind == RH_CTYPE_POINTER)
		snprintf(text, cap, "pointer");
	else if (type->kind == RH_CTYPE_STRUCT || type->kind == RH_CTYPE_UNION)
		snprintf(text, cap, "struct %s with pointers", type->name);
	else
		snprintf(text, cap, "(a type no call can carry)");
}

void rh_verify_derive(const struct rh_ctype *type, const char *wanted, char *text,
                      size_t cap)
{
	struct wanted apart;

	take_apart(wanted, &apart);
	if (fits(type, &apart))
		snprintf(text, cap, "%s", wanted);
	else
		describe(type, text, cap);
}

struct check {
	const struct rh_verify_request *request;
	struct rh_pool        pool;
	struct rh_elf_span    file;
	struct rh_elf_exports exports;
	struct rh_btf         btf;
	struct rh_diag       *diag;
	int                   compared;
};

/* The row that the binary's types make of the registered line. */
static int derive_row(struct check *check, const struct rh_canon_line *line,
                      const struct rh_cfunction *c, struct rh_function *ret,
                      struct rh_param *params)
{
	char text[RH_TEXT_MAX];

	*ret = (struct rh_function){ .name = line->function, .params = params };
	ret->param_count = (uint8_t)(c->param_count < RH_PARAMS_MAX ? c->param_count
	                                                            : RH_PARAMS_MAX);
	for (uint8_t i = 0; i < ret->param_count; i++) {
		rh_verify_derive(c->params[i].type, i < line->count ? line->types[i] : "",
		                 text, sizeof text);
		params[i].type = rh_pool_copy(&check->pool, text, strlen(text));
		params[i].name = c->params[i].name;
		if (!params[i].type)
			return RH_ENOMEM;
	}
	rh_verify_derive(c->ret, line->ret, text, sizeof text);
	ret->ret.type = rh_pool_copy(&check->pool, text, strlen(text));
	return ret->ret.type ? RH_OK : RH_ENOMEM;
}

static void make_row(const struct rh_canon_line *line, struct rh_function *ret,
                     struct rh_param *params)
{
	*ret = (struct rh_function){
		.name = line->function, .params = params, .param_count = line->count,
		.ret = { .name = "", .type = line->ret },
	};
	for (uint8_t i = 0; i < line->count; i++)
		params[i] = (struct rh_param){
			.name = line->names[i], .type = line->types[i],
		};
}

static int differ(struct check *check, const struct rh_function *wanted,
                  const struct rh_function *found)
{
	char a[RH_TEXT_MAX], b[RH_TEXT_MAX];

	if (rh_function_text(wanted, a, sizeof a) < 0)
		snprintf(a, sizeof a, "%s", wanted->name);
	if (rh_function_text(found, b, sizeof b) < 0)
		snprintf(b, sizeof b, "%s", found->name);
	return rh_diag_set(check->diag, RH_EINTERFACE, "%.40s: registered as '%.85s', but "
	                   "the binary has '%.85s'", wanted->name, a, b);
}

static int compare_types(struct check *check, const struct rh_canon_line *line,
                         const struct rh_cfunction *c)
{
	struct rh_param    wanted_params[RH_PARAMS_MAX] = { 0 };
	struct rh_param    found_params[RH_PARAMS_MAX] = { 0 };
	struct rh_function wanted, found;

	make_row(line, &wanted, wanted_params);
	int result = derive_row(check, line, c, &found, found_params);
	if (result < 0)
		return result;
	check->compared++;
	if (rh_function_hash(&wanted) == rh_function_hash(&found) && !c->is_variadic)
		return RH_OK;
	return differ(check, &wanted, &found);
}

static int check_line(struct check *check, char *text)
{
	struct rh_canon_line line;

	if (text[0] == '#' || text[0] == '\0')
		return RH_OK;
	if (rh_canon_split(text, &line) < 0)
		return rh_diag_set(check->diag, RH_EINVAL, "'%.100s' is no canonical text",
		                   text);
	if (!rh_elf_find(&check->exports, line.function))
		return rh_diag_set(check->diag, RH_EINTERFACE, "%.120s does not export the "
		                   "registered function %.60s", check->request->library,
		                   line.function);
	const struct rh_cfunction *c = rh_btf_find(&check->btf, line.function);
	return c ? compare_types(check, &line, c) : RH_OK;
}

static int check_lines(struct check *check)
{
	char *text = rh_pool_copy(&check->pool, check->request->text, check->request->len);
	int   result = text ? RH_OK : RH_ENOMEM;

	while (result >= 0 && text && *text) {
		char *end = strchr(text, '\n');

		if (end)
			*end = '\0';
		result = check_line(check, text);
		text = end ? end + 1 : NULL;
	}
	return result;
}

static int check_soname(struct check *check)
{
	const char *wanted = check->request->soname;
	const char *found = check->exports.soname;

	if (!wanted || !wanted[0] || !found || strcmp(wanted, found) == 0)
		return RH_OK;
	return rh_diag_set(check->diag, RH_EINTERFACE, "%.100s calls itself %.60s, "
	                   "registered is %.60s", check->request->library, found, wanted);
}

/* Without types the version is all there is to go by. */
static int check_version(struct check *check)
{
	const char *wanted = check->request->version;
	char        found[128];

	if (check->compared > 0 || !wanted || !wanted[0] ||
	    rh_library_version(check->request->library, found, sizeof found) < 0 ||
	    strcmp(found, wanted) == 0)
		return RH_OK;
	return rh_diag_set(check->diag, RH_EINTERFACE, "%.100s is version %.40s, "
	                   "registered is %.40s", check->request->library, found, wanted);
}

static int open_library(struct check *check)
{
	struct rh_elf_span section;
	struct rh_elf      elf;

	int result = rh_elf_map(check->request->library, &check->file, check->diag);
	if (result >= 0)
		result = rh_elf_init(&elf, check->file.bytes, check->file.len, check->diag);
	if (result >= 0)
		result = rh_elf_exports(&check->pool, &elf, &check->exports, check->diag);
	if (result >= 0 && rh_elf_section(&elf, ".BTF", &section) >= 0)
		result = rh_btf_read(&check->pool, section.bytes, section.len,
		                     &check->exports, &check->btf, check->diag);
	return result;
}

int rh_verify_library(const struct rh_verify_request *request, struct rh_diag *diag)
{
	struct check check = { .request = request, .diag = diag };

	rh_pool_init(&check.pool);
	int result = open_library(&check);
	if (result >= 0)
		result = check_soname(&check);
	if (result >= 0)
		result = check_lines(&check);
	if (result >= 0)
		result = check_version(&check);
	if (result == RH_ENOMEM)
		rh_diag_set(diag, result, "%.150s: needs more memory than allowed",
		            request->library);
	rh_elf_unmap(&check.file);
	rh_pool_fini(&check.pool);
	return result < 0 ? result : check.compared;
}
