/* The center's side of push without sockets: what subscribers make of the frames is
 * what the realm says, whatever happens on the way. */
#include "push_stage.h"

#include "../../base/diag.h"
#include "../../center/item.h"
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

/* ---- what is told to whom ---- */

static const struct rh_push_sizes usual = {
	.deltas = 1024, .bytes = 1u << 20, .snapshots = 16,
};

static void both_ends_get_the_same_bytes_and_nobody_else(void **state)
{
	struct stage *stage = open_stage(state, usual);

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", "") "," DRIVER("c", "'d'"));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	struct agent *b = new_agent(stage, "b", 1u << 20);
	struct agent *c = new_agent(stage, "c", 1u << 20);
	pump_all(stage);
	assert_int_equal(a->item_count, 2);
	assert_int_equal(b->item_count, 2);
	assert_int_equal(c->item_count, 2);

	IN(stage, PROTOCOL("p", "a", "b", "shm"));
	assert_true(a->is_woken && b->is_woken && !c->is_woken);
	pump_all(stage);
	struct rh_item_key key = rh_item_key_of("a", "b");
	struct item *of_a = find_item(a, &key), *of_b = find_item(b, &key);
	assert_int_equal(a->frames[RH_FRAME_DELTA], 1);
	assert_int_equal(b->frames[RH_FRAME_DELTA], 1);
	assert_int_equal(c->frames[RH_FRAME_DELTA], 0);
	assert_int_equal(of_a->len, of_b->len);
	assert_memory_equal(of_a->bytes, of_b->bytes, of_a->len);
	assert_int_equal(of_a->revision, stage->push.head);
	assert_int_equal(of_b->revision, stage->push.head);
	assert_int_equal(stage->push.counts.items, 1);

	/* Nothing for c, but the revision moved on. */
	assert_int_equal(pump(stage, c, 1, 0), 0);
	assert_int_equal(pump(stage, c, 1, 1), 1);
	assert_int_equal(c->frames[RH_FRAME_BOOKMARK], 1);
	assert_int_equal(c->follow.revision, stage->push.head);

	/* What changes no bytes is told nobody; a deletion is. */
	IN(stage, RESOURCE("b", "'type':'driver','description':'x'"));
	assert_true(!a->is_woken && !b->is_woken);
	assert_int_equal(stage->push.counts.same, 1);
	assert_int_equal(remove_object(&stage->fixture->center, RH_OBJECT_RESOURCE, "a", 0),
	                 RH_OK);
	assert_int_equal(publish(stage), RH_OK);
	pump_all(stage);
	assert_int_equal(a->item_count, 0);
	assert_int_equal(b->item_count, 1);

	/* It comes back as it was: that is news. */
	IN(stage, SERVICE("a", "'b'"));
	pump_all(stage);
	assert_int_equal(a->item_count, 2);
	assert_int_equal(b->item_count, 2);
	close_stage(stage);
}

static void what_is_undone_reaches_nobody(void **state)
{
	struct stage     *stage = open_stage(state, usual);
	struct rh_center *center = &stage->fixture->center;
	struct rh_problem problem;

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", ""));
	struct agent *b = new_agent(stage, "b", 1u << 20);
	pump_all(stage);
	assert_int_equal(apply_with(center, "[" SERVICE("c", "'b'") "]", 1, &problem, NULL),
	                 RH_OK);
	assert_int_equal(remove_object(center, RH_OBJECT_RESOURCE, "a", 1), RH_OK);
	assert_int_equal(apply(center, "[" DRIVER("d", "'b','a'") "]"), RH_ELAYER);
	rh_store_memory_fail(stage->fixture->store, RH_ENOSPC);
	assert_int_equal(apply(center, "[" DRIVER("b", "'z'") "]"), RH_OK);
	assert_int_equal(publish(stage), RH_ENOSPC);
	rh_store_memory_fail(stage->fixture->store, RH_OK);
	assert_int_equal(stage->push.touched_count, 0);
	IN(stage, PROTOCOL("p", "a", "b", "shm"));
	pump_all(stage);
	assert_int_equal(b->frames[RH_FRAME_DELTA], 1);
	assert_int_equal(b->items_heard, 2 + 1);
	close_stage(stage);
}

