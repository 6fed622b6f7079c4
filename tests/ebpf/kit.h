/* kit - a rhodes-bpf of a test's own, and objects to load into it.
 *
 * Environment: RHODES_BPF the helper, RHODES_BPF_OBJECTS where the objects are. */
#ifndef RH_TESTS_EBPF_KIT_H
#define RH_TESTS_EBPF_KIT_H

#include "../../rules/ebpf/client.h"
#include "../support/scene.h"

#include <sys/types.h>

struct kit {
	char  dir[SCENE_PATH];
	char  socket[SCENE_PATH + 16];
	pid_t pid;
};

/* Starts the helper.  Where it has not the rights, says so and ends the test as
 * skipped. */
void kit_start(struct kit *kit, const char *grace_ms);
void kit_stop(struct kit *kit);

struct rh_bpf_client *kit_connect(const struct kit *kit);

/* What is loaded: an object of RHODES_BPF_OBJECTS, frozen and hashed. */
struct kit_object {
	int     fd;
	uint8_t sha256[32];
};

struct kit_object kit_object(const char *name);
struct kit_object kit_bytes(const void *bytes, size_t len);
char             *kit_read(const char *name, size_t *ret_len);

/* Loads it and expects no refusal; returns the handle. */
uint64_t kit_load(struct rh_bpf_client *client, const struct rh_bpf_source *source);

/* The value of 64 bits at a key of 64 or 32 bits; 0 when there is none. */
uint64_t kit_value(struct rh_bpf_client *client, uint64_t handle, const char *map,
                   uint64_t key);

/* How many programs of that name the kernel has. */
unsigned kit_programs(const char *name);

/* Waits until it has so many; fails after ten seconds. */
void kit_await_programs(const char *name, unsigned count);

/* A cgroup of the test's own, with this process in it, and back. */
void kit_cgroup_enter(char path[64]); /* below the root of cgroup2: "/rhodes-test-1" */
void kit_cgroup_leave(const char *path);

#endif
