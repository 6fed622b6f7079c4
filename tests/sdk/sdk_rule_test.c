/* Rules in a program: they come, change and go while it asks; agents that lie or end. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../base/memory.h"
#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../sdk/c/rhodes-rule.h"
#include "../../sdk/c/rhodes.h"
#include "../../wire/record.h"
#include "../support/rule_agent.h"
#include "../unit/rules_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer keeps a signal back until the thread calls something. */
#ifdef __SANITIZE_THREAD__
#define CAN_KICK 0
#else
#define CAN_KICK 1
#endif

#define LONG (50 * RH_NS_PER_S)

static struct rule_agent *agent;
static char               dir[SCENE_PATH], path[SCENE_PATH + 16];
static int                native_fd, wasm_fd = -1;

static int build_wasm(const char *file, const char *hook)
{
	size_t          len;
	uint8_t        *module = fixture_read(file, &len);
	struct rh_build job = { .hook = rh_hook_find(hook), .module = module,
	                        .module_bytes = len };
	struct rh_built built;
	struct rh_diag  diag;

	if (rh_build_run(&job, &built, &diag) < 0)
		fail_msg("%s", diag.text);
	free(module);
	return built.fd;
}

static int set_up_without(void **state)
{
	(void)state;
	scene_dir(dir);
	snprintf(path, sizeof path, "%s/agent.sock", dir);
	setenv("RHODES_AGENT", path, 1);
	native_fd = fixture_freeze(ANSWER ".so");
	if (fixture_has_tools() && access(ANSWER ".wasm", R_OK) == 0)
		wasm_fd = build_wasm(ANSWER ".wasm", "user");
	return 0;
}

static int set_up(void **state)
{
	set_up_without(state);
	agent = rule_agent_start(path, 0);
	return 0;
}

