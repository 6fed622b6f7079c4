/* Lines of the log: one event each, nothing a terminal obeys, and a brake. */
#include "../../base/clock.h"
#include "../../base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char text[65536];

/* What was logged while work ran. */
static void capture(void (*work)(void))
{
	int     pair[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(pair[1], STDERR_FILENO);
	work();
	dup2(saved, STDERR_FILENO);
	n = read(pair[0], text, sizeof text - 1);
	text[n < 0 ? 0 : n] = 0;
	close(pair[0]);
	close(pair[1]);
	close(saved);
}

static unsigned lines(void)
{
	unsigned count = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

static void log_the_name_of_a_file(void)
{
	rh_warn("process 1 runs /tmp/%s", "a\033[2J\nerror center: b\x7f");
}

static void a_name_cannot_write_lines_of_its_own(void **state)
{
	(void)state;
	rh_log_init("test");
	capture(log_the_name_of_a_file);
	assert_int_equal(lines(), 1);
	assert_non_null(strstr(text, " warn test: process 1 runs /tmp/a [2J error"));
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, 0x7f));
}

static struct rh_log_brake brake;

static void log_often(void)
{
	for (unsigned i = 0; i < 4 * RH_LOG_OFTEN; i++) {
		if (rh_log_may(&brake, RH_LEVEL_WARN))
			rh_warn("again");
	}
}

static void log_once_more(void)
{
	if (rh_log_may(&brake, RH_LEVEL_WARN))
		rh_warn("another second");
}

static void a_flood_is_counted_and_not_written(void **state)
{
	(void)state;
	/* Until all of it falls into one second. */
	do {
		brake = (struct rh_log_brake){ .second = rh_clock_ns() / RH_NS_PER_S };
		capture(log_often);
	} while (brake.second != rh_clock_ns() / RH_NS_PER_S);
	assert_int_equal(lines(), RH_LOG_OFTEN);
	brake.second--; /* it is over */
	capture(log_once_more);
	assert_int_equal(lines(), 2);
	assert_non_null(strstr(text, "150 more lines like the next one were left out\n"));
	assert_non_null(strstr(text, "another second\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_cannot_write_lines_of_its_own),
		cmocka_unit_test(a_flood_is_counted_and_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
