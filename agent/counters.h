/* counters - what the agent counted, in a file that everybody may map and read.
 *
 * run/agent/<resource>.counters, little-endian:
 *
 *   0     struct rh_counters_head        256 bytes
 *   256   struct rh_counters_edge [n]    576 bytes each, n = head.edge_count
 *
 * The file grows while it is used: map it again when edge_count no longer fits
 * the mapping.  A reader checks magic, version and edge_bytes, reads edge_count
 * with acquire and each counter by one aligned 64-bit load.  Counters only rise
 * while the agent lives; a restarted agent makes another file under the same name
 * and starts from 0 (started tells them apart).  An edge never moves.  Under the
 * protocol bind the numbers of an edge are the caller's word and are brought up
 * to date once a second.
 *
 * Ownership   The agent alone writes; it may be gone (pid).
 * Threads     One writer.
 * Limits      RH_EDGES_PER_AGENT edges. */
#ifndef RH_AGENT_COUNTERS_H
#define RH_AGENT_COUNTERS_H

#include "../wire/limits.h"
#include "../wire/page.h"

#include <stdatomic.h>
#include <stdint.h>

#define RH_COUNTERS_MAGIC   0x544e4352u /* "RCNT" */
#define RH_COUNTERS_VERSION 1u

struct rh_counters_head {
	uint32_t         magic;
	uint16_t         version;
	uint16_t         edge_bytes;      /* sizeof(struct rh_counters_edge)     */
	uint32_t         pid;             /* of the agent                        */
	_Atomic uint32_t edge_count;
	uint64_t         started;         /* monotonic ns                        */
	char             resource[64];    /* NUL-terminated                      */
	_Atomic uint64_t revision;        /* of the view in force; 0 none        */
	_Atomic uint64_t processes;       /* attached now                        */
	_Atomic uint64_t instances;       /* serving now                         */
	_Atomic uint64_t pages;           /* call pages served by the agent now  */
	_Atomic uint64_t bindings;        /* pages shared past the agents now    */
	_Atomic uint64_t links;           /* from agents of callers now          */
	_Atomic uint64_t attached;        /* ever                                */
	_Atomic uint64_t refused;         /* connections and frames, by identity */
	_Atomic uint64_t malformed;       /* peers that broke the format         */
	_Atomic uint64_t mismatched;      /* bindings whose two sides disagree   */
	_Atomic uint64_t emitted;         /* events taken from instances         */
	char             reserved[80];
};

struct rh_counters_edge {
	char             caller[64];      /* NUL-terminated                      */
	char             callee[64];
	char             protocol[16];
	_Atomic uint64_t calls;           /* answered                            */
	_Atomic uint64_t errors;          /* of these, with an error             */
	_Atomic uint64_t lost;            /* of the errors, RH_ELOST             */
	_Atomic uint64_t bytes_in;        /* arguments                           */
	_Atomic uint64_t bytes_out;       /* replies                             */
	_Atomic uint64_t events;          /* upward, delivered                   */
	_Atomic uint64_t event_bytes;
	_Atomic uint64_t refused;         /* calls and pages: edge not allowed   */
	_Atomic uint64_t waiting;         /* 1 while the callee is not reachable */
	char             reserved[40];
	_Atomic uint64_t latency[RH_LATENCY_BUCKETS]; /* bucket b: [2^b, 2^(b+1)) ns */
};

_Static_assert(sizeof(struct rh_counters_head) == 256, "file");
_Static_assert(sizeof(struct rh_counters_edge) == 576, "file");

struct rh_counters {
	struct rh_counters_head *head;
	struct rh_counters_edge *edges;
	int                      fd;       /* -1: memory of our own            */
	uint32_t                 room;     /* edges that the file has room for */
};

/* Makes the file at path in place of an older one.  Without a file (a full disk)
 * the agent counts in memory of its own.  RH_ENOMEM when there is none either. */
int rh_counters_open(struct rh_counters *counters, const char *path,
                     const char *resource);

/* The counters of a new edge; never NULL: beyond the limit, or when the disk is
 * full, a record that no file shows. */
struct rh_counters_edge *rh_counters_edge_add(struct rh_counters *counters,
                                              const char *caller,
                                              const char *callee);

void rh_counters_close(struct rh_counters *counters);

/* One writer: a plain addition that readers see whole. */
void rh_counter_add(_Atomic uint64_t *counter, uint64_t value);

/* Counts an answered call. */
void rh_counters_call(struct rh_counters_edge *edge, int status, uint32_t bytes_in,
                      uint32_t bytes_out, uint64_t took_ns);

#endif
