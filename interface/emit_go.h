/* emit_go - the parts of a binding for Go.  Inside of emit_go*.c only. */
#ifndef RH_INTERFACE_EMIT_GO_H
#define RH_INTERFACE_EMIT_GO_H

#include "emit_bind.h"

/* As RH_GO_OUTS, RH_GO_BYTES and FrameHead of sdk/go have it. */
#define RH_GO_OUTS  6u
#define RH_GO_BYTES 4u
#define RH_GO_HEAD  192u

/* T, as Go calls it. */
void rh_go_type(FILE *out, const struct rh_bind_type *type);

/* some_name: someName, and never a word of Go or of the generated code. */
void rh_go_name(FILE *out, const char *name);

/* Structs and unions. */
void rh_go_types(FILE *out, const struct rh_binding *binding);

/* Why Go cannot show a function, or NULL. */
const char *rh_go_reason(const struct rh_bind_function *function);

/* The value is a pointer in Go, as it may be nil. */
bool rh_go_is_pointer(const struct rh_bind_value *value);

/* What is given for a value, or what comes out of one.  An object is one of the binding's
 * for a caller, and anything for a server. */
void rh_go_value_type(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, bool is_out, bool is_server);

/* "(result int32, used uint64, err error)" */
void rh_go_results(FILE *out, const struct rh_binding *binding,
                   const struct rh_bind_function *function, bool is_server);

/* The interface of servers, and what runs its functions. */
void rh_go_server(FILE *out, const struct rh_binding *binding);

#endif