static int set_up_old(void **state)
{
	set_up_without(state);
	agent = rule_agent_start(path, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (agent)
		rule_agent_stop(agent);
	close(native_fd);
	close(wasm_fd);
	scene_remove(dir);
	return 0;
}

/* WebAssembly where it can be built, else native. */
static struct lent answer(const char *name, const char *param)
{
	int is_wasm = wasm_fd >= 0;

	return (struct lent){
		.hook = "user", .name = name, .mode = is_wasm ? "wasm" : "native",
		.policy = "fail-closed", .params = { param },
		.object_fd = is_wasm ? wasm_fd : native_fd,
	};
}

static struct rh_adapter *place_of(const char *key)
{
	struct rh_adapter *place = NULL;

	assert_int_equal(rh_rule_open(key, LONG, &place), RH_OK);
	return place;
}

/* The rule's mark and count; -1 when nobody answers. */
static int64_t ask(struct rh_adapter *place, uint32_t *ret_mark)
{
	char     bytes[16] = "m";
	size_t   length = 0;
	uint32_t count;
	int      r = rh_rule_run(place, bytes, 1, sizeof bytes, &length);

	if (r <= 0)
		return r < 0 ? r : -1;
	assert_int_equal(length, 8);
	memcpy(ret_mark, bytes, 4);
	memcpy(&count, bytes + 4, 4);
	return count;
}

static void expect(uint64_t revision, int code)
{
	struct said said = rule_agent_await(agent, revision);

	if (said.code != code)
		fail_msg("revision %d: %d (%s), not %d", (int)revision, said.code, said.text,
		         code);
	assert_int_equal(said.state, code < 0 ? RH_ITEM_REJECTED : RH_ITEM_ACTIVE);
}

static uint64_t lend(const char *key, const char *name, const char *param)
{
	struct lent lent = answer(name, param);

	return rule_agent_lend(agent, key, &lent);
}

/* ---- cases ---- */

static void a_program_without_an_agent_decides_itself(void **state)
{
	char               bytes[8] = "r12";
	size_t             length = 7;
	struct rh_adapter *place;
	struct rh_slots   *slots;
	char               name[64];
	int                was_full;

	(void)state;
	unsetenv("RHODES_AGENT");
	place = place_of("next");
	assert_int_equal(rh_rule_run(place, bytes, 3, 8, &length), 0);
	assert_string_equal(bytes, "r12");
	assert_int_equal(length, 7);
	assert_int_equal(rh_rule_name(place, name, sizeof name), 0);
	assert_string_equal(name, "");
	assert_int_equal(rh_slots_open("blocks", 2, 0, &slots), RH_OK);
	assert_int_equal(rh_slots_place(slots, 7, &was_full), 0);
	assert_int_equal(rh_slots_place(slots, 8, &was_full), 1);
	assert_int_equal(was_full, 0);
	assert_int_equal(rh_slots_hit(slots, 0), RH_OK);
	assert_int_equal(rh_slots_admit(slots, 9), 1);
	assert_int_equal(rh_slots_place(slots, 9, &was_full), 0);
	assert_int_equal(was_full, 1);
	assert_int_equal(rh_slots_remove(slots, 1), RH_OK);
	assert_int_equal(rh_slots_remove(slots, 1), RH_EINVAL);
	assert_int_equal(rh_slots_hit(slots, 2), RH_EINVAL);
	rh_slots_close(slots);
	rh_rule_close(place);
}

static void what_cannot_be_opened_is_refused(void **state)
{
	static const char *const bad[] = { "", "Next", "1st", "a b", "a/b", "\xc3\xa9",
		"a123456789012345678901234567890123456789012345678901234567890123" };
	struct rh_adapter *places[257];
	struct rh_slots   *slots;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(rh_rule_open(bad[i], 1, &places[0]), RH_EINVAL);
		assert_non_null(strstr(rh_last_error(), "is no key"));
	}
	assert_int_equal(rh_slots_open("a", 0, 1, &slots), RH_EINVAL);
	assert_int_equal(rh_slots_open("a", 65537, 1, &slots), RH_EINVAL);
	for (int i = 0; i < 256; i++)
		places[i] = place_of("next");
	assert_int_equal(rh_rule_open("next", 1, &places[256]), RH_ENOSPC);
	rule_agent_await_askers(agent, 256);
	for (int i = 0; i < 256; i++)
		rh_rule_close(places[i]);
	rule_agent_await_askers(agent, 0);
	rh_rule_close(place_of("next"));
	rh_rule_close(NULL);
}

static void a_rule_comes_changes_and_goes(void **state)
{
	struct rh_adapter *place, *other;
	uint32_t           mark = 0;
	char               name[64];

	(void)state;
	lend("next", "first", "mark=1");
	place = place_of("next");
	other = place_of("other");
	assert_int_equal(rh_rule_name(place, name, sizeof name), 1);
	assert_string_equal(name, "first");
	assert_int_equal(ask(place, &mark), 1);
	assert_int_equal(mark, 1);
	assert_int_equal(ask(other, &mark), -1);
	/* The next one goes on where this one was. */
	expect(lend("next", "second", "mark=2"), RH_OK);
	assert_int_equal(ask(place, &mark), 2);
	assert_int_equal(mark, 2);
	expect(lend("next", "third", "fresh=1"), RH_OK);
	assert_int_equal(ask(place, &mark), 1);
	expect(rule_agent_lend(agent, "next", NULL), RH_OK);
	assert_int_equal(ask(place, &mark), -1);
	assert_int_equal(rh_rule_name(place, name, sizeof name), 0);
	expect(lend("next", "fourth", "mark=4"), RH_OK);
	assert_int_equal(ask(place, &mark), 1);
	assert_int_equal(rule_agent_counted(agent, 0, 4).calls, 4);
	rh_rule_close(place);
	rh_rule_close(other);
	rule_agent_await_askers(agent, 0);
}

