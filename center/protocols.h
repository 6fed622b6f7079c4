/* protocols - which protocol a rule names for which edge; in tables of their own, how
 * many calls may be under way there (use is a number then), and for each hook which code
 * runs there (use is the name of its text).
 *
 * The edge of a rule may have "*" for either end.  The most specific rule that is in
 * force for an edge wins:
 *
 *   [caller, callee]  [caller, "*"]  ["*", callee]  ["*", "*"]
 *
 * so a rule for all that a resource calls wins over one for all that call a resource.
 *
 * While a rule is rolled out it has two entries: the new one, in force for the edges up
 * to a place (model/rollout.h), and the former one, in force for those after it.  The
 * former one may be for another edge, and may be missing.
 *
 * What runs in the processes of a resource stands there as an edge to nobody: callee is
 * "/" and the key by which they ask for it, or nothing.
 *
 * Ownership   The table owns its entries and copies what is put in.
 * Threads     One.
 * Invariants  T1  sorted by (caller, callee, former or not, rule); an edge has at most
 *                 one that is not former.
 *             T2  the two entries of a rule have the same reach. */
#ifndef RH_CENTER_PROTOCOLS_H
#define RH_CENTER_PROTOCOLS_H

#include "../model/limits.h"

#include <stddef.h>
#include <stdint.h>

#define RH_PROTOCOL_DEFAULT  "bind"
#define RH_PROTOCOL_TEXT_MAX 16
#define RH_PROTOCOL_ANY      "*"

struct rh_code_text;

struct rh_protocol_rule {
	uint64_t revision;
	uint64_t reach;                    /* the last place that has the new one,
	                                      or RH_ROLLOUT_ALL                   */
	uint8_t  is_former;
	char     caller[RH_NAME_MAX + 1];  /* or "*" */
	char     callee[RH_NAME_MAX + 2];
	char     rule[RH_NAME_MAX + 1];
	char     use[RH_PROTOCOL_TEXT_MAX];
	const struct rh_code_text *code;   /* borrowed; NULL: not of a hook's table */
};

struct rh_protocols {
	struct rh_protocol_rule **at;
	size_t                    count;
	size_t                    cap;
	size_t                    patterns;  /* entries with "*" */
};

void rh_protocols_init(struct rh_protocols *protocols);
void rh_protocols_fini(struct rh_protocols *protocols);

/* Adds an entry, or replaces the one of the same rule for that edge.
 * RH_EEXIST  another rule is there for the edge (former ones do not count).
 * RH_ENOMEM. */
int rh_protocols_put(struct rh_protocols *protocols,
                     const struct rh_protocol_rule *rule);

/* Takes away what the rule has there, former or not.
 * RH_ENOENT  nothing. */
int rh_protocols_remove(struct rh_protocols *protocols, const char *caller,
                        const char *callee, const char *rule);

/* Sets how far the entries reach that the rule has there. */
void rh_protocols_reach(struct rh_protocols *protocols, const char *caller,
                        const char *callee, const char *rule, uint64_t reach);

/* The entry in force for an edge; borrowed until the table changes, or NULL: the
 * default holds. */
const struct rh_protocol_rule *rh_protocols_find(
	const struct rh_protocols *protocols, const char *caller, const char *callee);

/* The same, if that rule reached so far. */
const struct rh_protocol_rule *rh_protocols_find_if(
	const struct rh_protocols *protocols, const char *caller, const char *callee,
	const char *rule, uint64_t reach);

/* Is that the callee of what runs in processes? */
int rh_protocols_is_own(const char *callee);

/* Visits what is in force in the processes of a resource. */
typedef void rh_protocols_visit(void *user, const struct rh_protocol_rule *rule);
void rh_protocols_own(const struct rh_protocols *protocols, const char *resource,
                      rh_protocols_visit *visit, void *user);

/* The rule that holds exactly that edge, which may be a pattern, or NULL. */
const struct rh_protocol_rule *rh_protocols_holder(
	const struct rh_protocols *protocols, const char *caller, const char *callee);

/* What carries calls where these are in force; NULL: there is none.  Bound calls pass no
 * agent, so where they are counted, or code sees them, they go by shm. */
const char *rh_protocol_use(const struct rh_protocol_rule *protocol,
                            const struct rh_protocol_rule *limit, int has_code);

/* Does the edge of a rule, which may be a pattern, match? */
int rh_protocols_match(const char *caller_pattern, const char *callee_pattern,
                       const char *caller, const char *callee);

#endif
