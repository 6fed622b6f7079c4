#include "model_fixture.h"
#include "model_check.h"

#include "../../model/error.h"
#include "../../model/follow.h"

static const unsigned char here[RH_STORE_ID_LEN] = "this store is a.";
static const unsigned char other[RH_STORE_ID_LEN] = "that store is b.";

#define REVISION 50u /* what a follower has at first */

enum { AWAY = RH_FOLLOW_AWAY, JOINED = RH_FOLLOW_JOINED, ASKED = RH_FOLLOW_ASKED,
       FILLING = RH_FOLLOW_FILLING, LIVE = RH_FOLLOW_LIVE };
enum { IGNORE = RH_FOLLOW_IGNORE, HOLD = RH_FOLLOW_HOLD, REPLACE = RH_FOLLOW_REPLACE,
       APPLY = RH_FOLLOW_APPLY, NOTE = RH_FOLLOW_NOTE, RESYNC = RH_FOLLOW_RESYNC };

/* A follower in that state, at REVISION; a snapshot of 60 is under way in FILLING. */
static struct rh_follow in_state(int state)
{
	struct rh_follow follow;

	rh_follow_init(&follow, here, REVISION, 1000);
	if (state == AWAY)
		return follow;
	assert_int_equal(rh_follow_joined(&follow, here), 1);
	if (state == ASKED)
		assert_int_equal(rh_follow_delta(&follow, 70, 71, 1), RESYNC);
	if (state == FILLING)
		assert_int_equal(rh_follow_begin(&follow, 60), HOLD);
	if (state == LIVE)
		assert_int_equal(rh_follow_bookmark(&follow, REVISION, REVISION), NOTE);
	assert_int_equal(follow.state, state);
	assert_int_equal(follow.revision, REVISION);
	rh_follow_verify(&follow);
	return follow;
}

static int known(struct rh_follow *f) { return rh_follow_joined(f, here); }
static int foreign(struct rh_follow *f) { return rh_follow_joined(f, other); }
static int lost(struct rh_follow *f) { rh_follow_lost(f); return IGNORE; }
static int forgotten(struct rh_follow *f) { rh_follow_forget(f); return IGNORE; }
static int begin(struct rh_follow *f) { return rh_follow_begin(f, 60); }
static int item(struct rh_follow *f) { return rh_follow_item(f, 60); }
static int end(struct rh_follow *f) { return rh_follow_end(f, 60); }
static int old_delta(struct rh_follow *f) { return rh_follow_delta(f, 49, 50, 1); }
static int old_mark(struct rh_follow *f) { return rh_follow_bookmark(f, 48, 49); }
static int part(struct rh_follow *f) { return rh_follow_delta(f, 50, 55, 0); }
static int delta(struct rh_follow *f) { return rh_follow_delta(f, 50, 55, 1); }
static int mark(struct rh_follow *f) { return rh_follow_bookmark(f, 50, 55); }
static int still(struct rh_follow *f) { return rh_follow_bookmark(f, 50, 50); }
static int gap(struct rh_follow *f) { return rh_follow_delta(f, 51, 55, 1); }
static int gap_part(struct rh_follow *f) { return rh_follow_delta(f, 40, 55, 0); }
static int gap_mark(struct rh_follow *f) { return rh_follow_bookmark(f, 51, 55); }

struct want {
	int state;
	int answer;
	int revision;
};

#define REFUSED(state) { state, RH_EPROTO, 50 }
#define KEPT(state)    { state, IGNORE, 50 }
#define FILLED         { FILLING, HOLD, 50 }
#define RESYNCED       { ASKED, RESYNC, 50 }