static void what_is_refused_leaves_the_former_one(void **state)
{
	struct rh_adapter *place;
	struct lent        lent;
	uint32_t           mark = 0;
	char               bytes[] = "not an object", *writable;
	int                fd = memfd_create("writable", MFD_CLOEXEC);

	(void)state;
	writable = bytes;
	assert_int_equal(write(fd, writable, sizeof bytes), sizeof bytes);
	lend("next", "first", "mark=1");
	place = place_of("next");
	assert_int_equal(ask(place, &mark), 1);
	expect(lend("next", "refuses", "refuse=3"), RH_EINVAL);
	lent = answer("x", NULL);
	lent.mode = "ebpf";
	expect(rule_agent_lend(agent, "next", &lent), RH_ENOSYS);
	lent = answer("x", NULL);
	lent.hook = "cache";
	expect(rule_agent_lend(agent, "next", &lent), RH_EPROTO);
	lent = answer("x", "no-equals");
	expect(rule_agent_lend(agent, "next", &lent), RH_EPROTO);
	lent = answer("x", NULL);
	lent.policy = "shrug";
	expect(rule_agent_lend(agent, "next", &lent), RH_EPROTO);
	lent = answer("x", NULL);
	lent.object_fd = -1;
	expect(rule_agent_lend(agent, "next", &lent), RH_EPROTO);
	lent.object_fd = fd;
	expect(rule_agent_lend(agent, "next", &lent), RH_EPROTO); /* not frozen */
	close(fd);
	lent.object_fd = fd = rh_memory_freeze(bytes, sizeof bytes);
	expect(rule_agent_lend(agent, "next", &lent), RH_EINVAL);
	close(fd);
	assert_int_equal(ask(place, &mark), 2);
	assert_int_equal(mark, 1);
	rh_rule_close(place);
}

static void a_failure_is_counted_and_its_policy_decides(void **state)
{
	struct rh_adapter *place;
	struct lent        lent = answer("fails", NULL);
	struct counted     counted;
	uint64_t           revision;
	char               bytes[16] = "n";
	size_t             length;

	(void)state;
	revision = rule_agent_lend(agent, "next", &lent);
	place = place_of("next");
	assert_int_equal(rh_rule_run(place, bytes, 1, 16, &length), RH_ERULE);
	assert_non_null(strstr(rh_last_error(), "rule fails, at next"));
	if (wasm_fd >= 0) {
		bytes[0] = 't';
		assert_int_equal(rh_rule_run(place, bytes, 1, 16, &length), RH_ERULE);
		bytes[0] = CAN_KICK ? 'l' : 't';
		assert_int_equal(rh_rule_run(place, bytes, 1, 16, &length), RH_ERULE);
	}
	memcpy(bytes, "rab", 3);
	assert_int_equal(rh_rule_run(place, bytes, 3, 2, &length), RH_EMSGSIZE);
	assert_int_equal(rh_rule_run(place, bytes, 3, 3, &length), 1);
	assert_memory_equal(bytes, "bar", 3);
	assert_int_equal(rh_rule_run(place, bytes, RH_RULE_BYTES_MAX + 1, 3, &length),
	                 RH_EMSGSIZE);
	for (int i = 0; i < 1000; i++) {
		bytes[0] = 'd';
		assert_int_equal(rh_rule_run(place, bytes, 1, 3, &length), 0);
	}
	counted = rule_agent_counted(agent, revision, wasm_fd >= 0 ? 1005 : 1003);
	assert_int_equal(counted.failures[RH_FAILED_VALUE], 1);
	assert_int_equal(counted.failures[RH_FAILED_TRAP],
	                 wasm_fd >= 0 ? 2 - CAN_KICK : 0);
	assert_int_equal(counted.failures[RH_FAILED_TIMEOUT], wasm_fd >= 0 ? CAN_KICK : 0);
	assert_true(counted.took_ns > 0);
	lent.policy = "fail-open";
	expect(rule_agent_lend(agent, "next", &lent), RH_OK);
	bytes[0] = 'n';
	assert_int_equal(rh_rule_run(place, bytes, 1, 16, &length), 0);
	rh_rule_close(place);
}

