/* event_chain - the rules of hook `event` at one place, and an event on its way through
 * them.
 *
 * The rules of an event's name see it by their order.  Each may change it, drop it, and
 * emit one of another name, which goes through its own chain when the first has come to
 * its end.  An event that led to one of its own name is a loop: it is not emitted, and
 * an error of the rule that wanted it; so is one too deep, or too many.
 *
 * Ownership  The caller owns the rules, which stay until they are removed.  Events are
 *            borrowed.
 * Threads    One, which is that of the rules.
 * Limits     RH_EVENT_RULES_MAX rules, RH_EVENT_DEPTH_MAX deep,
 *            RH_EVENT_EMITTED_MAX events over one. */
#ifndef RH_RULES_EVENT_CHAIN_H
#define RH_RULES_EVENT_CHAIN_H

#include "rule.h"

#define RH_EVENT_NAME_MAX    63u
#define RH_EVENT_RULES_MAX   64u
#define RH_EVENT_DEPTH_MAX   8u
#define RH_EVENT_EMITTED_MAX 32u

struct rh_event {
	const char *name;
	const char *source;   /* a resource */
	uint64_t    function; /* of an interface; 0: none */
	uint32_t    depth;
	uint32_t    length;
	const void *bytes;
};

/* What came to the end of its chain. */
typedef void rh_event_done(void *user, const struct rh_event *event);

struct rh_event_chains;

/* done is told of each emitted event that was not dropped.  NULL: no memory. */
struct rh_event_chains *rh_event_chains_create(rh_event_done *done, void *user);
void rh_event_chains_destroy(struct rh_event_chains *chains);

/* RH_ENOSPC; RH_EINVAL: no name of an event. */
int  rh_event_chains_add(struct rh_event_chains *chains, const char *name, uint32_t order,
                         struct rh_rule *rule, enum rh_rule_policy policy);
void rh_event_chains_remove(struct rh_event_chains *chains, const struct rh_rule *rule);

/* The new rule in the place of the old one. */
void rh_event_chains_exchange(struct rh_event_chains *chains, const struct rh_rule *old,
                              struct rh_rule *rule);

/* Is there a rule for events of that name? */
bool rh_event_chains_has(const struct rh_event_chains *chains, const char *name);

/* Sends the event through its chain, and what was emitted over it through theirs.  False:
 * it was dropped.  Else its length and bytes may be others, until the next run. */
bool rh_event_chains_run(struct rh_event_chains *chains, struct rh_event *event);

/* Can a rule be for events of that name?  And may a rule emit one of it? */
bool rh_event_name_check(const char *name);
bool rh_event_is_ours(const char *name);

#endif