static void who_was_away_resumes_or_takes_a_snapshot(void **state)
{
	struct stage *stage = open_stage(state, usual);

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", "") "," DRIVER("c", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	struct agent *b = new_agent(stage, "b", 1u << 20);
	pump_all(stage);

	/* While somebody watched, the ring knows. */
	disconnect_agent(stage, a);
	IN(stage, PROTOCOL("p", "a", "b", "shm"));
	connect_agent(stage, a);
	subscribe_all(stage, a, 1u << 20);
	pump_all(stage);
	assert_int_equal(a->frames[RH_FRAME_SNAP_BEGIN], 1);
	assert_int_equal(a->frames[RH_FRAME_DELTA], 1);

	/* What nobody watched is not in it. */
	disconnect_agent(stage, a);
	disconnect_agent(stage, b);
	IN(stage, PROTOCOL("p", "a", "b", "msgqueue"));
	IN(stage, DRIVER("c", "'x'"));
	connect_agent(stage, a);
	subscribe_all(stage, a, 1u << 20);
	pump_all(stage);
	assert_int_equal(a->frames[RH_FRAME_SNAP_BEGIN], 2);
	assert_int_equal(a->follow.revision, stage->push.head);

	/* A new hierarchy concerns every edge. */
	disconnect_agent(stage, a);
	IN(stage, "{'kind':'Rule','metadata':{'name':'hierarchy'},'spec':{'hierarchy':"
	   "{'allow':[]}}}");
	connect_agent(stage, a);
	subscribe_all(stage, a, 1u << 20);
	pump_all(stage);
	assert_int_equal(a->frames[RH_FRAME_SNAP_BEGIN], 3);

	/* A change of others costs nobody a snapshot. */
	disconnect_agent(stage, a);
	IN(stage, DRIVER("c", "'y'"));
	connect_agent(stage, a);
	subscribe_all(stage, a, 1u << 20);
	pump_all(stage);
	assert_int_equal(a->frames[RH_FRAME_SNAP_BEGIN], 3);
	close_stage(stage);
}

/* What was published, then changed unheard, then changed back: the one who came in
 * between must hear of that. */
static void changes_that_nobody_heard_are_not_taken_for_published(void **state)
{
	struct stage *stage = open_stage(state, usual);

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	pump_all(stage);
	IN(stage, PROTOCOL("p", "a", "b", "shm"));
	pump_all(stage);
	disconnect_agent(stage, a);
	IN(stage, PROTOCOL("p", "a", "b", "bind"));
	struct agent *b = new_agent(stage, "b", 1u << 20);
	pump_all(stage);
	IN(stage, PROTOCOL("p", "a", "b", "shm"));
	pump_all(stage);
	assert_int_equal(b->frames[RH_FRAME_DELTA], 1);
	close_stage(stage);
}