static void an_agent_that_is_restarted_finds_the_rule_at_work(void **state)
{
	struct rh_adapter *place;
	uint64_t           revision;
	uint32_t           mark = 0;

	(void)state;
	lend("next", "first", "fresh=1");
	place = place_of("next");
	assert_int_equal(ask(place, &mark), 1);
	rule_agent_stop(agent);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(place, &mark), 2 + i);
	/* It has its rules before it answers anybody, as an agent has that is restarted. */
	agent = rule_agent_create(path, 0);
	revision = lend("next", "first", "fresh=1");
	rule_agent_open(agent);
	expect(revision, RH_OK);
	/* The same one: loaded again it would begin without what it has counted. */
	assert_int_equal(ask(place, &mark), 102);
	expect(lend("next", "second", "mark=2"), RH_OK);
	assert_int_equal(ask(place, &mark), 103);
	assert_int_equal(mark, 2);
	rh_rule_close(place);
}

static void an_agent_that_knows_no_rules_is_no_trouble(void **state)
{
	struct rh_adapter *place = place_of("next");
	uint32_t           mark;

	(void)state;
	assert_int_equal(ask(place, &mark), -1);
	rh_rule_close(place);
}

static void an_agent_that_comes_late_is_found(void **state)
{
	struct rh_adapter *place;
	uint32_t           mark;

	(void)state;
	assert_int_equal(rh_rule_open("next", 1, &place), RH_OK);
	assert_int_equal(ask(place, &mark), -1);
	agent = rule_agent_start(path, 0);
	expect(lend("next", "late", "mark=9"), RH_OK);
	assert_int_equal(ask(place, &mark), 1);
	assert_int_equal(mark, 9);
	rh_rule_close(place);
}

/* ---- under load ---- */

enum { ASKERS = 4, SWAPS = 200 };

static _Atomic int is_over;

struct load {
	struct rh_adapter  *place;
	struct stage_thread thread;
	uint64_t            asked, unanswered;
	uint32_t            last;
};

/* Counts never go back: no state is lost, and no question. */
static void *keep_asking(void *user)
{
	struct load *load = user;
	uint32_t     mark;

	while (!atomic_load(&is_over)) {
		int64_t count = ask(load->place, &mark);

		load->asked++;
		if (count <= (int64_t)load->last)
			load->unanswered++;
		else
			load->last = (uint32_t)count;
	}
	return NULL;
}

static void no_question_is_lost_when_rules_are_swapped_under_load(void **state)
{
	static struct load loads[ASKERS];
	struct rh_adapter *place;
	uint64_t           asked = 0;
	uint32_t           mark;
	char               param[32];

	(void)state;
	lend("next", "0", "mark=0");
	place = place_of("next");
	for (int i = 0; i < ASKERS; i++) {
		loads[i].place = place;
		stage_thread_start(&loads[i].thread, keep_asking, &loads[i]);
	}
	for (int i = 1; i <= SWAPS; i++) {
		snprintf(param, sizeof param, "mark=%d", i);
		expect(lend("next", "swapped", param), RH_OK);
	}
	atomic_store(&is_over, 1);
	for (int i = 0; i < ASKERS; i++) {
		stage_thread_join(&loads[i].thread);
		asked += loads[i].asked;
		assert_int_equal(loads[i].unanswered, 0);
	}
	assert_int_equal(ask(place, &mark), asked + 1);
	assert_int_equal(mark, SWAPS);
	rh_rule_close(place);
	assert_int_equal(rule_agent_counted(agent, 0, asked + 1).calls, asked + 1);
}

/* ---- lies ---- */

static void random_bytes(uint8_t *bytes, size_t len, unsigned *seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)rand_r(seed);
}

