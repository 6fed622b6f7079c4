/* Who is at the other end: pid, uid, groups and executable of real processes. */
#include "../support/scene.h"

#include "../../base/peer.h"
#include "../../base/socket.h"

#include <grp.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct meeting {
	char dir[SCENE_PATH];
	char path[SCENE_PATH + 8];
	int  listener;
	int  before;
};

static int set_up(void **state)
{
	struct meeting *meeting = calloc(1, sizeof *meeting);

	meeting->before = scene_fds();
	scene_dir(meeting->dir);
	snprintf(meeting->path, sizeof meeting->path, "%s/s", meeting->dir);
	meeting->listener = rh_socket_listen(meeting->path, NULL);
	if (chmod(meeting->dir, 0755) < 0) /* another uid shall reach the socket */
		return -1;
	*state = meeting;
	return meeting->listener < 0;
}

static int tear_down(void **state)
{
	struct meeting *meeting = *state;
	int             leaked;

	close(meeting->listener);
	leaked = scene_fds() - meeting->before;
	scene_remove(meeting->dir);
	free(meeting);
	return leaked;
}

static int accept_one(const struct meeting *meeting)
{
	struct pollfd look = { .fd = meeting->listener, .events = POLLIN };
	int           fd;

	assert_int_equal(poll(&look, 1, 10000), 1);
	fd = rh_socket_accept(meeting->listener);
	assert_true(fd >= 0);
	return fd;
}

static int connect_and_stay(void *user)
{
	struct meeting *meeting = user;
	char            byte;
	int             fd = rh_socket_connect(meeting->path, NULL);

	if (fd < 0)
		return 1;
	return read(fd, &byte, 1) == 0 ? 0 : 2; /* until the other side hangs up */
}

static int connect_as_nobody(void *user)
{
	gid_t groups[2] = { 7, 8 };

	if (setgroups(2, groups) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		return 3;
	return connect_and_stay(user);
}

/* Runs as "registered" what is another file there, in mounts of its own. */
static int connect_in_disguise(void *user)
{
	struct meeting *meeting = user;
	char            path[SCENE_PATH + 16], own[PATH_MAX];
	ssize_t         len = readlink("/proc/self/exe", own, sizeof own - 1);

	own[len < 0 ? 0 : len] = 0;
	snprintf(path, sizeof path, "%s/registered", meeting->dir);
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(own, path, NULL, MS_BIND, NULL) < 0)
		return 77;
	execl(path, path, meeting->path, (char *)NULL);
	return 4;
}

static int connect_and_leave(void *user)
{
	struct meeting *meeting = user;

	return rh_socket_connect(meeting->path, NULL) < 0;
}

static void a_peer_is_known_by_pid_uid_and_executable(void **state)
{
	struct meeting *meeting = *state;
	struct rh_peer  peer;
	struct rh_diag  diag;
	struct pollfd   look = { .events = POLLIN };
	pid_t           child = scene_fork(connect_and_stay, meeting);
	int             fd = accept_one(meeting);

	assert_int_equal(rh_peer_init(&peer, fd, &diag), RH_OK);
	assert_int_equal(peer.pid, child);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.gid, getgid());
	assert_int_equal(rh_peer_runs(&peer, "/proc/self/exe"), 1);
	assert_int_equal(rh_peer_runs(&peer, "/bin/true"), 0);
	assert_int_equal(rh_peer_runs(&peer, "/no/such/file"), 0);
	assert_int_equal(rh_peer_runs(&peer, ""), 0);
	look.fd = peer.pidfd;
	assert_int_equal(poll(&look, 1, 0), 0); /* it lives */
	close(fd);
	assert_int_equal(scene_wait(child), 0);
	assert_int_equal(poll(&look, 1, 10000), 1); /* it ended */
	rh_peer_fini(&peer);
	rh_peer_fini(&peer);
	rh_peer_fini(NULL);
}

static void another_uid_is_seen_with_its_groups(void **state)
{
	struct meeting *meeting = *state;
	struct rh_peer  peer;
	int             found = 0;

	if (geteuid() != 0)
		skip();
	pid_t child = scene_fork(connect_as_nobody, meeting);
	int   fd = accept_one(meeting);
	assert_int_equal(rh_peer_init(&peer, fd, NULL), RH_OK);
	assert_int_equal(peer.uid, 65534);
	assert_int_equal(peer.gid, 65534);
	for (int i = 0; i < peer.group_count; i++)
		found += peer.groups[i] == 7 || peer.groups[i] == 8;
	assert_int_equal(found, 2);
	assert_int_equal(rh_peer_runs(&peer, "/proc/self/exe"), 1);
	close(fd);
	assert_int_equal(scene_wait(child), 0);
	rh_peer_fini(&peer);
}

