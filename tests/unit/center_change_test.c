/* Changes: judged as a whole, atomic, undone exactly, and the same after a new
 * start.  The store is the memory one, whose disk can fail. */
#include "center_fixture.h"

#include "../../center/batch.h"
#include "../../center/change.h"
#include "../../center/conditions.h"
#include "../../center/parcel.h"
#include "../../center/rollout_drive.h"
#include "../../center/sentence.h"
#include "../../center/store/store.h"
#include "../../center/when.h"
#include "../../model/error.h"
#include "../../model/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order in which edges came to be is no difference. */
static json_t *sorted(json_t *list)
{
	size_t  count = json_array_size(list);
	char  **texts = calloc(count + 1, sizeof *texts);
	json_t *result = json_array();

	assert_non_null(texts);
	for (size_t i = 0; i < count; i++)
		texts[i] = json_dumps(json_array_get(list, i), JSON_COMPACT);
	qsort(texts, count, sizeof *texts, by_text);
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(result, json_string(texts[i]));
		free(texts[i]);
	}
	free(texts);
	json_decref(list);
	return result;
}

/* Everything the center says, as one text that the caller frees; but not what was tried
 * last and failed, which stands in no store. */
static char *portrait(struct rh_center *center)
{
	json_t *all = json_array();

	center->rollout_problem[0] = '\0';
	for (int kind = 0; kind < RH_OBJECT_KINDS; kind++) {
		size_t                   count;
		struct rh_object *const *at = rh_catalog_after(&center->realm.catalog,
			(enum rh_object_kind)kind, NULL, &count);

		for (size_t i = 0; i < count; i++) {
			struct rh_parcel parcel = { 0 };

			json_array_append_new(all, rh_object_json(at[i], center->store_id,
			                      sorted(rh_conditions(center, at[i]))));
			if (kind != RH_OBJECT_RESOURCE)
				continue;
			assert_int_equal(rh_parcel_view(&parcel, center, at[i]->name), RH_OK);
			for (size_t j = 0; j < sizeof parcel.hash; j++)
				json_array_append_new(all, json_integer(parcel.hash[j]));
			rh_parcel_fini(&parcel);
		}
	}
	char *text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	assert_non_null(text);
	return text;
}

static void assert_same(struct rh_center *center, char *before)
{
	char  *after = portrait(center);
	size_t at = 0, from;

	while (after[at] && after[at] == before[at])
		at++;
	from = at > 200 ? at - 200 : 0;
	if (after[at] || before[at])
		fail_msg("was: %.500s\nis:  %.500s", before + from, after + from);
	free(after);
	free(before);
	rh_registry_verify(&center->realm.registry);
}

static uint64_t audits(struct rh_store *store)
{
	struct rh_store_info info;

	rh_store_info(store, &info);
	return info.audit_seq;
}

static void results_tell_what_happened(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	struct rh_problem problem = { 0 };
	char              results[256];

	assert_int_equal(rh_center_revision(center), 1); /* the hierarchy */
	assert_int_equal(apply_with(center, "[" SERVICE("a", "") "," SERVICE("b", "") "]",
	                            0, &problem, results), RH_OK);
	assert_string_equal(results, "created,created");
	assert_int_equal(commit(center), RH_OK);
	assert_int_equal(rh_center_revision(center), 2);
	assert_int_equal(apply_with(center, "[" SERVICE("a", "") "," SERVICE("b", "'x'")
	                            "]", 0, &problem, results), RH_OK);
	assert_string_equal(results, "unchanged,configured");
	assert_int_equal(commit(center), RH_OK);
	uint64_t entries = audits(fixture->store);
	assert_int_equal(apply_with(center, "[" SERVICE("a", "") "," SERVICE("b", "'x'")
	                            "]", 0, &problem, results), RH_OK);
	assert_string_equal(results, "unchanged,unchanged");
	assert_int_equal(rh_center_revision(center), 3); /* nothing to write */
	assert_int_equal(center->staged, 0);
	assert_int_equal(audits(fixture->store), entries);
}

