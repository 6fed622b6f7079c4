#include "model_fixture.h"
#include "model_check.h"

#include "../../model/error.h"
#include "../../model/feed.h"
#include "../../model/map.h"

enum { NEW = RH_FEED_NEW, WANTED = RH_FEED_WANTED, SNAPSHOT = RH_FEED_SNAPSHOT,
       LIVE = RH_FEED_LIVE };

#define HEAD 50u

struct scene {
	struct rh_delta_ring ring;
	struct rh_feed       feed;
	uint64_t             head;
};

static uint64_t add(struct scene *scene, uint64_t revision, const char *caller,
                    const char *callee)
{
	struct rh_item_key key = { .caller = name_of(caller), .callee = name_of(callee) };
	uint64_t           number;

	assert_int_equal(rh_delta_add(&scene->ring, revision, &key, "x", 1, &number),
	                 RH_OK);
	scene->head = revision;
	if (rh_item_concerns(&key, &scene->feed.resource))
		rh_feed_notify(&scene->feed, number);
	return number;
}

/* A ring that knows 31 to 50, where the last of file is of 50 (number 1), and a feed
 * of file that nobody subscribed to. */
static void init(struct scene *scene)
{
	struct rh_name file = name_of("file");
	void *memory = aligned_alloc(RH_ALIGN, rh_aligned(rh_delta_ring_bytes(4, 64)));

	assert_non_null(memory);
	rh_delta_ring_init(&scene->ring, 4, 64, 30, memory);
	rh_feed_init(&scene->feed, &file);
	add(scene, 40, "other", "thing");
	add(scene, HEAD, "file", "magic");
}

static void fini(struct scene *scene)
{
	rh_feed_verify(&scene->feed, &scene->ring);
	rh_delta_ring_verify(&scene->ring);
	free(scene->ring.deltas);
}

static void subscribe(struct scene *scene, uint64_t have, uint64_t credit)
{
	struct rh_feed_ask ask = { .is_same_store = 1, .have = have,
	                           .head = scene->head, .credit = credit };

	rh_feed_subscribe(&scene->feed, &scene->ring, &ask);
	rh_feed_verify(&scene->feed, &scene->ring);
}

static enum rh_feed_action next(struct scene *scene, int is_due)
{
	return rh_feed_next(&scene->feed, &scene->ring, scene->head, is_due);
}

static void begun(void *user)
{
	struct scene *scene = user;

	rh_feed_begun(&scene->feed, &scene->ring, scene->head, 10);
}

static void behind(void *user) { subscribe(user, 0, 1000); }
static void within(void *user) { subscribe(user, HEAD, 1000); }
static void outdated(void *user) { rh_feed_outdate(&((struct scene *)user)->feed); }
static void continued(void *user)
{
	rh_feed_continued(&((struct scene *)user)->feed, 10);
}
static void ended(void *user) { rh_feed_ended(&((struct scene *)user)->feed, 10); }
static void aborted(void *user) { rh_feed_aborted(&((struct scene *)user)->feed); }
static void delivered(void *user)
{
	struct scene *scene = user;

	rh_feed_delivered(&scene->feed, &scene->ring, scene->ring.end, scene->head, 10);
}
static void bookmarked(void *user)
{
	struct scene *scene = user;

	rh_feed_bookmarked(&scene->feed, scene->head, 10);
}

static void in_state(struct scene *scene, int state)
{
	init(scene);
	if (state == LIVE) {
		within(scene);
		bookmarked(scene);
		scene->feed.credit += 10;
	} else if (state != NEW) {
		behind(scene);
	}
	if (state == SNAPSHOT)
		begun(scene);
	assert_int_equal(scene->feed.state, state);
}

#define STOPPED (-1)

