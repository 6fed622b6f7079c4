/* The instances that a rule chooses from, at the caller's agent: who has which place. */
#include "../../agent/choices.h"
#include "../../base/socket.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct rh_choices choices;

static int tell(const uint64_t *ids, unsigned count)
{
	static unsigned char    bytes[RH_FRAME_MAX];
	struct rh_frame         frame = { .type = RH_FRAME_CHOICES };
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	for (unsigned i = 0; i < count; i++)
		rh_record_put_u64(&writer, RH_TAG_INSTANCE, ids[i]);
	rh_record_read(&frame.records, bytes, writer.used);
	return rh_choices_learn(&choices, &frame);
}

#define TELL(...) \
	tell((const uint64_t[]){ __VA_ARGS__ }, \
	     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void assert_places(unsigned count, const uint32_t *ids)
{
	assert_int_equal(choices.count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(rh_choices_at(&choices, i), ids[i]);
	assert_int_equal(rh_choices_at(&choices, count), 0);
	assert_int_equal(rh_choices_at(&choices, UINT32_MAX), 0);
}

#define PLACES(...) \
	assert_places(sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), \
	              (const uint32_t[]){ __VA_ARGS__ })

static int begin(void **state)
{
	(void)state;
	memset(&choices, 0, sizeof choices);
	return 0;
}

static void the_oldest_has_the_first_place(void **state)
{
	(void)state;
	assert_places(0, NULL);
	assert_int_equal(TELL(30, 10, 20), RH_OK);
	PLACES(30, 10, 20);
	assert_int_equal(tell(NULL, 0), RH_OK);
	assert_places(0, NULL);
}

static void who_stays_keeps_the_place_and_who_is_new_takes_an_empty_one(void **state)
{
	(void)state;
	assert_int_equal(TELL(1, 2, 3), RH_OK);
	assert_int_equal(TELL(1, 3), RH_OK);
	PLACES(1, 0, 3);
	assert_int_equal(TELL(1, 3, 4), RH_OK);
	PLACES(1, 4, 3);
	assert_int_equal(TELL(1, 4), RH_OK); /* no empty places at the end */
	PLACES(1, 4);
	assert_int_equal(TELL(1, 4, 5, 6), RH_OK);
	PLACES(1, 4, 5, 6);
}

/* Instances come back to a restarted agent one by one, in any order. */
static void after_a_lost_link_they_come_back_to_their_places(void **state)
{
	(void)state;
	assert_int_equal(TELL(1, 2, 3), RH_OK);
	rh_choices_lost(&choices);
	assert_places(0, NULL);
	assert_int_equal(TELL(2), RH_OK);
	PLACES(0, 2);
	assert_int_equal(TELL(2, 3, 1), RH_OK);
	PLACES(1, 2, 3);
}

static void nonsense_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(TELL(1, 2), RH_OK);
	assert_int_equal(TELL(3, 0), RH_EPROTO);
	assert_int_equal(TELL(3, 3), RH_EPROTO);
	assert_int_equal(TELL(3, (uint64_t)UINT32_MAX + 1), RH_EPROTO);
	PLACES(1, 2);
}

static void more_than_there_are_places_for_are_not_chosen(void **state)
{
	uint64_t many[RH_CHOICES_MAX + 10];

	(void)state;
	for (unsigned i = 0; i < RH_CHOICES_MAX + 10; i++)
		many[i] = i + 1;
	assert_int_equal(tell(many, RH_CHOICES_MAX + 10), RH_OK);
	assert_int_equal(choices.count, RH_CHOICES_MAX);
	assert_int_equal(tell(many + 10, RH_CHOICES_MAX), RH_OK);
	assert_int_equal(choices.count, RH_CHOICES_MAX);
	assert_int_equal(rh_choices_at(&choices, 0), RH_CHOICES_MAX + 1);
	assert_int_equal(rh_choices_at(&choices, 10), 11);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_oldest_has_the_first_place),
		TEST(who_stays_keeps_the_place_and_who_is_new_takes_an_empty_one),
		TEST(after_a_lost_link_they_come_back_to_their_places),
		TEST(nonsense_changes_nothing),
		TEST(more_than_there_are_places_for_are_not_chosen),
	};

	return cmocka_run_group_tests_name("agent_choices", tests, NULL, NULL);
}
