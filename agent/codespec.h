/* codespec - what the center says of a rule of code that runs at some place.
 *
 * Ownership   A list owns its specs; rh_codespecs_fini frees them.
 * Threads     One.
 * Limits      RH_CODESPECS_MAX at a place. */
#ifndef RH_AGENT_CODESPEC_H
#define RH_AGENT_CODESPEC_H

#include "../base/diag.h"
#include "../base/signature.h"
#include "../rules/limits.h"
#include "../rules/rule.h"
#include "../wire/limits.h"
#include "../wire/record.h"

#include <stdint.h>

#define RH_CODESPECS_MAX 16u
#define RH_CODE_MODE_MAX 15u
/* Parameters; of eBPF also points and maps that are kept. */
#define RH_CODESPEC_PARAMS_MAX (RH_RULE_PARAMS_MAX + RH_BPF_PROGRAMS_MAX + RH_BPF_MAPS_MAX)

struct rh_codespec {
	const struct rh_hook *hook;
	uint64_t              revision;               /* at which the rule was put */
	struct rh_rule_limits limits;
	enum rh_rule_policy   policy;
	uint32_t              flags;                  /* RH_CODE_SHADOW */
	unsigned              param_count;
	struct rh_rule_param  params[RH_CODESPEC_PARAMS_MAX]; /* in bytes */
	char                  rule[RH_NAME_MAX + 1];
	char                  key[RH_NAME_MAX + 1];   /* by which programs ask, or the
	                                                 event; ""              */
	uint32_t              order;                  /* in the chain of an event */
	char                  module[RH_SHA256_HEX];
	char                  mode[RH_CODE_MODE_MAX + 1];
	uint64_t              rollback;               /* what it may leave; successor.h */
	char                  content[RH_SHA256_HEX]; /* of what the center signed */
	char                  signature[RH_SIGNATURE_HEX]; /* "": it did not      */
	size_t                len;
	char                  bytes[];                /* texts of the parameters */
};

struct rh_codespecs {
	struct rh_codespec *at[RH_CODESPECS_MAX];
	unsigned            count;
};

/* Reads the CODE_ITEM records among those of an edge or a resource.
 * RH_EPROTO  malformed.  RH_ENOSYS  a hook or a policy that this agent does not know.
 * RH_ENOSPC  too many.  RH_ENOMEM.  Then the list is empty. */
int rh_codespecs_read(struct rh_codespecs *specs, const struct rh_record_reader *records,
                      struct rh_diag *diag);
void rh_codespecs_fini(struct rh_codespecs *specs);

/* The one of that hook that is obeyed, or NULL. */
const struct rh_codespec *rh_codespecs_find(const struct rh_codespecs *specs,
                                            const struct rh_hook *hook);

/* The one that is asked beside it, or NULL. */
const struct rh_codespec *rh_codespecs_shadow(const struct rh_codespecs *specs,
                                              const struct rh_hook *hook);

/* NULL: no memory. */
struct rh_codespec *rh_codespec_copy(const struct rh_codespec *spec);

/* They say the same, also of the same generation of a rule. */
int rh_codespec_is_same(const struct rh_codespec *a, const struct rh_codespec *b);

/* They are the same, and by the same order. */
int rh_codespec_is_order(const struct rh_codespec *a, const struct rh_codespec *b);

#endif
