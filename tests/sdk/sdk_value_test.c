/* Values of generated functions: bytes both ways, descriptors, and what a program that
 * knows nothing of Rhodes gets from a call that failed. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	stage_things(1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

static void numbers_come_back(void **state)
{
	(void)state;
	errno = 4711;
	assert_int_equal(things_add(2, 3), 5);
	assert_int_equal(things_add(-2147483647, -1), -2147483647 - 1);
	assert_int_equal(errno, 4711); /* as the function left it */
}

/* The descriptors of this process when its agent, a thread, has done its part. */
static int settled_fds(void)
{
	mini_agent_counts(stage.agent);
	return scene_fds();
}

/* In the slot, in the arena, in a memfd; both ways at once. */
static void bytes_of_every_size_go_both_ways(void **state)
{
	static const size_t sizes[] = {
		0, 1, 32, 300, 384, 1000, 65535, 65536, 65537, MIB - 100, MIB, MIB + 1,
		4 * MIB, 4 * MIB + 4096, 4 * MIB + 4097, 9 * MIB, 32 * MIB, 64 * MIB - 64,
	};
	unsigned char *in = malloc(64 * MIB), *out = malloc(64 * MIB + 1);

	(void)state;
	for (size_t i = 0; i < 64 * MIB; i++)
		in[i] = (unsigned char)(i * 2654435761u >> 11);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t n = sizes[i];

		memset(out, 0xee, n + 1);
		assert_int_equal(things_copy(in, n, out, n), n);
		assert_memory_equal(in, out, n);
		assert_int_equal(out[n], 0xee);
	}
	memset(out, 0xee, 100);
	assert_int_equal(things_copy(in, 100, out, 40), 40); /* only what was used */
	assert_memory_equal(in, out, 40);
	assert_int_equal(out[40], 0xee);
	errno = 0;
	assert_int_equal(things_copy(in, 64 * MIB + 1, out, 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	free(in);
	free(out);
}

/* The library says how much it would take; nobody may read or write that much. */
static void a_length_that_grows_does_not_grow_the_room(void **state)
{
	struct { char before[64], buffer[64], after[64]; } at;
	char   *large = calloc(1, 8192);
	size_t  len = sizeof at.buffer;

	(void)state;
	memset(&at, 0xee, sizeof at);
	assert_int_equal(things_fill(&len, at.buffer), -1);
	assert_int_equal(len, 4096);
	for (size_t i = 0; i < sizeof at.after; i++) {
		assert_int_equal((unsigned char)at.before[i], 0xee);
		assert_int_equal((unsigned char)at.after[i], 0xee);
	}
	len = 8192;
	assert_int_equal(things_fill(&len, large), 0);
	assert_int_equal(len, 4096);
	assert_int_equal(large[4095], 'f');
	assert_int_equal(large[4096], 0);
	free(large);
}

static void a_descriptor_arrives_open_and_stays_ours(void **state)
{
	char buffer[16] = { 0 };
	int  ends[2], before;

	(void)state;
	assert_int_equal(things_read(-1, buffer, 1), -1);
	before = settled_fds(); /* attached, with a page */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "through", 7), 7);
	assert_int_equal(things_read(ends[0], buffer, sizeof buffer), 7);
	assert_string_equal(buffer, "through");
	errno = 0;
	assert_int_equal(things_read(-1, buffer, sizeof buffer), -1);
	assert_int_equal(errno, EBADF); /* of the callee's read */
	errno = 0;
	assert_int_equal(things_read(9999, buffer, sizeof buffer), -1); /* not open */
	assert_int_equal(errno, EBADF);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(scene_fds(), before);
}

static void a_descriptor_comes_back_open(void **state)
{
	char path[SCENE_PATH + 16], text[16] = { 0 };
	FILE *file;

	(void)state;
	snprintf(path, sizeof path, "%s/file", stage.dir);
	file = fopen(path, "we");
	fputs("contents", file);
	fclose(file);
	for (int i = 0; i < 50; i++) {
		int before = i > 0 ? settled_fds() : 0;
		int fd = things_open(path);

		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(pread(fd, text, sizeof text, 0), 8);
		assert_string_equal(text, "contents");
		close(fd);
		if (i > 0)
			assert_int_equal(scene_fds(), before);
	}
	errno = 0;
	assert_int_equal(things_open("/no/such/file"), -1);
	assert_int_equal(errno, ENOENT);
}

static void standard_output_is_the_callers(void **state)
{
	char text[16] = { 0 };
	int  ends[2], saved = dup(1);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], 1);
	int r = things_print("printed");
	dup2(saved, 1);
	assert_int_equal(r, 8);
	assert_int_equal(read(ends[0], text, sizeof text), 8);
	assert_string_equal(text, "printed\n");
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

static void next_worker(void)
{
	stage_kill(stage.workers[stage.worker_count - 1]);
	stage_things(1);
}

static void a_failed_call_returns_what_the_side_file_says(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(things_die(1), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(rh_last_code(), RH_ELOST);
	assert_int_equal(rh_last_ran(), 1);
	assert_int_equal(stage_ran(1), 1);
	next_worker();
	assert_int_equal(things_die_unsigned(), 7);
	assert_int_equal(errno, ESTALE);
	next_worker();
	assert_true(isnan(things_die_double()));
	assert_int_equal(errno, EIO);
	next_worker();
	struct things_pair pair = things_die_pair();
	assert_int_equal(pair.a, 0);
	assert_true(pair.b == 0.0);
	next_worker();
	assert_null(things_die_text());
	assert_int_equal(errno, EIO);
	next_worker();
	errno = 0;
	things_die_void();
	assert_int_equal(errno, EIO);
}

static void what_cannot_be_carried_fails_and_says_why(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(things_callback(NULL), -7);
	assert_int_equal(errno, ENOSYS);
	assert_int_equal(rh_last_code(), RH_ENOCARRY);
	assert_non_null(strstr(rh_last_error(), "callback"));
}

static void without_an_agent_a_program_hears_of_it(void **state)
{
	(void)state;
	unsetenv("RHODES_AGENT");
	errno = 0;
	assert_int_equal(things_add(1, 1), -1);
	assert_int_equal(rh_last_code(), RH_EDETACHED);
	assert_non_null(strstr(rh_last_error(), "rhodes run"));
	setenv("RHODES_AGENT", "/no/such/directory/agent.sock", 1);
	uint64_t before = rh_clock_ns();
	assert_int_equal(things_add(1, 1), -1);
	assert_int_equal(rh_last_code(), RH_ENOENT);
	assert_non_null(strstr(rh_last_error(), "/no/such/directory"));
	assert_true(rh_clock_ns() - before < 10 * RH_NS_PER_S); /* at once */
	setenv("RHODES_AGENT", stage.agent_path, 1);
	assert_int_equal(things_add(1, 1), 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(numbers_come_back),
	CASE(bytes_of_every_size_go_both_ways),
	CASE(a_length_that_grows_does_not_grow_the_room),
	CASE(a_descriptor_arrives_open_and_stays_ours),
	CASE(a_descriptor_comes_back_open),
	CASE(standard_output_is_the_callers),
	CASE(a_failed_call_returns_what_the_side_file_says),
	CASE(what_cannot_be_carried_fails_and_says_why),
	CASE(without_an_agent_a_program_hears_of_it),
};
STAGE_MAIN(tests)
