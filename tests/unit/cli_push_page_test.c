#include "cli/push_page.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rh_push_step a_step(uint32_t process, uint32_t number, uint64_t time_ns,
                                  uint64_t took_ns, const char *resource)
{
	struct rh_push_step step = {
		.process = process, .step = number, .time_ns = time_ns, .took_ns = took_ns,
		.revision = process == RH_PUSH_PUBLISHING ? 7 : 3, .bytes = 118,
		.text = "it does something",
	};

	strcpy(step.resource, resource);
	return step;
}

static char *printed(struct rh_push_page *page, unsigned wanted)
{
	char  *text = NULL;
	size_t len = 0;
	FILE  *file = open_memstream(&text, &len);

	assert_int_equal(rh_push_page_print(page, file, false), wanted);
	fclose(file);
	return text;
}

static void a_step_survives_the_wire(void **state)
{
	struct rh_push_step     step = a_step(RH_PUSH_PUBLISHING, 3, 5, 2, "app"), read;
	unsigned char           bytes[RH_PUSH_STEP_MAX];
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	(void)state;

	step.prev = 6;
	step.missed = 9;
	memset(step.caller, 'a', RH_NAME_MAX);
	memset(step.callee, 'b', RH_NAME_MAX);
	memset(step.text, 't', sizeof step.text - 1);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_push_step_put(&writer, &step);
	assert_true(rh_record_end(&writer) > 0); /* the longest fits */
	rh_record_read(&reader, bytes, writer.used);
	assert_int_equal(rh_push_step_read(&reader, &read), RH_OK);
	/* without the padding behind it, which is anything */
	assert_memory_equal(&read, &step, offsetof(struct rh_push_step, text) +
	                    sizeof step.text);
}

static void what_is_no_step_is_refused(void **state)
{
	unsigned char           bytes[RH_PUSH_STEP_MAX];
	struct rh_record_writer writer;
	struct rh_record_reader reader;
	struct rh_push_step     read = { .step = 77 };
	(void)state;

	for (uint32_t process = 0; process <= RH_PUSH_PROCESSES; process++) {
		for (uint32_t number = 0; number <= RH_PUSH_STEPS + 1; number++) {
			struct rh_push_step step = a_step(process, number, 5, 0, "");
			bool is_one = process > 0 && process < RH_PUSH_PROCESSES &&
			              number > 0 && number <= RH_PUSH_STEPS;

			rh_record_begin(&writer, bytes, sizeof bytes);
			rh_push_step_put(&writer, &step);
			rh_record_read(&reader, bytes, writer.used);
			assert_int_equal(rh_push_step_read(&reader, &read),
			                 is_one ? RH_OK : RH_EPROTO);
			reader.len = 8; /* cut off */
			reader.at = 0;
			assert_int_equal(rh_push_step_read(&reader, &read), RH_EPROTO);
		}
	}
}

static void steps_stand_in_the_order_of_time(void **state)
{
	struct rh_push_page *page = rh_push_page_create();
	struct rh_push_step  third = a_step(RH_PUSH_PUBLISHING, 3, 4000000, 1000000, "app");
	struct rh_push_step  first = a_step(RH_PUSH_PUBLISHING, 1, 2000000, 1000000, "");
	char                *text;
	(void)state;

	assert_true(rh_push_page_is_empty(page));
	rh_push_page_add(page, &third);
	rh_push_page_add(page, &first);
	text = printed(page, 2);
	assert_string_equal(text,
		"publish   1       0ns     1.0ms  -                        7      118  it does"
		" something\n"
		"publish   3     2.0ms     1.0ms  app                      7      118  it does"
		" something\n");
	free(text);
	assert_true(rh_push_page_is_empty(page));
	rh_push_page_destroy(page);
}

static void what_belongs_together_stands_together(void **state)
{
	struct rh_push_page *page = rh_push_page_create();
	struct rh_push_step  steps[] = {
		a_step(RH_PUSH_SUBSCRIBING, 3, 1000, 10, "app"),
		a_step(RH_PUSH_SUBSCRIBING, 3, 1020, 10, "lib"),
		a_step(RH_PUSH_SUBSCRIBING, 4, 1040, 10, "app"),
		a_step(RH_PUSH_SUBSCRIBING, 4, 1060, 10, "lib"),
	};
	char *text, *lib;
	(void)state;

	for (size_t i = 0; i < 4; i++)
		rh_push_page_add(page, &steps[i]);
	text = printed(page, 4);
	lib = strstr(text, "lib");
	assert_non_null(strstr(text, "\n\nsubscribe 3")); /* a gap between the two */
	assert_null(strstr(lib, "app"));
	free(text);
	/* What comes later of one of them counts from its beginning. */
	steps[0] = a_step(RH_PUSH_SUBSCRIBING, 5, 2990, 0, "app");
	rh_push_page_add(page, &steps[0]);
	text = printed(page, 1);
	assert_non_null(strstr(text, "subscribe 5     2.0us"));
	free(text);
	rh_push_page_destroy(page);
}

static void too_many_are_refused(void **state)
{
	struct rh_push_page *page = rh_push_page_create();
	struct rh_push_step  step = a_step(RH_PUSH_PUBLISHING, 2, 5, 0, "");
	(void)state;

	for (unsigned i = 0; i < RH_PUSH_PAGE_MAX; i++) {
		assert_int_equal(rh_push_page_is_full(page), i >= RH_PUSH_PAGE_MAX / 2);
		assert_int_equal(rh_push_page_add(page, &step), RH_OK);
	}
	assert_int_equal(rh_push_page_add(page, &step), RH_ENOSPC);
	free(printed(page, RH_PUSH_PAGE_MAX));
	rh_push_page_destroy(page);
}

static void control_bytes_do_not_pass(void **state)
{
	struct rh_push_page *page = rh_push_page_create();
	struct rh_push_step  step = a_step(RH_PUSH_PUBLISHING, 3, 5, 0, "a\033[2J");
	char                *text;
	(void)state;

	strcpy(step.text, "\033]0;x\a");
	step.missed = 4;
	rh_push_page_add(page, &step);
	text = printed(page, 1);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "(too many to be told: 4 steps before this)"));
	free(text);
	rh_push_page_destroy(page);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_survives_the_wire),
		cmocka_unit_test(what_is_no_step_is_refused),
		cmocka_unit_test(steps_stand_in_the_order_of_time),
		cmocka_unit_test(what_belongs_together_stands_together),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(control_bytes_do_not_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