static const struct row {
	const char *name;
	int (*act)(struct rh_follow *follow);
	struct want want[RH_FOLLOW_STATES]; /* AWAY JOINED ASKED FILLING LIVE */
} rows[] = {
	{ "known", known, { { JOINED, 1, 50 }, REFUSED(JOINED), REFUSED(ASKED),
	                    REFUSED(FILLING), REFUSED(LIVE) } },
	{ "foreign", foreign, { { ASKED, 0, 50 }, REFUSED(JOINED), REFUSED(ASKED),
	                        REFUSED(FILLING), REFUSED(LIVE) } },
	{ "lost", lost, { KEPT(AWAY), KEPT(AWAY), KEPT(AWAY), KEPT(AWAY), KEPT(AWAY) } },
	{ "forgotten", forgotten, { { AWAY, IGNORE, 0 }, { ASKED, IGNORE, 0 },
	                            { ASKED, IGNORE, 0 }, { ASKED, IGNORE, 0 },
	                            { ASKED, IGNORE, 0 } } },
	{ "begin", begin, { REFUSED(AWAY), FILLED, FILLED, FILLED, FILLED } },
	{ "item", item, { REFUSED(AWAY), REFUSED(JOINED), KEPT(ASKED), FILLED,
	                  REFUSED(LIVE) } },
	{ "end", end, { REFUSED(AWAY), REFUSED(JOINED), KEPT(ASKED),
	                { LIVE, REPLACE, 60 }, REFUSED(LIVE) } },
	{ "old delta", old_delta, { REFUSED(AWAY), REFUSED(JOINED), KEPT(ASKED),
	                            RESYNCED, REFUSED(LIVE) } },
	{ "old mark", old_mark, { REFUSED(AWAY), REFUSED(JOINED), KEPT(ASKED), RESYNCED,
	                          REFUSED(LIVE) } },
	{ "part", part, { REFUSED(AWAY), { LIVE, HOLD, 50 }, KEPT(ASKED), RESYNCED,
	                  { LIVE, HOLD, 50 } } },
	{ "delta", delta, { REFUSED(AWAY), { LIVE, APPLY, 55 }, KEPT(ASKED), RESYNCED,
	                    { LIVE, APPLY, 55 } } },
	{ "mark", mark, { REFUSED(AWAY), { LIVE, NOTE, 55 }, KEPT(ASKED), RESYNCED,
	                  { LIVE, NOTE, 55 } } },
	{ "still", still, { REFUSED(AWAY), { LIVE, NOTE, 50 }, KEPT(ASKED), RESYNCED,
	                    KEPT(LIVE) } },
	{ "gap", gap, { REFUSED(AWAY), RESYNCED, KEPT(ASKED), RESYNCED, RESYNCED } },
	{ "gap of a part", gap_part, { REFUSED(AWAY), RESYNCED, KEPT(ASKED), RESYNCED,
	                               RESYNCED } },
	{ "gap of a mark", gap_mark, { REFUSED(AWAY), RESYNCED, KEPT(ASKED), RESYNCED,
	                               RESYNCED } },
};

static void every_cell_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int from = 0; from < RH_FOLLOW_STATES; from++) {
			const struct want *want = &rows[i].want[from];
			struct rh_follow   follow = in_state(from);
			int                answer = rows[i].act(&follow);

			if (answer != want->answer || follow.state != want->state)
				fail_msg("%s in %d: %d, then %d", rows[i].name, from,
				         answer, follow.state);
			assert_int_equal(follow.revision, want->revision);
			rh_follow_verify(&follow);
		}
	}
}

static void numbers_that_contradict_end_the_connection(void **state)
{
	(void)state;
	for (int from = 0; from < RH_FOLLOW_STATES; from++) {
		struct rh_follow follow = in_state(from);

		assert_int_equal(rh_follow_delta(&follow, 51, 50, 1), RH_EPROTO);
		assert_int_equal(rh_follow_bookmark(&follow, 51, 50), RH_EPROTO);
		assert_int_equal(rh_follow_begin(&follow, 49), RH_EPROTO); /* L1 */
		assert_int_equal(follow.state, from);
		assert_int_equal(follow.revision, REVISION);
	}
}

static void a_part_of_another_revision_is_a_gap(void **state)
{
	struct rh_follow follow = in_state(FILLING);

	(void)state;
	assert_int_equal(rh_follow_item(&follow, 60), HOLD);
	assert_int_equal(rh_follow_item(&follow, 61), RESYNC);
	assert_int_equal(rh_follow_end(&follow, 60), IGNORE);
	follow = in_state(FILLING);
	assert_int_equal(rh_follow_end(&follow, 59), RESYNC);
	assert_int_equal(follow.revision, REVISION);

	follow = in_state(LIVE);
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 0), HOLD);
	assert_int_equal(rh_follow_delta(&follow, 50, 56, 1), RESYNC);
	follow = in_state(LIVE);
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 0), HOLD);
	assert_int_equal(rh_follow_delta(&follow, 49, 55, 1), RESYNC);
	follow = in_state(LIVE);
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 0), HOLD);
	assert_int_equal(rh_follow_bookmark(&follow, 50, 50), RESYNC);
	follow = in_state(LIVE);
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 0), HOLD);
	assert_int_equal(rh_follow_delta(&follow, 49, 50, 1), RESYNC); /* old news */
}

