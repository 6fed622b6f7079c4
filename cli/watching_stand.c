#include "watching_own.h"

#include "http.h"
#include "kind.h"
#include "show.h"

#include <string.h>

/* --- reading all of it ----------------------------------------------------------------
 */

static bool takes_name(const struct rh_watching *watching, const char *name)
{
	const char *wanted = watching->order->name;

	return !wanted || (name && strcmp(name, wanted) == 0);
}

typedef void visit_object(struct rh_watching *watching, json_t *object);

/* Every object of a kind, in pages; *ret_revision is that of the first. */
static enum rh_next walk_kind(struct rh_watching *watching, const struct rh_kind *kind,
                              visit_object *visit, json_int_t *ret_revision)
{
	enum rh_next next = RH_NEXT_GO_ON;
	char         path[300], after[80] = "";
	bool         is_first = true;

	while (next == RH_NEXT_GO_ON && (is_first || after[0])) {
		json_t     *page = NULL, *object;
		const char *more;
		size_t      i;

		rh_kind_path(kind, NULL, path, sizeof path);
		if (after[0]) {
			strcat(path, "?continue=");
			rh_http_escape(path, sizeof path, after);
		}
		next = rh_watching_get(watching, path, &page);
		if (next != RH_NEXT_GO_ON)
			return next;
		json_array_foreach(json_object_get(page, "items"), i, object) {
			if (takes_name(watching, rh_show_name(object)))
				visit(watching, object);
		}
		if (is_first)
			*ret_revision = rh_show_number(page, "revision");
		is_first = false;
		more = rh_show_text(json_object_get(page, "metadata"), "continue");
		snprintf(after, sizeof after, "%s", more ? more : "");
		json_decref(page);
		next = rh_watching_check_out(watching);
	}
	return next;
}

/* *ret_revision is the lowest that was read at. */
static enum rh_next walk(struct rh_watching *watching, visit_object *visit,
                         json_int_t *ret_revision)
{
	const struct rh_kind *kind;
	enum rh_next          next = RH_NEXT_GO_ON;

	*ret_revision = -1;
	for (kind = rh_kinds; kind->plural && next == RH_NEXT_GO_ON; kind++) {
		json_int_t revision = 0;

		if (!kind->object ||
		    (watching->order->kind && watching->order->kind != kind))
			continue;
		next = walk_kind(watching, kind, visit, &revision);
		if (*ret_revision < 0 || revision < *ret_revision)
			*ret_revision = revision;
	}
	return next;
}

/* --- telling what may have been missed ------------------------------------------------
 */

static bool is_open(const json_t *object)
{
	const json_t *condition = rh_show_condition(object, "Active");
	const char   *status = rh_show_text(condition, "status");

	return status && strcmp(status, "True") != 0;
}

void rh_watching_remember(struct rh_watching *watching, const char *name)
{
	if (name)
		json_object_set_new(watching->open, name, json_true());
}

/* What is as it was told needs no line. */
static void stand(struct rh_watching *watching, json_t *object)
{
	const char *name = rh_show_name(object);
	bool        is_now_open = is_open(object);

	if (!is_now_open && !(name && json_object_get(watching->open, name)))
		return;
	rh_watching_print_standing(watching, object);
	if (name && !is_now_open)
		json_object_del(watching->open, name);
	else
		rh_watching_remember(watching, name);
}

enum rh_next rh_watching_make_up(struct rh_watching *watching)
{
	json_int_t ignored;

	return walk(watching, stand, &ignored);
}

/* --- telling everything ---------------------------------------------------------------
 */

static void put(struct rh_watching *watching, json_t *object)
{
	json_t *line = json_pack("{s:s, s:I, s:O}", "type", "put", "revision",
		(json_int_t)rh_show_number(object, "revision"), "object", object);

	rh_watching_print(watching, line);
	json_decref(line);
	if (is_open(object)) {
		rh_watching_print_standing(watching, object);
		rh_watching_remember(watching, rh_show_name(object));
	}
}

enum rh_next rh_watching_reset(struct rh_watching *watching)
{
	json_int_t   revision = 0;
	enum rh_next next;

	if (watching->revision > 0)
		rh_watching_note(watching, "all there is follows; what is not among it is "
		                           "gone");
	rh_watching_print_own(watching, json_pack("{s:s, s:I, s:s}", "type", "reset",
		"revision", watching->revision < 0 ? 0 : watching->revision,
		"detail", "forget everything: all there is follows"));
	json_object_clear(watching->open);
	next = walk(watching, put, &revision);
	if (next != RH_NEXT_GO_ON)
		return next;
	watching->must_reset = watching->was_lost = false;
	watching->revision = revision;
	return RH_NEXT_GO_ON;
}
