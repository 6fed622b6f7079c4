/* What the center says: parts, limits, and every kind of bytes that are no view. */
#include "../../agent/view.h"
#include "../../model/error.h"
#include "../../wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct text {
	unsigned char           bytes[RH_FRAME_MAX];
	struct rh_record_writer writer;
};

static void begin(struct text *text, uint64_t revision)
{
	rh_record_begin(&text->writer, text->bytes, sizeof text->bytes);
	rh_record_put_u64(&text->writer, RH_TAG_REVISION, revision);
	rh_record_put_text(&text->writer, RH_TAG_SYSTEM, "lab");
}

static void put_self(struct text *text, const char *name)
{
	size_t place = rh_record_open(&text->writer, RH_TAG_SELF);

	rh_record_put_text(&text->writer, RH_TAG_RESOURCE, name);
	rh_record_put_text(&text->writer, RH_TAG_TYPE, "service");
	rh_record_put_text(&text->writer, RH_TAG_INTERFACE, "libmagic");
	rh_record_put_u32(&text->writer, RH_TAG_UID, 0);
	rh_record_put_u32(&text->writer, RH_TAG_UID, 70000);
	rh_record_put_text(&text->writer, RH_TAG_EXE, "/usr/bin/file");
	rh_record_put_text(&text->writer, RH_TAG_ENV, "MAGIC");
	rh_record_put_u32(&text->writer, RH_TAG_LOCALE_ON, 1);
	rh_record_put_text(&text->writer, RH_TAG_PROGRAM, "/usr/sbin/nic");
	rh_record_put_u64(&text->writer, RH_TAG_HASH, 0x1122334455667788u);
	rh_record_put_u64(&text->writer, RH_TAG_FUNCTION, 7);
	rh_record_put_u64(&text->writer, RH_TAG_FUNCTION, 0xffeeddccbbaa9988u);
	rh_record_close(&text->writer, place);
}

static void put_edge(struct text *text, const char *caller, const char *callee,
                     int32_t verdict)
{
	size_t place = rh_record_open(&text->writer, RH_TAG_EDGE_ITEM);

	rh_record_put_text(&text->writer, RH_TAG_CALLER, caller);
	rh_record_put_text(&text->writer, RH_TAG_CALLEE, callee);
	rh_record_put_text(&text->writer, RH_TAG_TYPE, "driver");
	rh_record_put_text(&text->writer, RH_TAG_INTERFACE, "libnic");
	rh_record_put_text(&text->writer, RH_TAG_ENV, "TZ");
	rh_record_put_i32(&text->writer, RH_TAG_VERDICT, verdict);
	rh_record_put_text(&text->writer, RH_TAG_PROTOCOL, "shm");
	rh_record_put_text(&text->writer, RH_TAG_RULE, "hierarchy");
	rh_record_put_u64(&text->writer, RH_TAG_REVISION, 3);
	rh_record_put_text(&text->writer, RH_TAG_TEXT, "a driver may call hardware");
	rh_record_close(&text->writer, place);
}

/* The name of the other end, or "", as a center would put it into the item. */
static void put_key(struct rh_record_writer *writer, const struct rh_record *record)
{
	struct rh_record_reader inside;
	char                    name[RH_NAME_MAX + 1];

	rh_record_read(&inside, record->bytes, record->len);
	if (record->tag == RH_TAG_SELF) {
		rh_record_put_text(writer, RH_TAG_CALLER, "magic");
		return;
	}
	if (rh_record_text(&inside, RH_TAG_CALLER, name, sizeof name) == RH_OK)
		rh_record_put_text(writer, RH_TAG_CALLER, name);
	if (rh_record_text(&inside, RH_TAG_CALLEE, name, sizeof name) == RH_OK)
		rh_record_put_text(writer, RH_TAG_CALLEE, name);
}

static int add_one(struct rh_agent_view *view, const struct rh_record *record,
                   struct rh_diag *diag)
{
	static unsigned char    bytes[RH_FRAME_MAX + 256];
	struct rh_record_writer writer;
	struct rh_item         *item;

	rh_record_begin(&writer, bytes, sizeof bytes);
	put_key(&writer, record);
	rh_record_put_u64(&writer, RH_TAG_REVISION, 3);
	rh_record_put(&writer, record->tag, record->bytes, record->len);
	int r = rh_item_read(&(struct rh_record){ .tag = RH_TAG_ITEM, .bytes = bytes,
		.len = (uint32_t)writer.used }, "magic", &item, diag);
	if (r < 0)
		return r;
	assert_true(item->len > 0);
	r = rh_agent_view_put(view, item, "magic", diag);
	rh_item_unref(item);
	return r;
}

