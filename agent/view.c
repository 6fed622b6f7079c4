#include "view.h"

#include "../base/diag.h"
#include "../model/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGES_AT_FIRST 16u

static int malformed(struct rh_diag *diag, const char *what)
{
	return rh_diag_set(diag, RH_EPROTO, "the view is malformed: %s", what);
}

static int full(struct rh_diag *diag, const char *what, unsigned max)
{
	return rh_diag_set(diag, RH_ENOSPC, "the view has more than %u %s", max, what);
}

/* A text that may be absent: then it stays as it is. */
static int read_text(const struct rh_record_reader *records, uint16_t tag,
                     char *text, size_t cap)
{
	int r = rh_record_text(records, tag, text, cap);

	return r == RH_ENOENT ? RH_OK : r;
}

static int may_miss(int r)
{
	return r == RH_ENOENT ? RH_OK : r;
}

static int read_name(const struct rh_record_reader *records, uint16_t tag,
                     char *name)
{
	char text[RH_NAME_MAX + 1];
	int  r = rh_record_text(records, tag, text, sizeof text);

	if (r < 0)
		return r;
	if (rh_name_check(text, strlen(text)) < 0)
		return RH_EPROTO;
	memcpy(name, text, strlen(text) + 1);
	return RH_OK;
}

static int copy_text(const struct rh_record *record, char **ret_text)
{
	char *text = malloc((size_t)record->len + 1);
	int   r;

	if (!text)
		return RH_ENOMEM;
	r = rh_record_copy_text(record, text, (size_t)record->len + 1);
	if (r < 0)
		free(text);
	else
		*ret_text = text;
	return r;
}

static int add_text(const struct rh_record *record, char **texts, unsigned *count,
                    unsigned max)
{
	int r;

	if (*count == max)
		return RH_ENOSPC;
	r = copy_text(record, &texts[*count]);
	if (r == RH_OK)
		(*count)++;
	return r;
}

static int add_uid(struct rh_self *self, const struct rh_record *record)
{
	if (record->len != sizeof(uint32_t))
		return RH_EPROTO;
	if (self->uid_count == RH_VIEW_ALLOW_MAX)
		return RH_ENOSPC;

	const unsigned char *at = record->bytes;
	self->uids[self->uid_count++] = (uid_t)at[0] | (uid_t)at[1] << 8 |
	                                (uid_t)at[2] << 16 | (uid_t)at[3] << 24;
	return RH_OK;
}

static int add_function(struct rh_self *self, const struct rh_record *record)
{
	uint64_t hash = 0;

	if (record->len != sizeof hash)
		return RH_EPROTO;
	if (self->function_count == RH_VIEW_FUNCS_MAX)
		return RH_ENOSPC;
	if ((self->function_count & (self->function_count - 1)) == 0) {
		size_t    room = self->function_count ? self->function_count * 2u : 1;
		uint64_t *more = realloc(self->functions, room * sizeof *more);

		if (!more)
			return RH_ENOMEM;
		self->functions = more;
	}
	for (unsigned i = 0; i < sizeof hash; i++)
		hash |= (uint64_t)record->bytes[i] << (8 * i);
	self->functions[self->function_count++] = hash;
	return RH_OK;
}

/* A class that a newer center has is none of ours. */
static int add_stale(struct rh_self *self, const struct rh_record *record)
{
	static const char *const classes[RH_STALE_CLASSES] = {
		"layering", "revocation", "protocol",
	};
	struct rh_record_reader records;
	char                    class[RH_NAME_MAX + 1];
	uint64_t                delay = RH_STALE_NEVER;

	rh_record_read(&records, record->bytes, record->len);
	if (rh_record_text(&records, RH_TAG_RULE, class, sizeof class) < 0 ||
	    may_miss(rh_record_u64(&records, RH_TAG_DELAY, &delay)) < 0)
		return RH_EPROTO;
	for (unsigned i = 0; i < RH_STALE_CLASSES; i++) {
		if (strcmp(classes[i], class) == 0)
			self->stale_ms[i] = delay;
	}
	return RH_OK;
}

