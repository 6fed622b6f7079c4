/* A rule of hook filter chooses which instance takes a call: that one does, or another when
 * it is full or gone; what is none is an error of the rule; and an agent of the version
 * before, at either end, goes on without choices. */
#include "code_kit.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNTED 40 /* and the number of instances: code_kit_rule.c */

static struct kit_agent   caller, callee;
static struct kit_peer    client, first, second;
static struct kit_page    page;
static struct code_module module;
static struct code_rule   rule;
static uint64_t           revision;

static const struct kit_edge edges[] = { { "file", "magic", "shm", RH_OK, NULL } };

/* ---- the stage ------------------------------------------------------------ */

static void put_rule(struct rh_record_writer *writer, const struct kit_edge *to)
{
	(void)to;
	code_put(writer, &rule);
}

static int set_up(void **state)
{
	if (code_open(state) < 0)
		return -1;
	code_make(&module, "filter", "native");
	rule = (struct code_rule){
		"guard", 1, "filter", module.sha256, "native", "fail-closed", { NULL },
	};
	revision = 0;
	kit_pages_max = 0;
	kit_edge_more = put_rule;
	return 0;
}

static int tear_down(void **state)
{
	free(module.object);
	kit_pages_max = 0;
	return code_close(state);
}

/* Exchanges the rule for one with these parameters. */
static void set_rule(const char *policy, const char *a, const char *b)
{
	rule.params[0] = a;
	rule.params[1] = b;
	rule.policy = policy;
	rule.revision++;
	kit_apply(&caller, ++revision, "", edges, 1);
	if (code_await(&caller, &module, "magic", revision) != RH_ITEM_ACTIVE)
		fail_msg("rejected: %s", kit_text);
}

/* Each of an executable of its own, or NULL: that of today. */
static void start(const char *of_caller, const char *of_callee)
{
	char *own = strdup(getenv("AGENT"));

	kit_agent_install(of_callee ? of_callee : own);
	kit_agent_start(&callee, "magic");
	kit_agent_install(of_caller ? of_caller : own);
	kit_agent_start(&caller, "file");
	setenv("AGENT", own, 1);
	free(own);
	kit_apply(&callee, 1, "bytes", edges, 1);
	set_rule("fail-closed", NULL, NULL);
}

