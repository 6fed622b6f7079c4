/* What an object remembers, while one thread makes it anew and another one calls it. */
#include "../../sdk/c/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LARGE 65536u /* sixteen of them are all that is kept */

static const struct rh_function set_state = { .name = "set" };
static struct rh_callee         callee;

static struct rh_handle *make_handle(void)
{
	struct rh_handle *handle = rh_handle_create(&callee, 0, 1, 1, 0);

	assert_non_null(handle);
	handle->is_replayable = 1;
	return handle;
}

static void remember(struct rh_handle *handle, unsigned char with, uint32_t len)
{
	static unsigned char bytes[LARGE];

	memset(bytes, with, len);
	rh_handle_remember(handle, &set_state, NULL, bytes, len);
}

/* How many calls are remembered; each holds its number. */
static unsigned count(struct rh_handle *handle)
{
	const struct rh_replay *replay = NULL;
	unsigned                n = 0;

	while ((replay = rh_handle_revival_next(handle, replay)))
		assert_int_equal(replay->bytes[replay->len - 1], n++);
	return n;
}

static void test_calls_come_again_in_their_order(void **state)
{
	struct rh_handle *handle = make_handle();

	(void)state;
	assert_false(rh_handle_revival_begin(handle)); /* none made it */
	remember(handle, 0, 4);
	remember(handle, 1, 4);
	remember(handle, 1, 4); /* the state is that already */
	assert_true(rh_handle_revival_begin(handle));
	assert_int_equal(count(handle), 2);
	remember(handle, 2, 4); /* another thread's, meanwhile */
	assert_int_equal(count(handle), 3);
	rh_handle_revival_end(handle);
	assert_true(rh_handle_revival_begin(handle));
	rh_handle_revival_end(handle);
	rh_handle_destroy(handle);
}

static void test_what_is_too_much_stays_while_it_is_read(void **state)
{
	struct rh_handle       *handle = make_handle();
	const struct rh_replay *first;

	(void)state;
	for (unsigned char i = 0; i < 16; i++)
		remember(handle, i, LARGE);
	assert_true(rh_handle_revival_begin(handle));
	first = rh_handle_revival_next(handle, NULL);
	remember(handle, 16, 1); /* one more than is kept */
	assert_int_equal(count(handle), 16);
	assert_ptr_equal(rh_handle_revival_next(handle, NULL), first);
	rh_handle_revival_end(handle);
	assert_false(rh_handle_revival_begin(handle));
	assert_int_equal(count(handle), 0);
	rh_handle_destroy(handle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_come_again_in_their_order),
		cmocka_unit_test(test_what_is_too_much_stays_while_it_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