/* What went in a change that the ring did not hold, and then came back the same. */
static void what_came_back_after_a_flood_is_told(void **state)
{
	static const struct rh_push_sizes tiny = { .deltas = 2, .bytes = 1u << 16,
	                                           .snapshots = 16 };
	struct stage      *stage = open_stage(state, tiny);
	struct rh_item_key key = rh_item_key_of("a", "e");
	size_t             count = 0;

	IN(stage, SERVICE("a", "'b','c','d','e'") "," DRIVER("b", "") "," DRIVER("c", "")
	   "," DRIVER("d", "") "," DRIVER("e", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	pump_all(stage);
	assert_non_null(find_item(a, &key));
	IN(stage, SERVICE("a", ""));
	assert_int_equal(stage->push.counts.raised, 1);
	pump_all(stage);
	assert_null(find_item(a, &key));
	IN(stage, SERVICE("a", "'e'"));
	assert_int_equal(stage->push.counts.raised, 1);
	pump_all(stage);
	assert_item(stage, a, &key, &count);
	assert_int_equal(count, 1);
	close_stage(stage);
}

/* What an agent said while a newer item was on its way to it is of the former one. */
static void what_is_said_of_a_former_item_does_not_count(void **state)
{
	struct stage      *stage = open_stage(state, usual);
	struct rh_item_key key = rh_item_key_of("a", "b");

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	pump_all(stage);
	IN(stage, PROTOCOL("p", "a", "b", "shm"));
	pump_all(stage);
	uint64_t former = stage->push.head;
	assert_true(rh_push_is_latest(&stage->push, &a->sub, &key, former));
	assert_false(rh_push_is_latest(&stage->push, &a->sub, &key, former - 1));

	IN(stage, PROTOCOL("p", "a", "b", "bind"));
	assert_true(rh_push_is_latest(&stage->push, &a->sub, &key, former));
	pump_all(stage);
	assert_false(rh_push_is_latest(&stage->push, &a->sub, &key, former));
	assert_true(rh_push_is_latest(&stage->push, &a->sub, &key, stage->push.head));

	/* Of a revision in parts nothing counts as sent yet, but it is on its way. */
	a->sub.feed.sent = former;
	a->sub.target = stage->push.head;
	assert_false(rh_push_is_latest(&stage->push, &a->sub, &key, former));
	close_stage(stage);
}

/* ---- frames ---- */

static void several_revisions_go_in_one_frame(void **state)
{
	struct stage *stage = open_stage(state, usual);

	IN(stage, SERVICE("a", "'b','c'") "," DRIVER("b", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	pump_all(stage);
	for (unsigned i = 0; i < 5; i++) {
		IN(stage, PROTOCOL("p", "a", "b", "shm"));
		IN(stage, PROTOCOL("p", "a", "b", "bind"));
	}
	pump_all(stage);
	assert_int_equal(a->frames[RH_FRAME_DELTA], 1);
	assert_int_equal(a->follow.revision, stage->push.head);
	close_stage(stage);
}

static char *hub(unsigned count)
{
	char *text = malloc(128 + count * 80), *at = text;

	assert_non_null(text);
	at += sprintf(at, "[{'kind':'Resource','metadata':{'name':'hub'},'spec':{"
	              "'type':'application','reference':[");
	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, "%s'%050u_%u'", i ? "," : "", 0, i);
	sprintf(at, "]}}]");
	for (at = text; (at = strstr(at, "'0000")); at++)
		at[1] = 'n';
	return text;
}

/* 1,000 references of a resource named hub, of which nobody is registered. */
static struct agent *open_hub(struct stage *stage)
{
	char *text = hub(1000);

	assert_int_equal(apply(&stage->fixture->center, text), RH_OK);
	free(text);
	assert_int_equal(publish(stage), RH_OK);
	struct agent *agent = new_agent(stage, "hub", 1u << 20);
	pump_all(stage);
	assert_int_equal(agent->item_count, 1001);
	assert_true(agent->frames[RH_FRAME_SNAP_ITEM] > 3);
	return agent;
}

static void register_some(struct stage *stage, const char *type, unsigned count)
{
	char one[200];

	for (unsigned i = 0; i < count; i++) {
		sprintf(one, "[{'kind':'Resource','metadata':{'name':'n%049u_%u'},'spec':{"
		        "'type':'%s'}}]", 0, i, type);
		assert_int_equal(apply(&stage->fixture->center, one), RH_OK);
	}
	assert_int_equal(publish(stage), RH_OK);
}

static void register_all(struct stage *stage, const char *type)
{
	register_some(stage, type, 1000);
}

static void assert_hub(struct stage *stage, struct agent *agent)
{
	size_t count = 0;
	char   name[80];

	assert_int_equal(agent->follow.revision, stage->push.head);
	for (unsigned i = 0; i < 1000; i++) {
		sprintf(name, "n%049u_%u", 0, i);
		struct rh_item_key key = rh_item_key_of("hub", name);
		assert_item(stage, agent, &key, &count);
	}
	assert_int_equal(count, 1000);
}

static const struct rh_push_sizes large = {
	.deltas = 4096, .bytes = 4u << 20, .snapshots = 16,
};

/* They become allowed at once: no frame holds that. */
static void a_large_revision_comes_in_parts(void **state)
{
	struct stage *stage = open_stage(state, large);
	struct agent *agent = open_hub(stage);

	register_all(stage, "service");
	pump_all(stage);
	assert_true(agent->parts > 3);
	assert_int_equal(agent->frames[RH_FRAME_DELTA], agent->parts + 1);
	assert_int_equal(agent->frames[RH_FRAME_SNAP_BEGIN], 1);
	assert_hub(stage, agent);

	/* More than the ring holds: a snapshot instead. */
	rh_delta_raise(&stage->push.ring, stage->push.head);
	stage->push.ring.byte_count = 65536; /* of what it had: smaller is safe */
	assert_int_equal(apply(&stage->fixture->center, "[{'kind':'Rule','metadata':"
		"{'name':'hierarchy'},'spec':{'hierarchy':{'allow':[]}}}]"), RH_OK);
	assert_int_equal(publish(stage), RH_OK);
	assert_int_equal(stage->push.counts.raised, 1);
	pump_all(stage);
	assert_int_equal(agent->frames[RH_FRAME_SNAP_BEGIN], 2);
	assert_hub(stage, agent);
	close_stage(stage);
}

/* A delta of which some parts were sent, and then something else comes first. */
static void parts_may_be_cut_short(void **state)
{
	struct stage *stage = open_stage(state, large);
	struct agent *agent = open_hub(stage);

	register_all(stage, "service"); /* the ring drops the rest */
	assert_int_equal(pump(stage, agent, 2, 0), 2);
	assert_true(agent->sub.target > 0);
	rh_delta_raise(&stage->push.ring, stage->push.head);
	pump_all(stage);
	assert_hub(stage, agent);
	register_all(stage, "driver"); /* more changes: the parts go on with theirs */
	assert_int_equal(pump(stage, agent, 2, 0), 2);
	register_some(stage, "hardware", 1);
	pump_all(stage);
	assert_hub(stage, agent);
	register_all(stage, "service"); /* it comes again */
	assert_int_equal(pump(stage, agent, 2, 0), 2);
	disconnect_agent(stage, agent);
	connect_agent(stage, agent);
	subscribe_all(stage, agent, 1u << 20);
	pump_all(stage);
	assert_hub(stage, agent);
	register_all(stage, "driver"); /* it asks for a snapshot */
	assert_int_equal(pump(stage, agent, 2, 0), 2);
	agent->follow.state = RH_FOLLOW_ASKED;
	agent->follow.holding = 0;
	free_items(agent->held, &agent->held_count);
	subscribe_all(stage, agent, 0);
	register_all(stage, "hardware");
	pump_all(stage);
	assert_hub(stage, agent);
	close_stage(stage);
}

static void snapshots_take_turns(void **state)
{
	struct stage *stage = open_stage(state, (struct rh_push_sizes){
		.deltas = 1024, .bytes = 1u << 20, .snapshots = 1 });

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", "") "," DRIVER("c", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	struct agent *b = new_agent(stage, "b", 1u << 20);
	struct agent *c = new_agent(stage, "c", 1u << 20);
	assert_int_equal(pump(stage, a, 1, 0), 1);
	assert_int_equal(pump(stage, b, 100, 0), 0);
	assert_int_equal(pump(stage, c, 100, 0), 0);
	assert_int_equal(stage->push.snapshots, 1);
	assert_true(rh_push_is_behind(&stage->push, &a->sub));
	assert_false(rh_push_is_behind(&stage->push, &b->sub));

	/* One that does not read gives its place away. */
	rh_push_give_up(&stage->push, &a->sub);
	assert_int_equal(stage->push.counts.given_up, 1);
	assert_true(b->is_woken && !c->is_woken);
	assert_int_equal(pump(stage, a, 1, 0), 1); /* quicker than b */
	assert_int_equal(pump(stage, b, 1, 0), 0);
	disconnect_agent(stage, a);
	assert_true(c->is_woken);
	assert_int_equal(pump(stage, c, 100, 0), 3);
	assert_true(b->is_woken);
	assert_int_equal(pump(stage, b, 100, 0), 3);
	connect_agent(stage, a);
	subscribe_all(stage, a, 1u << 20);
	pump_all(stage);
	assert_int_equal(a->item_count, 2);
	close_stage(stage);
}

static void a_frame_that_was_not_sent_is_made_again(void **state)
{
	struct stage        *stage = open_stage(state, usual);
	struct rh_push_frame frame;

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rh_push_make(&stage->push, &a->sub, 0, &frame), 1);
		assert_int_equal(frame.type, RH_FRAME_SNAP_BEGIN);
		rh_push_unsent(&stage->push, &a->sub, &frame);
		assert_int_equal(stage->push.snapshots, 0);
		IN(stage, PROTOCOL("p", "a", "b", "shm")); /* the ring goes on meanwhile */
		rh_delta_raise(&stage->push.ring, stage->push.head);
	}
	pump_all(stage);
	IN(stage, PROTOCOL("p", "a", "b", "bind"));
	assert_int_equal(rh_push_make(&stage->push, &a->sub, 0, &frame), 1);
	assert_int_equal(frame.type, RH_FRAME_DELTA);
	rh_push_unsent(&stage->push, &a->sub, &frame);
	pump_all(stage);
	assert_int_equal(a->frames[RH_FRAME_DELTA], 1);
	close_stage(stage);
}

static void nothing_is_sent_without_credit(void **state)
{
	struct stage *stage = open_stage(state, usual);

	IN(stage, SERVICE("a", "'b'") "," DRIVER("b", ""));
	struct agent *a = new_agent(stage, "a", 0x7fffffff);
	a->sub.feed.credit = 0;
	assert_int_equal(pump(stage, a, 100, 1), 0);
	assert_true(rh_push_is_behind(&stage->push, &a->sub));
	assert_int_equal(stage->push.snapshots, 0);
	a->sub.feed.credit = 1;
	assert_int_equal(pump(stage, a, 100, 1), 1);
	a->sub.feed.credit = 1;
	assert_int_equal(pump(stage, a, 100, 1), 1);
	assert_true(a->sub.feed.credit < 0);
	a->sub.feed.credit = 1000;
	assert_int_equal(pump(stage, a, 100, 1), 1);
	assert_int_equal(a->follow.state, RH_FOLLOW_LIVE);
	close_stage(stage);
}

/* ---- watches ---- */

static void only_its_own_may_be_watched(void **state)
{
	static const struct {
		const char *prefix;
		int         code;
	} cases[] = {
		{ "resource/a", RH_OK }, { "out/a/", RH_OK }, { "in/a/", RH_OK },
		{ "out/a/b", RH_OK }, { "in/a/b_c", RH_OK },
		{ "resource/b", RH_EIDENT }, { "resource/", RH_EIDENT },
		{ "resource/aa", RH_EIDENT }, { "out/", RH_EIDENT }, { "out/b/", RH_EIDENT },
		{ "out/ab/", RH_EIDENT }, { "out/a", RH_EIDENT }, { "in/b/a", RH_EIDENT },
		{ "resource/a/", RH_EIDENT }, { "out/a/b/", RH_EPROTO },
		{ "out/a/B", RH_EPROTO }, { "rule/a", RH_EPROTO }, { "", RH_EPROTO },
		{ "/", RH_EPROTO }, { "ou", RH_EPROTO },
	};
	struct stage  *stage = open_stage(state, usual);
	struct agent  *a = new_agent(stage, "a", 1u << 20);
	struct rh_diag diag;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *prefixes[] = { cases[i].prefix, NULL };

		if (subscribe(stage, a, 0, prefixes, &diag) != cases[i].code)
			fail_msg("\"%s\"", cases[i].prefix);
	}
	const char *none[] = { NULL };
	assert_int_equal(subscribe(stage, a, 0, none, &diag), RH_EPROTO);
	const char *many[] = { "out/a/b", "out/a/c", "out/a/d", "out/a/e", "out/a/f",
	                       "out/a/g", "out/a/h", "out/a/i", "out/a/j", NULL };
	assert_int_equal(subscribe(stage, a, 0, many, &diag), RH_ENOSPC);
	const char *twice[] = { "out/a/b", "out/a/b", NULL };
	assert_int_equal(subscribe(stage, a, 0, twice, &diag), RH_OK);
	close_stage(stage);
}

