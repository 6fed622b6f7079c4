#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/judge.h"
#include "../../model/rule.h"

#define A RH_TYPE_APPLICATION
#define S RH_TYPE_SERVICE
#define D RH_TYPE_DRIVER
#define H RH_TYPE_HARDWARE

static struct rh_verdict explain(const struct world *w, const char *caller,
                                 const char *callee)
{
	struct rh_name    from = name_of(caller), to = name_of(callee);
	struct rh_verdict v;
	int r = rh_judge_pair(&w->registry, &from, &to, w->at.now_ms, &v);

	assert_int_equal(r, rh_verdict_error(&v));
	return v;
}

static void assert_says(const struct rh_verdict *verdict, const char *sentence)
{
	char text[RH_VERDICT_TEXT_MAX];
	int  len = rh_verdict_text(verdict, text, sizeof text);

	assert_string_equal(text, sentence);
	assert_int_equal(len, strlen(sentence));
}

static void put_hierarchy(struct world *w, const struct rh_hierarchy *hierarchy,
                          int changed)
{
	assert_int_equal(rh_rule_put_hierarchy(&w->registry, hierarchy, &w->at), changed);
}

static void another_hierarchy_judges_every_edge_again(void **state)
{
	struct world       *w = world_create(8, 16, 1, 1);
	struct rh_hierarchy strict;
	struct rh_verdict   v;

	(void)state;
	assert_int_equal(enroll(w, "app", A, "svc nic later", NULL), RH_OK);
	assert_int_equal(enroll(w, "svc", S, "nic", NULL), RH_OK);
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);
	forget(w);

	/* Only to the next type below. */
	rh_hierarchy_clear(&strict, 12);
	for (int type = A; type < H; type++)
		assert_int_equal(rh_hierarchy_set(&strict, type, type + 1, 1), RH_OK);
	put_hierarchy(w, &strict, 2);
	assert_true(heard(w, "app", "nic", RH_OUTCOME_ALLOWED, RH_OUTCOME_REFUSED));
	assert_true(heard(w, "svc", "nic", RH_OUTCOME_ALLOWED, RH_OUTCOME_REFUSED));
	assert_int_equal(forget(w), 0);
	assert_int_equal(may_call(w, "app", "svc"), RH_OK);
	assert_int_equal(may_call(w, "app", "nic"), RH_ELAYER);
	v = explain(w, "app", "nic");
	assert_int_equal(v.revision, 12);
	assert_says(&v, "application app may not call hardware nic: "
	            "rule hierarchy, revision 12");

	/* The same table under a new revision changes no edge, only the answer. */
	strict.revision = 13;
	put_hierarchy(w, &strict, 0);
	assert_int_equal(explain(w, "app", "nic").revision, 13);

	/* Upside down. */
	rh_hierarchy_clear(&strict, 14);
	assert_int_equal(rh_hierarchy_set(&strict, A, A, 1), RH_OK);
	assert_int_equal(rh_hierarchy_set(&strict, H, A, 1), RH_OK);
	put_hierarchy(w, &strict, 1);
	assert_true(heard(w, "app", "svc", RH_OUTCOME_ALLOWED, RH_OUTCOME_REFUSED));
	assert_int_equal(enroll(w, "gpu", H, "app", NULL), RH_OK);
	assert_int_equal(enroll(w, "app2", A, "app", NULL), RH_OK);

	strict.allow[S][D] = 2;
	assert_int_equal(rh_rule_put_hierarchy(&w->registry, &strict, &w->at), RH_EINVAL);
	world_destroy(w);
}

