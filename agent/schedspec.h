/* schedspec - the rule of scheduling that the item of a resource carries.
 *
 * Ownership   A value.
 * Threads     Any. */
#ifndef RH_AGENT_SCHEDSPEC_H
#define RH_AGENT_SCHEDSPEC_H

#include "../base/diag.h"
#include "../model/limits.h"
#include "../model/sched.h"
#include "../wire/record.h"

struct rh_schedspec {
	char            rule[RH_NAME_MAX + 1]; /* "": there is none */
	uint64_t        revision;
	struct rh_sched says;                  /* completed          */
};

/* Of the records of SELF; without a SCHED_ITEM it is none.
 * RH_EPROTO malformed; RH_ENOSYS a policy or carrier that is not known here: diag says. */
int rh_schedspec_read(struct rh_schedspec *spec, const struct rh_record_reader *records,
                      struct rh_diag *diag);

/* Do they ask for the same, whatever the rule's revision? */
int rh_schedspec_is_same(const struct rh_schedspec *a, const struct rh_schedspec *b);

/* Writes the SCHED_ITEM of it. */
void rh_schedspec_put(struct rh_record_writer *writer, const struct rh_schedspec *spec);

#endif
