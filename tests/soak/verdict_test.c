/* What the verdict says of histories that are made up: nothing of good ones, and of bad
 * ones exactly what is wrong with them. */
#include "verdict.h"

#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LINES = 2, PER_LINE = 4, DEADLINE = 1000 };

/* A history whose every call was made by the first life and succeeded. */
static int set_up(void **state)
{
	struct history *history = calloc(1, history_bytes(LINES, PER_LINE));

	history->magic = HISTORY_MAGIC;
	history->lines = LINES;
	history->per_line = PER_LINE;
	history->deadline_ns = DEADLINE;
	for (int i = 0; i < LINES; i++)
		history->line[i] = (struct history_line){ .life = 1, .ended = 1,
		                                          .next = PER_LINE };
	for (uint64_t id = 0; id < LINES * PER_LINE; id++)
		history->call[id] = (struct history_call){
			.entered = 1, .left = 1, .life = 1, .told = HISTORY_SUCCESS,
			.kind = HISTORY_ONCE, .expected = id + 7, .got = id + 7,
			.began = 50, .ended = 60,
		};
	*state = history;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void assert_good(const struct history *history)
{
	struct verdict verdict;

	verdict_find(history, &verdict);
	for (int i = 0; i < VERDICT_FAULTS; i++)
		assert_int_equal(verdict.faults[i], 0);
	assert_true(verdict_is_good(&verdict));
}

/* That fault of that call, and no other one. */
static void assert_only(const struct history *history, enum verdict_fault fault,
                        uint64_t id)
{
	struct verdict verdict;

	verdict_find(history, &verdict);
	for (int i = 0; i < VERDICT_FAULTS; i++)
		assert_int_equal(verdict.faults[i], i == (int)fault);
	assert_int_equal(verdict.examples[fault][0], id);
	assert_false(verdict_is_good(&verdict));
}

static void fail_call(struct history_call *call, enum history_told told, int code)
{
	call->told = told;
	call->code = code;
	call->got = 0;
}

static void all_that_succeeded_is_good(void **state)
{
	struct history *history = *state;
	struct verdict  verdict;

	assert_good(history);
	verdict_find(history, &verdict);
	assert_int_equal(verdict.calls, LINES * PER_LINE);
	assert_int_equal(verdict.told[HISTORY_SUCCESS], LINES * PER_LINE);
	assert_int_equal(verdict.again, 0);
	assert_int_equal(verdict.cut, 0);
	assert_int_equal(verdict.longest_ns, 10);
}

static void what_kills_leave_is_good(void **state)
{
	struct history      *history = *state;
	struct history_call *call = history->call;
	struct verdict       verdict;

	history->line[0].life = history->line[0].ended = 3; /* killed twice */
	fail_call(&call[0], HISTORY_MAYBE, RH_ELOST); /* ran, and the answer was lost */
	fail_call(&call[1], HISTORY_MAYBE, RH_ELOST); /* cut in the middle */
	call[1].left = 0;
	fail_call(&call[2], HISTORY_MAYBE, RH_ELOST); /* did not run */
	call[2].entered = call[2].left = 0;
	fail_call(&call[3], HISTORY_UNTOLD, 0); /* its caller was killed */
	fail_call(&call[4], HISTORY_SURELY_NOT, RH_ETIMEDOUT);
	call[4].entered = call[4].left = 0;
	call[5].kind = HISTORY_IDEMPOTENT; /* cut, and made again */
	call[5].entered = 2;
	fail_call(&call[6], HISTORY_DROPPED, RH_EAGAIN);
	call[6].kind = HISTORY_ONCE;
	call[7] = (struct history_call){ 0 }; /* begun by a caller that was killed at once */
	assert_good(history);
	verdict_find(history, &verdict);
	assert_int_equal(verdict.calls, 7);
	assert_int_equal(verdict.told[HISTORY_MAYBE], 3);
	assert_int_equal(verdict.told[HISTORY_SURELY_NOT], 1);
	assert_int_equal(verdict.told[HISTORY_UNTOLD], 1);
	assert_int_equal(verdict.again, 1);
	assert_int_equal(verdict.cut, 2);
}

static void a_success_that_did_not_run_is_lost(void **state)
{
	struct history *history = *state;

	history->call[2].entered = history->call[2].left = 0;
	assert_only(history, VERDICT_LOST, 2);
	history->call[2].entered = 1; /* began, and was cut */
	assert_only(history, VERDICT_LOST, 2);
}

static void a_second_run_is_seen_whatever_was_told(void **state)
{
	struct history *history = *state;

	history->call[3].entered = 2;
	history->call[3].left = 1;
	assert_only(history, VERDICT_TWICE, 3);
	fail_call(&history->call[3], HISTORY_MAYBE, RH_ELOST);
	assert_only(history, VERDICT_TWICE, 3);
	history->line[0].life = history->line[0].ended = 2;
	fail_call(&history->call[3], HISTORY_UNTOLD, 0);
	assert_only(history, VERDICT_TWICE, 3);
	fail_call(&history->call[3], HISTORY_DROPPED, RH_EAGAIN);
	assert_only(history, VERDICT_TWICE, 3);
}

/* Nobody makes a call again that its caller was not told to be a success. */
static void a_replay_comes_after_success_only(void **state)
{
	struct history *history = *state;

	history->call[1].kind = HISTORY_REPLAYED;
	history->call[1].entered = history->call[1].left = 2;
	assert_good(history);
	fail_call(&history->call[1], HISTORY_MAYBE, RH_ELOST);
	assert_only(history, VERDICT_TWICE, 1);
	history->line[0].life = history->line[0].ended = 2;
	fail_call(&history->call[1], HISTORY_UNTOLD, 0);
	assert_only(history, VERDICT_TWICE, 1);
}

static void what_surely_did_not_run_did_not(void **state)
{
	struct history *history = *state;

	for (int kind = 0; kind < HISTORY_KINDS; kind++) {
		history->call[5].kind = (uint32_t)kind;
		fail_call(&history->call[5], HISTORY_SURELY_NOT, RH_ETIMEDOUT);
		history->call[5].entered = 1;
		history->call[5].left = 0;
		assert_only(history, VERDICT_RAN, 5);
	}
}

static void a_wrong_value_is_seen(void **state)
{
	struct history *history = *state;

	history->call[0].got++;
	assert_only(history, VERDICT_WRONG, 0);
	history->call[0].told = HISTORY_MAYBE; /* there is no value then */
	assert_good(history);
}

static void a_call_that_takes_too_long_hangs(void **state)
{
	struct history      *history = *state;
	struct history_call *call = &history->call[6];

	call->ended = call->began + DEADLINE - 1;
	assert_good(history);
	call->ended++;
	assert_only(history, VERDICT_HANG, 6);
	fail_call(call, HISTORY_MAYBE, RH_ETIMEDOUT);
	assert_only(history, VERDICT_HANG, 6);
}

/* The line's present life did not make all its calls: its caller still waits. */
static void a_call_that_never_ends_hangs(void **state)
{
	struct history *history = *state;

	history->line[1].ended = 0;
	fail_call(&history->call[7], HISTORY_UNTOLD, 0);
	assert_only(history, VERDICT_HANG, 7);
	history->line[1].life = 2; /* killed while it waited */
	assert_good(history);
}

static void a_caller_that_went_on_without_an_answer_is_seen(void **state)
{
	struct history *history = *state;

	fail_call(&history->call[4], HISTORY_UNTOLD, 0);
	assert_only(history, VERDICT_UNTOLD, 4);
}

static void an_idempotent_call_is_repeated_until_its_deadline(void **state)
{
	struct history      *history = *state;
	struct history_call *call = &history->call[3];
	static const int     losses[] = { RH_ELOST, RH_EGONE };

	for (int i = 0; i < 2; i++) {
		fail_call(call, HISTORY_MAYBE, losses[i]);
		call->kind = HISTORY_ONCE;
		call->ended = call->began + 1;
		assert_good(history);
		call->kind = HISTORY_IDEMPOTENT;
		call->ended = call->began + DEADLINE - 1;
		assert_only(history, VERDICT_GAVE_UP, 3);
		call->ended = call->began + DEADLINE;
		assert_only(history, VERDICT_HANG, 3);
	}
	call->ended = call->began + 1;
	call->code = RH_EMSGSIZE; /* no loss */
	assert_good(history);
}

static void a_run_of_what_nobody_called_is_seen(void **state)
{
	struct history *history = *state;
	struct verdict  verdict;

	history->call[1] = (struct history_call){ .entered = 1, .left = 1 };
	assert_only(history, VERDICT_UNCALLED, 1);
	history->call[1] = (struct history_call){ 0 };
	assert_good(history);
	history->strays = 1; /* with an id that no entry has */
	verdict_find(history, &verdict);
	assert_false(verdict_is_good(&verdict));
}

static void an_entry_that_contradicts_itself_is_torn(void **state)
{
	struct history     *history = *state;
	struct history_call good = history->call[2];

	history->call[2].left = 2;
	assert_only(history, VERDICT_TORN, 2);
	history->call[2] = good;
	history->call[2].life = 2;
	assert_only(history, VERDICT_TORN, 2);
	history->call[2] = good;
	history->call[2].told = HISTORY_TOLDS;
	assert_only(history, VERDICT_TORN, 2);
	history->call[2] = good;
	history->call[2].kind = HISTORY_KINDS;
	assert_only(history, VERDICT_TORN, 2);
	history->call[2] = good;
	history->call[2].ended = history->call[2].began - 1;
	assert_only(history, VERDICT_TORN, 2);
}

static void of_many_faults_the_first_are_named(void **state)
{
	struct history *history = *state;
	struct verdict  verdict;

	for (uint64_t id = 0; id < LINES * PER_LINE; id++) {
		history->call[id].got = 0;
		history->call[id].entered = 2;
	}
	verdict_find(history, &verdict);
	assert_int_equal(verdict.faults[VERDICT_WRONG], LINES * PER_LINE);
	assert_int_equal(verdict.faults[VERDICT_TWICE], LINES * PER_LINE);
	for (uint64_t id = 0; id < LINES * PER_LINE; id++)
		assert_int_equal(verdict.examples[VERDICT_WRONG][id], id);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(all_that_succeeded_is_good),
		CASE(what_kills_leave_is_good),
		CASE(a_success_that_did_not_run_is_lost),
		CASE(a_second_run_is_seen_whatever_was_told),
		CASE(a_replay_comes_after_success_only),
		CASE(what_surely_did_not_run_did_not),
		CASE(a_wrong_value_is_seen),
		CASE(a_call_that_takes_too_long_hangs),
		CASE(a_call_that_never_ends_hangs),
		CASE(a_caller_that_went_on_without_an_answer_is_seen),
		CASE(an_idempotent_call_is_repeated_until_its_deadline),
		CASE(a_run_of_what_nobody_called_is_seen),
		CASE(an_entry_that_contradicts_itself_is_torn),
		CASE(of_many_faults_the_first_are_named),
	};

	return cmocka_run_group_tests_name("soak_verdict", tests, NULL, NULL);
}
