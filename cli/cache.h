/* cache - where the libraries of modules lie on this machine, and which may go.
 *
 * <view>/<sha256>/ holds one library; <view> is <state>/view or, for a user who may not
 * use the state directory of the system, <cache home>/rhodes/<system>/view.  Whoever
 * hands a folder out holds the cache meanwhile (a shared lock on <view>) and leaves a
 * stamp in it: the boot of the machine, how long after it, and when the first process
 * was started that got it.
 *
 * A folder that no registered interface names any more is removed when certainly nobody
 * runs with it: it was handed out before the machine was started; or an hour ago, so that
 * whoever got it has become its program, and no process of this user (of anybody, for
 * root) has its name in the environment it was started with or has a library of it
 * mapped.  A process that cannot be looked at may have what was handed out to somebody
 * who was started no later.  A program that finds its shadow library gone would silently
 * use the real one.
 *
 * Ownership   As noted per function.
 * Limits      RH_CACHE_SWEEP_MAX folders at a time.  Processes of another pid namespace
 *             are not seen. */
#ifndef RH_CLI_CACHE_H
#define RH_CLI_CACHE_H

#include "cli.h"
#include "module.h"

#define RH_CACHE_SWEEP_MAX 256u
#define RH_CACHE_REST_S    3600

/* Writes the path of <view>.
 * RH_ENOENT    there is no place for it.
 * RH_EMSGSIZE  the path is too long. */
int rh_cache_folder(const struct rh_cli *cli, char *view, size_t cap);

/* Makes <view>/<sha256>, leaves a stamp there, and returns a descriptor that keeps
 * sweeps away until it is closed.
 * RH_EIO  it cannot be made, errno tells why. */
int rh_cache_hold(const char *view, const char sha256[RH_SHA256_TEXT]);

/* Removes what may go.  Says nothing: what it cannot do is for the next time. */
void rh_cache_sweep(const struct rh_cli *cli);

/* A folder that may go. */
struct rh_cache_entry {
	char     hash[RH_SHA256_TEXT];
	uint64_t earliest; /* start of the first process that got it, see below   */
	bool     is_old;   /* handed out before the machine was started           */
	bool     in_use;
};

/* Sets in_use of those that a process may run with. */
void rh_cache_users(struct rh_cache_entry *entries, size_t count);

/* When a process was started, in the kernel's ticks since boot; 0 when it is gone. */
uint64_t rh_cache_start(const char *pid);

#endif
