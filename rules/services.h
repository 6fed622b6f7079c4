/* services - what a loaded rule asks for: clock, random numbers, log and parameters;
 * for rule.c.
 *
 * Ownership  It copies the parameters.  user of the host it makes is the struct, which
 *            therefore stays where it is. */
#ifndef RH_RULES_SERVICES_H
#define RH_RULES_SERVICES_H

#include "author/rhodes/rule_host.h"
#include "limits.h"
#include "rule.h"

struct rh_services {
	struct rh_rule_host        host;
	const struct rh_rule_host *other; /* a test's */
	char                      *params; /* name, 0, value, 0, ... */
	unsigned                   param_count;
	rh_rule_log               *log;
	void                      *log_user;
	uint64_t                   random;
	uint64_t                   second; /* of the lines */
	unsigned                   lines;
	uint64_t                  *dropped;
};

/* RH_EINVAL a parameter is beyond the limits; RH_ENOMEM. */
int rh_services_init(struct rh_services *services, const struct rh_rule_source *source,
                     uint64_t *dropped, struct rh_diag *diag);
void rh_services_fini(struct rh_services *services);

const struct rh_rule_host *rh_services_host(const struct rh_services *services);

#endif
