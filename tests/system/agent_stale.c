/* How old rules may be by which an agent goes: what rule `stale` says of a class, while
 * the center is away, or here and silent, and of what comes from the cache. */
#include "agent_kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MINUTE_MS = 60000 };

static const struct kit_edge edges[] = {
	{ "file", "magic", "shm", RH_OK, NULL },
	{ "file", "disk", "bind", RH_OK, NULL },
};

static struct kit_agent agent;
static struct kit_peer  client;

static int set_up(void **state)
{
	int r = kit_open(state);

	if (r < 0)
		return r;
	snprintf(kit_state_dir, sizeof kit_state_dir, "%s/state", kit_dir);
	kit_agent_start(&agent, "file");
	return 0;
}

static int tear_down(void **state)
{
	kit_state_dir[0] = 0;
	kit_stale_class = NULL;
	kit_revoked_at = 0;
	return kit_close(state);
}

static void let(const char *class, uint64_t ms)
{
	kit_stale_class = class;
	kit_stale_ms = ms;
	kit_apply(&agent, 7, "", edges, 2);
	assert_int_equal(kit_attach(&client, "file", RH_ROLE_CALLER), RH_OK);
}

/* What the agent says of an edge now. */
static int verdict(const char *callee)
{
	uint32_t index;

	return kit_open_edge(&client, callee, &index);
}

static void without_the_center_rules_grow_too_old(void **unused)
{
	(void)unused;
	let("layering", 100);
	assert_int_equal(verdict("magic"), RH_OK);
	close(agent.center);
	KIT_UNTIL(verdict("magic") == RH_EOUTDATED);
	assert_int_equal(verdict("disk"), RH_EOUTDATED);
	assert_non_null(strstr(kit_text, "file may not call disk"));
	assert_non_null(strstr(kit_text, "layering"));
	kit_center_accept(&agent);
	kit_apply(&agent, 8, "", edges, 2);
	assert_int_equal(verdict("magic"), RH_OK);
	assert_int_equal(verdict("disk"), RH_OK);
}

static void for_a_while_they_count(void **unused)
{
	(void)unused;
	let("layering", MINUTE_MS);
	close(agent.center);
	kit_center_accept(&agent); /* it has noticed, and is not live again */
	assert_int_equal(verdict("magic"), RH_OK);
	assert_int_equal(verdict("disk"), RH_OK);
}

/* What a rule of another class says is not touched: `bind` is no rule, but the default. */
static void each_class_has_its_own(void **unused)
{
	(void)unused;
	let("protocol", 0);
	close(agent.center);
	KIT_UNTIL(verdict("magic") == RH_EOUTDATED);
	assert_non_null(strstr(kit_text, "protocol"));
	assert_int_equal(verdict("disk"), RH_OK);
}

static void a_revocation_may_have_its_own(void **unused)
{
	(void)unused;
	let("revocation", 0);
	close(agent.center);
	kit_center_accept(&agent);
	assert_int_equal(verdict("magic"), RH_OK); /* nothing is revoked */
	kit_revoked_at = rh_clock_ns() + 3600 * RH_NS_PER_S;
	kit_after = RH_ELAYER;
	kit_apply(&agent, 8, "", edges, 2);
	assert_int_equal(verdict("magic"), RH_OK);
	close(agent.center);
	KIT_UNTIL(verdict("magic") == RH_EOUTDATED);
	assert_non_null(strstr(kit_text, "revocation"));
}

/* Connected, and stopped: the heartbeats are missing. */
static void a_silent_center_is_away(void **unused)
{
	(void)unused;
	let("layering", 0);
	assert_int_equal(verdict("magic"), RH_OK);
	KIT_UNTIL(verdict("magic") == RH_EOUTDATED);
	kit_push(&agent, RH_FRAME_BOOKMARK, 7, NULL);
	KIT_UNTIL(verdict("magic") == RH_OK);
	assert_int_equal(verdict("disk"), RH_OK);
}

/* Both generations, as if they had been written so long ago; or only as the wall clock
 * has it. */
static void age(time_t seconds, int by_the_wall_clock)
{
	static const char *const names[2] = { "view.a", "view.b" };
	const struct timespec    before = { .tv_sec = time(NULL) - seconds };
	const struct timespec    then[2] = {
		by_the_wall_clock ? (struct timespec){ .tv_nsec = UTIME_OMIT } : before, before,
	};
	char                     path[256];
	int                      found = 0;

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/agent/file/%s", kit_state_dir, names[i]);
		found += utimensat(AT_FDCWD, path, then, 0) == 0;
	}
	assert_true(found > 0);
}

static int is_saved(void)
{
	struct stat st;
	char        path[256];

	snprintf(path, sizeof path, "%s/agent/file/view.b", kit_state_dir);
	return stat(path, &st) == 0;
}

static void start_alone(void)
{
	kit_agent_start_alone(&agent, "file");
	assert_int_equal(kit_attach(&client, "file", RH_ROLE_CALLER), RH_OK);
}

static void an_old_cache_does_not_count(void **unused)
{
	(void)unused;
	let("layering", MINUTE_MS);
	KIT_UNTIL(is_saved());
	kit_agent_kill(&agent, SIGKILL);
	start_alone();
	assert_int_equal(verdict("magic"), RH_OK);
	kit_center_accept(&agent);
	kit_agent_kill(&agent, SIGKILL);
	age(3600, 0);
	start_alone();
	assert_int_equal(kit_counters(&agent)->revision, 7);
	assert_int_equal(verdict("magic"), RH_EOUTDATED);
	kit_center_accept(&agent);
	kit_apply(&agent, 8, "", edges, 2);
	assert_int_equal(verdict("magic"), RH_OK);
}

/* It was set forward by an hour while no agent ran. */
static void a_clock_that_was_set_makes_no_cache_old(void **unused)
{
	(void)unused;
	let("layering", MINUTE_MS);
	KIT_UNTIL(is_saved());
	kit_agent_kill(&agent, SIGKILL);
	age(3600, 1);
	start_alone();
	assert_int_equal(kit_counters(&agent)->revision, 7);
	assert_int_equal(verdict("magic"), RH_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_the_center_rules_grow_too_old),
		TEST(for_a_while_they_count),
		TEST(each_class_has_its_own),
		TEST(a_revocation_may_have_its_own),
		TEST(a_silent_center_is_away),
		TEST(an_old_cache_does_not_count),
		TEST(a_clock_that_was_set_makes_no_cache_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