static const struct row {
	const char *name;
	void      (*act)(void *user);
	int         want[RH_FEED_STATES]; /* after NEW, WANTED, SNAPSHOT, LIVE */
} rows[] = {
	{ "behind",     behind,     { WANTED, WANTED, WANTED, WANTED } },
	{ "within",     within,     { LIVE, LIVE, LIVE, LIVE } },
	{ "outdated",   outdated,   { NEW, WANTED, WANTED, WANTED } },
	{ "begun",      begun,      { STOPPED, SNAPSHOT, STOPPED, STOPPED } },
	{ "continued",  continued,  { STOPPED, STOPPED, SNAPSHOT, STOPPED } },
	{ "ended",      ended,      { STOPPED, STOPPED, LIVE, STOPPED } },
	{ "aborted",    aborted,    { STOPPED, STOPPED, WANTED, STOPPED } },
	{ "delivered",  delivered,  { STOPPED, STOPPED, STOPPED, LIVE } },
	{ "bookmarked", bookmarked, { STOPPED, STOPPED, STOPPED, LIVE } },
};

static void every_cell_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int from = 0; from < RH_FEED_STATES; from++) {
			struct scene scene;
			int          want = rows[i].want[from];

			in_state(&scene, from);
			int stopped = check_stops(rows[i].act, &scene);
			if (stopped != (want == STOPPED) ||
			    scene.feed.state != (stopped ? from : want))
				fail_msg("%s in %d: stopped %d, then %d", rows[i].name,
				         from, stopped, scene.feed.state);
			fini(&scene);
		}
	}
}

static void what_comes_next_in_every_state(void **state)
{
	static const int want[RH_FEED_STATES] = { RH_FEED_NOTHING, RH_FEED_BEGIN,
	                                          RH_FEED_CONTINUE, RH_FEED_NOTHING };

	(void)state;
	for (int from = 0; from < RH_FEED_STATES; from++) {
		struct scene scene;

		in_state(&scene, from);
		assert_int_equal(next(&scene, 0), want[from]);
		assert_int_equal(next(&scene, 1),
		                 from == LIVE ? (int)RH_FEED_BOOKMARK : want[from]);
		add(&scene, 51, "file", "magic");
		assert_int_equal(next(&scene, 1),
		                 from == LIVE ? (int)RH_FEED_DELTA : want[from]);
		/* Without credit nothing at all. */
		scene.feed.credit = 0;
		assert_int_equal(next(&scene, 1), RH_FEED_NOTHING);
		scene.feed.credit = -5;
		assert_int_equal(next(&scene, 1), RH_FEED_NOTHING);
		rh_feed_credit(&scene.feed, 5);
		assert_int_equal(next(&scene, 1), RH_FEED_NOTHING);
		rh_feed_credit(&scene.feed, 1);
		assert_int_equal(next(&scene, 1),
		                 from == LIVE ? (int)RH_FEED_DELTA : want[from]);
		fini(&scene);
	}
}

struct asked {
	int      is_same_store;
	uint64_t have;
	uint64_t missed;
	int      want;   /* state */
	uint64_t cursor; /* of LIVE */
	uint64_t sent;
};