static void who_watches_less_hears_less(void **state)
{
	struct stage *stage = open_stage(state, usual);
	const char   *prefixes[] = { "out/a/b", NULL };

	IN(stage, SERVICE("a", "'b','c'") "," DRIVER("b", ""));
	struct agent *a = new_agent(stage, "a", 1u << 20);
	assert_int_equal(subscribe(stage, a, 0, prefixes, NULL), RH_OK);
	pump_all(stage);
	assert_int_equal(a->item_count, 1);
	IN(stage, PROTOCOL("p", "a", "c", "shm"));
	assert_int_equal(pump(stage, a, 100, 0), 0);
	IN(stage, PROTOCOL("q", "a", "b", "shm"));
	assert_int_equal(pump(stage, a, 100, 0), 1);
	close_stage(stage);
}

/* ---- anything ---- */

#define NAMES 5

static void change_something(struct stage *stage)
{
	static const char *const types[] = { "application", "service", "driver",
	                                     "hardware" };
	static const char *const uses[] = { "shm", "msgqueue", "semaphore", "bind" };
	struct rh_center *center = &stage->fixture->center;
	struct rh_problem problem;
	char text[1024], name = (char)('a' + any(NAMES)), other = (char)('a' + any(NAMES));

	switch (any(8)) {
	case 0: case 1: case 2:
		sprintf(text, "[{'kind':'Resource','metadata':{'name':'%c'},'spec':{"
			"'type':'%s','interface':'i%u','context':{'locale':%s},"
			"'reference':[%s%.1s%s]}}]", name, types[any(4)], any(2),
			any(2) ? "true" : "false", other == name ? "" : "'",
			other == name ? "" : &other, other == name ? "" : "'");
		break;
	case 3: case 4:
		sprintf(text, "[{'kind':'Rule','metadata':{'name':'p%u'},'spec':{"
			"'protocol':{'edge':['%c','%c'],'use':'%s'}}}]", any(3), name,
			other, uses[any(4)]);
		break;
	case 5:
		sprintf(text, "[{'kind':'Rule','metadata':{'name':'x%u'},'spec':{"
			"'exception':{'edge':['%c','%c'],'reason':'r%u'}}}]", any(3), name,
			other, any(2));
		break;
	case 6:
		sprintf(text, "[{'kind':'Rule','metadata':{'name':'hierarchy'},'spec':{"
			"'hierarchy':{'allow':[['%s','%s']]}}}]", types[any(3)],
			types[any(4)]);
		break;
	default:
		sprintf(text, "%c", name);
		if (any(2))
			sprintf(text, "%c%u", any(2) ? 'p' : 'x', any(3));
		remove_object(center, text[1] ? RH_OBJECT_RULE : RH_OBJECT_RESOURCE, text,
		              any(4) == 0);
		return;
	}
	apply_with(center, text, any(8) == 0, &problem, NULL);
}

