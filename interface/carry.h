/* carry - decides for one function how each parameter crosses, or why it cannot.
 *
 * Defaults follow from the C type (docs/side-file.md, "What C says by itself");
 * the side file's line for the function overrides them.  A function that
 * cannot be carried is no error: it gets RH_FUNCTION_NOCARRY and a reason.  A
 * line of the side file that contradicts the header is one.
 *
 * Ownership   Results point into the pool and into the C types.
 * Threads     One per pool.
 * Errors      RH_EINVAL with the place in the side file; RH_ENOMEM. */
#ifndef RH_INTERFACE_CARRY_H
#define RH_INTERFACE_CARRY_H

#include "ctype.h"
#include "side.h"

/* Bytes of one value behind a pointer, as size= can make it. */
#define RH_CARRY_VALUE_MAX 65536u

/* An object that stays in the callee, known by what C calls it. */
struct rh_carry_handle {
	const char            *name;     /* in the canonical text              */
	const struct rh_ctype *type;     /* pointer, struct; NULL: by tag      */
	uint32_t               flags;    /* RH_HANDLE_*                        */
	uint16_t               mirror_off;
	uint16_t               mirror_len;
};

struct rh_carry {
	struct rh_pool          *pool;
	const struct rh_side    *side;
	const struct rh_ctype  **types;  /* beside side->types                 */
	struct rh_carry_handle  *handles;
	uint32_t                 handle_count;
};

/* Prepares the handles that the side file declares. */
int rh_carry_init(struct rh_carry *carry, struct rh_pool *pool,
                  const struct rh_side *side, const struct rh_ctype **types,
                  struct rh_diag *diag);

/* Fills one row.  line is the side file's line or NULL.  New handles are
 * entered in carry. */
int rh_carry_function(struct rh_carry *carry, const struct rh_cfunction *function,
                      const struct rh_side_function *line,
                      struct rh_function *ret, struct rh_diag *diag);

/* Gives a row that is not carried a result which a failed call can return. */
void rh_carry_refuse(struct rh_function *row, const struct rh_ctype *ret,
                     const char *reason);

#endif
