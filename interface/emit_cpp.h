/* emit_cpp - the parts of a binding for C++.  Inside of emit_cpp*.c only. */
#ifndef RH_INTERFACE_EMIT_CPP_H
#define RH_INTERFACE_EMIT_CPP_H

#include "emit_bind.h"

/* The value that a parameter is, or an element of its bytes. */
void rh_cpp_type(FILE *out, const struct rh_bind_value *value);

/* A name of the interface as one of C++. */
void rh_cpp_name(FILE *out, const char *name);

bool rh_cpp_is_optional(const struct rh_bind_value *value);

/* A parameter with its name, as a caller gives it or a server gets it: an object is a class
 * of the binding for the one, and anything for the other. */
void rh_cpp_parameter(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, bool is_server);

/* A function's result: a tuple where more than one value comes out. */
void rh_cpp_result(FILE *out, const struct rh_binding *binding,
                   const struct rh_bind_function *function, bool is_server);

/* The class of servers, and what runs its functions. */
void rh_cpp_server(FILE *out, const struct rh_binding *binding);

#endif
