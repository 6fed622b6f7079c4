/* emit_cpp - the parts of a binding for C++.  Inside of emit_cpp*.c only. */
#ifndef RH_INTERFACE_EMIT_CPP_H
#define RH_INTERFACE_EMIT_CPP_H

#include "emit_bind.h"

/* The value that a parameter is, or an element of its bytes. */
void rh_cpp_type(FILE *out, const struct rh_bind_value *value);

/* A name of the interface as one of C++. */
void rh_cpp_name(FILE *out, const char *name);

bool rh_cpp_is_optional(const struct rh_bind_value *value);

/* A function's result: what put writes for one value, a tuple where there are more. */
typedef void rh_cpp_out(FILE *out, const struct rh_binding *binding,
                        const struct rh_bind_value *value);
void rh_cpp_result(FILE *out, const struct rh_binding *binding,
                   const struct rh_bind_function *function, rh_cpp_out *put);

/* The class of servers, and what runs its functions. */
void rh_cpp_server(FILE *out, const struct rh_binding *binding);

#endif
