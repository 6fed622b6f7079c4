#include "../../cli/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#define STRANGER 65534

static char folder[] = "/tmp/rh-preload-XXXXXX", program[sizeof folder + 8];

/* A program of this machine, which is ours to change. */
static int make_program(void **state)
{
	int         from = open("/bin/true", O_RDONLY | O_CLOEXEC), to;
	struct stat st;

	(void)state;
	if (!mkdtemp(folder) || chmod(folder, 0755) != 0)
		return -1;
	snprintf(program, sizeof program, "%s/true", folder);
	to = open(program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (from < 0 || to < 0 || fstat(from, &st) != 0 ||
	    sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size)
		return -1;
	close(to);
	return close(from);
}

static int take_away(void **state)
{
	(void)state;
	unlink(program);
	return rmdir(folder);
}

static void set_mode(mode_t mode)
{
	assert_int_equal(chmod(program, mode), 0);
}

/* What a stranger is told of the program at path; "": it is one for him. */
static void ask_as_stranger(const char *path, char text[256])
{
	int     ends[2], status;
	ssize_t n;
	pid_t   child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		struct rh_diag why = { 0 };

		if (setuid(STRANGER) != 0)
			_exit(1);
		rh_preload_check(path, &why);
		_exit(write(ends[1], why.text, strlen(why.text)) < 0);
	}
	close(ends[1]);
	n = read(ends[0], text, 255);
	text[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void an_ordinary_program_has_room_for_it(void **state)
{
	struct rh_diag why = { 0 };
	(void)state;
	assert_int_equal(rh_preload_check(program, &why), RH_OK);
	assert_null(rh_preload_privilege(program));
}

/* A folder of its name is searched, not run. */
static void a_program_is_found_as_exec_finds_it(void **state)
{
	char path[PATH_MAX], folders[4 * sizeof folder], other[2 * sizeof folder];
	(void)state;

	snprintf(other, sizeof other, "%s/other", folder);
	assert_int_equal(mkdir(other, 0755), 0);
	snprintf(folders, sizeof folders, "/nowhere:%s:%s", other, folder);
	setenv("PATH", folders, 1);
	strcat(other, "/true");
	assert_int_equal(mkdir(other, 0755), 0);
	assert_int_equal(rh_preload_program("true", path), RH_OK);
	assert_string_equal(path, program);
	assert_int_equal(rh_preload_program("other", path), RH_ENOENT);
	errno = 0;
	assert_int_equal(rh_preload_program(other, path), RH_ENOENT);
	assert_int_equal(errno, EACCES);
	rmdir(other);
	*strrchr(other, '/') = '\0';
	rmdir(other);
}

static void a_set_id_program_is_told(void **state)
{
	struct rh_diag why = { 0 };
	(void)state;
	for (mode_t mode = S_ISGID; mode <= S_ISUID; mode *= 2) {
		set_mode(mode | 0755);
		assert_int_equal(rh_preload_check(program, &why), RH_ENOCARRY);
		assert_non_null(strstr(why.text, "is set-user-id"));
		assert_non_null(strstr(why.text, program));
	}
	set_mode(0755);
}

/* Root has them anyhow, and the loader knows. */
static void a_program_with_capabilities_is_told_to_all_but_root(void **state)
{
	struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = { { .permitted = 1u << CAP_NET_BIND_SERVICE } },
	};
	struct rh_diag why = { 0 };
	char           text[256], script[sizeof program + 8], line[sizeof program + 8];
	int            fd;
	(void)state;

	if (setxattr(program, "security.capability", &caps, sizeof caps, 0) != 0) {
		print_message("no capabilities here: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(rh_preload_check(program, &why), RH_OK);
	ask_as_stranger(program, text);
	assert_non_null(strstr(text, "capabilities"));

	/* The same for what a script begins with. */
	snprintf(script, sizeof script, "%s.sh", program);
	snprintf(line, sizeof line, "#!%s\n", program);
	fd = open(script, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, line, strlen(line)), strlen(line));
	close(fd);
	ask_as_stranger(script, text);
	unlink(script);
	assert_non_null(strstr(text, "capabilities"));
	assert_int_equal(removexattr(program, "security.capability"), 0);
	ask_as_stranger(program, text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_program_has_room_for_it),
		cmocka_unit_test(a_program_is_found_as_exec_finds_it),
		cmocka_unit_test(a_set_id_program_is_told),
		cmocka_unit_test(a_program_with_capabilities_is_told_to_all_but_root),
	};
	return cmocka_run_group_tests(tests, make_program, take_away);
}