static void frames_that_lie_change_nothing(void **state)
{
	static uint8_t          bytes[4096];
	struct rh_record_writer writer;
	struct rh_adapter      *place;
	uint32_t                mark = 0;
	unsigned                seed = 1;
	size_t                  item;

	(void)state;
	lend("next", "first", "mark=1");
	place = place_of("next");
	for (int i = 0; i < 2000; i++) {
		size_t len = (size_t)rand_r(&seed) % 600;

		/* A CODE_ITEM of noise, or one whose parts have been damaged. */
		rh_record_begin(&writer, bytes, sizeof bytes);
		rh_record_put_u64(&writer, RH_TAG_REVISION, 10000);
		item = rh_record_open(&writer, RH_TAG_CODE_ITEM);
		rh_record_put_text(&writer, RH_TAG_RULE, "x");
		rh_record_put_text(&writer, RH_TAG_HOOK, i % 2 ? "user" : "cache");
		rh_record_put_text(&writer, RH_TAG_MODE, "wasm");
		random_bytes(bytes + writer.used, len, &seed);
		writer.used += len;
		rh_record_close(&writer, item);
		if (i % 3 == 0)
			bytes[24 + (size_t)rand_r(&seed) % (writer.used - 24)] ^= 0x55;
		rule_agent_send(agent, "next", RH_FRAME_RULE, bytes, writer.used,
		                i % 5 ? -1 : 0);
	}
	/* Kinds of frames that nobody asked for. */
	for (int type = 0; type < 256; type++) {
		if (type == RH_FRAME_RULE)
			continue;
		random_bytes(bytes, 64, &seed);
		rule_agent_send(agent, "next", (uint8_t)type, bytes, 64, -1);
	}
	assert_int_equal(ask(place, &mark), 1);
	assert_int_equal(mark, 1);
	/* What cannot be read at all ends that connection, and no more. */
	rule_agent_send(agent, "next", RH_FRAME_RULE, "lie", 3, -1);
	rule_agent_await_attached(agent, 2);
	expect(lend("next", "second", "mark=2"), RH_OK);
	assert_int_equal(ask(place, &mark), 2);
	assert_int_equal(mark, 2);
	rh_rule_close(place);
}

static void a_child_goes_on_with_the_rule_and_asks_for_itself(void **state)
{
	struct rh_adapter *place;
	uint32_t           mark = 0;
	int                status;
	pid_t              child;

	(void)state;
	if (!CAN_KICK)
		skip(); /* ThreadSanitizer starts no thread in the child either */
	lend("next", "first", "mark=1");
	place = place_of("next");
	assert_int_equal(ask(place, &mark), 1);
	child = fork();
	if (child == 0) {
		/* Its own count from here on, and the next rule comes to it as well. */
		int64_t first = ask(place, &mark);

		while (mark != 2)
			first = ask(place, &mark);
		_exit(first > 2 ? 0 : 1);
	}
	rule_agent_await_askers(agent, 2);
	lend("next", "second", "mark=2");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	while (ask(place, &mark) > 0 && mark != 2)
		;
	rh_rule_close(place);
}

/* ---- caches ---- */

enum { CAPACITY = 64, BLOCKS = 80 };

struct cache {
	struct rh_slots *slots;
	int              slot_of[BLOCKS], block_of[CAPACITY];
};

static int use(struct cache *cache, int block)
{
	int slot = cache->slot_of[block], was_full;

	if (slot >= 0) {
		assert_int_equal(rh_slots_hit(cache->slots, (uint32_t)slot), RH_OK);
		return 0;
	}
	slot = (int)rh_slots_place(cache->slots, (uint64_t)block, &was_full);
	assert_in_range(slot, 0, CAPACITY - 1);
	assert_int_equal(was_full, cache->block_of[slot] >= 0);
	if (was_full)
		cache->slot_of[cache->block_of[slot]] = -1;
	cache->slot_of[block] = slot;
	cache->block_of[slot] = block;
	return 1;
}

