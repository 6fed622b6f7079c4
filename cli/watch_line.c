#include "watch_line.h"

#include "show.h"
#include "text.h"

#include "../base/plural.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

struct row {
	char           time[16];
	long long      revision; /* 0: none */
	const char    *event;
	enum rh_style  style;
	char           object[96];
	const char    *agent;
	char           what[700];
};

static const int widths[] = { 12, 9, 10, 24, 16 };

/* Pads to the width, and two blanks. */
static void print_cell(FILE *out, const char *text, size_t column, enum rh_style style,
                       bool has_color)
{
	char clean[128];
	int  gap;

	rh_text_clean(text && text[0] ? text : "-", clean, sizeof clean);
	gap = widths[column] - (int)rh_text_width(clean);
	rh_text_print(out, clean, style, has_color);
	fprintf(out, "%*s", (gap > 0 ? gap : 0) + 2, "");
}

static void print_row(FILE *out, const struct row *row, bool has_color)
{
	char revision[24] = "";

	if (row->revision > 0)
		snprintf(revision, sizeof revision, "%lld", row->revision);
	print_cell(out, row->time, 0, RH_DIM, has_color);
	print_cell(out, revision, 1, RH_PLAIN, has_color);
	print_cell(out, row->event, 2, row->style, has_color);
	print_cell(out, row->object, 3, RH_PLAIN, has_color);
	print_cell(out, row->agent, 4, RH_PLAIN, has_color);
	rh_text_print(out, row->what[0] ? row->what : "-", RH_PLAIN, has_color);
	fputc('\n', out);
}