/* The records of SELF that may stand there several times. */
static int add_to_self(struct rh_self *self, const struct rh_record *record)
{
	switch (record->tag) {
	case RH_TAG_UID:
		return add_uid(self, record);
	case RH_TAG_EXE:
		return add_text(record, self->exes, &self->exe_count,
		                RH_VIEW_ALLOW_MAX);
	case RH_TAG_ENV:
		return add_text(record, self->envs, &self->env_count, RH_VIEW_ENV_MAX);
	case RH_TAG_FUNCTION:
		return add_function(self, record);
	case RH_TAG_PROGRAM:
		return self->program ? RH_EPROTO : copy_text(record, &self->program);
	case RH_TAG_STALE_ITEM:
		return add_stale(self, record);
	default:
		return RH_OK;
	}
}

static int read_self(struct rh_self *self, const struct rh_record *record,
                     const char *resource, struct rh_diag *diag)
{
	struct rh_record_reader records;
	struct rh_record        item;
	int                     more, r;

	for (unsigned i = 0; i < RH_STALE_CLASSES; i++)
		self->stale_ms[i] = RH_STALE_NEVER;
	rh_record_read(&records, record->bytes, record->len);
	if ((r = read_name(&records, RH_TAG_RESOURCE, self->name)) < 0 ||
	    (r = read_text(&records, RH_TAG_TYPE, self->type, sizeof self->type)) < 0 ||
	    (r = read_text(&records, RH_TAG_INTERFACE, self->interface,
	                   sizeof self->interface)) < 0)
		return malformed(diag, "the resource's name, type or interface");
	if (strcmp(self->name, resource) != 0) /* V1 */
		return rh_diag_set(diag, RH_EPROTO, "the view is of %s, not of %s",
		                   self->name, resource);
	r = rh_record_u64(&records, RH_TAG_HASH, &self->hash);
	if (r == RH_OK || r == RH_ENOENT)
		r = rh_record_u32(&records, RH_TAG_LOCALE_ON, &self->locale_on);
	if (r < 0 && r != RH_ENOENT)
		return malformed(diag, "the resource's hash or locale");
	while ((more = rh_record_next(&records, &item)) > 0) {
		if ((r = add_to_self(self, &item)) < 0)
			return rh_diag_set(diag, r, "the view's description of the "
			                   "resource is malformed or over a limit");
	}
	if (more < 0)
		return malformed(diag, "it is cut off");
	records.at = 0;
	if ((r = rh_schedspec_read(&self->sched, &records, diag)) < 0)
		return r;
	return rh_codespecs_read(&self->codes, &records, diag);
}

/* The verdict in words; cut to what an error frame holds. */
static int read_reason(const struct rh_record_reader *records,
                       struct rh_view_edge *edge)
{
	struct rh_record record;
	int              r = rh_record_find(records, RH_TAG_TEXT, &record);

	if (r < 0)
		return may_miss(r);
	if (record.len >= sizeof edge->text)
		record.len = sizeof edge->text - 1;
	return rh_record_copy_text(&record, edge->text, sizeof edge->text);
}

/* The names of variables, as records, ready to be passed on. */
static int keep_env(const struct rh_record_reader *records,
                    struct rh_view_edge *edge)
{
	struct rh_record_reader reader = *records;
	struct rh_record_writer writer;
	struct rh_record        record;
	unsigned                count = 0;
	int                     more;

	reader.at = 0;
	while ((more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag != RH_TAG_ENV)
			continue;
		if (++count > RH_VIEW_ENV_MAX)
			return RH_ENOSPC;
		edge->env_bytes += 8 + (size_t)record.len;
	}
	if (more < 0 || count == 0)
		return more;
	edge->env = malloc(edge->env_bytes);
	if (!edge->env)
		return RH_ENOMEM;
	rh_record_begin(&writer, edge->env, edge->env_bytes);
	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0) {
		if (record.tag == RH_TAG_ENV)
			rh_record_put(&writer, RH_TAG_ENV, record.bytes, record.len);
	}
	return RH_OK;
}