static void refusal_undoes_the_whole_batch(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	struct rh_problem problem = { 0 };

	assert_int_equal(apply(center, "[" SERVICE("s", "'d'") "," DRIVER("d", "'later'")
	                       "," EXCEPTION("e", "d", "s") "]"), RH_OK);
	assert_int_equal(commit(center), RH_OK);
	uint64_t entries = audits(fixture->store);
	char    *before = portrait(center);

	assert_int_equal(apply_with(center, "[" SERVICE("s", "") "," SERVICE("later", "")
		"," EXCEPTION("e", "x", "y") "," PROTOCOL("p", "s", "d", "shm") ","
		DRIVER("d", "'later','s'") "]", 0, &problem, NULL), RH_ELAYER);
	assert_string_equal(problem.detail, "d (driver) -> later (service): refused by "
	                    "rule hierarchy at revision 1: a driver may call hardware");
	assert_string_equal(problem.pointer, "/objects/4");
	assert_string_equal(problem.rule, "hierarchy");
	assert_int_equal(problem.revision, 1);
	assert_int_equal(commit(center), RH_OK);
	assert_int_equal(rh_center_revision(center), 2);
	assert_int_equal(audits(fixture->store), entries + 1); /* the refusal */
	assert_same(center, before);
}

static void dry_run_leaves_nothing(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	struct rh_problem problem = { 0 };
	char              results[256];

	assert_int_equal(apply(center, "[" SERVICE("s", "'d','late'") "," DRIVER("d", "")
	                       "]"), RH_OK);
	assert_int_equal(commit(center), RH_OK);
	assert_int_equal(rh_realm_observe(&center->realm, "s", "d", 10, 2, 80), RH_OK);
	uint64_t entries = audits(fixture->store);
	char    *before = portrait(center);

	assert_int_equal(apply_with(center, "[" SERVICE("s", "") "," DRIVER("n", "") ","
		PROTOCOL("p", "s", "d", "shm") "]", 1, &problem, results), RH_OK);
	assert_string_equal(results, "configured,created,created");
	assert_int_equal(apply_with(center, "[" DRIVER("n", "'s'") "]", 1, &problem, NULL),
	                 RH_ELAYER);
	assert_int_equal(remove_object(center, RH_OBJECT_RESOURCE, "s", 1), RH_OK);
	assert_int_equal(remove_object(center, RH_OBJECT_RESOURCE, "none", 1), RH_ENOENT);
	assert_int_equal(center->staged, 0);
	assert_int_equal(audits(fixture->store), entries);
	assert_same(center, before);

	/* The counts were dropped and brought back on the way. */
	struct rh_id s, d;
	assert_int_equal(rh_realm_find(&center->realm, "s", &s), RH_OK);
	assert_int_equal(rh_realm_find(&center->realm, "d", &d), RH_OK);
	uint32_t edge = rh_matrix_find(&center->realm.registry.matrix, s.index, d.index);
	assert_int_equal(rh_matrix_edge(&center->realm.registry.matrix, edge)->observed, 10);
	assert_int_equal(center->realm.counts[edge].errors, 2);
	assert_int_equal(rh_realm_observe(&center->realm, "s", "d", 15, 2, 80), RH_OK);
	assert_int_equal(rh_matrix_edge(&center->realm.registry.matrix, edge)->observed, 15);
}

/* All writes of a turn share the disk, so they share its failure. */
static void failed_commit_undoes_the_turn(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	struct rh_problem problem = { 0 };

	assert_int_equal(apply(center, "[" SERVICE("s", "'d'") "," DRIVER("d", "") "]"),
	                 RH_OK);
	assert_int_equal(commit(center), RH_OK);
	char    *before = portrait(center);
	uint64_t entries = audits(fixture->store);

	rh_store_memory_fail(fixture->store, RH_ENOSPC);
	assert_int_equal(apply(center, "[" SERVICE("one", "") "]"), RH_OK);
	assert_int_equal(apply(center, "[" DRIVER("d", "'nic'") ","
	                       EXCEPTION("e", "d", "s") "]"), RH_OK);
	assert_int_equal(remove_object(center, RH_OBJECT_RESOURCE, "s", 0), RH_OK);
	assert_int_equal(apply(center, "[" DRIVER("bad", "'one'") "]"), RH_ELAYER);
	assert_int_equal(rh_center_commit(center, &problem), RH_ENOSPC);
	assert_int_equal(rh_problem_status(&problem), 507);
	assert_int_equal(rh_center_revision(center), 2);
	assert_int_equal(audits(fixture->store), entries);
	assert_same(center, before);

	rh_store_memory_fail(fixture->store, RH_OK);
	assert_int_equal(apply(center, "[" SERVICE("one", "") "]"), RH_OK);
	assert_int_equal(commit(center), RH_OK);
	assert_int_equal(rh_center_revision(center), 3);
}