static void parts_are_taken_with_the_last(void **state)
{
	struct rh_follow follow = in_state(JOINED);

	(void)state;
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 0), HOLD);
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 0), HOLD);
	assert_int_equal(follow.revision, 50);
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 1), APPLY);
	assert_int_equal(follow.revision, 55);
	/* A snapshot may begin between the parts, and another in the middle of it. */
	assert_int_equal(rh_follow_delta(&follow, 55, 56, 0), HOLD);
	assert_int_equal(rh_follow_begin(&follow, 70), HOLD);
	assert_int_equal(rh_follow_item(&follow, 70), HOLD);
	assert_int_equal(rh_follow_begin(&follow, 80), HOLD);
	assert_int_equal(rh_follow_end(&follow, 80), REPLACE);
	assert_int_equal(follow.revision, 80);
	assert_int_equal(rh_follow_delta(&follow, 80, 81, 1), APPLY);
	rh_follow_verify(&follow);
}

/* What was under way when the connection was lost does not count on the next one. */
static void parts_do_not_outlive_the_connection(void **state)
{
	struct rh_follow follow = in_state(LIVE);

	(void)state;
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 0), HOLD);
	rh_follow_lost(&follow);
	assert_int_equal(rh_follow_have(&follow), 0);
	assert_int_equal(rh_follow_joined(&follow, here), 1);
	assert_int_equal(rh_follow_have(&follow), 50);
	assert_int_equal(rh_follow_delta(&follow, 50, 51, 1), APPLY);

	follow = in_state(FILLING);
	rh_follow_lost(&follow);
	assert_int_equal(rh_follow_joined(&follow, here), 1);
	assert_int_equal(rh_follow_have(&follow), 50);
	assert_int_equal(rh_follow_end(&follow, 60), RH_EPROTO);
}

static void another_store_counts_from_its_snapshot_on(void **state)
{
	struct rh_follow follow = in_state(AWAY);

	(void)state;
	assert_int_equal(rh_follow_joined(&follow, other), 0);
	assert_int_equal(rh_follow_have(&follow), 0);
	assert_int_equal(rh_follow_delta(&follow, 50, 51, 1), IGNORE);
	assert_int_equal(rh_follow_begin(&follow, 7), HOLD); /* may be lower */
	assert_int_equal(rh_follow_have(&follow), 0);
	assert_memory_equal(follow.store, here, RH_STORE_ID_LEN);
	assert_int_equal(follow.revision, 50);
	rh_follow_lost(&follow); /* half of it is nothing */
	assert_int_equal(rh_follow_joined(&follow, here), 1);
	assert_int_equal(rh_follow_have(&follow), 50);
	rh_follow_lost(&follow);
	assert_int_equal(rh_follow_joined(&follow, other), 0);
	assert_int_equal(rh_follow_begin(&follow, 7), HOLD);
	assert_int_equal(rh_follow_end(&follow, 7), REPLACE);
	assert_memory_equal(follow.store, other, RH_STORE_ID_LEN);
	assert_int_equal(follow.revision, 7);
	assert_int_equal(rh_follow_have(&follow), 7);
	assert_int_equal(rh_follow_begin(&follow, 6), RH_EPROTO);
	rh_follow_verify(&follow);
}

static void who_has_nothing_takes_only_a_snapshot(void **state)
{
	struct rh_follow follow;

	(void)state;
	rh_follow_init(&follow, NULL, 0, 1);
	assert_int_equal(rh_follow_joined(&follow, here), 0);
	assert_int_equal(rh_follow_have(&follow), 0);
	assert_int_equal(rh_follow_delta(&follow, 0, 1, 1), IGNORE);
	assert_int_equal(rh_follow_bookmark(&follow, 0, 1), IGNORE);
	assert_int_equal(follow.revision, 0);
	assert_int_equal(rh_follow_begin(&follow, 0), HOLD); /* an empty store */
	assert_int_equal(rh_follow_end(&follow, 0), REPLACE);
	assert_int_equal(rh_follow_delta(&follow, 0, 1, 1), APPLY);
	/* Known, but nothing of it: the same again. */
	rh_follow_init(&follow, here, 0, 1);
	assert_int_equal(rh_follow_joined(&follow, here), 1);
	assert_int_equal(follow.state, ASKED);
}

/* Half of it may be in force: only a snapshot makes it whole, also of a revision that
 * it had already. */
static void what_was_forgotten_is_fetched_anew(void **state)
{
	struct rh_follow follow = in_state(LIVE);

	(void)state;
	assert_int_equal(rh_follow_delta(&follow, 50, 55, 1), APPLY);
	rh_follow_forget(&follow);
	assert_int_equal(rh_follow_have(&follow), 0);
	assert_int_equal(rh_follow_delta(&follow, 55, 56, 1), IGNORE);
	rh_follow_lost(&follow);
	assert_int_equal(rh_follow_joined(&follow, here), 1);
	assert_int_equal(rh_follow_have(&follow), 0);
	assert_int_equal(rh_follow_begin(&follow, 55), HOLD);
	assert_int_equal(rh_follow_end(&follow, 55), REPLACE);
}