static void who_asks_gets_deltas_when_the_ring_knows_all(void **state)
{
	static const struct asked asked[] = {
		{ 1, 0,          0,  WANTED, 0, 0 },     /* has nothing            */
		{ 1, 29,         0,  WANTED, 0, 29 },    /* below the floor        */
		{ 1, 30,         0,  LIVE,   0, 30 },
		{ 1, 39,         0,  LIVE,   0, 39 },
		{ 1, 40,         0,  LIVE,   1, 40 },
		{ 1, 49,         49, LIVE,   1, 49 },
		{ 1, 49,         50, WANTED, 0, 49 },    /* the ring has not all   */
		{ 1, 50,         0,  LIVE,   RH_FEED_IDLE, 50 },
		{ 1, 51,         0,  WANTED, 0, 0 },     /* more than there is     */
		{ 1, UINT64_MAX, 0,  WANTED, 0, 0 },
		{ 0, 49,         0,  WANTED, 0, 0 },     /* of another store       */
		{ 0, UINT64_MAX, 0,  WANTED, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		struct scene       scene;
		struct rh_feed_ask ask = {
			.is_same_store = asked[i].is_same_store, .have = asked[i].have,
			.head = HEAD, .missed = asked[i].missed, .credit = 7,
		};

		init(&scene);
		rh_feed_subscribe(&scene.feed, &scene.ring, &ask);
		assert_int_equal(scene.feed.state, asked[i].want);
		assert_int_equal(scene.feed.sent, asked[i].sent);
		assert_int_equal(scene.feed.credit, 7);
		if (asked[i].want == LIVE)
			assert_int_equal(scene.feed.cursor, asked[i].cursor);
		(void)next(&scene, 1);
		fini(&scene);
	}
}

/* It could wait for the next heartbeat, but so would all that it has to tell. */
static void who_missed_nothing_hears_so_at_once(void **state)
{
	struct scene scene;

	(void)state;
	init(&scene);
	within(&scene);
	assert_int_equal(next(&scene, 0), RH_FEED_BOOKMARK);
	assert_int_equal(next(&scene, 0), RH_FEED_BOOKMARK); /* not sent yet */
	bookmarked(&scene);
	assert_int_equal(next(&scene, 0), RH_FEED_NOTHING);
	fini(&scene);

	init(&scene);
	subscribe(&scene, 49, 1000); /* deltas say so too */
	assert_int_equal(next(&scene, 0), RH_FEED_DELTA);
	delivered(&scene);
	assert_int_equal(next(&scene, 0), RH_FEED_NOTHING);
	fini(&scene);
}

/* In the middle of anything: what was sent is not taken back, credit adds up. */
static void who_asks_anew_gets_a_snapshot(void **state)
{
	struct scene scene;

	(void)state;
	in_state(&scene, LIVE);
	add(&scene, 60, "file", "magic");
	rh_feed_delivered(&scene.feed, &scene.ring, scene.ring.end, 60, 100);
	subscribe(&scene, 0, 0);
	assert_int_equal(scene.feed.state, WANTED);
	assert_int_equal(scene.feed.sent, 60);
	assert_int_equal(scene.feed.credit, 900);
	assert_int_equal(rh_feed_ack(&scene.feed, 55), RH_OK); /* from before */
	subscribe(&scene, 55, 0); /* less than was sent */
	assert_int_equal(scene.feed.state, WANTED);
	assert_int_equal(scene.feed.sent, 60);
	begun(&scene);
	subscribe(&scene, 60, 0);
	assert_int_equal(scene.feed.state, LIVE);
	fini(&scene);
}

static void changes_during_a_snapshot_follow_it(void **state)
{
	struct scene scene;

	(void)state;
	in_state(&scene, WANTED);
	add(&scene, 51, "file", "magic"); /* the snapshot will show it */
	begun(&scene);
	assert_int_equal(scene.feed.cursor, RH_FEED_IDLE);
	uint64_t number = add(&scene, 52, "magic", "file");
	continued(&scene);
	assert_int_equal(next(&scene, 1), RH_FEED_CONTINUE);
	ended(&scene);
	assert_int_equal(scene.feed.sent, 51);
	assert_int_equal(scene.feed.cursor, number);
	assert_int_equal(next(&scene, 1), RH_FEED_DELTA);
	rh_feed_delivered(&scene.feed, &scene.ring, number + 1, 52, 10);
	assert_int_equal(next(&scene, 0), RH_FEED_NOTHING);
	assert_int_equal(scene.feed.sent, 52);
	fini(&scene);
}

static void the_cursor_goes_on_as_far_as_was_sent(void **state)
{
	struct scene scene;
	uint64_t     first;

	(void)state;
	in_state(&scene, LIVE);
	first = add(&scene, 51, "file", "a");
	add(&scene, 52, "b", "file");
	rh_feed_delivered(&scene.feed, &scene.ring, first + 1, 51, 10);
	assert_int_equal(scene.feed.cursor, first + 1);
	assert_int_equal(scene.feed.sent, 51);
	/* A delta that concerns nobody here: looked at, nothing sent. */
	add(&scene, 53, "b", "c");
	rh_feed_delivered(&scene.feed, &scene.ring, first + 2, 52, 10);
	rh_feed_delivered(&scene.feed, &scene.ring, first + 3, 52, 0);
	assert_int_equal(scene.feed.cursor, RH_FEED_IDLE);
	assert_int_equal(scene.feed.sent, 52);
	assert_int_equal(next(&scene, 1), RH_FEED_BOOKMARK);
	rh_feed_bookmarked(&scene.feed, 53, 10);
	assert_int_equal(scene.feed.sent, 53);
	assert_int_equal(scene.feed.credit, 1000 - 30);
	fini(&scene);
}

/* Parts of one revision: sent stays until the last of them. */
static void half_a_revision_is_not_sent(void **state)
{
	struct scene scene;
	uint64_t     first;

	(void)state;
	in_state(&scene, LIVE);
	first = add(&scene, 51, "file", "a");
	add(&scene, 51, "file", "b");
	rh_feed_delivered(&scene.feed, &scene.ring, first + 1, HEAD, 900);
	assert_int_equal(scene.feed.sent, HEAD);
	assert_int_equal(next(&scene, 1), RH_FEED_DELTA);
	rh_feed_delivered(&scene.feed, &scene.ring, first + 2, 51, 900);
	assert_int_equal(scene.feed.sent, 51);
	assert_int_equal(scene.feed.credit, -800);
	fini(&scene);
}

static void who_falls_off_the_ring_takes_a_snapshot(void **state)
{
	struct scene scene;

	(void)state;
	in_state(&scene, LIVE);
	add(&scene, 51, "file", "magic");
	for (uint64_t revision = 52; revision < 55; revision++)
		add(&scene, revision, "other", "thing");
	assert_int_equal(next(&scene, 0), RH_FEED_DELTA);
	add(&scene, 55, "other", "thing");
	rh_feed_verify(&scene.feed, &scene.ring);
	scene.feed.credit = 0; /* also who reads nothing is not kept live */
	assert_int_equal(next(&scene, 0), RH_FEED_NOTHING);
	assert_int_equal(scene.feed.state, WANTED);
	rh_feed_credit(&scene.feed, 1);
	assert_int_equal(next(&scene, 0), RH_FEED_BEGIN);
	assert_int_equal(scene.feed.sent, HEAD);
	fini(&scene);

	/* One that nothing concerned stays, however much was dropped. */
	in_state(&scene, LIVE);
	for (uint64_t revision = 51; revision < 60; revision++)
		add(&scene, revision, "other", "thing");
	assert_int_equal(next(&scene, 0), RH_FEED_NOTHING);
	assert_int_equal(scene.feed.state, LIVE);
	fini(&scene);
}

static void a_raised_ring_is_noticed_by_all(void **state)
{
	struct scene scene;

	(void)state;
	in_state(&scene, LIVE);
	rh_delta_raise(&scene.ring, 60);
	scene.head = 60;
	assert_int_equal(next(&scene, 1), RH_FEED_BEGIN);
	begun(&scene);
	rh_delta_raise(&scene.ring, 61);
	scene.head = 61;
	assert_int_equal(next(&scene, 1), RH_FEED_CONTINUE);
	ended(&scene);
	assert_int_equal(scene.feed.sent, 60);
	assert_int_equal(next(&scene, 1), RH_FEED_BEGIN); /* it was of 60 */
	begun(&scene);
	ended(&scene);
	assert_int_equal(next(&scene, 1), RH_FEED_BOOKMARK);
	fini(&scene);
}

static void acks_neither_fall_nor_lead(void **state)
{
	struct scene scene;

	(void)state;
	init(&scene);
	assert_int_equal(rh_feed_ack(&scene.feed, 1), RH_EPROTO); /* not subscribed */
	assert_int_equal(rh_feed_ack(&scene.feed, 0), RH_OK);
	subscribe(&scene, 49, 1000);
	assert_int_equal(rh_feed_ack(&scene.feed, 50), RH_EPROTO); /* not sent yet */
	assert_int_equal(rh_feed_ack(&scene.feed, 45), RH_OK); /* the rest is staged */
	assert_int_equal(rh_feed_ack(&scene.feed, 44), RH_EPROTO);
	delivered(&scene);
	assert_int_equal(rh_feed_ack(&scene.feed, 50), RH_OK);
	assert_int_equal(rh_feed_ack(&scene.feed, UINT64_MAX), RH_EPROTO);
	assert_int_equal(scene.feed.acked, 50);
	fini(&scene);
}

static void credit_has_a_bound(void **state)
{
	struct scene scene;

	(void)state;
	in_state(&scene, LIVE);
	for (int i = 0; i < 3; i++)
		rh_feed_credit(&scene.feed, UINT64_MAX);
	assert_int_equal(scene.feed.credit, RH_FEED_CREDIT_MAX);
	subscribe(&scene, HEAD, UINT64_MAX);
	assert_int_equal(scene.feed.credit, RH_FEED_CREDIT_MAX);
	scene.feed.credit = -65536;
	rh_feed_credit(&scene.feed, UINT64_MAX);
	assert_int_equal(scene.feed.credit, RH_FEED_CREDIT_MAX);
	fini(&scene);
}

static void deliver_backwards(void *user)
{
	struct scene *scene = user;

	rh_feed_delivered(&scene->feed, &scene->ring, scene->ring.end, 49, 10);
}

static void deliver_past_what_is_left(void *user)
{
	struct scene *scene = user;

	rh_feed_delivered(&scene->feed, &scene->ring, scene->ring.end - 1, 51, 10);
}

static void deliver_what_is_not_there(void *user)
{
	struct scene *scene = user;

	rh_feed_delivered(&scene->feed, &scene->ring, scene->ring.end + 1, 51, 10);
}

static void deliver_without_a_frame(void *user)
{
	struct scene *scene = user;

	rh_feed_delivered(&scene->feed, &scene->ring, scene->ring.end, 51, 0);
}

static void begin_in_the_past(void *user)
{
	struct scene *scene = user;

	rh_feed_outdate(&scene->feed);
	rh_feed_begun(&scene->feed, &scene->ring, 49, 10);
}

static void be_ahead_of_the_store(void *user)
{
	struct scene *scene = user;

	rh_feed_next(&scene->feed, &scene->ring, HEAD - 1, 1);
}

static void notify_of_what_was_sent(void *user)
{
	rh_feed_notify(&((struct scene *)user)->feed, 0);
}

static void a_broken_caller_is_stopped(void **state)
{
	static void (*const acts[])(void *user) = {
		bookmarked, deliver_backwards, deliver_past_what_is_left,
		deliver_what_is_not_there, deliver_without_a_frame, begin_in_the_past,
		be_ahead_of_the_store, notify_of_what_was_sent,
	};

	(void)state;
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		struct scene scene;

		in_state(&scene, LIVE);
		add(&scene, 51, "file", "magic");
		if (!check_stops(acts[i], &scene))
			fail_msg("act %zu went through", i);
		free(scene.ring.deltas);
	}
}