/* Every cell: an edge of that pair follows its cell and no other. */
static void every_cell_decides_its_pair(void **state)
{
	static const char *const names[2][RH_TYPES] = {
		{ "a0", "s0", "d0", "h0" }, { "a1", "s1", "d1", "h1" },
	};
	struct world       *w = world_create(8, 16, 1, 1);
	struct rh_hierarchy hierarchy;

	(void)state;
	for (int type = 0; type < RH_TYPES; type++) {
		assert_int_equal(load(w, names[0][type], type, "a1 s1 d1 h1"), RH_OK);
		assert_int_equal(load(w, names[1][type], type, NULL), RH_OK);
	}
	rh_hierarchy_clear(&hierarchy, 1);
	put_hierarchy(w, &hierarchy, 6);
	forget(w);
	for (int cell = 0; cell < 16; cell++) {
		const char *caller = names[0][cell / 4], *callee = names[1][cell % 4];

		assert_int_equal(may_call(w, caller, callee), RH_ELAYER);
		assert_int_equal(rh_hierarchy_set(&hierarchy, cell / 4, cell % 4, 1), 0);
		put_hierarchy(w, &hierarchy, 1);
		assert_int_equal(may_call(w, caller, callee), RH_OK);
		assert_true(heard(w, caller, callee, RH_OUTCOME_REFUSED,
		                  RH_OUTCOME_ALLOWED));
		assert_int_equal(rh_hierarchy_set(&hierarchy, cell / 4, cell % 4, 0), 0);
		put_hierarchy(w, &hierarchy, 1);
		forget(w);
	}
	world_destroy(w);
}

static void an_exception_lets_one_edge_pass(void **state)
{
	struct world     *w = world_create(8, 8, 1, 2);
	struct rh_verdict v;

	(void)state;
	assert_int_equal(enroll(w, "svc", S, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "driver", D, "svc", &v), RH_ELAYER);
	assert_says(&v, "driver driver may not call service svc: "
	            "rule hierarchy, revision 0");

	/* Before the edge, before the driver itself. */
	assert_int_equal(except(w, "driver", "svc", 0), 0);
	assert_int_equal(enroll(w, "driver", D, "svc", &v), RH_OK);
	assert_int_equal(v.reason, RH_REASON_EXCEPTION);
	assert_int_equal(may_call(w, "driver", "svc"), RH_OK);
	v = explain(w, "driver", "svc");
	assert_int_equal(v.exempt, RH_EXEMPT_ACTIVE);
	assert_false(v.hierarchy_allows);
	assert_says(&v, "driver driver may call service svc: exception driver-svc, "
	            "revision 7: until the driver is split");

	/* Nobody else profits. */
	assert_int_equal(enroll(w, "driver2", D, "svc", NULL), RH_ELAYER);
	assert_int_equal(enroll(w, "svc", S, "driver driver2", NULL), RH_OK);
	forget(w);

	struct rh_name from = name_of("driver"), to = name_of("svc");
	assert_int_equal(rh_rule_remove_exception(&w->registry, &from, &to, &w->at), 1);
	assert_true(heard(w, "driver", "svc", RH_OUTCOME_ALLOWED, RH_OUTCOME_REFUSED));
	assert_int_equal(rh_rule_remove_exception(&w->registry, &from, &to, &w->at),
	                 RH_ENOENT);
	assert_int_equal(may_call(w, "driver", "svc"), RH_ELAYER);
	assert_int_equal(except(w, "driver", "svc", 0), 1);
	assert_true(heard(w, "driver", "svc", RH_OUTCOME_REFUSED, RH_OUTCOME_ALLOWED));
	world_destroy(w);
}