/* A store that refuses in the middle of a turn: what follows is refused as well,
 * because what came before it is gone. */
static void broken_turn_is_lost_as_a_whole(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	struct rh_problem problem = { 0 };
	char             *before = portrait(center);

	assert_int_equal(apply(center, "[" SERVICE("one", "") "]"), RH_OK);
	rh_problem_set(&center->broken, RH_ESTORE, "the disk went away");
	rh_realm_undo(&center->realm, 0);
	assert_int_equal(apply_with(center, "[" SERVICE("two", "") "]", 0, &problem, NULL),
	                 RH_ESTORE);
	assert_string_equal(problem.detail, "the disk went away");
	assert_int_equal(rh_center_commit(center, &problem), RH_ESTORE);
	assert_int_equal(center->broken.code, 0);
	assert_same(center, before);
}

static void pending_appears_and_goes(void **state)
{
	struct fixture    *fixture = *state;
	struct rh_center  *center = &fixture->center;
	struct rh_name     driver, service;
	struct rh_verdict  verdict;
	char               text[RH_SENTENCE_MAX];

	assert_int_equal(rh_name_init(&driver, "d", 1), RH_OK);
	assert_int_equal(rh_name_init(&service, "s", 1), RH_OK);
	assert_int_equal(apply(center, "[" DRIVER("d", "'s'") "]"), RH_OK);
	assert_int_equal(rh_judge_pair(&center->realm.registry, &driver, &service, 0,
	                               &verdict), RH_EPENDING);
	assert_int_equal(apply(center, "[" SERVICE("s", "") "]"), RH_OK);
	assert_int_equal(rh_judge_pair(&center->realm.registry, &driver, &service, 0,
	                               &verdict), RH_ELAYER);
	/* Applied again it is unchanged and stays; changed it is refused. */
	assert_int_equal(apply(center, "[" DRIVER("d", "'s'") "]"), RH_OK);
	assert_int_equal(apply(center, "[" DRIVER("d", "'s','t'") "]"), RH_ELAYER);
	assert_int_equal(remove_object(center, RH_OBJECT_RESOURCE, "s", 0), RH_OK);
	assert_int_equal(rh_judge_pair(&center->realm.registry, &driver, &service, 0,
	                               &verdict), RH_EPENDING);
	rh_sentence_verdict(&verdict, &center->realm.registry.hierarchy, text, sizeof text);
	assert_string_equal(text, "d (driver) -> s: pending: s is not registered");
	assert_int_equal(commit(center), RH_OK);
}

static void rules_hold_one_edge_each(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	struct rh_problem problem = { 0 };

	assert_int_equal(apply(center, "[" PROTOCOL("p", "a", "b", "shm") ","
	                       EXCEPTION("e", "a", "b") "]"), RH_OK);
	char *before = portrait(center);
	assert_int_equal(apply_with(center, "[" PROTOCOL("q", "a", "b", "bind") "]", 0,
	                            &problem, NULL), RH_EEXIST);
	assert_non_null(strstr(problem.detail, "another rule (p) holds a -> b"));
	assert_string_equal(problem.pointer, "/objects/0");
	assert_int_equal(apply(center, "[" EXCEPTION("f", "a", "b") "]"), RH_EEXIST);
	/* A rule that becomes another and collides leaves the old one in force. */
	assert_int_equal(apply(center, "[" EXCEPTION("g", "c", "d") "]"), RH_OK);
	free(before);
	before = portrait(center);
	assert_int_equal(apply(center, "[" PROTOCOL("g", "a", "b", "shm") "]"), RH_EEXIST);
	assert_same(center, before);
	assert_int_equal(apply(center, "[" PROTOCOL("e", "c", "d", "shm") ","
	                       EXCEPTION("p", "x", "y") "]"), RH_OK);
	assert_null(rh_protocols_find(&center->realm.protocols, "a", "b"));
	assert_string_equal(rh_protocols_find(&center->realm.protocols, "c", "d")->rule,
	                    "e");
	assert_int_equal(commit(center), RH_OK);
}

