/* cache - the items in force, on disk: what an agent starts from, center or not.
 *
 *   <state>/agent/<resource>/view.a, view.b      the last two generations
 *   <state>/agent/<resource>/view.?.corrupt      set aside, for a person to look at
 *
 * A file is a head (rh_cache_head, little-endian), the ITEM records and, as of version 2,
 * the FLOOR_ITEM records (floor.h); hash is BLAKE2b-256 of the head with the hash zero, and
 * the records.  A file is written
 * beside, synced, renamed over the older generation, and the directory synced: at
 * any moment at least one whole generation is there.  Its time of change is the time
 * of the last word from the center by the wall clock, and its time of access the same by
 * the monotonic one, which counts in the same boot: setting the clock makes nothing old.
 *
 * A save runs beside the loop and never delays a call.  So after a crash the cache
 * may be one change behind; ACTIVE means in force, not on disk.
 *
 * Ownership   The agent's.
 * Threads     The loop's; a save works on a copy in a thread of libuv's.
 * Invariants  H1  at most one save is under way.
 *             H2  times of a file are those of the center's last word. */
#ifndef RH_AGENT_CACHE_H
#define RH_AGENT_CACHE_H

#include "floor.h"
#include "item.h"

#include "../model/follow.h"

#include <stdint.h>

#define RH_CACHE_MAGIC   "RHVIEW\r\n"
#define RH_CACHE_VERSION 2u /* 1 is read, too */
#define RH_CACHE_MAX     (8u << 20) /* bytes of a file */
#define RH_CACHE_HASH    32u
#define RH_BOOT_ID_LEN   36u

struct rh_agent;
struct rh_cache;

struct rh_cache_head {
	char          magic[8];
	uint32_t      version;
	uint32_t      head_len;              /* where the records begin           */
	uint64_t      number;                /* of the generation, rising         */
	uint64_t      revision;              /* 0: not all of it is in force      */
	unsigned char store[RH_STORE_ID_LEN];
	uint64_t      len;                   /* of the records                    */
	char          boot[RH_BOOT_ID_LEN + 4]; /* deadlines are of that boot     */
	char          system[RH_NAME_MAX + 1];
	unsigned char hash[RH_CACHE_HASH];
};

/* What was found. */
struct rh_cached {
	struct rh_items  items;              /* the caller's                      */
	struct rh_floors floors;             /* likewise                          */
	uint64_t        revision;
	uint64_t        age_ms;              /* since the last word of the center */
	int             is_other_boot;       /* its deadlines mean nothing now    */
	unsigned char   store[RH_STORE_ID_LEN];
	char            system[RH_NAME_MAX + 1];
};

/* dir is borrowed, or NULL: nothing is ever saved or found. */
int rh_cache_open(struct rh_agent *agent, const char *dir, struct rh_diag *diag);

/* The newest generation that is whole.  One that is not is set aside with a word in
 * the log.
 * RH_ENOENT  there is none. */
int rh_cache_load(struct rh_agent *agent, struct rh_cached *ret_cached);

/* Saves what is in force, soon. */
void rh_cache_save(struct rh_agent *agent);

/* The center was heard: the cache is as fresh as now.  Cheap when called often. */
void rh_cache_touch(struct rh_agent *agent);

/* Ends what is under way, at the end of the process: waits for it. */
void rh_cache_close(struct rh_agent *agent);

int  rh_cache_is_saving(const struct rh_agent *agent);
void rh_cache_free(struct rh_agent *agent); /* while it is not saving */

#endif
