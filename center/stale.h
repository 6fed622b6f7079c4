/* stale - how old the rules may be that an agent goes by while the center is away.
 *
 * The rule of that name says it for each class of rules: for ever, a time, or not at
 * all; a class that it does not name is for ever.  Agents know it from their own
 * resource's item (agent/verdict.h).
 *
 * Threads  Any; no state. */
#ifndef RH_CENTER_STALE_H
#define RH_CENTER_STALE_H

#include "../wire/record.h"

#include <stdint.h>

struct rh_catalog;

#define RH_STALE_RULE    "stale"
#define RH_STALE_FOREVER UINT64_MAX
#define RH_STALE_MAX_MS  2592000000u /* 30 days */

/* Milliseconds of "forever", "never" (0) or a time.  RH_EINVAL. */
int rh_stale_read(const char *text, uint64_t *ret_ms);

/* Writes what the rule says, a STALE_ITEM a class; nothing when there is none. */
void rh_stale_put(struct rh_record_writer *writer, const struct rh_catalog *catalog);

#endif
