/* Which items a change touches: those whose bytes can change, and no others.  And
 * that none is missed: after random changes, every item whose bytes differ was
 * touched. */
#include "center_fixture.h"

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

#define TOUCHES_MAX 256

/* "a", "a>b" or "*", sorted, each once. */
struct touches {
	size_t count;
	char   at[TOUCHES_MAX][2 * RH_NAME_MAX + 4];
};

static void on_touch(void *user, const struct rh_item_key *key)
{
	struct touches *touches = user;
	char            text[2 * RH_NAME_MAX + 4] = "*";

	if (key)
		snprintf(text, sizeof text, "%s%s%s", key->caller.text,
		         key->callee.len ? ">" : "", key->callee.text);
	for (size_t i = 0; i < touches->count; i++) {
		if (strcmp(touches->at[i], text) == 0)
			return;
	}
	assert_true(touches->count < TOUCHES_MAX);
	strcpy(touches->at[touches->count++], text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void assert_touched(struct touches *touches, const char *expected)
{
	char text[4096] = "";

	qsort(touches->at, touches->count, sizeof touches->at[0], by_text);
	for (size_t i = 0; i < touches->count; i++)
		sprintf(text + strlen(text), "%s%s", i ? " " : "", touches->at[i]);
	assert_string_equal(text, expected);
	touches->count = 0;
}

static struct rh_center *listen(struct fixture *fixture, struct touches *touches)
{
	touches->count = 0;
	fixture->center.realm.touch = on_touch;
	fixture->center.realm.touch_user = touches;
	return &fixture->center;
}

#define IN(center, objects) assert_int_equal(apply(center, "[" objects "]"), RH_OK)

static void resources_touch_their_edges(void **state)
{
	static struct touches touches;
	struct rh_center     *center = listen(*state, &touches);

	IN(center, SERVICE("s", "'d','n'"));
	assert_touched(&touches, "s s>d s>n");
	IN(center, DRIVER("d", "'n'"));
	assert_touched(&touches, "d d>n s>d");
	/* Another reference, one fewer: the others stay as they are. */
	IN(center, SERVICE("s", "'n','m'"));
	assert_touched(&touches, "s s>d s>m");
	/* A new type is in every edge. */
	IN(center, RESOURCE("d", "'type':'hardware'"));
	assert_touched(&touches, "d d>n");
	IN(center, RESOURCE("n", "'type':'driver','interface':'i'"));
	assert_touched(&touches, "n s>n");
	/* What only the resource's own agent needs. */
	IN(center, RESOURCE("n", "'type':'driver','interface':'i','description':'x'"));
	assert_touched(&touches, "n");
	IN(center, RESOURCE("n", "'type':'driver','interface':'i','allow':{'uid':[1]}"));
	assert_touched(&touches, "n");
	/* What callers need of a callee. */
	IN(center, RESOURCE("n", "'type':'driver','interface':'j'"));
	assert_touched(&touches, "n s>n");
	IN(center, RESOURCE("n", "'type':'driver','interface':'j','context':{'locale':true}"));
	assert_touched(&touches, "n s>n");
	/* Applied again, nothing is touched. */
	IN(center, RESOURCE("n", "'type':'driver','interface':'j','context':{'locale':true}"));
	assert_touched(&touches, "");
	assert_int_equal(remove_object(center, RH_OBJECT_RESOURCE, "n", 0), RH_OK);
	assert_touched(&touches, "n s>n");
	assert_int_equal(remove_object(center, RH_OBJECT_RESOURCE, "s", 0), RH_OK);
	assert_touched(&touches, "s s>m s>n");
}

static void rules_touch_their_edge(void **state)
{
	static struct touches touches;
	struct rh_center     *center = listen(*state, &touches);

	IN(center, SERVICE("a", "'b','d'"));
	IN(center, SERVICE("e", "'f'"));
	touches.count = 0;
	IN(center, PROTOCOL("p", "a", "b", "shm"));
	assert_touched(&touches, "a>b");
	IN(center, PROTOCOL("p", "a", "d", "shm"));
	assert_touched(&touches, "a>b a>d");
	IN(center, EXCEPTION("p", "e", "f"));
	assert_touched(&touches, "a>d e>f");
	assert_int_equal(remove_object(center, RH_OBJECT_RULE, "p", 0), RH_OK);
	assert_touched(&touches, "e>f");
	/* An edge that nobody declared is no item, until somebody does. */
	IN(center, PROTOCOL("p", "x", "y", "shm"));
	assert_touched(&touches, "");
	IN(center, SERVICE("x", "'y'"));
	assert_touched(&touches, "x x>y");
	IN(center, "{'kind':'Rule','metadata':{'name':'hierarchy'},'spec':{'hierarchy':"
	   "{'allow':[]}}}");
	assert_touched(&touches, "*");
}

/* ---- none is missed ---- */

#define NAMES 5

struct picture {
	size_t        len;
	unsigned char bytes[8192];
};

static uint64_t seed;

static unsigned any(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

/* Item i of NAMES resources and NAMES * NAMES edges. */
static struct rh_item_key key_of(unsigned i)
{
	char caller[2] = { (char)('a' + i % NAMES) }, callee[2] = { 0 };

	callee[0] = (char)('a' + i / NAMES - 1);
	return rh_item_key_of(caller, i < NAMES ? NULL : callee);
}

static void take(struct rh_center *center, unsigned i, struct picture *picture)
{
	struct rh_item_key      key = key_of(i);
	struct rh_item_encoder  encoder;
	struct rh_record_writer writer;

	rh_item_encoder_init(&encoder, center);
	rh_record_begin(&writer, picture->bytes, sizeof picture->bytes);
	int is_there = rh_item_body(&encoder, &key, &writer);
	assert_true(is_there >= 0);
	assert_int_equal(is_there, writer.used > 0);
	picture->len = writer.used;
	rh_item_encoder_fini(&encoder);
}

static void change_something(struct rh_center *center)
{
	static const char *const types[] = { "application", "service", "driver",
	                                     "hardware" };
	static const char *const uses[] = { "shm", "msgqueue", "semaphore", "bind" };
	char text[1024], name = (char)('a' + any(NAMES)), other = (char)('a' + any(NAMES));

	switch (any(6)) {
	case 0: case 1: case 2:
		sprintf(text, "[{'kind':'Resource','metadata':{'name':'%c'},'spec':{"
			"'type':'%s','interface':'i%u','context':{'locale':%s},"
			"'reference':[%s%.1s%s]}}]", name, types[any(4)], any(2),
			any(2) ? "true" : "false", other == name ? "" : "'",
			other == name ? "" : &other, other == name ? "" : "'");
		break;
	case 3:
		sprintf(text, "[{'kind':'Rule','metadata':{'name':'p%u'},'spec':{"
			"'protocol':{'edge':['%c','%c'],'use':'%s'}}}]", any(3), name,
			name == 'a' ? 'b' : 'a', uses[any(4)]);
		break;
	case 4:
		sprintf(text, "[{'kind':'Rule','metadata':{'name':'x%u'},'spec':{"
			"'exception':{'edge':['%c','%c'],'reason':'r%u'}}}]", any(3), name,
			name == 'b' ? 'c' : 'b', any(2));
		break;
	default:
		sprintf(text, "%c", name);
		if (any(2))
			sprintf(text, "%c%u", any(2) ? 'p' : 'x', any(3));
		remove_object(center, text[1] ? RH_OBJECT_RULE : RH_OBJECT_RESOURCE,
		              text, 0);
		return;
	}
	apply(center, text);
}

static int was_touched(const struct touches *touches, unsigned i)
{
	struct rh_item_key key = key_of(i);
	char               text[2 * RH_NAME_MAX + 4];

	snprintf(text, sizeof text, "%s%s%s", key.caller.text, key.callee.len ? ">" : "",
	         key.callee.text);
	for (size_t t = 0; t < touches->count; t++) {
		if (strcmp(touches->at[t], text) == 0)
			return 1;
	}
	return 0;
}

static void no_change_is_missed(void **state)
{
	static struct touches touches;
	static struct picture before[NAMES * (NAMES + 1)], after;
	struct rh_center     *center = listen(*state, &touches);
	unsigned              changed = 0, spared = 0;

	for (int turn = 0; turn < 3000; turn++) {
		touches.count = 0;
		change_something(center);
		assert_int_equal(commit(center), RH_OK);
		for (unsigned i = 0; i < NAMES * (NAMES + 1); i++) {
			take(center, i, &after);
			if (after.len != before[i].len ||
			    memcmp(after.bytes, before[i].bytes, after.len) != 0) {
				if (!was_touched(&touches, i))
					fail_msg("turn %d: item %u was missed", turn, i);
				changed++;
			} else {
				spared += !was_touched(&touches, i);
			}
			before[i] = after;
		}
	}
	print_message("%u items changed, %u were let alone\n", changed, spared);
	assert_true(changed > 1000 && spared > 10 * changed);
}

int main(void)
{
	const char *given = getenv("RHODES_SEED");
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(resources_touch_their_edges),
		TEST(rules_touch_their_edge),
		TEST(no_change_is_missed),
	};

	seed = given ? strtoull(given, NULL, 10) : 20240607;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("center_touch", tests, NULL, NULL);
}
