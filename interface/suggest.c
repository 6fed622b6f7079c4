#include "suggest.h"

#include <ctype.h>
#include <string.h>

static const char *const makers[] = {
	"new", "open", "create", "init", "alloc", "make", "dup", "clone", "connect",
	"start", "begin", NULL,
};

/* Closing does not free where something else frees. */
static const char *const sure_enders[] = {
	"free", "destroy", "delete", "unref", NULL,
};

static const char *const enders[] = {
	"close", "release", "finish", "fini", "cleanup", "disconnect", NULL,
};

/* Whether one of the words stands in the name as a part of its own: between
 * underscores, or at a change to capitals (createState). */
static bool has_part(const char *name, const char *const *words)
{
	for (; *words; words++) {
		size_t len = strlen(*words);

		for (const char *at = name; (at = strcasestr(at, *words)); at++) {
			bool begins = at == name || at[-1] == '_' ||
			              (isupper((unsigned char)at[0]) &&
			               islower((unsigned char)at[-1])) ||
			              isdigit((unsigned char)at[-1]);
			bool ends = !islower((unsigned char)at[len]) ||
			            isupper((unsigned char)at[len]);

			if (begins && ends)
				return true;
		}
	}
	return false;
}

bool rh_suggest_makes(const struct rh_function *row)
{
	return row->ret.kind == RH_KIND_HANDLE && has_part(row->name, makers);
}

static bool takes_handle(const struct rh_function *row, const char *const *words)
{
	return rh_plan_is_carried(row) && row->param_count >= 1 &&
	       row->params[0].kind == RH_KIND_HANDLE && has_part(row->name, words);
}

bool rh_suggest_ends(const struct rh_interface *interface,
                     const struct rh_function *row)
{
	if (takes_handle(row, sure_enders))
		return true;
	if (!takes_handle(row, enders) || row->param_count > 1)
		return false;
	for (uint32_t i = 0; i < interface->function_count; i++) {
		const struct rh_function *other = &interface->functions[i];

		if (takes_handle(other, sure_enders) &&
		    other->params[0].handle == row->params[0].handle)
			return false;
	}
	return true;
}

static void put_handles(FILE *out, const struct rh_plan *plan)
{
	const struct rh_interface *interface = &plan->interface;

	if (!interface->handle_count)
		return;
	fputs("\n# Objects that stay in the library's process.  Add `replay` to one that\n"
	      "# can be made again, by the same calls, when that process was lost.\n", out);
	for (uint32_t i = 0; i < interface->handle_count; i++)
		fprintf(out, "# handle struct %s replay\n", interface->handles[i].name);
}

static void put_rest(FILE *out, uint8_t count)
{
	for (uint8_t i = 1; i < count; i++)
		fputs(", _", out);
	fputs(")\n", out);
}

static void put_lives(FILE *out, const struct rh_plan *plan)
{
	bool is_first = true;

	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		const struct rh_function *row = &plan->interface.functions[i];

		if (!rh_plan_is_carried(row) ||
		    (!rh_suggest_makes(row) && !rh_suggest_ends(&plan->interface, row)))
			continue;
		if (is_first)
			fputs("\n# Who makes an object and who ends it.\n", out);
		is_first = false;
		if (rh_suggest_makes(row)) {
			fprintf(out, "%s -> new\n", row->name);
		} else {
			fprintf(out, "%s (_ destroys", row->name);
			put_rest(out, row->param_count);
		}
	}
}

static bool is_object(const struct rh_ctype *type)
{
	return type->kind == RH_CTYPE_STRUCT && !type->is_complete;
}

/* What a pointer most likely is; "_" when C tells enough, NULL: no idea. */
static const char *likely(const struct rh_cfunction *c, uint32_t i)
{
	const struct rh_ctype *type = c->params[i].type;
	const struct rh_ctype *target = type->target;

	if (type->kind == RH_CTYPE_ARRAY && !target->is_const && !type->is_const)
		return "out";
	if (type->kind != RH_CTYPE_POINTER)
		return "_";
	if (target->kind == RH_CTYPE_POINTER && is_object(target->target))
		return has_part(c->name, makers) ? "out new" : "out";
	if (target->kind == RH_CTYPE_POINTER && target->target->is_char &&
	    !target->target->is_const)
		return "out string";
	if (rh_ctype_is_plain(target) && !(target->is_char && target->is_const) &&
	    target->size > 1)
		return target->is_const ? "in" : "out";
	if (is_object(target) || (target->is_char && target->is_const))
		return "_";
	return NULL;
}

static void put_line(FILE *out, const struct rh_cfunction *c)
{
	if (!c || c->is_variadic || c->param_count > RH_PARAMS_MAX)
		return;
	bool is_guess = false;
	for (uint32_t i = 0; i < c->param_count; i++) {
		const char *word = likely(c, i);

		if (!word)
			return;
		is_guess = is_guess || word[0] != '_';
	}
	if (!is_guess)
		return;
	fprintf(out, "# %s (", c->symbol);
	for (uint32_t i = 0; i < c->param_count; i++) {
		const char *word = likely(c, i);
		const char *name = c->params[i].name;
		bool        is_told = strcmp(word, "_") != 0 && name[0];

		fprintf(out, "%s%s%s%s", i ? ", " : "", word, is_told ? "|" : "",
		        is_told ? name : "");
	}
	fputs(")\n", out);
}

static void put_waiting(FILE *out, const struct rh_plan *plan)
{
	uint32_t blind = 0;
	bool     is_first = true;

	for (uint32_t i = 0; i < plan->interface.function_count; i++) {
		const struct rh_function *row = &plan->interface.functions[i];

		blind += !plan->functions[i].c;
		if (rh_plan_is_carried(row) || !plan->functions[i].c)
			continue;
		if (is_first)
			fputs("\n# Not carried yet: these fail until a line says how.  Where a line\n"
			      "# follows it is a guess: compare it with the manual.\n", out);
		is_first = false;
		fprintf(out, "# %s: %s\n", row->name, row->reason);
		put_line(out, plan->functions[i].c);
	}
	if (blind)
		fprintf(out, "\n# %u more are exported, but these headers do not declare them; they\n"
		        "# fail, or run in the caller's own library if a line says `local`.\n", blind);
}

void rh_suggest_write(FILE *out, const struct rh_plan *plan)
{
	put_handles(out, plan);
	put_lives(out, plan);
	fputs("\n# Add `idempotent` to what may run twice, `state` to what an object must\n"
	      "# be told again when it is made again:\n"
	      "# function_name idempotent\n", out);
	put_waiting(out, plan);
}