/* How many calls may be under way. */
static int read_limit(const struct rh_record_reader *reader, struct rh_view_edge *edge)
{
	struct rh_record_reader records;
	struct rh_record        item;

	if (rh_record_find(reader, RH_TAG_LIMIT_ITEM, &item) != RH_OK)
		return RH_OK;
	rh_record_read(&records, item.bytes, item.len);
	if (rh_record_u32(&records, RH_TAG_COUNT, &edge->calls_max) < 0 ||
	    rh_record_u64(&records, RH_TAG_REVISION, &edge->limit_revision) < 0 ||
	    rh_record_text(&records, RH_TAG_RULE, edge->limit_rule,
	                   sizeof edge->limit_rule) < 0)
		return RH_EPROTO;
	return RH_OK;
}

/* The item is the same for both ends: the other end's type is the one wanted. */
static uint16_t type_tag(const struct rh_view_edge *edge, const char *resource)
{
	return strcmp(edge->callee, resource) == 0 ? RH_TAG_CALLER_TYPE : RH_TAG_TYPE;
}

static int read_edge(struct rh_view_edge *edge, const struct rh_record *record,
                     const char *resource, struct rh_diag *diag)
{
	struct rh_record_reader records;
	int                     r;

	rh_record_read(&records, record->bytes, record->len);
	if ((r = read_name(&records, RH_TAG_CALLER, edge->caller)) < 0 ||
	    (r = read_name(&records, RH_TAG_CALLEE, edge->callee)) < 0 ||
	    (r = rh_record_i32(&records, RH_TAG_VERDICT, &edge->verdict)) < 0 ||
	    (r = read_text(&records, type_tag(edge, resource), edge->type,
	                   sizeof edge->type)) < 0 ||
	    (r = read_text(&records, RH_TAG_INTERFACE, edge->interface,
	                   sizeof edge->interface)) < 0 ||
	    (r = read_text(&records, RH_TAG_PROTOCOL, edge->protocol,
	                   sizeof edge->protocol)) < 0 ||
	    (r = read_text(&records, RH_TAG_RULE, edge->rule, sizeof edge->rule)) < 0)
		return r;
	if ((r = read_reason(&records, edge)) < 0 ||
	    (r = may_miss(rh_record_u64(&records, RH_TAG_REVISION,
	                                &edge->revision))) < 0 ||
	    (r = may_miss(rh_record_u64(&records, RH_TAG_DEADLINE,
	                                &edge->deadline))) < 0 ||
	    (r = may_miss(rh_record_i32(&records, RH_TAG_AFTER, &edge->after))) < 0 ||
	    (r = may_miss(rh_record_u32(&records, RH_TAG_LOCALE_ON,
	                                &edge->locale_on))) < 0)
		return r;
	if ((r = read_limit(&records, edge)) < 0)
		return r;
	if (edge->protocol[0] == 0)
		memcpy(edge->protocol, "bind", sizeof "bind");
	if ((r = rh_codespecs_read(&edge->codes, &records, diag)) < 0)
		return r;
	return keep_env(&records, edge);
}

static int make_room(struct rh_agent_view *view)
{
	unsigned             room = view->edge_room ? view->edge_room * 2
	                                            : EDGES_AT_FIRST;
	struct rh_view_edge *more;

	if (view->edge_count < view->edge_room)
		return RH_OK;
	more = realloc(view->edges, room * sizeof *more);
	if (!more)
		return RH_ENOMEM;
	view->edges = more;
	view->edge_room = room;
	return RH_OK;
}

static int follows_last(const struct rh_agent_view *view,
                        const struct rh_view_edge *edge)
{
	const struct rh_view_edge *last = &view->edges[view->edge_count - 1];
	int order = strcmp(last->caller, edge->caller);

	return order < 0 || (order == 0 && strcmp(last->callee, edge->callee) < 0);
}

