/* Objects that were built are found again when they are whole, and not for ever. */
#include "../../center/builder_cache.h"

#include "../../base/log.h"
#include "../../base/memory.h"
#include "../../model/error.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/rhodes-built-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static const char *key_of(unsigned number)
{
	static char key[65];

	snprintf(key, sizeof key, "%064x", number);
	return key;
}

static void path_of(unsigned number, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", folder, key_of(number));
}

static void keep(unsigned number, const void *bytes, size_t len)
{
	struct rh_builder_kept kept = { .fd = rh_memory_freeze(bytes, len), .len = len,
		                        .is_confined = number & 1 };

	assert_true(kept.fd >= 0);
	rh_builder_cache_keep(folder, key_of(number), &kept);
	close(kept.fd);
}

static bool is_there(unsigned number)
{
	struct rh_builder_kept kept;

	if (rh_builder_cache_find(folder, key_of(number), &kept) != RH_OK)
		return false;
	close(kept.fd);
	return true;
}

static void what_was_built_is_found_again(void **state)
{
	static const char      object[] = "an object of some length";
	struct rh_builder_kept kept;
	const void            *bytes;

	(void)state;
	assert_false(is_there(1));
	keep(1, object, sizeof object);
	assert_int_equal(rh_builder_cache_find(folder, key_of(1), &kept), RH_OK);
	assert_int_equal(kept.len, sizeof object);
	assert_int_equal(kept.is_confined, 1);
	assert_int_equal(rh_memory_map_frozen(kept.fd, kept.len, &bytes), RH_OK);
	assert_memory_equal(bytes, object, sizeof object);
	rh_memory_unmap(bytes, kept.len);
	close(kept.fd);
	assert_false(is_there(2));
	keep(1, "another", 8); /* the last that was kept */
	assert_int_equal(rh_builder_cache_find(folder, key_of(1), &kept), RH_OK);
	assert_int_equal(kept.len, 8);
	close(kept.fd);
}

/* Any byte that is another one, anywhere, and any end. */
static void what_is_damaged_is_thrown_away(void **state)
{
	char        path[PATH_MAX];
	struct stat status;

	(void)state;
	path_of(3, path);
	keep(3, "0123456789", 10);
	assert_int_equal(stat(path, &status), 0);
	for (off_t at = 0; at < status.st_size; at++) {
		int  fd = open(path, O_RDWR | O_CLOEXEC);
		char byte;
		/* Whether it was confined is told, not checked, and then come zeros. */
		bool counts = at < 80 || at >= 88;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		if (is_there(3) == counts)
			fail_msg("byte %d", (int)at);
		if (counts)
			assert_int_equal(access(path, F_OK), -1);
		keep(3, "0123456789", 10);
		assert_int_equal(truncate(path, at), 0);
		assert_false(is_there(3));
		keep(3, "0123456789", 10);
	}
	assert_true(is_there(3));
}

static void the_one_that_was_not_used_goes(void **state)
{
	char path[PATH_MAX];

	(void)state;
	for (unsigned i = 0; i < RH_BUILT_FILES; i++) {
		struct timespec times[2] = { { .tv_sec = 1000 + i }, { .tv_sec = 1000 + i } };

		keep(100 + i, "x", 1);
		path_of(100 + i, path);
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	}
	assert_true(is_there(100)); /* used now */
	keep(9000, "y", 1);
	assert_true(is_there(100));
	assert_true(is_there(9000));
	assert_false(is_there(101));
	assert_true(is_there(102));
}

static void large_ones_make_room(void **state)
{
	size_t len = 32u << 20;
	char  *object = calloc(1, len);
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		object[0] = (char)i;
		keep(20000 + i, object, len);
	}
	for (unsigned i = 0; i < 10; i++)
		found += is_there(20000 + i);
	assert_in_range(found, 1, RH_BUILT_BYTES / (32u << 20));
	assert_true(is_there(20009));
	free(object);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_was_built_is_found_again),
		IN_FOLDER(what_is_damaged_is_thrown_away),
		IN_FOLDER(the_one_that_was_not_used_goes),
		IN_FOLDER(large_ones_make_room),
	};

	setenv("RHODES_LOG", "error", 1); /* each damaged file is told */
	rh_log_init("test");
	return cmocka_run_group_tests_name("center_built", tests, NULL, NULL);
}
