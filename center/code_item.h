/* code_item - what agents are told of a rule of code at one place: a CODE_ITEM, signed
 * (base/order.h).
 *
 * Ownership   Everything is borrowed.
 * Threads     One. */
#ifndef RH_CENTER_CODE_ITEM_H
#define RH_CENTER_CODE_ITEM_H

#include "key.h"
#include "protocols.h"

#include "../wire/record.h"

/* callee is empty for a resource. */
void rh_code_item_put(struct rh_record_writer *writer, const struct rh_key *key,
                      const struct rh_protocol_rule *rule, const char *caller,
                      const char *callee);

#endif