static void disturb(struct stage *stage, struct agent *agent)
{
	struct rh_push_frame frame;

	switch (any(8)) {
	case 0:
		if (agent->is_connected) {
			disconnect_agent(stage, agent);
		} else {
			connect_agent(stage, agent);
			subscribe_all(stage, agent, agent->follow.window);
		}
		break;
	case 1:
		if (agent->is_connected)
			rh_push_give_up(&stage->push, &agent->sub);
		break;
	case 2:
		if (agent->is_connected &&
		    rh_push_make(&stage->push, &agent->sub, 1, &frame) == 1)
			rh_push_unsent(&stage->push, &agent->sub, &frame);
		break;
	case 3:
		rh_push_let_begin(&stage->push);
		break;
	default:
		if (agent->is_connected)
			pump(stage, agent, 1 + any(4), (int)any(2));
	}
}

static void assert_complete(struct stage *stage, struct agent *agent)
{
	size_t count = 0;

	for (unsigned i = 0; i < NAMES * (NAMES + 1); i++) {
		char caller[2] = { (char)('a' + i % NAMES) }, callee[2] = { 0 };

		callee[0] = (char)('a' + i / NAMES - 1);
		struct rh_item_key key = rh_item_key_of(caller, i < NAMES ? NULL : callee);
		if (rh_item_concerns(&key, &agent->name))
			assert_item(stage, agent, &key, &count);
	}
	assert_int_equal(agent->item_count, count);
}