/* 1 and a view of all that the text says, or the first error. */
static int add(struct rh_agent_view **view, struct text *text)
{
	struct rh_record_reader reader;
	struct rh_record        record;
	struct rh_diag          diag = { 0 };
	int                     more, r = RH_OK;

	if (!*view)
		*view = rh_agent_view_create(9, "lab");
	rh_record_read(&reader, text->bytes, text->writer.used);
	while (r == RH_OK && (more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag == RH_TAG_SELF || record.tag == RH_TAG_EDGE_ITEM)
			r = add_one(*view, &record, &diag);
	}
	if (r == RH_OK)
		return 1;
	assert_int_equal(diag.code, r);
	assert_true(diag.text[0] != 0);
	rh_agent_view_destroy(*view);
	*view = NULL;
	return r;
}

static void whole_view_is_read(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;

	(void)unused;
	begin(&text, 9);
	put_self(&text, "magic");
	put_edge(&text, "file", "magic", RH_ELAYER);
	put_edge(&text, "magic", "nic", RH_OK);
	assert_int_equal(add(&view, &text), 1);
	assert_int_equal(view->revision, 9);
	assert_string_equal(view->system, "lab");
	assert_string_equal(view->self.name, "magic");
	assert_string_equal(view->self.interface, "libmagic");
	assert_int_equal(view->self.uid_count, 2);
	assert_int_equal(view->self.uids[1], 70000);
	assert_string_equal(view->self.exes[0], "/usr/bin/file");
	assert_string_equal(view->self.envs[0], "MAGIC");
	assert_string_equal(view->self.program, "/usr/sbin/nic");
	assert_int_equal(view->self.locale_on, 1);
	assert_true(view->self.hash == 0x1122334455667788u);
	assert_int_equal(view->self.function_count, 2);
	assert_true(view->self.functions[1] == 0xffeeddccbbaa9988u);
	assert_int_equal(view->edge_count, 2);

	const struct rh_view_edge *edge = rh_agent_view_find(view, "file", "magic");
	assert_non_null(edge);
	assert_int_equal(edge->verdict, RH_ELAYER);
	assert_string_equal(edge->rule, "hierarchy");
	assert_int_equal(edge->revision, 3);
	assert_string_equal(edge->text, "a driver may call hardware");
	assert_int_equal(edge->env_bytes, 8 + 2);
	assert_null(rh_agent_view_find(view, "nic", "magic"));
	rh_agent_view_destroy(view);
}

static void an_unregistered_resource_has_no_self(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;

	(void)unused;
	begin(&text, 2);
	assert_int_equal(add(&view, &text), 1);
	assert_string_equal(view->self.name, "");
	rh_agent_view_destroy(view);
}

/* Both ends get the same bytes; each wants the type of the other one. */
static void the_other_ends_type_is_taken(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;
	size_t                place;

	(void)unused;
	begin(&text, 1);
	for (int i = 0; i < 2; i++) {
		place = rh_record_open(&text.writer, RH_TAG_EDGE_ITEM);
		rh_record_put_text(&text.writer, RH_TAG_CALLER, i ? "magic" : "file");
		rh_record_put_text(&text.writer, RH_TAG_CALLEE, i ? "nic" : "magic");
		rh_record_put_text(&text.writer, RH_TAG_TYPE, i ? "hardware" : "service");
		rh_record_put_text(&text.writer, RH_TAG_CALLER_TYPE,
		                   i ? "service" : "application");
		rh_record_put_i32(&text.writer, RH_TAG_VERDICT, RH_OK);
		rh_record_put_u64(&text.writer, RH_TAG_DEADLINE, 77);
		rh_record_put_i32(&text.writer, RH_TAG_AFTER, RH_ELAYER);
		rh_record_close(&text.writer, place);
	}
	assert_int_equal(add(&view, &text), 1);
	assert_string_equal(view->edges[0].type, "application");
	assert_string_equal(view->edges[1].type, "hardware");
	assert_int_equal(view->edges[1].deadline, 77);
	assert_int_equal(view->edges[1].after, RH_ELAYER);
	assert_int_equal(view->edges[1].item, 3);
	rh_agent_view_destroy(view);
}

