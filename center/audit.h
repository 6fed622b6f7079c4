/* audit - who did what, or tried to, as one text an event.
 *
 * {"after","before","channel","code"?,"detail"?,"exe","kind","name","pid",
 *  "result","revision"?,"rule"?,"time","uid","verb"}
 *
 * The store chains the texts by hash and keeps each with the change it tells of.
 *
 * Ownership   rh_audit_text gives a text that the caller frees.
 * Threads     Any. */
#ifndef RH_CENTER_AUDIT_H
#define RH_CENTER_AUDIT_H

#include "object.h"

#include <stdint.h>
#include <sys/types.h>

struct rh_problem;
struct rh_store;

#define RH_CLIENT_EXE_MAX 256

/* Who asks. */
struct rh_client {
	pid_t       pid;
	uid_t       uid;
	int         is_writer;
	const char *channel;     /* "unix", "tcp", "center"; static         */
	char        exe[RH_CLIENT_EXE_MAX];
};

struct rh_audit {
	const struct rh_client  *client;
	const char              *verb;     /* "apply", "put", "delete", ...   */
	const char              *result;   /* "created", ..., "refused"       */
	const char              *kind;     /* or "" when not known            */
	const char              *name;
	uint64_t                 before;   /* revision of the object, or 0    */
	uint64_t                 after;
	const char              *reason;   /* of an exception; or NULL        */
	const struct rh_problem *problem;  /* of a refusal; or NULL           */
};

/* NULL when there is no memory. */
char *rh_audit_text(const struct rh_audit *audit);

/* Walks the last `limit` entries of the chain.  RH_OK, or RH_ESTORE when a hash
 * does not follow from the entry and its predecessor; *ret_seq is that entry. */
int rh_audit_verify(struct rh_store *store, size_t limit, uint64_t *ret_seq);

#endif