/* A program of its own. */
static void join(struct kit_peer *program, struct kit_page *ret_page)
{
	uint32_t edge;

	assert_int_equal(kit_attach(program, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(program, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(program, edge, 0, ret_page), RH_OK);
}

static int submit(struct kit_page *from)
{
	int slot = kit_submit(from, 77, "x", kit_deadline());

	assert_true(slot >= 0);
	return slot;
}

static int collect(struct kit_page *from, int slot, uint32_t *ret_instance)
{
	struct rh_reply reply;

	kit_collect(from, slot, &reply);
	*ret_instance = reply.instance;
	return reply.status;
}

static int refused(void)
{
	uint32_t instance;

	return collect(&page, submit(&page), &instance);
}

/* The call comes to that instance, by a page that it has or now gets. */
static void take_at(struct kit_peer *server, struct kit_page *served, int slot)
{
	struct rh_taken taken;
	uint32_t        instance;

	if (!served->memory)
		kit_page_added(server, served);
	kit_take(served, &taken);
	kit_answer(served, &taken, RH_OK, "");
	assert_int_equal(collect(&page, slot, &instance), RH_OK);
	assert_int_equal(instance, server->instance);
}

/* The caller's agent knows of so many: told by what the rule counts. */
static void await_count(int count)
{
	set_rule("fail-closed", "count=1", NULL);
	KIT_UNTIL(refused() == -(COUNTED + count));
}

static void two_serve(void)
{
	assert_int_equal(kit_serve(&first, "magic", "bytes", 0), RH_OK);
	assert_int_equal(kit_serve(&second, "magic", "bytes", 0), RH_OK);
}

/* ---- choices ---------------------------------------------------------------- */

static void the_one_that_was_chosen_takes_the_call(void **unused)
{
	struct kit_page of_first = { .memory = NULL }, of_second = { .memory = NULL };

	(void)unused;
	start(NULL, NULL);
	join(&client, &page);
	two_serve();
	await_count(2);
	for (int i = 0; i < 3; i++) {
		set_rule("fail-closed", "choose=1", NULL);
		take_at(&second, &of_second, submit(&page));
		set_rule("fail-closed", "choose=0", NULL);
		take_at(&first, &of_first, submit(&page));
	}
}

static void one_that_died_while_the_call_was_held_back(void **unused)
{
	struct kit_page of_first = { .memory = NULL };
	int             slot;

	(void)unused;
	start(NULL, NULL);
	join(&client, &page);
	two_serve();
	await_count(2);
	rule.params[2] = "say=1";
	rule.params[3] = "delay=500000";
	set_rule("fail-closed", "choose=1", "verdict=2");
	slot = submit(&page);
	code_expect(&caller, RH_FRAME_RULE_LOG);
	kit_detach(&second);
	take_at(&first, &of_first, slot);
	rule.params[2] = NULL;
}

/* It has as many pages as it takes, of another program. */
static void one_that_is_full(void **unused)
{
	struct kit_peer another;
	struct kit_page other, of_first = { .memory = NULL }, of_second;
	struct rh_taken taken;
	uint32_t        instance;
	int             slot;

	(void)unused;
	start(NULL, NULL);
	join(&client, &page);
	join(&another, &other);
	assert_int_equal(kit_serve(&first, "magic", "bytes", 0), RH_OK);
	kit_pages_max = 1;
	assert_int_equal(kit_serve(&second, "magic", "bytes", 0), RH_OK);
	await_count(2);
	set_rule("fail-closed", "choose=1", NULL);
	slot = submit(&other);
	kit_page_added(&second, &of_second);
	kit_take(&of_second, &taken);
	kit_answer(&of_second, &taken, RH_OK, "");
	assert_int_equal(collect(&other, slot, &instance), RH_OK);
	assert_int_equal(instance, second.instance);
	take_at(&first, &of_first, submit(&page));
}

static void one_that_is_none_is_an_error_of_the_rule(void **unused)
{
	static const char *const places[] = { "choose=2", "choose=256", "choose=4294967294" };
	struct kit_page          served = { .memory = NULL };
	struct kit_peer         *server = &first;

	(void)unused;
	start(NULL, NULL);
	join(&client, &page);
	two_serve();
	await_count(2);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		set_rule("fail-closed", places[i], NULL);
		assert_int_equal(refused(), RH_ERULE);
		set_rule("fail-open", places[i], NULL);
		take_at(server, &served, submit(&page));
	}
}

/* ---- beside an agent of the version before ------------------------------------ */

static void passes_without_choices(void)
{
	struct kit_page of_first = { .memory = NULL };

	join(&client, &page);
	assert_int_equal(kit_serve(&first, "magic", "bytes", 0), RH_OK);
	set_rule("fail-closed", "choose=0", NULL);
	take_at(&first, &of_first, submit(&page)); /* it is linked, and served */
	assert_int_equal(kit_serve(&second, "magic", "bytes", 0), RH_OK);
	set_rule("fail-closed", "count=1", NULL);
	assert_int_equal(refused(), -COUNTED);
	set_rule("fail-closed", "choose=1", NULL);
	take_at(&first, &of_first, submit(&page)); /* where its page is */
}

static void the_callees_agent_is_of_the_version_before(void **unused)
{
	(void)unused;
	start(NULL, getenv("FORMER_AGENT"));
	passes_without_choices();
}

static void the_callers_agent_is_of_the_version_before(void **unused)
{
	(void)unused;
	start(getenv("FORMER_AGENT"), NULL);
	passes_without_choices();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_one_that_was_chosen_takes_the_call),
		TEST(one_that_died_while_the_call_was_held_back),
		TEST(one_that_is_full),
		TEST(one_that_is_none_is_an_error_of_the_rule),
		TEST(the_callees_agent_is_of_the_version_before),
		TEST(the_callers_agent_is_of_the_version_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