static void random_work_reaches_everybody(void **state)
{
	struct stage *stage = open_stage(state, (struct rh_push_sizes){
		.deltas = 4, .bytes = 1200, .snapshots = 2 });
	uint64_t      raised;
	unsigned      deltas = 0, snapshots = 0;

	for (unsigned i = 0; i < 2 * NAMES; i++) {
		char name[2] = { (char)('a' + i % NAMES) };

		new_agent(stage, name, 200 + any(4000));
	}
	for (int turn = 0; turn < 4000; turn++) {
		rh_store_memory_fail(stage->fixture->store, any(10) ? RH_OK : RH_ENOSPC);
		for (unsigned i = any(3); i > 0; i--)
			change_something(stage);
		publish(stage);
		for (unsigned i = any(6); i > 0; i--)
			disturb(stage, stage->agents[any(2 * NAMES)]);
		rh_delta_ring_verify(&stage->push.ring);
		rh_watch_verify(&stage->push.watches);
		assert_true(stage->push.snapshots <= 2);
		if (turn % 50 != 0)
			continue;
		pump_all(stage);
		for (size_t i = 0; i < stage->agent_count; i++) {
			if (stage->agents[i]->is_connected)
				assert_complete(stage, stage->agents[i]);
		}
	}
	raised = stage->push.counts.raised;
	for (size_t i = 0; i < stage->agent_count; i++) {
		deltas += stage->agents[i]->frames[RH_FRAME_DELTA];
		snapshots += stage->agents[i]->frames[RH_FRAME_SNAP_END];
	}
	print_message("%u deltas, %u snapshots, raised %llu times, %llu same\n", deltas,
	              snapshots, (unsigned long long)raised,
	              (unsigned long long)stage->push.counts.same);
	assert_true(deltas > 300 && snapshots > 100 && raised > 10);
	close_stage(stage);
}

int main(void)
{
	const char *given = getenv("RHODES_SEED");
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(both_ends_get_the_same_bytes_and_nobody_else),
		TEST(what_is_undone_reaches_nobody),
		TEST(who_was_away_resumes_or_takes_a_snapshot),
		TEST(changes_that_nobody_heard_are_not_taken_for_published),
		TEST(what_came_back_after_a_flood_is_told),
		TEST(what_is_said_of_a_former_item_does_not_count),
		TEST(several_revisions_go_in_one_frame),
		TEST(a_large_revision_comes_in_parts),
		TEST(parts_may_be_cut_short),
		TEST(snapshots_take_turns),
		TEST(a_frame_that_was_not_sent_is_made_again),
		TEST(nothing_is_sent_without_credit),
		TEST(only_its_own_may_be_watched),
		TEST(who_watches_less_hears_less),
		TEST(random_work_reaches_everybody),
	};

	seed = given ? strtoull(given, NULL, 10) : 20240607;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("center_push", tests, NULL, NULL);
}