/* A subscriber that does what it is told, changes at random: nothing is left out (F2,
 * F3), sent never falls (F1), and at the end it has every revision. */
struct follower {
	uint64_t revision;
	uint64_t missing; /* revision of the oldest change that it does not know; 0 */
};

static void send_deltas(struct scene *scene, struct follower *follower, uint64_t *seed)
{
	uint64_t at = scene->feed.cursor, revision = scene->feed.sent;
	uint32_t bytes = 0;

	do {
		const struct rh_delta *delta = rh_delta_get(&scene->ring, at);

		assert_non_null(delta);
		if (rh_item_concerns(&delta->key, &scene->feed.resource)) {
			assert_int_equal(delta->revision, follower->missing);
			follower->missing = 0;
			for (uint64_t k = at + 1; k < scene->ring.end; k++) {
				delta = rh_delta_get(&scene->ring, k);
				if (rh_item_concerns(&delta->key, &scene->feed.resource)) {
					follower->missing = delta->revision;
					break;
				}
			}
			bytes += 10;
			revision = rh_delta_get(&scene->ring, at)->revision;
		}
		at++;
	} while (at < scene->ring.end && random_below(seed, 3) != 0);
	assert_int_equal(follower->revision, scene->feed.sent); /* F3 */
	rh_feed_delivered(&scene->feed, &scene->ring, at, revision, bytes);
	follower->revision = revision;
}