static void an_exception_ends_at_its_time(void **state)
{
	struct world     *w = world_create(8, 8, 1, 4);
	struct rh_verdict v;

	(void)state;
	assert_int_equal(enroll(w, "svc", S, NULL, NULL), RH_OK);
	assert_int_equal(except(w, "driver", "svc", 2000), 0);
	assert_int_equal(except(w, "other", "svc", 3000), 0);
	assert_int_equal(except(w, "third", "svc", 0), 0);
	assert_int_equal(enroll(w, "driver", D, "svc", NULL), RH_OK);
	assert_int_equal(rh_rule_next_expiry(&w->registry, 0), 2000);
	assert_int_equal(rh_rule_next_expiry(&w->registry, 2000), 3000);
	assert_int_equal(rh_rule_next_expiry(&w->registry, 3000), UINT64_MAX);
	forget(w);

	w->at.now_ms = 1999;
	assert_int_equal(may_call(w, "driver", "svc"), RH_OK);
	assert_int_equal(rh_rule_expire(&w->registry, 1000, &w->at), 0);
	w->at.now_ms = 2000;
	assert_int_equal(may_call(w, "driver", "svc"), RH_ELAYER);
	assert_int_equal(rh_rule_expire(&w->registry, 1999, &w->at), 1);
	assert_true(heard(w, "driver", "svc", RH_OUTCOME_ALLOWED, RH_OUTCOME_REFUSED));
	w->at.now_ms = 2001;
	assert_int_equal(rh_rule_expire(&w->registry, 2000, &w->at), 0);

	v = explain(w, "driver", "svc");
	assert_int_equal(v.exempt, RH_EXEMPT_EXPIRED);
	assert_int_equal(v.expires_ms, 2000);
	assert_says(&v, "driver driver may not call service svc: rule hierarchy, "
	            "revision 0; the exception for them has expired");
	assert_int_equal(check(w, "driver", D, "svc", NULL), RH_ELAYER);

	/* The same rule, prolonged. */
	assert_int_equal(except(w, "driver", "svc", 9000), 1);
	assert_int_equal(may_call(w, "driver", "svc"), RH_OK);
	assert_int_equal(w->registry.exceptions.used, 3);
	world_destroy(w);
}

/* An exception for an edge that is allowed anyway decides nothing. */
static void an_exception_that_is_not_needed(void **state)
{
	struct world     *w = world_create(8, 8, 1, 2);
	struct rh_verdict v;

	(void)state;
	assert_int_equal(enroll(w, "svc", S, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "app", A, "svc", NULL), RH_OK);
	forget(w);
	assert_int_equal(except(w, "app", "svc", 5000), 0);
	assert_int_equal(forget(w), 0);
	v = explain(w, "app", "svc");
	assert_int_equal(v.reason, RH_REASON_HIERARCHY);
	assert_int_equal(v.exempt, RH_EXEMPT_ACTIVE);
	assert_string_equal(v.rule.text, "hierarchy");
	w->at.now_ms = 6000;
	assert_int_equal(rh_rule_expire(&w->registry, 1000, &w->at), 0);
	assert_int_equal(may_call(w, "app", "svc"), RH_OK);
	world_destroy(w);
}

static void a_wrong_exception_is_refused(void **state)
{
	struct world            *w = world_create(4, 8, 1, 2);
	char                     reason[RH_REASON_MAX + 1];
	struct rh_exception_spec good = {
		.rule = rule_name_of("r"), .caller = name_of("a"), .callee = name_of("b"),
		.reason = reason, .reason_len = RH_REASON_MAX,
	};
	struct rh_exception_spec bad;

	(void)state;
	memset(reason, 'r', sizeof reason);
#define REFUSED(change, code) do { \
		bad = good; \
		change; \
		assert_int_equal(rh_rule_put_exception(&w->registry, &bad, &w->at), \
		                 code); \
		assert_int_equal(w->registry.used, 0); \
	} while (0)
	REFUSED(bad.callee = name_of("a"), RH_EINVAL);
	REFUSED(memset(&bad.rule, 0, sizeof bad.rule), RH_EINVAL);
	REFUSED(memset(&bad.caller, 0, sizeof bad.caller), RH_EINVAL);
	REFUSED(memset(&bad.callee, 0, sizeof bad.callee), RH_EINVAL);
	REFUSED(bad.reason_len = 0, RH_EINVAL);
	REFUSED(bad.reason_len = RH_REASON_MAX + 1, RH_EINVAL);
	REFUSED((bad.reason = "a\nb", bad.reason_len = 3), RH_EINVAL);
	REFUSED((bad.reason = "a\0b", bad.reason_len = 3), RH_EINVAL);
	REFUSED((bad.reason = "a\x7f", bad.reason_len = 2), RH_EINVAL);

	assert_int_equal(rh_rule_put_exception(&w->registry, &good, &w->at), 0);
	bad = good;
	bad.rule = rule_name_of("r2");
	assert_int_equal(rh_rule_put_exception(&w->registry, &bad, &w->at), RH_EEXIST);
	assert_int_equal(rh_rule_put_exception(&w->registry, &good, &w->at), 0);

	/* Names, then exceptions run out. */
	bad.caller = name_of("c");
	bad.callee = name_of("a");
	assert_int_equal(rh_rule_put_exception(&w->registry, &bad, &w->at), 0);
	bad.callee = name_of("b");
	assert_int_equal(rh_rule_put_exception(&w->registry, &bad, &w->at), RH_ENOSPC);
	assert_int_equal(rh_rule_remove_exception(&w->registry, &bad.caller,
	                                          &good.caller, &w->at), 0);
	assert_int_equal(w->registry.used, 2);
	bad.caller = name_of("d");
	bad.callee = name_of("e");
	assert_int_equal(enroll(w, "x", A, NULL, NULL), RH_OK);
	assert_int_equal(rh_rule_put_exception(&w->registry, &bad, &w->at), RH_ENOSPC);
	assert_int_equal(w->registry.used, 3);
	world_destroy(w);
}

