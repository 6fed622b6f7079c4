/* The fault injector does what its plan says, the same for the same seed. */
#include "pair.h"

#include "protocols/lossy/lossy.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 4000 };

struct outcome {
	struct rh_lossy_counts counts;
	uint64_t               received;
	uint64_t               sum;       /* of the calls, weighted by place */
	int                    in_order;
};

static void note(struct outcome *outcome, const struct rh_msg_head *head,
                 uint64_t *last)
{
	outcome->in_order &= head->call >= *last;
	*last = head->call;
	outcome->sum += head->call * ++outcome->received;
}

/* Sends everything through a channel under that plan. */
static struct outcome run(const struct rh_lossy_plan *plan)
{
	struct outcome     outcome = { .in_order = 1 };
	struct rh_msg_head head;
	const void        *body;
	struct pair        pair;
	uint64_t           last = 0;
	int                quiet = 0;

	assert_int_equal(rh_lossy_plan_set(plan), RH_OK);
	pair_open(&pair);
	for (uint64_t sent = 0; sent < MESSAGES || quiet < 200; quiet++) {
		head = message(RH_MSG_CALL, sent, 100);
		if (sent < MESSAGES &&
		    pair.protocol->submit(pair.caller, &head, message_body(sent)) == RH_OK) {
			sent++;
			quiet = 0;
		}
		pair.protocol->arm(pair.caller, MESSAGE);
		while (pair.protocol->poll(pair.callee, &head, &body) == 1) {
			note(&outcome, &head, &last);
			message_verify(&head, body);
			pair.protocol->release(pair.callee);
			quiet = 0;
		}
	}
	rh_lossy_counts_get(pair.caller, &outcome.counts);
	pair_close(&pair);
	return outcome;
}

static void drops_as_often_as_planned(void **unused)
{
	struct rh_lossy_plan plan = { .inner = "shm", .seed = 9, .drop = 100 };
	struct outcome       outcome = run(&plan);

	(void)unused;
	assert_in_range(outcome.counts.dropped, MESSAGES / 15, MESSAGES / 7);
	assert_int_equal(outcome.received, MESSAGES - outcome.counts.dropped);
	assert_int_equal(outcome.counts.duplicated, 0);
}

static void duplicates_as_often_as_planned(void **unused)
{
	struct rh_lossy_plan plan = { .inner = "shm", .seed = 9, .duplicate = 100 };
	struct outcome       outcome = run(&plan);

	(void)unused;
	assert_in_range(outcome.counts.duplicated, MESSAGES / 15, MESSAGES / 7);
	assert_int_equal(outcome.received, MESSAGES + outcome.counts.duplicated);
	assert_int_equal(outcome.counts.dropped, 0);
}

static void delays_and_refuses_without_loss(void **unused)
{
	struct rh_lossy_plan plan = { .inner = "null", .seed = 9, .delay = 200, .again = 200 };
	struct outcome       outcome = run(&plan);

	(void)unused;
	assert_true(outcome.counts.delayed > MESSAGES / 10);
	assert_true(outcome.counts.refused > MESSAGES / 10);
	assert_int_equal(outcome.received, MESSAGES);
	assert_true(outcome.in_order);
}

static void does_the_same_for_the_same_seed(void **unused)
{
	struct rh_lossy_plan plan = { .inner = "null", .seed = 77, .drop = 50,
	                              .duplicate = 50, .delay = 50, .again = 50 };
	struct outcome       first = run(&plan), second = run(&plan);

	(void)unused;
	assert_memory_equal(&first, &second, sizeof first);
	plan.seed++;
	second = run(&plan);
	assert_true(first.sum != second.sum);
}

static void refuses_a_bad_plan(void **unused)
{
	struct rh_lossy_plan plan = { .inner = "none" };

	(void)unused;
	assert_int_equal(rh_lossy_plan_set(&plan), RH_EINVAL);
	strcpy(plan.inner, "lossy"); /* not itself */
	assert_int_equal(rh_lossy_plan_set(&plan), RH_EINVAL);
	strcpy(plan.inner, "shm");
	plan.drop = 1001;
	assert_int_equal(rh_lossy_plan_set(&plan), RH_EINVAL);
}

/* Runs first: once a plan was set the environment no longer counts. */
static void reads_its_plan_from_the_environment(void **unused)
{
	struct rh_description told;
	struct rh_offer       offer;
	struct pair           pair = { .protocol = traits.protocol };

	(void)unused;
	setenv("RHODES_LOSSY", "inner=nonesuch", 1);
	pair.caller = pair_state(pair.protocol);
	pair_config(&pair.config);
	assert_int_equal(pair.protocol->offer(pair.caller, &pair.config, &offer,
	                                      &pair.diag), RH_EINVAL);
	assert_non_null(strstr(pair.diag.text, "nonesuch"));
	free(pair.caller);

	setenv("RHODES_LOSSY", "inner=semaphore seed=3 drop=1000", 1);
	pair_open(&pair);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 10);
	pair.protocol->describe(pair.caller, &told);
	assert_non_null(strstr(told.object, "semaphore"));
	assert_int_equal(told.submitted, 0);
	pair_close(&pair);
	unsetenv("RHODES_LOSSY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_its_plan_from_the_environment),
		cmocka_unit_test(drops_as_often_as_planned),
		cmocka_unit_test(duplicates_as_often_as_planned),
		cmocka_unit_test(delays_and_refuses_without_loss),
		cmocka_unit_test(does_the_same_for_the_same_seed),
		cmocka_unit_test(refuses_a_bad_plan),
	};

	traits_init("lossy");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