static int add_edge(struct rh_agent_view *view, const struct rh_record *record,
                    const struct rh_item *item, const char *resource,
                    struct rh_diag *diag)
{
	struct rh_view_edge edge = { .item = item->revision };
	int                 r = RH_OK;

	if (view->edge_count == RH_EDGES_PER_AGENT)
		return full(diag, "edges", RH_EDGES_PER_AGENT);
	r = read_edge(&edge, record, resource, diag);
	if (r == RH_ENOSYS) /* diag says which */
		;
	else if (r < 0 || edge.verdict > 0 || edge.after > 0)
		r = malformed(diag, "an edge");
	else if (strcmp(edge.caller, item->caller) != 0 ||
	         strcmp(edge.callee, item->callee) != 0) /* V1 */
		r = malformed(diag, "an edge is not the one that the item names");
	else if (view->edge_count > 0 && !follows_last(view, &edge)) /* V2 */
		r = malformed(diag, "an edge stands there twice, or out of order");
	else if (make_room(view) < 0)
		r = rh_diag_set(diag, RH_ENOMEM, "no memory for the view");
	if (r < 0) {
		free(edge.env);
		rh_codespecs_fini(&edge.codes);
		return r;
	}
	view->edges[view->edge_count++] = edge;
	return RH_OK;
}

static void free_self(struct rh_self *self)
{
	for (unsigned i = 0; i < self->exe_count; i++)
		free(self->exes[i]);
	for (unsigned i = 0; i < self->env_count; i++)
		free(self->envs[i]);
	free(self->program);
	free(self->functions);
	rh_codespecs_fini(&self->codes);
}

struct rh_agent_view *rh_agent_view_create(uint64_t revision, const char *system)
{
	struct rh_agent_view *view = calloc(1, sizeof *view);

	if (!view)
		return NULL;
	view->revision = revision;
	snprintf(view->system, sizeof view->system, "%s", system);
	return view;
}

static int put_self(struct rh_agent_view *view, const struct rh_record *record,
                    const char *resource, struct rh_diag *diag)
{
	struct rh_self self = { 0 };
	int            r;

	if (view->self.name[0])
		return malformed(diag, "it describes the resource twice");
	r = read_self(&self, record, resource, diag);
	if (r < 0)
		free_self(&self);
	else
		view->self = self;
	return r;
}

int rh_agent_view_put(struct rh_agent_view *view, const struct rh_item *item,
                      const char *resource, struct rh_diag *diag)
{
	struct rh_record_reader records;
	struct rh_record        record;

	rh_record_read(&records, item->bytes, item->len);
	if (item->callee[0] == 0)
		return rh_record_find(&records, RH_TAG_SELF, &record) == RH_OK
		     ? put_self(view, &record, resource, diag)
		     : malformed(diag, "it does not describe the resource");
	return rh_record_find(&records, RH_TAG_EDGE_ITEM, &record) == RH_OK
	     ? add_edge(view, &record, item, resource, diag)
	     : malformed(diag, "it does not describe the edge");
}

void rh_agent_view_destroy(struct rh_agent_view *view)
{
	if (!view)
		return;
	free_self(&view->self);
	for (unsigned i = 0; i < view->edge_count; i++) {
		free(view->edges[i].env);
		rh_codespecs_fini(&view->edges[i].codes);
	}
	free(view->edges);
	free(view);
}

static int compare(const struct rh_view_edge *edge, const char *caller,
                   const char *callee)
{
	int order = strcmp(edge->caller, caller);

	return order ? order : strcmp(edge->callee, callee);
}

const struct rh_view_edge *rh_agent_view_find(const struct rh_agent_view *view,
                                        const char *caller, const char *callee)
{
	unsigned low = 0, high = view->edge_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int      order = compare(&view->edges[middle], caller, callee);

		if (order == 0)
			return &view->edges[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