static void credit_is_granted_by_halves(void **state)
{
	struct rh_follow follow = in_state(LIVE);

	(void)state;
	assert_int_equal(rh_follow_received(&follow, 0), 0);
	assert_int_equal(rh_follow_received(&follow, 499), 0);
	assert_int_equal(rh_follow_received(&follow, 1), 500);
	assert_int_equal(rh_follow_received(&follow, 1), 0);
	assert_int_equal(rh_follow_received(&follow, 4000), 4001);
	/* What was not granted yet is forgotten with the connection. */
	assert_int_equal(rh_follow_received(&follow, 400), 0);
	rh_follow_lost(&follow);
	assert_int_equal(rh_follow_joined(&follow, here), 1);
	assert_int_equal(rh_follow_received(&follow, 499), 0);
	rh_follow_init(&follow, here, 5, 1);
	assert_int_equal(rh_follow_received(&follow, 0), 0);
	assert_int_equal(rh_follow_received(&follow, 1), 1);
}

static void init_without_window(void *user)
{
	rh_follow_init(user, here, 1, 0);
}

static void init_without_store(void *user)
{
	rh_follow_init(user, NULL, 1, 1);
}

static void in_no_state(void *user)
{
	((struct rh_follow *)user)->state = RH_FOLLOW_STATES;
	rh_follow_lost(user);
}

static void a_broken_caller_is_stopped(void **state)
{
	struct rh_follow follow = in_state(LIVE);

	(void)state;
	assert_true(check_stops(init_without_window, &follow));
	assert_true(check_stops(init_without_store, &follow));
	follow = in_state(LIVE);
	assert_true(check_stops(in_no_state, &follow));
}

/* Frames at random: L1, and nothing is taken that does not follow what it has. */
static void nothing_at_random_makes_it_fall_back(void **state)
{
	uint64_t         seed = 8128;
	struct rh_follow follow;
	int              taken = 0, resynced = 0, refused = 0;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	rh_follow_init(&follow, NULL, 0, 64);
	for (int i = 0; i < 200000; i++) {
		struct rh_follow before = follow;
		uint64_t         a = follow.revision + random_below(&seed, 4) - 1;
		uint64_t         b = a + random_below(&seed, 4);
		int              answer = 0;

		if (a == UINT64_MAX)
			a = 0;
		switch (random_below(&seed, 12)) {
		case 0: answer = rh_follow_joined(&follow, random_below(&seed, 9) ? here :
		                                  other); break;
		case 1: rh_follow_begin(&follow, b); break;
		case 2: answer = rh_follow_item(&follow, follow.filling); break;
		case 3: case 4: answer = rh_follow_end(&follow, random_below(&seed, 5) ?
		                                       follow.filling : b); break;
		case 5: answer = rh_follow_bookmark(&follow, a, b); break;
		case 6: if (random_below(&seed, 4) == 0)
				rh_follow_lost(&follow);
			break;
		default: answer = rh_follow_delta(&follow, a, b,
		                                  random_below(&seed, 3) != 0); break;
		}
		rh_follow_verify(&follow);
		if (memcmp(before.store, follow.store, RH_STORE_ID_LEN) == 0)
			assert_true(follow.revision >= before.revision);
		else
			assert_int_equal(follow.revision, before.filling);
		if (follow.revision != before.revision && before.state != FILLING)
			assert_true(a == before.revision && b == follow.revision);
		taken += follow.revision != before.revision;
		resynced += answer == RESYNC;
		refused += answer == RH_EPROTO;
	}
	assert_true(taken > 1000 && resynced > 1000 && refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_table),
		cmocka_unit_test(numbers_that_contradict_end_the_connection),
		cmocka_unit_test(a_part_of_another_revision_is_a_gap),
		cmocka_unit_test(parts_are_taken_with_the_last),
		cmocka_unit_test(parts_do_not_outlive_the_connection),
		cmocka_unit_test(another_store_counts_from_its_snapshot_on),
		cmocka_unit_test(who_has_nothing_takes_only_a_snapshot),
		cmocka_unit_test(what_was_forgotten_is_fetched_anew),
		cmocka_unit_test(credit_is_granted_by_halves),
		cmocka_unit_test(a_broken_caller_is_stopped),
		cmocka_unit_test(nothing_at_random_makes_it_fall_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
