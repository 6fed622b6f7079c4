/* Memory that processes share: seals, sizes, children, and what is no memfd. */
#include "../support/scene.h"

#include "../../base/memory.h"
#include "../../model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES 65536u

static int fds_before;

static int set_up(void **state)
{
	(void)state;
	fds_before = scene_fds();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return scene_fds() - fds_before;
}

static int sealed_memfd(size_t bytes, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ||
	    (seals && fcntl(fd, F_ADD_SEALS, seals) < 0))
		abort();
	return fd;
}

static void a_page_is_zero_shared_and_of_fixed_size(void **state)
{
	unsigned char *first, *second;
	void          *at;
	int            fd;

	(void)state;
	assert_int_equal(rh_memory_create("test", BYTES, &fd, &at), RH_OK);
	first = at;
	for (size_t i = 0; i < BYTES; i++)
		assert_int_equal(first[i], 0);
	assert_int_equal(rh_memory_map(fd, BYTES, &at), RH_OK);
	second = at;
	first[BYTES - 1] = 42;
	assert_int_equal(second[BYTES - 1], 42);
	/* A peer that shrinks it would make us fault. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 2 * BYTES), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	rh_memory_unmap(first, BYTES);
	rh_memory_unmap(second, BYTES);
	rh_memory_unmap(NULL, BYTES);
	close(fd);
}

static void only_a_sealed_memfd_of_the_size_is_mapped(void **state)
{
	static const int lacking[] = { 0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };
	int   both = F_SEAL_SHRINK | F_SEAL_GROW;
	void *at = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
		int fd = sealed_memfd(BYTES, lacking[i]);

		assert_int_equal(rh_memory_map(fd, BYTES, &at), RH_EPROTO);
		close(fd);
	}
	int fd = sealed_memfd(BYTES, both);
	assert_int_equal(rh_memory_map(fd, BYTES - 4096, &at), RH_EPROTO);
	assert_int_equal(rh_memory_map(fd, BYTES + 4096, &at), RH_EPROTO);
	assert_null(at);
	assert_int_equal(rh_memory_map(fd, BYTES, &at), RH_OK);
	rh_memory_unmap(at, BYTES);
	close(fd);
}

static void what_is_no_memfd_is_refused(void **state)
{
	char        path[SCENE_PATH];
	void       *at = NULL;
	const void *frozen = NULL;
	int         fds[4], pair[2];

	(void)state;
	scene_dir(path);
	strcat(path, "/f");
	fds[0] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fds[0], BYTES), 0);
	fds[1] = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[2] = pair[0];
	fds[3] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rh_memory_map(fds[i], BYTES, &at), RH_EPROTO);
		assert_int_equal(rh_memory_map_frozen(fds[i], BYTES, &frozen), RH_EPROTO);
		close(fds[i]);
	}
	close(pair[1]);
	assert_int_equal(rh_memory_map(-1, BYTES, &at), RH_EPROTO);
	assert_int_equal(rh_memory_map(fds[0], BYTES, &at), RH_EPROTO); /* closed */
	assert_null(at);
	assert_null(frozen);
	path[strlen(path) - 2] = 0;
	scene_remove(path);
}

static void frozen_bytes_never_change(void **state)
{
	unsigned char *bytes = malloc(BYTES + 3);
	const void    *at = NULL;
	int            fd;

	(void)state;
	for (size_t i = 0; i < BYTES + 3; i++)
		bytes[i] = (unsigned char)(i * 31);
	fd = rh_memory_freeze(bytes, BYTES + 3);
	assert_true(fd >= 0);
	assert_int_equal(rh_memory_map_frozen(fd, BYTES + 3, &at), RH_OK);
	assert_memory_equal(at, bytes, BYTES + 3);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
	                 -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	                 MAP_FAILED);
	rh_memory_unmap(at, BYTES + 3);
	close(fd);
	free(bytes);
}

static void only_what_cannot_change_counts_as_frozen(void **state)
{
	int         all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const void *at = NULL;

	(void)state;
	for (int seals = 0; seals < 16; seals += 2) { /* without F_SEAL_SEAL */
		int fd = sealed_memfd(BYTES, seals);
		int r = rh_memory_map_frozen(fd, BYTES, &at);

		assert_int_equal(r, (seals & all) == all ? RH_OK : RH_EPROTO);
		if (r == RH_OK)
			rh_memory_unmap(at, BYTES);
		close(fd);
	}
	int fd = sealed_memfd(BYTES, all);
	at = NULL;
	assert_int_equal(rh_memory_map_frozen(fd, BYTES + 1, &at), RH_EPROTO);
	assert_int_equal(rh_memory_map_frozen(fd, 0, &at), RH_EPROTO);
	assert_null(at);
	assert_int_equal(rh_memory_map_frozen(fd, BYTES - 5, &at), RH_OK); /* a part */
	rh_memory_unmap(at, BYTES - 5);
	close(fd);
}

struct child {
	unsigned char *at;
	int            fd;
};

static int touch(void *user)
{
	struct child *child = user;

	return *(volatile unsigned char *)child->at;
}

static int map_and_write(void *user)
{
	struct child *child = user;
	void         *at;

	if (rh_memory_map(child->fd, BYTES, &at) < 0)
		return 1;
	*(unsigned char *)at = 7;
	return 0;
}

/* A child of fork must map for itself; the parent's mapping is not there. */
static void a_child_inherits_no_mapping(void **state)
{
	struct child child;
	void        *at;

	(void)state;
	assert_int_equal(rh_memory_create("test", BYTES, &child.fd, &at), RH_OK);
	child.at = at;
	*child.at = 1;
	assert_true(scene_child(touch, &child) > 1); /* a signal, or a sanitizer */
	assert_int_equal(scene_child(map_and_write, &child), 0);
	assert_int_equal(*child.at, 7);
	rh_memory_unmap(at, BYTES);
	close(child.fd);
}

static void more_than_there_is_fails_and_leaves_nothing(void **state)
{
	void *at = NULL;
	int   fd = -1;

	(void)state;
	assert_int_equal(rh_memory_create("test", SIZE_MAX / 2, &fd, &at), RH_ENOMEM);
	assert_null(at);
	assert_int_equal(fd, -1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_page_is_zero_shared_and_of_fixed_size),
		CASE(only_a_sealed_memfd_of_the_size_is_mapped),
		CASE(what_is_no_memfd_is_refused),
		CASE(frozen_bytes_never_change),
		CASE(only_what_cannot_change_counts_as_frozen),
		CASE(a_child_inherits_no_mapping),
		CASE(more_than_there_is_fails_and_leaves_nothing),
	};

	return cmocka_run_group_tests_name("base_memory", tests, NULL, NULL);
}