/* The last exception of the table moves when another goes: all are still found. */
static void exceptions_are_found_whatever_goes(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };

	(void)state;
	for (int gone = 0; gone < 4; gone++) {
		struct world     *w = world_create(8, 8, 1, 4);
		struct rh_name    hub = name_of("hub"), name = name_of(names[gone]);

		for (int i = 0; i < 4; i++)
			assert_int_equal(except(w, names[i], "hub", 100u + (unsigned)i), 0);
		assert_int_equal(rh_rule_remove_exception(&w->registry, &name, &hub,
		                                          &w->at), 0);
		for (int i = 0; i < 4; i++) {
			struct rh_verdict v = explain(w, names[i], "hub");

			assert_int_equal(v.exempt, i == gone ? RH_EXEMPT_NONE :
			                 RH_EXEMPT_EXPIRED);
			assert_int_equal(v.expires_ms, i == gone ? 0 : 100 + i);
		}
		world_destroy(w);
	}
}

/* The table itself refuses what the registry has refused before it is asked. */
static void the_table_holds_one_exception_an_edge(void **state)
{
	struct rh_exception_table table;
	struct rh_exception       first = { .rule = rule_name_of("one"), .caller = 1,
	                                    .callee = 2, .revision = 5 };
	struct rh_exception       other = first;
	void *memory = aligned_alloc(RH_ALIGN, rh_exception_bytes(2));

	(void)state;
	assert_non_null(memory);
	rh_exception_init(&table, 2, 0, memory);
	other.rule = rule_name_of("two");
	assert_int_equal(rh_exception_put(&table, &first), RH_OK);
	assert_int_equal(rh_exception_put(&table, &other), RH_EEXIST);
	assert_string_equal(rh_exception_find(&table, 1, 2)->rule.text, "one");
	assert_null(rh_exception_find(&table, 2, 1));
	first.revision = 6;
	assert_int_equal(rh_exception_put(&table, &first), RH_OK);
	assert_int_equal(rh_exception_find(&table, 1, 2)->revision, 6);
	assert_int_equal(table.used, 1);
	other.callee = 3;
	assert_int_equal(rh_exception_put(&table, &other), RH_OK);
	other.callee = 4;
	assert_int_equal(rh_exception_put(&table, &other), RH_ENOSPC);
	assert_int_equal(rh_exception_remove(&table, 1, 4), RH_ENOENT);
	free(memory);
}