static void put_stale(struct text *text, const char *class, int has_delay)
{
	size_t self = rh_record_open(&text->writer, RH_TAG_SELF), place;

	rh_record_put_text(&text->writer, RH_TAG_RESOURCE, "magic");
	place = rh_record_open(&text->writer, RH_TAG_STALE_ITEM);
	rh_record_put_text(&text->writer, RH_TAG_RULE, class);
	if (has_delay)
		rh_record_put_u64(&text->writer, RH_TAG_DELAY, 500);
	rh_record_close(&text->writer, place);
	rh_record_close(&text->writer, self);
}

static void how_old_a_cache_may_be_is_read(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;

	(void)unused;
	begin(&text, 1);
	put_stale(&text, "protocol", 1);
	assert_int_equal(add(&view, &text), 1);
	assert_int_equal(view->self.stale_ms[RH_STALE_PROTOCOL], 500);
	assert_true(view->self.stale_ms[RH_STALE_LAYERING] == RH_STALE_NEVER);
	rh_agent_view_destroy(view);
	view = NULL;
	begin(&text, 1);
	put_stale(&text, "a_class_of_tomorrow", 1);
	assert_int_equal(add(&view, &text), 1);
	rh_agent_view_destroy(view);
}

static void put_limited(struct text *text, int has_count)
{
	size_t edge = rh_record_open(&text->writer, RH_TAG_EDGE_ITEM), place;

	rh_record_put_text(&text->writer, RH_TAG_CALLER, "magic");
	rh_record_put_text(&text->writer, RH_TAG_CALLEE, "nic");
	rh_record_put_i32(&text->writer, RH_TAG_VERDICT, RH_OK);
	place = rh_record_open(&text->writer, RH_TAG_LIMIT_ITEM);
	rh_record_put_text(&text->writer, RH_TAG_RULE, "few.calls");
	rh_record_put_u64(&text->writer, RH_TAG_REVISION, 12);
	if (has_count)
		rh_record_put_u32(&text->writer, RH_TAG_COUNT, 7);
	rh_record_close(&text->writer, place);
	rh_record_close(&text->writer, edge);
}

static void how_many_calls_may_be_under_way_is_read(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;

	(void)unused;
	begin(&text, 1);
	put_limited(&text, 1);
	assert_int_equal(add(&view, &text), 1);
	assert_int_equal(view->edges[0].calls_max, 7);
	assert_int_equal(view->edges[0].limit_revision, 12);
	assert_string_equal(view->edges[0].limit_rule, "few.calls");
	rh_agent_view_destroy(view);
	view = NULL;
	begin(&text, 1);
	put_limited(&text, 0);
	assert_int_equal(add(&view, &text), RH_EPROTO);
}

static void what_contradicts_is_refused(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;

	(void)unused;
	begin(&text, 1);
	put_self(&text, "nic");
	assert_int_equal(add(&view, &text), RH_EPROTO); /* somebody else's */
	begin(&text, 1);
	put_self(&text, "magic");
	put_self(&text, "magic");
	assert_int_equal(add(&view, &text), RH_EPROTO); /* twice */
	begin(&text, 1);
	put_edge(&text, "file", "nic", RH_OK);
	assert_int_equal(add(&view, &text), RH_EPROTO); /* does not touch us */
	begin(&text, 1);
	put_edge(&text, "magic", "magic", RH_OK);
	assert_int_equal(add(&view, &text), RH_EPROTO); /* a loop */
	begin(&text, 1);
	put_edge(&text, "magic", "nic", RH_OK);
	put_edge(&text, "magic", "nic", RH_OK);
	assert_int_equal(add(&view, &text), RH_EPROTO); /* twice */
	begin(&text, 1);
	put_edge(&text, "magic", "nic", 5);
	assert_int_equal(add(&view, &text), RH_EPROTO); /* no such verdict */
	begin(&text, 1);
	put_edge(&text, "magic", "../nic", RH_OK);
	assert_int_equal(add(&view, &text), RH_EPROTO); /* no name */
	begin(&text, 1);
	put_edge(&text, "magic", "zip", RH_OK);
	put_edge(&text, "magic", "nic", RH_OK);
	assert_int_equal(add(&view, &text), RH_EPROTO); /* out of order */
}

static void put_many(struct text *text, uint16_t tag, unsigned count)
{
	size_t place = rh_record_open(&text->writer, RH_TAG_SELF);

	rh_record_put_text(&text->writer, RH_TAG_RESOURCE, "magic");
	for (unsigned i = 0; i < count; i++) {
		if (tag == RH_TAG_UID)
			rh_record_put_u32(&text->writer, tag, i);
		else
			rh_record_put_text(&text->writer, tag, "/x");
	}
	rh_record_close(&text->writer, place);
}