static void expired_exception_is_written_once(void **state)
{
	struct fixture   *fixture = *state;
	struct rh_center *center = &fixture->center;
	char              when[RH_WHEN_TEXT_MAX], text[512];

	rh_when_text(rh_when_now() + 3600000, when);
	snprintf(text, sizeof text, "[{'kind':'Rule','metadata':{'name':'e'},'spec':"
	         "{'exception':{'edge':['d','s'],'reason':'r','expires':'%s'}}},"
	         SERVICE("s", "") "," DRIVER("d", "'s'") "]", when);
	assert_int_equal(apply(center, text), RH_OK);
	assert_int_equal(commit(center), RH_OK);
	assert_int_equal(rh_center_expire(center), RH_OK);
	uint64_t next = rh_center_next_expiry(center, rh_when_now());
	assert_true(next > rh_when_now() + 3590000 && next <= rh_when_now() + 3600000);
	assert_int_equal(rh_center_next_expiry(center, next), UINT64_MAX);
	assert_int_equal(rh_center_revision(center), 2);

	/* The stored object says that it is over: as if the hour had passed. */
	struct rh_object *rule = rh_catalog_find(&center->realm.catalog, RH_OBJECT_RULE,
	                                         "e");
	char *expires = strstr(rule->text, "expires\":\"2");
	assert_non_null(expires);
	expires[10] = '1'; /* the year 1026 is no time: must be left alone */
	assert_int_equal(rh_center_expire(center), RH_OK);
	assert_int_equal(rh_center_revision(center), 2);
	memcpy(expires + 10, "2001", 4);
	rh_store_memory_fail(fixture->store, RH_ENOSPC);
	assert_int_equal(rh_center_expire(center), RH_ENOSPC);
	assert_int_equal(rh_center_revision(center), 2);
	rh_store_memory_fail(fixture->store, RH_OK);
	assert_int_equal(rh_center_expire(center), RH_OK);
	assert_int_equal(rh_center_revision(center), 3);
	assert_int_equal(rh_center_expire(center), RH_OK);
	assert_int_equal(rh_center_revision(center), 3);
	struct rh_id d, s;
	assert_int_equal(rh_realm_find(&center->realm, "d", &d), RH_OK);
	assert_int_equal(rh_realm_find(&center->realm, "s", &s), RH_OK);
	assert_int_equal(rh_judge_call(&center->realm.registry, d, s, rh_when_now()),
	                 RH_ELAYER);
	/* Over is over, also when the clock is set back to before it. */
	assert_int_equal(rh_judge_call(&center->realm.registry, d, s, 2), RH_ELAYER);
}

/* ---- at random, against a center that starts from the same store ---- */

static uint64_t seed;

static unsigned any(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static void random_object(char *text, size_t cap)
{
	static const char *const types[] = { "application", "service", "driver",
	                                     "hardware" };
	static const char *const uses[] = { "'use':'shm'", "'use':'bind'",
	                                    "'use':'msgqueue'" };
	static const char *const calls[] = { "'calls':3", "'calls':4" };
	static const char *const plans[] = { "", ",'rollout':{'steps':[1,'50%','100%'],"
		"'wait':'0s'}" };
	unsigned name = any(8), one = any(8), two = any(8), is_limit = any(4) == 0;
	char     caller[4], callee[4];

	switch (any(5)) {
	case 0:
	case 1:
	case 2:
		snprintf(text, cap, "{'kind':'Resource','metadata':{'name':'r%u'},'spec':"
		         "{'type':'%s','reference':['r%u','r%u']}}", name, types[any(4)],
		         one == name ? 9 : one, two == name || two == one ? 10 : two);
		break;
	case 3:
		snprintf(text, cap, "{'kind':'Rule','metadata':{'name':'x%u'},'spec':"
		         "{'exception':{'edge':['r%u','r%u'],'reason':'r'}}}", any(4), name,
		         one == name ? 9 : one);
		break;
	default:
		snprintf(caller, sizeof caller, any(3) ? "r%u" : "*", name);
		snprintf(callee, sizeof callee, any(3) ? "r%u" : "*", one == name ? 9 : one);
		snprintf(text, cap, "{'kind':'Rule','metadata':{'name':'x%u'},'spec':"
		         "{'%s':{'edge':['%s','%s'],%s%s}}}", any(4),
		         is_limit ? "limits" : "protocol", caller, callee,
		         !is_limit ? uses[any(3)] : calls[any(2)], plans[any(2)]);
	}
}

/* A roll-out goes on, or is ordered to do something. */
static void random_rollout(struct rh_center *center)
{
	static const struct rh_client client = { .uid = 1000, .channel = "unix" };
	struct rh_change_options options = {
		.client = &client, .verb = "order", .expected = RH_CHANGE_ANY,
	};
	struct rh_problem problem;
	char              name[8];

	snprintf(name, sizeof name, "x%u", any(4));
	if (any(2))
		rh_rollouts_drive(center);
	else if (any(8) == 0)
		remove_object(center, RH_OBJECT_RULE, name, any(2) != 0);
	else
		rh_rollout_order(center, name, (enum rh_rollout_order)any(RH_ROLLOUT_ORDERS),
		                 any(3) ? 0 : any(9), &options, &problem);
}

static void random_step(struct fixture *fixture)
{
	struct rh_problem problem;
	char              text[2048] = "[", name[8], one[256];
	unsigned          count = 1 + any(3);

	if (any(4) == 0) {
		random_rollout(&fixture->center);
		return;
	}
	if (any(6) == 0) {
		snprintf(name, sizeof name, "r%u", any(8));
		remove_object(&fixture->center, RH_OBJECT_RESOURCE, name, any(2) != 0);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		random_object(one, sizeof one);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
		         i ? "," : "", one);
	}
	strcat(text, "]");
	apply_with(&fixture->center, text, any(4) == 0, &problem, NULL);
}

