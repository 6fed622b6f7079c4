/* Events on their way through chains of rules, and the rules that come with Rhodes. */
#include "rules_three.h"

#include "../../model/error.h"
#include "../../rules/event_chain.h"
#include "../../rules/hook.h"

#include <rhodes/hook/event_layout.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PASS, CHANGE, DROP, NONSENSE, LONG, BAD_NAME, OURS, EMIT_LONG, TRAP }; /* link.c */

static struct rh_event_chains *chains;
static struct rh_rule         *rules[RH_EVENT_RULES_MAX + 1];
static unsigned                rule_count;
static char                    told[1024]; /* "name/depth/bytes " of what was done */

static void done(void *user, const struct rh_event *event)
{
	size_t len = strlen(told);

	(void)user;
	snprintf(told + len, sizeof told - len, "%s/%u/%.*s ", event->name, event->depth,
	         (int)event->length, (const char *)event->bytes);
}

static int link_object(void)
{
	static int object = -1;
	size_t     len;
	uint8_t   *module;

	if (object >= 0)
		return object;
	module = fixture_read(LINK ".wasm", &len);
	struct rh_build job = {
		.hook = rh_hook_find("event"), .module = module, .module_bytes = len,
	};
	struct rh_built built = { .fd = -1 };
	struct rh_diag  diag = { 0 };
	if (rh_build_run(&job, &built, &diag) < 0)
		fail_msg("%s", diag.text);
	free(module);
	return object = built.fd;
}

static struct rh_rule *add(const char *name, uint32_t order, int how, const char *emit,
                           enum rh_rule_policy policy)
{
	char                  text[2] = { (char)('0' + how), 0 };
	struct rh_rule_param  params[] = { { "how", text }, { "emit", emit } };
	struct rh_rule_source source = {
		.hook = rh_hook_find("event"), .mode = RH_RULE_WASM, .object_fd = link_object(),
		.params = params, .param_count = emit ? 2 : 1,
	};
	struct rh_diag        diag = { 0 };