static void serve(struct scene *scene, struct follower *follower, uint64_t *seed)
{
	switch (next(scene, random_below(seed, 4) == 0)) {
	case RH_FEED_NOTHING:
		rh_feed_credit(&scene->feed, random_below(seed, 30));
		break;
	case RH_FEED_BEGIN:
		begun(scene);
		break;
	case RH_FEED_CONTINUE:
		if (random_below(seed, 3) == 0)
			continued(scene);
		else if (random_below(seed, 6) == 0)
			rh_feed_aborted(&scene->feed);
		else {
			rh_feed_ended(&scene->feed, 10);
			follower->revision = scene->feed.snapshot;
			if (follower->missing && follower->missing <= follower->revision) {
				const struct rh_delta *delta = NULL;
				uint64_t at = scene->feed.cursor;

				if (at != RH_FEED_IDLE)
					delta = rh_delta_get(&scene->ring, at);
				while (delta && !rh_item_concerns(&delta->key,
				                                  &scene->feed.resource))
					delta = rh_delta_get(&scene->ring, ++at);
				follower->missing = delta ? delta->revision : 0;
			}
		}
		break;
	case RH_FEED_DELTA:
		send_deltas(scene, follower, seed);
		break;
	case RH_FEED_BOOKMARK:
		assert_int_equal(follower->missing, 0); /* F2 */
		assert_int_equal(follower->revision, scene->feed.sent);
		rh_feed_bookmarked(&scene->feed, scene->head, 1);
		follower->revision = scene->head;
		break;
	}
}