static void limits_hold(void **unused)
{
	static const struct { uint16_t tag; unsigned max; } lists[] = {
		{ RH_TAG_UID, RH_VIEW_ALLOW_MAX }, { RH_TAG_EXE, RH_VIEW_ALLOW_MAX },
		{ RH_TAG_ENV, RH_VIEW_ENV_MAX },
	};
	struct text           text;
	struct rh_agent_view *view = NULL;

	(void)unused;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		begin(&text, 1);
		put_many(&text, lists[i].tag, lists[i].max);
		assert_int_equal(add(&view, &text), 1);
		rh_agent_view_destroy(view);
		view = NULL;
		begin(&text, 1);
		put_many(&text, lists[i].tag, lists[i].max + 1);
		assert_int_equal(add(&view, &text), RH_ENOSPC);
	}
}

static int add_edges(struct rh_agent_view **view, unsigned first, unsigned count)
{
	struct text text;
	char        name[16];

	begin(&text, 1);
	for (unsigned i = first; i < first + count; i++) {
		snprintf(name, sizeof name, "callee_%04u", i);
		put_edge(&text, "magic", name, RH_OK);
	}
	return add(view, &text);
}

static void more_edges_than_the_limit_are_refused(void **unused)
{
	enum { PART = 64 };
	struct rh_agent_view *view = NULL;

	(void)unused;
	for (unsigned i = 0; i < RH_EDGES_PER_AGENT; i += PART)
		assert_int_equal(add_edges(&view, i, PART), 1);
	assert_int_equal(add_edges(&view, RH_EDGES_PER_AGENT, 1), RH_ENOSPC);
}

/* Cut anywhere, or with any byte changed: refused or read, and nothing leaks or is
 * read outside (the sanitizers' job). */
static void hostile_bytes_do_no_harm(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;

	(void)unused;
	begin(&text, 9);
	put_self(&text, "magic");
	put_edge(&text, "file", "magic", RH_ELAYER);
	put_edge(&text, "magic", "nic", RH_OK);
	size_t len = text.writer.used;
	for (size_t cut = 0; cut < len; cut++) {
		text.writer.used = cut;
		add(&view, &text);
		rh_agent_view_destroy(view);
		view = NULL;
	}
	text.writer.used = len;
	for (size_t at = 0; at < len; at++) {
		static const unsigned char masks[] = { 0x01, 0x80, 0xff };

		for (size_t m = 0; m < sizeof masks; m++) {
			text.bytes[at] ^= masks[m];
			add(&view, &text);
			rh_agent_view_destroy(view);
			view = NULL;
			text.bytes[at] ^= masks[m];
		}
	}
}

/* A verdict in more words than an error frame holds is cut, not refused. */
static void long_words_are_cut(void **unused)
{
	struct text           text;
	struct rh_agent_view *view = NULL;
	char                  words[600];
	size_t                place;

	(void)unused;
	memset(words, 'w', sizeof words - 1);
	words[sizeof words - 1] = 0;
	begin(&text, 1);
	place = rh_record_open(&text.writer, RH_TAG_EDGE_ITEM);
	rh_record_put_text(&text.writer, RH_TAG_CALLER, "magic");
	rh_record_put_text(&text.writer, RH_TAG_CALLEE, "nic");
	rh_record_put_i32(&text.writer, RH_TAG_VERDICT, RH_ELAYER);
	rh_record_put_text(&text.writer, RH_TAG_TEXT, words);
	rh_record_close(&text.writer, place);
	assert_int_equal(add(&view, &text), 1);
	assert_int_equal(strlen(view->edges[0].text), RH_DIAG_MAX - 1);
	assert_string_equal(view->edges[0].protocol, "bind"); /* without a rule */
	rh_agent_view_destroy(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_view_is_read),
		cmocka_unit_test(the_other_ends_type_is_taken),
		cmocka_unit_test(how_old_a_cache_may_be_is_read),
		cmocka_unit_test(how_many_calls_may_be_under_way_is_read),
		cmocka_unit_test(an_unregistered_resource_has_no_self),
		cmocka_unit_test(what_contradicts_is_refused),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(more_edges_than_the_limit_are_refused),
		cmocka_unit_test(hostile_bytes_do_no_harm),
		cmocka_unit_test(long_words_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
