/* client - an agent's side of rhodes-bpf, the one process that may load eBPF.
 *
 * A rule lives as long as the connection of who loaded it, and RH_BPF_GRACE_MS longer,
 * so that an agent which was restarted and asks for the same again (same name, object,
 * points and parameters) gets the running one back, with its maps.  Loading a name that
 * the client has swaps: the new one is attached before the old one leaves, and the maps
 * named by keep are handed over.  Verifying takes tens of milliseconds: who has a loop
 * sends (rh_bpf_send_load), polls rh_bpf_fd for reading and takes the answer
 * (rh_bpf_take); who may wait uses the calls that do both.
 *
 * Ownership  All that is given is borrowed until the call returns.
 * Threads    One a connection.
 * Errors     RH_ENOSYS nobody listens: this node has no mode ebpf (diag says why);
 *            RH_ELOST the helper ended; RH_EPROTO it broke the format. */
#ifndef RH_RULES_EBPF_CLIENT_H
#define RH_RULES_EBPF_CLIENT_H

#include "../limits.h"

#include "../../model/error.h"

#include <stddef.h>
#include <stdint.h>

struct rh_bpf_attach { /* a program of the object, and where it goes (point.h) */
	const char *program, *point;
};

struct rh_bpf_param { /* a variable of .rodata: a number, or bytes of a char array */
	const char *name, *value;
};

struct rh_bpf_source {
	const char    *name;      /* of the rule at this place, "resource/rule"     */
	const uint8_t *sha256;    /* of the object, 32 bytes                        */
	int            object_fd; /* a frozen memfd (base/memory.h)                 */

	const struct rh_bpf_attach *attach;
	unsigned                    attach_count; /* 1 to RH_BPF_PROGRAMS_MAX       */
	const struct rh_bpf_param  *params;
	unsigned                    param_count;
	const char *const          *keep;         /* maps, handed over by a swap    */
	unsigned                    keep_count;
	uint64_t                    memory_bytes; /* of all maps; 0: RH_BPF_MEMORY  */
};

/* What programs of a rule did since it was loaded, on all processors. */
struct rh_bpf_runs {
	uint64_t calls, ns; /* 0 where the kernel does not count them */
	uint64_t missed;    /* not run, as one ran there already      */
};

struct rh_bpf_answer {
	int            code;    /* 0, or why it was refused                         */
	int            is_runs; /* of send_runs                                     */
	struct rh_bpf_runs runs; /* of all programs                                 */
	uint64_t       request; /* what send_load returned                          */
	uint64_t       handle;
	uint32_t       kept;    /* maps that were handed over                       */
	struct rh_diag diag;
	char           log[RH_BPF_LOG_MAX]; /* the end of the verifier's, or ""     */
};

struct rh_bpf_map {
	char     name[RH_BPF_NAME_MAX + 1];
	char     type[RH_BPF_NAME_MAX + 1]; /* "hash", "percpu_array", ...          */
	uint32_t key_bytes, value_bytes, entries_max;
};

struct rh_bpf_held { /* a rule as rhodes-bpf has it */
	char     name[RH_BPF_RULE_NAME_MAX + 1];
	uint8_t  sha256[32];
	uint64_t handle;
	uint32_t links;
	uint32_t pid; /* of its client; 0: in its grace */
};

struct rh_bpf_client;

/* path: RH_BPF_SOCKET in the run directory of the system. */
int  rh_bpf_connect(const char *path, struct rh_bpf_client **ret_client,
                    struct rh_diag *diag);
void rh_bpf_disconnect(struct rh_bpf_client *client);

/* ---- for loops ---- */

int rh_bpf_fd(const struct rh_bpf_client *client);

/* The number of the request in *ret_request.  RH_EMSGSIZE, RH_EINVAL: too much in it. */
int rh_bpf_send_load(struct rh_bpf_client *client, const struct rh_bpf_source *source,
                     uint64_t *ret_request, struct rh_diag *diag);

/* Asks that it leaves; the answer is of a request that nobody knows. */
int rh_bpf_send_unload(struct rh_bpf_client *client, uint64_t handle);

/* Asks what it did; the answer has the number of *ret_request. */
int rh_bpf_send_runs(struct rh_bpf_client *client, uint64_t handle,
                     uint64_t *ret_request);

/* RH_EAGAIN  nothing came yet. */
int rh_bpf_take(struct rh_bpf_client *client, struct rh_bpf_answer *ret_answer);

/* ---- for those who may wait ---- */

/* Returns answer->code. */
int rh_bpf_load(struct rh_bpf_client *client, const struct rh_bpf_source *source,
                struct rh_bpf_answer *ret_answer);

/* Not while a load is under way, nor are those below.  RH_ENOENT. */
int rh_bpf_unload(struct rh_bpf_client *client, uint64_t handle, struct rh_diag *diag);

/* What each program did, and where it is attached. */
typedef void rh_bpf_runs_visit(void *user, const char *program, const char *point,
                               const struct rh_bpf_runs *runs);
int rh_bpf_runs(struct rh_bpf_client *client, uint64_t handle, rh_bpf_runs_visit *visit,
                void *user, struct rh_diag *diag);

typedef void rh_bpf_map_visit(void *user, const struct rh_bpf_map *map);
int rh_bpf_maps(struct rh_bpf_client *client, uint64_t handle, rh_bpf_map_visit *visit,
                void *user, struct rh_diag *diag);

/* Every entry as it is read, at most RH_BPF_KEY_MAX and RH_BPF_VALUE_MAX bytes; numbers
 * of maps that are kept for each processor are summed, by 64 bits or, where the value is
 * no multiple of 8 bytes, by 32.  Entries that come and go meanwhile may be missed. */
typedef void rh_bpf_entry_visit(void *user, const void *key, size_t key_bytes,
                                const void *value, size_t value_bytes);
int rh_bpf_read(struct rh_bpf_client *client, uint64_t handle, const char *map,
                rh_bpf_entry_visit *visit, void *user, struct rh_diag *diag);

/* Puts an entry, or takes it away when value is NULL (RH_ENOENT: it was not there). */
int rh_bpf_write(struct rh_bpf_client *client, uint64_t handle, const char *map,
                 const void *key, size_t key_bytes, const void *value,
                 size_t value_bytes, struct rh_diag *diag);

/* All rules of this helper. */
typedef void rh_bpf_held_visit(void *user, const struct rh_bpf_held *held);
int rh_bpf_list(struct rh_bpf_client *client, rh_bpf_held_visit *visit, void *user,
                struct rh_diag *diag);

#endif
