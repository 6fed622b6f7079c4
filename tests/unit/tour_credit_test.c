/* The tour's link: credits and frames, both ends in one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../examples/tour/credit.h"
#include "../../examples/tour/wire_frame.h"

#include <string.h>

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t mac_b[6] = { 2, 0, 0, 0, 0, 2 };

/* Sends from's control frame to `to` and answers until nobody wants to say more. */
static int talk(struct credit *from, struct credit *to)
{
	uint8_t frame[CREDIT_FRAME_BYTES];
	int all = 0;

	for (int turns = 0; turns < 8; turns++) {
		credit_write(from, mac_a, mac_b, frame);
		int actions = credit_read(to, frame, sizeof frame);
		all |= actions;
		if (!(actions & CREDIT_ANSWER))
			return all;
		struct credit *swap = from;
		from = to;
		to = swap;
	}
	fail_msg("the two ends never stop telling");
	return 0;
}

static void nothing_is_sent_before_the_partner_grants(void **state)
{
	struct credit a;

	(void)state;
	credit_init(&a, 1, 100, 64);
	assert_false(credit_take(&a));
}

static void a_sender_stops_at_its_limit(void **state)
{
	struct credit a, b;

	(void)state;
	credit_init(&a, 1, 0, 64);
	credit_init(&b, 2, 3, 64);
	assert_true(talk(&a, &b) & CREDIT_MORE || a.limit == 3);
	for (int i = 0; i < 3; i++)
		assert_true(credit_take(&a));
	assert_false(credit_take(&a));
	credit_post(&b, 2);
	assert_true(talk(&b, &a) & CREDIT_MORE);
	assert_true(credit_take(&a));
	assert_true(credit_take(&a));
	assert_false(credit_take(&a));
	credit_untake(&a);
	assert_true(credit_take(&a));
}

/* However many slots are posted, no more than the kernel queues are granted. */
static void the_window_bounds_what_is_on_the_way(void **state)
{
	struct credit a, b;
	int sent = 0, told = 0;

	(void)state;
	credit_init(&a, 1, 0, 8);
	credit_init(&b, 2, CREDIT_UNBOUNDED, 8);
	talk(&a, &b);
	while (credit_take(&a))
		sent++;
	assert_int_equal(sent, 8);
	for (int i = 0; i < 100; i++) {
		assert_true(credit_receive(&b));
		if (credit_is_due(&b)) {
			talk(&b, &a);
			told++;
		}
		if (credit_take(&a))
			sent++;
		assert_in_range(sent - (i + 1), 1, 8); /* never dry, never too many */
	}
	assert_int_equal(told, 50); /* every quarter of the window */
}

static void a_new_epoch_starts_the_counts_again(void **state)
{
	struct credit a, b;

	(void)state;
	credit_init(&a, 1, 0, 64);
	credit_init(&b, 2, 3, 64);
	talk(&a, &b);
	while (credit_take(&a))
		assert_true(credit_receive(&b));
	assert_false(credit_receive(&b));
	credit_post(&b, 2);
	credit_init(&a, 7, 0, 64); /* restarted; it knows nothing */
	talk(&a, &b);
	assert_int_equal(b.received, 0);
	assert_int_equal(a.limit, 2); /* the slots that are open now */
	assert_true(credit_take(&a));
	assert_true(credit_take(&a));
	assert_false(credit_take(&a));
}

static void a_limit_meant_for_another_epoch_counts_for_nothing(void **state)
{
	uint8_t frame[CREDIT_FRAME_BYTES];
	struct credit a, b;

	(void)state;
	credit_init(&a, 1, 0, 64);
	credit_init(&b, 2, 3, 64);
	b.partner_epoch = 99;
	credit_write(&b, mac_a, mac_b, frame);
	assert_true(credit_read(&a, frame, sizeof frame) & CREDIT_ANSWER);
	assert_false(credit_take(&a));
}

static void foreign_and_short_frames_are_left_alone(void **state)
{
	uint8_t frame[CREDIT_FRAME_BYTES];
	struct credit a, b, before;

	(void)state;
	credit_init(&a, 1, 0, 64);
	credit_init(&b, 2, 3, 64);
	before = a;
	credit_write(&b, mac_a, mac_b, frame);
	assert_int_equal(credit_read(&a, frame, 33), CREDIT_NONE);
	frame[14] ^= 1;
	assert_int_equal(credit_read(&a, frame, sizeof frame), CREDIT_NONE);
	assert_memory_equal(&a, &before, sizeof a);
}

/* A request as frames.py writes it, number 7. */
static const uint8_t request_7[] =
	"\x02RH\x00\x00\x02\x02RH\x00\x00\x01\x08\x00"
	"\x45\x00\x00\x5d\x00\x07\x00\x00\x40\x06\x26\x2a\xc6\x33\x64\x01\xc6\x33\x64\x02"
	"\x9c\x40\x00\x50\x00\x00\x01\x74\x00\x00\x00\x00\x50\x18\xff\xff\x6c\x6b\x00\x00"
	"GET /frame/0000000007 HTTP/1.1\r\nHost: nic.example\r\n\r\n";

static void a_request_is_known_only_when_every_byte_is_right(void **state)
{
	uint8_t frame[sizeof request_7 - 1];

	(void)state;
	assert_int_equal(wire_request(request_7, sizeof frame), 7);
	assert_int_equal(wire_request(request_7, sizeof frame - 1), -1);
	for (size_t i = 12; i < sizeof frame; i++) {
		memcpy(frame, request_7, sizeof frame);
		frame[i] ^= 0x20;
		assert_int_equal(wire_request(frame, sizeof frame), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_before_the_partner_grants),
		cmocka_unit_test(a_sender_stops_at_its_limit),
		cmocka_unit_test(the_window_bounds_what_is_on_the_way),
		cmocka_unit_test(a_new_epoch_starts_the_counts_again),
		cmocka_unit_test(a_limit_meant_for_another_epoch_counts_for_nothing),
		cmocka_unit_test(foreign_and_short_frames_are_left_alone),
		cmocka_unit_test(a_request_is_known_only_when_every_byte_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
