/* carry_value - one parameter or result.  Inside of carry.c only. */
#ifndef RH_INTERFACE_CARRY_VALUE_H
#define RH_INTERFACE_CARRY_VALUE_H

#include "carry.h"

/* What a row is being made from. */
struct rh_carry_row {
	struct rh_carry               *carry;
	const struct rh_cfunction     *function;
	const struct rh_side_function *line;
	struct rh_diag                *diag;
	const char                    *reason;   /* set: it cannot be carried */
};

/* What stands between a C type and the wire. */
struct rh_carry_value {
	const struct rh_ctype      *type;
	const struct rh_side_value *rule;        /* NULL: no line             */
	const struct rh_cparam     *next;        /* the parameter behind      */
	bool                        is_result;
};

/* Fills kind, direction, flags, handle, size and, but for bytes, the type.
 * RH_OK with row->reason set when C alone does not tell how to carry it. */
int rh_carry_value(struct rh_carry_row *row, const struct rh_carry_value *value,
                   struct rh_param *ret);

/* Fills the diag with the place of the rule or the line; returns RH_EINVAL. */
__attribute__((format(printf, 3, 4)))
int rh_carry_fail(struct rh_carry_row *row, const struct rh_side_value *rule,
                  const char *format, ...);

/* The index of the handle that a pointer of this type is, or -1. */
int rh_carry_find_handle(const struct rh_carry *carry, const struct rh_ctype *type);

/* Enters a handle; returns its index or RH_ENOMEM. */
int rh_carry_add_handle(struct rh_carry *carry, const char *name,
                        const struct rh_ctype *type, uint32_t flags);

/* Writes the canonical type: all that changes the wire, see
 * docs/interface-text.md.  RH_ENOMEM  the pool is full. */
int rh_carry_text(struct rh_carry *carry, struct rh_param *param, bool is_result);

#endif
