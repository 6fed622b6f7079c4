/* server - who asks rhodes-bpf, and the loop that answers.
 *
 * A client asks one thing after the other: while it loads, what it says waits.  A client
 * that breaks the format, or does not read its answers, is dropped; its rules stay for a
 * grace.
 *
 * Ownership  The server owns its listener, clients, loads and rules.
 * Threads    One. */
#ifndef RH_RULES_EBPF_SERVER_H
#define RH_RULES_EBPF_SERVER_H

#include "load.h"

#include <sys/types.h>

struct rh_bpf_server;

/* Takes the listener.  uid: who may ask, beside root; grace_ms: how long a rule
 * outlives its client.  NULL: out of memory. */
struct rh_bpf_server *rh_bpf_server_create(int listener, uid_t uid, unsigned grace_ms,
                                           const struct rh_bpf_machine *machine);

/* One turn of the loop; waits for something to do when is_patient.  0: something can be
 * read from stop_fd, or the loop cannot go on. */
int rh_bpf_server_turn(struct rh_bpf_server *server, int stop_fd, int is_patient);

/* Serves until something can be read from stop_fd. */
void rh_bpf_server_run(struct rh_bpf_server *server, int stop_fd);

/* Every rule leaves. */
void rh_bpf_server_destroy(struct rh_bpf_server *server);

#endif
