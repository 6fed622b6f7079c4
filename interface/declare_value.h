/* declare_value - one parameter or result of canonical text, in C and in the side file.
 * Inside of declare only; errors and ownership as in declare_type.h. */
#ifndef RH_INTERFACE_DECLARE_VALUE_H
#define RH_INTERFACE_DECLARE_VALUE_H

#include "canon.h"
#include "declare_type.h"

struct rh_declared_value {
	const char *c;      /* "const void *data"; of a result: "const void *" */
	const char *side;   /* the side file's entry: "_", "bytes|data len=n"; of
	                       a result behind the arrow, or ""                 */
};

int rh_declare_param(struct rh_definitions *all, const struct rh_canon_line *line,
                     uint8_t index, struct rh_declared_value *ret);

int rh_declare_result(struct rh_definitions *all, const struct rh_canon_line *line,
                      struct rh_declared_value *ret);

#endif
