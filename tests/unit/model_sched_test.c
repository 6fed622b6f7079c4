/* What rules of scheduling may say: every number with every policy, defaults, and what
 * contradicts itself. */
#include "../../model/error.h"
#include "../../model/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static enum rh_sched_number wrong;
static const char          *why;

static struct rh_sched of(enum rh_sched_use use)
{
	return (struct rh_sched){ .use = use, .carrier = RH_SCHED_FIBER };
}

static void set(struct rh_sched *sched, enum rh_sched_number number, int32_t value)
{
	sched->is_set |= 1u << number;
	sched->at[number] = value;
}

static void words_go_both_ways(void **state)
{
	enum rh_sched_use     use;
	enum rh_sched_carrier carrier;

	(void)state;
	for (int i = 0; i < RH_SCHED_USES; i++) {
		const char *text = rh_sched_use_text((enum rh_sched_use)i);

		assert_int_equal(rh_sched_use_parse(text, strlen(text), &use), RH_OK);
		assert_int_equal(use, i);
		assert_int_equal(rh_sched_use_parse(text, strlen(text) - 1, &use), RH_EINVAL);
	}
	assert_int_equal(rh_sched_use_parse("cfsx", 4, &use), RH_EINVAL);
	assert_int_equal(rh_sched_carrier_parse("fiber", 5, &carrier), RH_OK);
	assert_int_equal(carrier, RH_SCHED_FIBER);
	for (int i = 0; i < RH_SCHED_CARRIERS; i++) {
		const char *text = rh_sched_carrier_text((enum rh_sched_carrier)i);

		assert_int_equal(rh_sched_carrier_parse(text, strlen(text), &carrier), RH_OK);
		assert_int_equal(carrier, i);
	}
	assert_string_equal(rh_sched_carrier_text(RH_SCHED_EXT), "sched_ext");
	assert_int_equal(rh_sched_carrier_parse("gate", 4, &carrier), RH_EINVAL);
}

/* rr has a slice, but not the kernel's. */
static void a_policy_takes_its_numbers_and_no_others(void **state)
{
	static const char takes[RH_SCHED_USES][RH_SCHED_NUMBERS] = {
		[RH_SCHED_CFS] = { 1, 0, 1, 0, 0, 0, 1 },
		[RH_SCHED_EEVDF] = { 1, 0, 1, 0, 0, 0, 1 },
		[RH_SCHED_DEADLINE] = { 0, 0, 0, 1, 1, 1, 0 },
		[RH_SCHED_FIFO] = { 0, 1, 0, 0, 0, 0, 0 },
		[RH_SCHED_RR] = { 0, 1, 1, 0, 0, 0, 0 },
	};

	(void)state;
	for (int use = 0; use < RH_SCHED_USES; use++) {
		for (int i = 0; i < RH_SCHED_NUMBERS; i++) {
			struct rh_sched sched = of((enum rh_sched_use)use);
			int32_t value = rh_sched_ranges[i].least > 0 ? rh_sched_ranges[i].least : 1;

			set(&sched, (enum rh_sched_number)i, value);
			assert_int_equal(rh_sched_complete(&sched, &wrong, &why),
			                 takes[use][i] ? RH_OK : RH_EINVAL);
			if (!takes[use][i])
				assert_int_equal(wrong, i);
		}
	}
}

static void numbers_have_ranges(void **state)
{
	static const enum rh_sched_use use_of[RH_SCHED_NUMBERS] = {
		[RH_SCHED_PRIORITY] = RH_SCHED_FIFO, [RH_SCHED_RUNTIME_US] = RH_SCHED_DEADLINE,
		[RH_SCHED_DEADLINE_US] = RH_SCHED_DEADLINE,
		[RH_SCHED_PERIOD_US] = RH_SCHED_DEADLINE,
	};

	(void)state;
	for (int i = 0; i < RH_SCHED_NUMBERS; i++) {
		const int32_t values[] = { rh_sched_ranges[i].least - 1,
		                           rh_sched_ranges[i].most + 1 };

		for (int j = 0; j < 2; j++) {
			struct rh_sched sched = of(use_of[i]);

			set(&sched, (enum rh_sched_number)i, values[j]);
			assert_int_equal(rh_sched_complete(&sched, &wrong, &why), RH_EINVAL);
			assert_int_equal(wrong, i);
		}
	}
}

static void the_kernel_has_one_slice_for_all_of_rr(void **state)
{
	struct rh_sched sched = of(RH_SCHED_RR);

	(void)state;
	set(&sched, RH_SCHED_SLICE_US, 1000);
	assert_int_equal(rh_sched_complete(&sched, &wrong, &why), RH_OK);
	sched.carrier = RH_SCHED_HOST;
	assert_int_equal(rh_sched_complete(&sched, &wrong, &why), RH_EINVAL);
	assert_int_equal(wrong, RH_SCHED_SLICE_US);
}

static void complete(struct rh_sched *sched, int32_t runtime, int32_t deadline,
                     int32_t period)
{
	assert_int_equal(rh_sched_complete(sched, &wrong, &why), RH_OK);
	assert_int_equal(sched->at[RH_SCHED_RUNTIME_US], runtime);
	assert_int_equal(sched->at[RH_SCHED_DEADLINE_US], deadline);
	assert_int_equal(sched->at[RH_SCHED_PERIOD_US], period);
}

static void what_a_deadline_leaves_open(void **state)
{
	struct rh_sched none = of(RH_SCHED_DEADLINE), due = none, period = none, fifo = of(RH_SCHED_FIFO);

	(void)state;
	complete(&none, 2000, 20000, 20000);
	set(&due, RH_SCHED_DEADLINE_US, 5000);
	complete(&due, 500, 5000, 5000);
	set(&period, RH_SCHED_PERIOD_US, 100000);
	complete(&period, 2000, 100000, 100000);
	complete(&fifo, 0, 0, 0);
	assert_int_equal(fifo.at[RH_SCHED_PRIORITY], 1);
}

static void a_budget_fits_its_deadline_and_that_its_period(void **state)
{
	struct rh_sched sched = of(RH_SCHED_DEADLINE);

	(void)state;
	set(&sched, RH_SCHED_RUNTIME_US, 5000);
	set(&sched, RH_SCHED_DEADLINE_US, 5000);
	set(&sched, RH_SCHED_PERIOD_US, 5000);
	complete(&sched, 5000, 5000, 5000);
	set(&sched, RH_SCHED_RUNTIME_US, 5001);
	assert_int_equal(rh_sched_complete(&sched, &wrong, &why), RH_EINVAL);
	assert_int_equal(wrong, RH_SCHED_RUNTIME_US);
	set(&sched, RH_SCHED_RUNTIME_US, 5000);
	set(&sched, RH_SCHED_DEADLINE_US, 5001);
	assert_int_equal(rh_sched_complete(&sched, &wrong, &why), RH_EINVAL);
	assert_int_equal(wrong, RH_SCHED_DEADLINE_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_go_both_ways),
		cmocka_unit_test(a_policy_takes_its_numbers_and_no_others),
		cmocka_unit_test(numbers_have_ranges),
		cmocka_unit_test(the_kernel_has_one_slice_for_all_of_rr),
		cmocka_unit_test(what_a_deadline_leaves_open),
		cmocka_unit_test(a_budget_fits_its_deadline_and_that_its_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
