/* protocols - which protocol a rule names for which edge.
 *
 * Ownership   The table owns its entries and copies what is put in.
 * Threads     One.
 * Invariants  T1  sorted by (caller, callee), at most one rule an edge. */
#ifndef RH_CENTER_PROTOCOLS_H
#define RH_CENTER_PROTOCOLS_H

#include "../model/limits.h"

#include <stddef.h>
#include <stdint.h>

#define RH_PROTOCOL_DEFAULT  "bind"
#define RH_PROTOCOL_TEXT_MAX 16

struct rh_protocol_rule {
	uint64_t revision;
	char     caller[RH_NAME_MAX + 1];
	char     callee[RH_NAME_MAX + 1];
	char     rule[RH_NAME_MAX + 1];
	char     use[RH_PROTOCOL_TEXT_MAX];
};

struct rh_protocols {
	struct rh_protocol_rule **at;
	size_t                    count;
	size_t                    cap;
};

void rh_protocols_init(struct rh_protocols *protocols);
void rh_protocols_fini(struct rh_protocols *protocols);

/* Adds a rule, or replaces the one of the same name for that edge.
 * RH_EEXIST  another rule is there for the edge.
 * RH_ENOMEM. */
int rh_protocols_put(struct rh_protocols *protocols,
                     const struct rh_protocol_rule *rule);

/* RH_ENOENT  there is none. */
int rh_protocols_remove(struct rh_protocols *protocols, const char *caller,
                        const char *callee);

/* Borrowed until the table changes, or NULL: the default holds. */
const struct rh_protocol_rule *rh_protocols_find(
	const struct rh_protocols *protocols, const char *caller, const char *callee);

#endif