static void nothing_is_left_out_at_random(void **state)
{
	static struct scene scene;
	struct follower     follower = { .revision = HEAD };
	uint64_t            seed = 271828;
	int                 snapshots = 0, live = 0;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	in_state(&scene, LIVE);
	for (int i = 0; i < 100000; i++) {
		uint64_t sent = scene.feed.sent;
		int      was = scene.feed.state;

		if (random_below(&seed, 2) == 0) {
			int is_ours = random_below(&seed, 2) == 0;

			add(&scene, scene.head + 1, is_ours ? "file" : "x", "y");
			if (is_ours && follower.missing == 0)
				follower.missing = scene.head;
		} else if (random_below(&seed, 200) == 0) {
			rh_delta_raise(&scene.ring, ++scene.head);
			if (follower.missing == 0)
				follower.missing = scene.head;
		} else {
			serve(&scene, &follower, &seed);
		}
		assert_true(scene.feed.sent >= sent); /* F1 */
		rh_feed_verify(&scene.feed, &scene.ring);
		snapshots += was != SNAPSHOT && scene.feed.state == SNAPSHOT;
		live += scene.feed.state == LIVE;
	}
	assert_true(snapshots > 1000 && live > 10000);
	for (int i = 0; i < 1000; i++)
		serve(&scene, &follower, &seed);
	assert_int_equal(follower.missing, 0);
	assert_int_equal(follower.revision, scene.head);
	fini(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_table),
		cmocka_unit_test(what_comes_next_in_every_state),
		cmocka_unit_test(who_asks_gets_deltas_when_the_ring_knows_all),
		cmocka_unit_test(who_missed_nothing_hears_so_at_once),
		cmocka_unit_test(who_asks_anew_gets_a_snapshot),
		cmocka_unit_test(changes_during_a_snapshot_follow_it),
		cmocka_unit_test(the_cursor_goes_on_as_far_as_was_sent),
		cmocka_unit_test(half_a_revision_is_not_sent),
		cmocka_unit_test(who_falls_off_the_ring_takes_a_snapshot),
		cmocka_unit_test(a_raised_ring_is_noticed_by_all),
		cmocka_unit_test(acks_neither_fall_nor_lead),
		cmocka_unit_test(credit_has_a_bound),
		cmocka_unit_test(a_broken_caller_is_stopped),
		cmocka_unit_test(nothing_is_left_out_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