/* The same edges until the same time; by which clock that is counted is each one's. */
static void assert_same_revocations(const struct rh_center *center,
                                    struct rh_center *again)
{
	assert_int_equal(again->revocations.count, center->revocations.count);
	for (size_t i = 0; i < again->revocations.count; i++) {
		struct rh_revocation       *one = &again->revocations.at[i];
		const struct rh_revocation *other = rh_revocation_find(
			&center->revocations, &one->key.caller, &one->key.callee);

		assert_non_null(other);
		assert_true(one->deadline_ms == other->deadline_ms);
		one->deadline_ns = other->deadline_ns;
	}
}

static void assert_same_after_start(struct fixture *fixture)
{
	struct rh_center *again = calloc(1, sizeof *again);
	struct rh_problem problem;

	assert_non_null(again);
	again->dirs = fixture->center.dirs;
	int err = rh_center_init(again, fixture->store, &problem);
	if (err)
		fail_msg("%s", problem.detail);
	assert_same_revocations(&fixture->center, again);
	char *before = portrait(&fixture->center);
	assert_same(again, before);
	rh_center_fini(again);
	free(again);
}

static void random_work_equals_a_new_start(void **state)
{
	struct fixture *fixture = *state;
	unsigned        seen = 0; /* states of roll-outs; nothing stops one here */

	for (int turn = 0; turn < 600; turn++) {
		int fails = any(5) == 0;

		rh_store_memory_fail(fixture->store, fails ? RH_ENOSPC : RH_OK);
		for (unsigned i = any(4) + 1; i > 0; i--)
			random_step(fixture);
		for (size_t i = 0; i < fixture->center.realm.rollouts.count; i++)
			seen |= 1u << fixture->center.realm.rollouts.at[i]->state;
		int staged = fixture->center.staged;
		assert_int_equal(commit(&fixture->center), fails && staged ? RH_ENOSPC
		                                                           : RH_OK);
		rh_registry_verify(&fixture->center.realm.registry);
		if (turn % 10 == 0)
			assert_same_after_start(fixture);
	}
	assert_int_equal(seen, 1u << RH_ROLLOUT_RUNNING | 1u << RH_ROLLOUT_PAUSED |
	                       1u << RH_ROLLOUT_DONE | 1u << RH_ROLLOUT_UNDONE);
}

int main(void)
{
	const char *given = getenv("RHODES_SEED");
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(results_tell_what_happened),
		TEST(refusal_undoes_the_whole_batch),
		TEST(dry_run_leaves_nothing),
		TEST(failed_commit_undoes_the_turn),
		TEST(broken_turn_is_lost_as_a_whole),
		TEST(pending_appears_and_goes),
		TEST(rules_hold_one_edge_each),
		TEST(expired_exception_is_written_once),
		TEST(random_work_equals_a_new_start),
	};

	seed = given ? strtoull(given, NULL, 10) : 20240607;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("center_change", tests, NULL, NULL);
}
