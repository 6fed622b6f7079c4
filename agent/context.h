/* context - what calls depend on of their caller's process: the directory, the
 * umask, variables.  Received once, remembered, passed on before a call that
 * names it.
 *
 * The agent does not look inside: the callee does, and checks.
 *
 * Ownership   The table owns its contexts.
 * Threads     One.
 * Invariants  X1  slot s of a table holds a context with an id, or id 0.  Each time
 *                 something else is put there it has another serial; whoever passed
 *                 contexts on keeps the serials it sent by slot, so what was
 *                 replaced is sent again.
 * Limits      RH_CONTEXTS_PER_PEER contexts, the oldest makes room;
 *             RH_CONTEXT_BYTES_MAX bytes each. */
#ifndef RH_AGENT_CONTEXT_H
#define RH_AGENT_CONTEXT_H

#include "../base/socket.h"

#define RH_CONTEXT_BYTES_MAX 16384u

struct rh_context {
	uint32_t       id;        /* 0: none               */
	int            directory; /* -1: none              */
	uint32_t       len;
	uint64_t       serial;
	unsigned char *records;   /* CONTEXT and the rest  */
};

struct rh_contexts {
	struct rh_context slots[RH_CONTEXTS_PER_PEER];
	unsigned          next;   /* slot to be replaced   */
	uint64_t          serial; /* last one given        */
};

/* What a peer has been told of a table. */
struct rh_contexts_sent {
	uint64_t serials[RH_CONTEXTS_PER_PEER];
};

void rh_contexts_init(struct rh_contexts *contexts);

/* Keeps the context of a CONTEXT or PEER_CONTEXT frame; the same again, from another
 * thread, changes nothing; another one of the same id takes its place.  RH_EPROTO it
 * has no id or is too large; RH_ENOMEM. */
int rh_contexts_put(struct rh_contexts *contexts, struct rh_frame *frame);

/* Its slot, or RH_ENOENT. */
int rh_contexts_find(const struct rh_contexts *contexts, uint32_t id);

void rh_contexts_fini(struct rh_contexts *contexts);

#endif