	if (rh_rule_load(&source, &rules[rule_count], &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(rh_event_chains_add(chains, name, order, rules[rule_count], policy),
	                 RH_OK);
	return rules[rule_count++];
}

static int begin(void **state)
{
	(void)state;
	told[0] = 0;
	rule_count = 0;
	chains = rh_event_chains_create(done, NULL);
	return chains ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	rh_event_chains_destroy(chains);
	for (unsigned i = 0; i < rule_count; i++)
		rh_rule_destroy(rules[i]);
	return 0;
}

/* What became of an event of that name: what it carries in the end, or NULL. */
static const char *run(const char *name)
{
	static char     text[64];
	struct rh_event event = { .name = name, .source = "file", .length = 2, .bytes = "ab" };

	if (!rh_event_chains_run(chains, &event))
		return NULL;
	snprintf(text, sizeof text, "%.*s", (int)event.length, (const char *)event.bytes);
	return text;
}

static uint64_t failures(const struct rh_rule *rule)
{
	return rh_rule_counters(rule)->failures[RH_FAILED_VALUE] +
	       rh_rule_counters(rule)->failures[RH_FAILED_TRAP];
}

static void rules_see_an_event_in_order(void **state)
{
	(void)state;
	add("interface", 3, CHANGE, NULL, RH_POLICY_FAIL_OPEN);
	add("interface", 1, CHANGE, NULL, RH_POLICY_FAIL_OPEN);
	add("instance.up", 4, CHANGE, NULL, RH_POLICY_FAIL_OPEN);
	add("interface", 2, CHANGE, NULL, RH_POLICY_FAIL_OPEN);
	assert_string_equal(run("interface"), "ab123");
	assert_string_equal(run("instance.up"), "ab4");
	assert_string_equal(run("instance.down"), "ab");
	assert_true(rh_event_chains_has(chains, "interface"));
	assert_false(rh_event_chains_has(chains, "instance.down"));
}

static void what_is_dropped_is_seen_by_nobody_behind(void **state)
{
	struct rh_rule *last;

	(void)state;
	add("interface", 1, PASS, NULL, RH_POLICY_FAIL_OPEN);
	add("interface", 2, DROP, NULL, RH_POLICY_FAIL_OPEN);
	last = add("interface", 3, CHANGE, NULL, RH_POLICY_FAIL_OPEN);
	assert_null(run("interface"));
	assert_int_equal(rh_rule_counters(last)->calls, 0);
	rh_event_chains_remove(chains, rules[1]);
	assert_string_equal(run("interface"), "ab3");
	rh_event_chains_exchange(chains, last, rules[1]);
	assert_null(run("interface"));
}

static void emitted_events_go_through_their_own_chain(void **state)
{
	(void)state;
	add("instance.down", 1, PASS, "flapping", RH_POLICY_FAIL_OPEN);
	add("flapping", 1, CHANGE, "alarm", RH_POLICY_FAIL_OPEN);
	add("alarm", 1, DROP, "quiet", RH_POLICY_FAIL_OPEN);
	assert_string_equal(run("instance.down"), "ab");
	/* The alarm was dropped, what was emitted over it was not. */
	assert_string_equal(told, "flapping/1/01 quiet/3/2 ");
}

static void a_loop_is_an_error_of_who_closes_it(void **state)
{
	struct rh_rule *closing, *self;

	(void)state;
	add("one", 1, PASS, "two", RH_POLICY_FAIL_OPEN);
	add("two", 1, PASS, "three", RH_POLICY_FAIL_OPEN);
	closing = add("three", 1, PASS, "one", RH_POLICY_FAIL_OPEN);
	self = add("self", 1, PASS, "self", RH_POLICY_FAIL_OPEN);
	assert_string_equal(run("one"), "ab");
	assert_string_equal(told, "two/1/0 three/2/1 ");
	assert_int_equal(failures(closing), 1);
	assert_non_null(strstr(rh_rule_why(closing), "leads to itself"));
	run("self");
	assert_int_equal(failures(self), 1);
	/* Also one that begins further on. */
	add("four", 1, PASS, "five", RH_POLICY_FAIL_OPEN);
	add("five", 1, PASS, "six", RH_POLICY_FAIL_OPEN);
	closing = add("six", 1, PASS, "five", RH_POLICY_FAIL_OPEN);
	run("four");
	assert_int_equal(failures(closing), 1);
	assert_non_null(strstr(rh_rule_why(closing), "leads to itself"));
}

static void depth_and_number_are_bounded(void **state)
{
	char            from[8], to[8];
	struct rh_rule *last = NULL;

	(void)state;
	for (int i = 0; i <= (int)RH_EVENT_DEPTH_MAX; i++) {
		snprintf(from, sizeof from, "n%d", i);
		snprintf(to, sizeof to, "n%d", i + 1);
		last = add(from, 1, PASS, to, RH_POLICY_FAIL_OPEN);
	}
	run("n0");
	assert_int_equal(failures(last), 1);
	assert_non_null(strstr(rh_rule_why(last), "too many events led"));
	for (int i = 0; i < (int)RH_EVENT_EMITTED_MAX + 1; i++)
		last = add("many", 1, PASS, "other", RH_POLICY_FAIL_OPEN);
	run("many");
	assert_int_equal(failures(last), 1);
	assert_non_null(strstr(rh_rule_why(last), "too many events over one"));
}

static void nonsense_is_an_error_of_the_rule(void **state)
{
	static const struct {
		int         how;
		const char *emit, *why;
	} cases[] = {
		{ NONSENSE, NULL, "no such verdict" },
		{ LONG, NULL, "more than the buffer" },
		{ BAD_NAME, NULL, "no name of an event" },
		{ OURS, NULL, "of Rhodes itself" },
		{ EMIT_LONG, "x", "more than there is" },
		{ TRAP, NULL, "gave up" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char            name[8];
		struct rh_rule *rule;

		snprintf(name, sizeof name, "case%zu", i);
		rule = add(name, 1, cases[i].how, cases[i].emit, RH_POLICY_FAIL_OPEN);
		assert_string_equal(run(name), "ab");
		assert_int_equal(failures(rule), 1);
		if (!strstr(rh_rule_why(rule), cases[i].why))
			fail_msg("%s", rh_rule_why(rule));
		assert_string_equal(told, "");
	}
}

static void the_policy_says_what_becomes_of_the_event(void **state)
{
	(void)state;
	add("open", 1, TRAP, NULL, RH_POLICY_FAIL_OPEN);
	add("closed", 1, TRAP, NULL, RH_POLICY_FAIL_CLOSED);
	add("last", 1, TRAP, NULL, RH_POLICY_KEEP_LAST);
	add("drop", 1, DROP, NULL, RH_POLICY_KEEP_LAST);
	assert_non_null(run("open"));
	assert_null(run("closed"));
	assert_non_null(run("last"));
	assert_null(run("drop"));
	rh_event_chains_exchange(chains, rules[3], rules[0]);
	assert_null(run("drop")); /* as before */
}

static void names_are_checked(void **state)
{
	(void)state;
	assert_int_equal(rh_event_chains_add(chains, "", 1, NULL, 0), RH_EINVAL);
	assert_int_equal(rh_event_chains_add(chains, "A", 1, NULL, 0), RH_EINVAL);
	assert_int_equal(rh_event_chains_add(chains, "a b", 1, NULL, 0), RH_EINVAL);
	assert_true(rh_event_name_check("instance.down"));
	assert_true(rh_event_is_ours("instance.down"));
	assert_false(rh_event_is_ours("flapping"));
	for (unsigned i = 0; i < RH_EVENT_RULES_MAX; i++)
		assert_int_equal(rh_event_chains_add(chains, "a", 1, NULL, 0), RH_OK);
	assert_int_equal(rh_event_chains_add(chains, "a", 1, NULL, 0), RH_ENOSPC);
}

/* ---- those that come with Rhodes ---- */

#define AT(field) offsetof(struct rh_event_buffer, field)
#define INPUTS    1000000

/* An event as it comes at random, and what it carries. */
struct seen {
	uint64_t now_ns;
	uint32_t length;
	uint8_t  bytes[64];
};

static void draw(struct seen *seen, uint64_t *random)
{
	seen->length = (uint32_t)(three_random(random) % (sizeof seen->bytes + 1));
	for (uint32_t i = 0; i < seen->length; i++)
		seen->bytes[i] = (uint8_t)three_random(random);
}

static uint32_t see(struct three *three, const struct seen *seen)
{
	uint32_t said;
	uint8_t  none = 0;

	three_put(three, AT(now_ns), &seen->now_ns, sizeof seen->now_ns);
	three_put(three, AT(length), &seen->length, sizeof seen->length);
	three_put(three, AT(emit_name), &none, 1);
	three_put(three, AT(bytes), seen->bytes, seen->length);
	said = three_call(three, RH_SLOT_EVENT_SEE, 0, 0);
	three_compare(three, AT(length), sizeof seen->length);
	three_compare(three, AT(bytes), seen->length);
	return said;
}

static void sampler_lets_few_through(void **state)
{
	struct three three;
	struct seen  seen = { .now_ns = 1 };
	uint64_t     random = 12;
	unsigned     passed = 0;

	(void)state;
	three_params((struct rh_rule_param[]){ { "every", "7" }, { 0 } });
	three_load(&three, "sampler", "event");
	for (int n = 0; n < INPUTS; n++) {
		draw(&seen, &random);
		passed += see(&three, &seen) == RH_EVENT_PASS;
	}
	assert_int_equal(passed, INPUTS / 7 + 1);
	three_unload(&three);
}

static const struct rh_event_buffer *buffer_of(struct three *three)
{
	three_compare(three, AT(emit_length), 4);
	three_compare(three, AT(emit_name), 9);
	three_compare(three, AT(emit), sizeof ((struct seen *)0)->bytes);
	return rh_rule_buffer(three->rules[0]);
}

static void escalate_tells_of_what_comes_too_often(void **state)
{
	struct three three;
	struct seen  seen = { .now_ns = 1 };
	uint64_t     random = 4, times[3] = { 0 }, emitted = 0;
	unsigned     since = 0;

	(void)state;
	three_params((struct rh_rule_param[]){ { "emit", "flapping" }, { "seconds", "1" },
	                                       { 0 } });
	three_load(&three, "escalate", "event");
	for (int n = 0; n < INPUTS; n++) {
		draw(&seen, &random);
		seen.now_ns += three_random(&random) % 1000000000;
		times[0] = times[1];
		times[1] = times[2];
		times[2] = seen.now_ns;
		assert_int_equal(see(&three, &seen), RH_EVENT_PASS);
		const struct rh_event_buffer *buffer = buffer_of(&three);
		bool is_due = ++since >= 3 && times[2] - times[0] <= 1000000000;
		assert_int_equal(buffer->emit_name[0] != 0, is_due);
		if (!is_due)
			continue;
		assert_string_equal((const char *)buffer->emit_name, "flapping");
		assert_int_equal(buffer->emit_length, seen.length);
		assert_memory_equal(buffer->emit, seen.bytes, seen.length);
		since = 0;
		emitted++;
	}
	assert_in_range(emitted, INPUTS / 20, INPUTS * 3 / 10);
	three_unload(&three);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(rules_see_an_event_in_order),
		CASE(what_is_dropped_is_seen_by_nobody_behind),
		CASE(emitted_events_go_through_their_own_chain),
		CASE(a_loop_is_an_error_of_who_closes_it),
		CASE(depth_and_number_are_bounded),
		CASE(nonsense_is_an_error_of_the_rule),
		CASE(the_policy_says_what_becomes_of_the_event),
		CASE(names_are_checked),
		cmocka_unit_test(sampler_lets_few_through),
		cmocka_unit_test(escalate_tells_of_what_comes_too_often),
	};

	if (!three_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_event", tests, NULL, NULL);
}