static void a_link_to_the_executable_is_the_executable(void **state)
{
	struct meeting *meeting = *state;
	struct rh_peer  peer;
	char            link[SCENE_PATH + 8];
	pid_t           child = scene_fork(connect_and_stay, meeting);
	int             fd = accept_one(meeting);

	assert_int_equal(rh_peer_init(&peer, fd, NULL), RH_OK);
	snprintf(link, sizeof link, "%s/link", meeting->dir);
	assert_int_equal(symlink(peer.exe, link), 0);
	assert_int_equal(rh_peer_runs(&peer, link), 1);
	assert_int_equal(rh_peer_runs(&peer, peer.exe), 1);
	peer.exe[0] = 0; /* not readable: never the one that is meant */
	assert_int_equal(rh_peer_runs(&peer, link), 0);
	assert_int_equal(rh_peer_runs(&peer, ""), 0);
	close(fd);
	assert_int_equal(scene_wait(child), 0);
	rh_peer_fini(&peer);
}

/* Killed and collected: the pid may be somebody else's by now. */
static void a_peer_that_ended_is_not_identified(void **state)
{
	struct meeting *meeting = *state;
	struct rh_peer  peer;
	struct rh_diag  diag = { 0 };
	pid_t           child = scene_fork(connect_and_leave, meeting);

	assert_int_equal(scene_wait(child), 0);
	int fd = accept_one(meeting);
	assert_int_equal(rh_peer_init(&peer, fd, &diag), RH_EIDENT);
	assert_int_equal(diag.code, RH_EIDENT);
	close(fd);
}

/* Dead but not collected: the pid is still its own, the process is not there. */
static void a_zombie_is_not_identified(void **state)
{
	struct meeting *meeting = *state;
	struct rh_peer  peer;
	siginfo_t       info;
	pid_t           child = scene_fork(connect_and_stay, meeting);
	int             fd = accept_one(meeting);

	kill(child, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(rh_peer_init(&peer, fd, NULL), RH_EIDENT);
	assert_int_equal(scene_wait(child), 128 + SIGKILL);
	close(fd);
}

static void a_socket_without_a_peer_is_refused(void **state)
{
	struct rh_peer peer;
	struct rh_diag diag = { 0 };
	int            pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(rh_peer_init(&peer, pipes[0], &diag), RH_EIO);
	assert_int_equal(diag.code, RH_EIO);
	close(pipes[0]);
	close(pipes[1]);
}

static void a_file_mounted_over_the_executable_is_another(void **state)
{
	struct meeting *meeting = *state;
	struct rh_peer  peer;
	struct pollfd   look = { .fd = meeting->listener, .events = POLLIN };
	char            path[SCENE_PATH + 16];
	pid_t           child;
	int             fd;

	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s/registered", meeting->dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	child = scene_fork(connect_in_disguise, meeting);
	if (poll(&look, 1, 10000) != 1) {
		assert_int_equal(scene_wait(child), 77);
		skip();
	}
	fd = accept_one(meeting);
	assert_int_equal(rh_peer_init(&peer, fd, NULL), RH_OK);
	assert_string_equal(peer.exe, path); /* so it says */
	assert_int_equal(rh_peer_runs(&peer, path), 0);
	rh_peer_fini(&peer);
	close(fd);
	assert_int_equal(scene_wait(child), 0);
}

int main(int argc, char **argv)
{
	if (argc == 2) { /* the child of connect_in_disguise */
		struct meeting meeting;

		snprintf(meeting.path, sizeof meeting.path, "%s", argv[1]);
		return connect_and_stay(&meeting);
	}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_peer_is_known_by_pid_uid_and_executable),
		CASE(another_uid_is_seen_with_its_groups),
		CASE(a_link_to_the_executable_is_the_executable),
		CASE(a_file_mounted_over_the_executable_is_another),
		CASE(a_peer_that_ended_is_not_identified),
		CASE(a_zombie_is_not_identified),
		CASE(a_socket_without_a_peer_is_refused),
	};

	return cmocka_run_group_tests_name("base_peer", tests, NULL, NULL);
}