void rh_watch_line_headings(FILE *out, bool has_color)
{
	static const char *const names[] = { "TIME", "REVISION", "EVENT", "OBJECT", "AGENT" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		print_cell(out, names[i], i, RH_BOLD, has_color);
	rh_text_print(out, "WHAT", RH_BOLD, has_color);
	fputc('\n', out);
}

/* --- the parts of a row ---------------------------------------------------------------
 */

/* The time of this node, in its zone: that of the center's line, or now. */
static void set_time(struct row *row, const char *text)
{
	struct timespec now;
	struct tm       at = { 0 };
	int             ms = 0;
	bool            is_told = text && sscanf(text, "%d-%d-%dT%d:%d:%d.%d", &at.tm_year,
	                                         &at.tm_mon, &at.tm_mday, &at.tm_hour,
	                                         &at.tm_min, &at.tm_sec, &ms) == 7;
	time_t          seconds;

	if (is_told) {
		at.tm_year -= 1900;
		at.tm_mon -= 1;
		seconds = timegm(&at);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		seconds = now.tv_sec;
		ms = (int)(now.tv_nsec / 1000000);
	}
	localtime_r(&seconds, &at);
	strftime(row->time, sizeof row->time, "%H:%M:%S", &at);
	snprintf(row->time + strlen(row->time), sizeof row->time - strlen(row->time),
	         ".%03u", (unsigned)ms % 1000u);
}

/* "rule app-lib" */
static void set_object(struct row *row, const char *kind, const char *name)
{
	char small[24];

	snprintf(small, sizeof small, "%s", kind ? kind : "");
	small[0] = (char)tolower((unsigned char)small[0]);
	snprintf(row->object, sizeof row->object, "%s%s%.64s", small,
	         small[0] && name ? " " : "", name ? name : "");
}

static const char *edge_text(const json_t *edge, char *text, size_t cap)
{
	const char *caller = json_string_value(json_array_get(edge, 0));
	const char *callee = json_string_value(json_array_get(edge, 1));

	text[0] = '\0';
	if (caller && callee)
		snprintf(text, cap, "%.63s -> %.63s", caller, callee);
	return text;
}

/* Adds a part; parts are ": " apart. */
static void add(char *what, size_t cap, const char *part)
{
	size_t used = strlen(what);

	if (part && part[0] && used < cap)
		snprintf(what + used, cap - used, "%s%s", used ? ": " : "", part);
}

static enum rh_style style_of(const char *event)
{
	static const char *const bad[] = {
		"rejected", "revoked", "revoking", "unreachable", "missed",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (strcmp(bad[i], event) == 0)
			return RH_BAD;
	}
	return strcmp(event, "active") == 0 || strcmp(event, "healed") == 0 ? RH_GOOD
	                                                                    : RH_PLAIN;
}

/* --- what an object says --------------------------------------------------------------
 */

static void describe_rule(const json_t *object, char *what, size_t cap)
{
	struct rh_show_rule rule;

	rh_show_rule(object, &rule);
	if (rule.kind[0] == '?')
		return;
	add(what, cap, rule.edge);
	add(what, cap, rule.says);
}

static void describe_resource(const json_t *object, char *what, size_t cap)
{
	const json_t *spec = json_object_get(object, "spec");
	const char   *type = rh_show_text(spec, "type");
	char          list[256];

	rh_show_list(json_object_get(spec, "reference"), list, sizeof list);
	if (type)
		snprintf(what, cap, "%s%s%s", type, list[0] ? ", calls " : "", list);
}

static void describe(const json_t *object, char *what, size_t cap)
{
	const char *kind = rh_show_text(object, "kind");

	if (kind && strcmp(kind, "Rule") == 0)
		describe_rule(object, what, cap);
	else if (kind && strcmp(kind, "Resource") == 0)
		describe_resource(object, what, cap);
}

/* --- lines ----------------------------------------------------------------------------
 */

/* {"type": "rollout", "name", "state", "step", "steps", "generation", ...} */
static void set_rollout(struct row *row, const json_t *line)
{
	const char *state = rh_show_text(line, "state");
	long long   steps = json_integer_value(json_object_get(line, "steps"));
	long long   at = json_integer_value(json_object_get(line, "step"));
	long long   generation = json_integer_value(json_object_get(line, "generation"));
	long long   failed = json_integer_value(json_object_get(line, "failed"));
	char        step[64] = "", text[160];

	set_object(row, "Rule", rh_show_text(line, "name"));
	if (failed && failed != generation)
		snprintf(step, sizeof step, ", generation %lld is in its place", generation);
	else if (failed)
		snprintf(step, sizeof step, ", no edge has it");
	else if (steps && at)
		snprintf(step, sizeof step, ", step %lld of %lld", at, steps);
	else if (steps)
		snprintf(step, sizeof step, ", before step 1 of %lld", steps);
	snprintf(text, sizeof text, "generation %lld %.40s%s", failed ? failed : generation,
	         state ? state : "?", step);
	add(row->what, sizeof row->what, text);
	add(row->what, sizeof row->what, rh_show_text(line, "reason"));
}

/* {"type": "active", "name", "agent", "revision", "edge", "edges", "code", "text"} */
static void set_news(struct row *row, const json_t *line)
{
	const json_t *edge = json_object_get(line, "edge");
	const json_t *edges = json_object_get(line, "edges");
	long long     count = json_integer_value(json_object_get(line, "count"));
	char          text[160];

	row->agent = rh_show_text(line, "agent");
	set_object(row, edge || edges ? "Rule" : NULL, rh_show_text(line, "name"));
	add(row->what, sizeof row->what, edge_text(edge, text, sizeof text));
	if (edges) {
		snprintf(text, sizeof text, "%lld edge%s", (long long)json_integer_value(edges),
		         rh_plural((unsigned long long)json_integer_value(edges)));
		add(row->what, sizeof row->what, text);
	}
	if (rh_show_text(line, "deadline")) {
		snprintf(text, sizeof text, "calls pass until %.40s",
		         rh_show_text(line, "deadline"));
		add(row->what, sizeof row->what, text);
	}
	if (count) {
		snprintf(text, sizeof text, "too many to be told: %lld event%s", count,
		         rh_plural((unsigned long long)count));
		add(row->what, sizeof row->what, text);
	}
	add(row->what, sizeof row->what, rh_show_text(line, "code"));
	add(row->what, sizeof row->what, rh_show_text(line, "text"));
	add(row->what, sizeof row->what, rh_show_text(line, "detail"));
}

void rh_watch_line_print(FILE *out, const json_t *line, bool has_color)
{
	const char   *type = rh_show_text(line, "type");
	const json_t *object = json_object_get(line, "object");
	struct row    row = { .event = type };

	if (!type || strcmp(type, "bookmark") == 0)
		return;
	row.style = style_of(type);
	row.revision = json_integer_value(json_object_get(line, "revision"));
	set_time(&row, rh_show_text(line, "time"));
	if (object) {
		set_object(&row, rh_show_text(object, "kind"), rh_show_name(object));
		describe(object, row.what, sizeof row.what);
	} else if (strcmp(type, "rollout") == 0) {
		set_rollout(&row, line);
	} else {
		set_news(&row, line);
	}
	print_row(out, &row, has_color);
}

static void print_place(FILE *out, struct row *row, const json_t *place, bool has_color)
{
	char text[160];

	row->event = rh_show_text(place, "state");
	row->agent = rh_show_text(place, "agent");
	row->style = style_of(row->event ? row->event : "");
	row->what[0] = '\0';
	add(row->what, sizeof row->what,
	    edge_text(json_object_get(place, "edge"), text, sizeof text));
	add(row->what, sizeof row->what, rh_show_text(place, "code"));
	add(row->what, sizeof row->what, rh_show_text(place, "text"));
	print_row(out, row, has_color);
}

void rh_watch_line_standing(FILE *out, const json_t *object, bool has_color)
{
	const json_t *condition = rh_show_condition(object, "Active");
	const json_t *places = json_object_get(condition, "agents");
	const char   *status = rh_show_text(condition, "status");
	struct row    row = { .revision = rh_show_number(object, "revision") };
	size_t        i;
	json_t       *place;

	set_time(&row, NULL);
	set_object(&row, rh_show_text(object, "kind"), rh_show_name(object));
	json_array_foreach(places, i, place)
		print_place(out, &row, place, has_color);
	if (json_array_size(places) > 0)
		return;
	row.event = status && strcmp(status, "True") == 0 ? "active" : "standing";
	row.style = row.event[0] == 'a' ? RH_GOOD : RH_PLAIN;
	if (rh_show_text(condition, "message"))
		add(row.what, sizeof row.what, rh_show_text(condition, "message"));
	print_row(out, &row, has_color);
}
