/* A recorded call as a line of a file, and the same line read as the input of a rule. */
#include "../../cli/recording.h"
#include "../../cli/rule_inputs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned char bytes[65536];

static struct rh_recorded recorded(uint32_t step, size_t visible)
{
	return (struct rh_recorded){
		.step = step, .time_ns = INT64_MAX, .function = 0xfedcba9876543210u,
		.attachment = UINT64_MAX - 1, .len = 70000, .status = step == 10 ? -5 : 0,
		.bytes = bytes, .visible = visible,
	};
}

static void what_is_written_can_be_read(void **state)
{
	struct rh_rule_inputs inputs = { .hook = rh_hook_find("filter") };
	struct rh_recorded    call = recorded(3, sizeof bytes), reply = recorded(10, 0);
	struct rh_diag        diag = { 0 };
	int                   fd = memfd_create("recorded", MFD_CLOEXEC);
	FILE                 *file;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 7);
	assert_true(rh_recorded_write(&call, fd));
	assert_true(rh_recorded_write(&reply, fd));
	lseek(fd, 0, SEEK_SET);
	file = fdopen(fd, "r");
	if (rh_rule_inputs_read(&inputs, file, "x", &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(inputs.count, 2);
	assert_string_equal(inputs.hook->exports[inputs.items[0].slot].name,
	                    "rh_filter_before");
	assert_true(inputs.items[0].fields[0] == INT64_MAX); /* now_ns */
	assert_true(inputs.items[0].fields[1] == 0xfedcba9876543210u);
	assert_true(inputs.items[0].fields[2] == UINT64_MAX - 1);
	assert_int_equal(inputs.items[0].fields[3], 70000);
	assert_int_equal(inputs.items[0].fields[4], sizeof bytes);
	assert_int_equal(inputs.items[0].len, sizeof bytes);
	assert_memory_equal(inputs.items[0].bytes, bytes, sizeof bytes);
	assert_string_equal(inputs.hook->exports[inputs.items[1].slot].name,
	                    "rh_filter_after");
	assert_int_equal(inputs.items[1].args[0], 5); /* as a rule is told it */
	rh_rule_inputs_fini(&inputs);
	fclose(file);
}

/* A memfd that may not grow takes a part of the line. */
static void a_line_that_does_not_fit_is_taken_back(void **state)
{
	struct rh_recorded call = recorded(3, 100);
	int                fd = memfd_create("full", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat        status;

	(void)state;
	assert_true(rh_recorded_write(&call, fd));
	assert_int_equal(fstat(fd, &status), 0);
	off_t len = status.st_size;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_false(rh_recorded_write(&call, fd));
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, len);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(a_line_that_does_not_fit_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