static int scan(struct cache *cache, int times)
{
	int misses = 0;

	for (int i = 0; i < times * BLOCKS; i++)
		misses += use(cache, i % BLOCKS);
	return misses;
}

static uint64_t lend_cache(const char *name)
{
	char        file[512];
	struct lent lent = { .hook = "cache", .name = name, .mode = "native" };
	uint64_t    revision;

	snprintf(file, sizeof file, "%s/%s.so", RULES, name);
	lent.object_fd = fixture_freeze(file);
	revision = rule_agent_lend(agent, "blocks", &lent);
	close(lent.object_fd);
	return revision;
}

static void a_cache_changes_its_rule_and_keeps_what_it_has(void **state)
{
	struct cache cache;

	(void)state;
	memset(&cache, 0xff, sizeof cache);
	lend_cache("lru");
	assert_int_equal(rh_slots_open("blocks", CAPACITY, LONG, &cache.slots), RH_OK);
	assert_int_equal(scan(&cache, 10), 10 * BLOCKS);
	expect(lend_cache("mru"), RH_OK);
	for (int slot = 0; slot < CAPACITY; slot++)
		assert_int_equal(use(&cache, cache.block_of[slot]), 0);
	assert_in_range(scan(&cache, 10), 0, 10 * BLOCKS * 40 / 100);
	expect(rule_agent_lend(agent, "blocks", NULL), RH_OK);
	for (int slot = 0; slot < CAPACITY; slot++)
		assert_int_equal(use(&cache, cache.block_of[slot]), 0);
	assert_in_range(scan(&cache, 10), 9 * BLOCKS, 10 * BLOCKS);
	rh_slots_close(cache.slots);
}

struct churn {
	struct rh_slots    *slots;
	struct stage_thread thread;
};

static void *churn(void *user)
{
	struct churn *churning = user;
	struct cache  cache = { .slots = churning->slots };
	unsigned      seed = 7;

	memset(cache.slot_of, 0xff, sizeof cache.slot_of);
	memset(cache.block_of, 0xff, sizeof cache.block_of);
	while (!atomic_load(&is_over))
		use(&cache, rand_r(&seed) % BLOCKS);
	return NULL;
}

static void a_cache_under_load_stays_right_over_every_rule(void **state)
{
	static const char *const names[] = { "lru", "mru", "fifo", "sieve", "arc" };
	struct churn             churns[2];

	(void)state;
	lend_cache("arc");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rh_slots_open("blocks", CAPACITY, LONG, &churns[i].slots),
		                 RH_OK);
		stage_thread_start(&churns[i].thread, churn, &churns[i]);
	}
	for (int i = 0; i < 100; i++)
		expect(lend_cache(names[i % 5]), RH_OK);
	atomic_store(&is_over, 1);
	for (int i = 0; i < 2; i++) {
		stage_thread_join(&churns[i].thread);
		rh_slots_close(churns[i].slots);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_program_without_an_agent_decides_itself,
	                                set_up_without, tear_down),
	CASE(what_cannot_be_opened_is_refused),
	CASE(a_rule_comes_changes_and_goes),
	CASE(what_is_refused_leaves_the_former_one),
	CASE(a_failure_is_counted_and_its_policy_decides),
	CASE(an_agent_that_is_restarted_finds_the_rule_at_work),
	cmocka_unit_test_setup_teardown(an_agent_that_knows_no_rules_is_no_trouble,
	                                set_up_old, tear_down),
	cmocka_unit_test_setup_teardown(an_agent_that_comes_late_is_found, set_up_without,
	                                tear_down),
	CASE(no_question_is_lost_when_rules_are_swapped_under_load),
	CASE(frames_that_lie_change_nothing),
	CASE(a_child_goes_on_with_the_rule_and_asks_for_itself),
	CASE(a_cache_changes_its_rule_and_keeps_what_it_has),
	CASE(a_cache_under_load_stays_right_over_every_rule),
};
STAGE_MAIN(tests)