static void explains_any_pair(void **state)
{
	struct world     *w = world_create(8, 8, 1, 2);
	struct rh_verdict v;

	(void)state;
	assert_int_equal(enroll(w, "app", A, "svc", NULL), RH_OK);
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);

	v = explain(w, "app", "svc");
	assert_int_equal(v.outcome, RH_OUTCOME_PENDING);
	assert_int_equal(rh_verdict_error(&v), RH_EPENDING);
	assert_says(&v, "application app references svc, which is not registered yet");
	v = explain(w, "app", "nic");
	assert_int_equal(rh_verdict_error(&v), RH_ENOEDGE);
	assert_true(v.hierarchy_allows);
	assert_says(&v, "application app does not reference hardware nic; "
	            "rule hierarchy, revision 0, would allow it");
	v = explain(w, "nic", "app");
	assert_int_equal(rh_verdict_error(&v), RH_ENOEDGE);
	assert_says(&v, "hardware nic does not reference application app; "
	            "rule hierarchy, revision 0, would refuse it");
	assert_int_equal(except(w, "nic", "app", 0), 0);
	v = explain(w, "nic", "app");
	assert_says(&v, "hardware nic does not reference application app; "
	            "exception nic-app, revision 7, would allow it");
	v = explain(w, "app", "ghost");
	assert_int_equal(rh_verdict_error(&v), RH_ENOEDGE);
	assert_says(&v, "application app does not reference ghost, "
	            "which is not registered");
	v = explain(w, "ghost", "app");
	assert_int_equal(rh_verdict_error(&v), RH_ENOENT);
	assert_says(&v, "ghost is not registered");
	v = explain(w, "svc", "nic");
	assert_int_equal(rh_verdict_error(&v), RH_ENOENT);
	v = explain(w, "app", "app");
	assert_int_equal(rh_verdict_error(&v), RH_EINVAL);
	assert_says(&v, "application app may not reference itself");
	assert_int_equal(enroll(w, "x", A, "nic nic", &v), RH_EINVAL);
	assert_says(&v, "application x references hardware nic more than once");
	assert_int_equal(check(w, "x", A, "nic", &v), RH_OK);
	assert_says(&v, "application x may register");
	world_destroy(w);
}

/* The longest of everything still fits the buffer that the header promises. */
static void the_longest_sentence_fits(void **state)
{
	struct rh_verdict v = { 0 };
	char              longest[RH_NAME_MAX];
	char              text[RH_VERDICT_TEXT_MAX];

	(void)state;
	memset(longest, 'x', sizeof longest);
	assert_int_equal(rh_name_init(&v.caller, longest, sizeof longest), RH_OK);
	v.callee = v.rule = v.caller;
	v.revision = UINT64_MAX;
	memset(v.text, 'r', RH_REASON_MAX);
	for (int reason = 0; reason < RH_REASONS; reason++) {
		for (int outcome = 0; outcome < RH_OUTCOMES; outcome++) {
			v.reason = (uint8_t)reason;
			v.outcome = (uint8_t)outcome;
			v.exempt = RH_EXEMPT_EXPIRED;
			assert_true(rh_verdict_text(&v, text, sizeof text) > 0);
			assert_int_equal(rh_verdict_text(&v, text, 10), RH_EMSGSIZE);
			assert_int_equal(strlen(text), 9);
		}
	}
	assert_int_equal(rh_verdict_text(&v, text, 0), RH_EMSGSIZE);
}

static void numbers_of_verdicts_have_words(void **state)
{
	(void)state;
	assert_string_equal(rh_outcome_text(RH_OUTCOME_NONE), "none");
	assert_string_equal(rh_outcome_text(RH_OUTCOME_PENDING), "pending");
	assert_string_equal(rh_outcome_text(RH_OUTCOME_ALLOWED), "allowed");
	assert_string_equal(rh_outcome_text(RH_OUTCOME_REFUSED), "refused");
	assert_string_equal(rh_outcome_text(RH_OUTCOMES), "unknown");
	assert_string_equal(rh_outcome_text(-1), "unknown");
	assert_string_equal(rh_reason_text(RH_REASON_HIERARCHY), "hierarchy");
	assert_string_equal(rh_reason_text(RH_REASON_DUPLICATE), "duplicate");
	assert_string_equal(rh_reason_text(RH_REASONS), "unknown");
	assert_string_equal(rh_reason_text(-1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_hierarchy_judges_every_edge_again),
		cmocka_unit_test(every_cell_decides_its_pair),
		cmocka_unit_test(an_exception_lets_one_edge_pass),
		cmocka_unit_test(an_exception_ends_at_its_time),
		cmocka_unit_test(an_exception_that_is_not_needed),
		cmocka_unit_test(a_wrong_exception_is_refused),
		cmocka_unit_test(exceptions_are_found_whatever_goes),
		cmocka_unit_test(the_table_holds_one_exception_an_edge),
		cmocka_unit_test(explains_any_pair),
		cmocka_unit_test(the_longest_sentence_fits),
		cmocka_unit_test(numbers_of_verdicts_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
