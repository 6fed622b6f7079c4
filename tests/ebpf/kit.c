#include "kit.h"

#include "../../base/memory.h"
#include "../../rules/ebpf/frame.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <mntent.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIPPED 77 /* as meson understands it */

/* ---- the helper ---- */

static _Noreturn void become(const struct kit *kit, const char *grace_ms, int ready)
{
	char fd[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails stops nothing */
	snprintf(fd, sizeof fd, "%d", ready);
	setenv("RHODES_READY_FD", fd, 1);
	fcntl(ready, F_SETFD, 0);
	execl(getenv("RHODES_BPF"), "rhodes-bpf", "--run-dir", kit->dir, "--grace", grace_ms,
	      (char *)NULL);
	_exit(127);
}

void kit_start(struct kit *kit, const char *grace_ms)
{
	int  pair[2];
	char word[8] = "";

	scene_dir(kit->dir);
	snprintf(kit->socket, sizeof kit->socket, "%s/" RH_BPF_SOCKET, kit->dir);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fflush(NULL);
	kit->pid = fork();
	if (kit->pid == 0)
		become(kit, grace_ms, pair[1]);
	close(pair[1]);
	ssize_t n = read(pair[0], word, sizeof word - 1);
	close(pair[0]);
	if (n > 0)
		return;
	int status;
	waitpid(kit->pid, &status, 0);
	scene_remove(kit->dir);
	if (geteuid() == 0)
		fail_msg("rhodes-bpf did not start (status %d)", status);
	fprintf(stderr, "skipped: rhodes-bpf needs root, see above\n");
	exit(SKIPPED);
}

void kit_stop(struct kit *kit)
{
	int status;

	kill(kit->pid, SIGTERM);
	assert_int_equal(waitpid(kit->pid, &status, 0), kit->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	scene_remove(kit->dir);
}

struct rh_bpf_client *kit_connect(const struct kit *kit)
{
	struct rh_bpf_client *client;
	struct rh_diag        diag = { 0 };

	if (rh_bpf_connect(kit->socket, &client, &diag) < 0)
		fail_msg("%s", diag.text);
	return client;
}

/* ---- objects ---- */

char *kit_read(const char *name, size_t *ret_len)
{
	char        path[512];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", getenv("RHODES_BPF_OBJECTS"), name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s is not there", path);
	assert_int_equal(fstat(fd, &st), 0);
	char *bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

struct kit_object kit_bytes(const void *bytes, size_t len)
{
	struct kit_object object;

	crypto_hash_sha256(object.sha256, bytes, len);
	object.fd = rh_memory_freeze(bytes, len);
	assert_true(object.fd >= 0);
	return object;
}

struct kit_object kit_object(const char *name)
{
	size_t            len;
	char             *bytes = kit_read(name, &len);
	struct kit_object object = kit_bytes(bytes, len);

	free(bytes);
	return object;
}

uint64_t kit_load(struct rh_bpf_client *client, const struct rh_bpf_source *source)
{
	static struct rh_bpf_answer answer;

	if (rh_bpf_load(client, source, &answer) < 0)
		fail_msg("%s: %s\n%s", source->name, answer.diag.text, answer.log);
	return answer.handle;
}

/* ---- maps ---- */

struct wanted {
	uint64_t key, value;
};

static void look(void *user, const void *key, size_t key_bytes, const void *value,
                 size_t value_bytes)
{
	struct wanted *wanted = user;
	uint64_t       its = 0;

	assert_true(key_bytes <= sizeof its && value_bytes == sizeof wanted->value);
	memcpy(&its, key, key_bytes);
	if (its == wanted->key)
		memcpy(&wanted->value, value, value_bytes);
}

uint64_t kit_value(struct rh_bpf_client *client, uint64_t handle, const char *map,
                   uint64_t key)
{
	struct wanted  wanted = { .key = key };
	struct rh_diag diag = { 0 };

	if (rh_bpf_read(client, handle, map, look, &wanted, &diag) < 0)
		fail_msg("%s: %s", map, diag.text);
	return wanted.value;
}

/* ---- the kernel ---- */

unsigned kit_programs(const char *name)
{
	uint32_t id = 0;
	unsigned count = 0;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		struct bpf_prog_info info = { 0 };
		uint32_t             len = sizeof info;
		int                  fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue; /* it went meanwhile */
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && strcmp(info.name, name) == 0)
			count++;
		close(fd);
	}
	return count;
}

/* The kernel frees programs later, and tells nobody when. */
void kit_await_programs(const char *name, unsigned count)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	for (int i = 0; i < 2000 && kit_programs(name) != count; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(kit_programs(name), count);
}

/* ---- cgroups ---- */

static void cgroup_root(char *root, size_t cap)
{
	FILE          *file = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;

	root[0] = '\0';
	while (file && (entry = getmntent(file))) {
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			snprintf(root, cap, "%s", entry->mnt_dir);
	}
	if (file)
		endmntent(file);
	if (!root[0]) {
		fprintf(stderr, "skipped: no cgroup2 is mounted here\n");
		exit(SKIPPED);
	}
}

static void move_to(const char *folder)
{
	char path[600];

	snprintf(path, sizeof path, "%s/cgroup.procs", folder);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0\n", 2), 2);
	close(fd);
}

void kit_cgroup_enter(char path[64])
{
	char root[256], folder[512];

	cgroup_root(root, sizeof root);
	snprintf(path, 64, "/rhodes-test-%d", (int)getpid());
	snprintf(folder, sizeof folder, "%s%s", root, path);
	assert_int_equal(mkdir(folder, 0755), 0);
	move_to(folder);
}

void kit_cgroup_leave(const char *path)
{
	char root[256], folder[512];

	cgroup_root(root, sizeof root);
	move_to(root);
	snprintf(folder, sizeof folder, "%s%s", root, path);
	assert_int_equal(rmdir(folder), 0);
}
