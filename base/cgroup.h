/* cgroup - groups of processes that share processor time by weight, in whichever hierarchy has
 * the controller cpu: version 1 or 2.
 *
 * A group is named by its path as /proc/PID/cgroup tells it, seen from this process.  Where a
 * group may be made:
 *
 *   version 1   below the one that this process is in
 *   version 2   below the one that this process is in when it can hand the controller on (it
 *               is the root, or holds no processes of its own); else below the nearest above
 *               which hands it on already
 *
 * Weights are those of version 2, 1 to 10000, of which 100 is what others have; version 1
 * gets the same share as the kernel computes it.
 *
 * Ownership   A value.
 * Threads     Any. */
#ifndef RH_BASE_CGROUP_H
#define RH_BASE_CGROUP_H

#include "diag.h"

#include <stddef.h>
#include <sys/types.h>

#define RH_CGROUP_PATH 1024u

struct rh_cgroup {
	int  version;
	char mount[RH_CGROUP_PATH]; /* where the hierarchy is seen              */
	char top[RH_CGROUP_PATH];   /* the group that is seen there: "/", often */
};

/* The hierarchy with the controller; self is "/proc/self", or a folder that is like it.
 * RH_ENOENT: there is none, or it is not mounted. */
int rh_cgroup_find(const char *self, struct rh_cgroup *ret_cgroup, struct rh_diag *diag);

/* In which group a process is; 0 is this one.  Negative errno. */
int rh_cgroup_of(const struct rh_cgroup *cgroup, pid_t pid, char path[RH_CGROUP_PATH]);

/* Makes a group where this process, which is in own, may, or finds the one that is there.
 * RH_EPERM: what refused it. */
int rh_cgroup_make(const struct rh_cgroup *cgroup, const char *own, const char *name,
                   char ret_path[RH_CGROUP_PATH], struct rh_diag *diag);

/* 0, or a negative errno: ENOENT there is no such group. */
int rh_cgroup_weigh(const struct rh_cgroup *cgroup, const char *path, int weight);
int rh_cgroup_move(const struct rh_cgroup *cgroup, const char *path, pid_t pid);

/* Moves who is in it to another one, and removes it; one that is not there was removed. */
int rh_cgroup_remove(const struct rh_cgroup *cgroup, const char *path, const char *back);

#endif
