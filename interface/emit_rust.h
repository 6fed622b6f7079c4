/* emit_rust - the parts of a binding for Rust.  Inside of emit_rust*.c only. */
#ifndef RH_INTERFACE_EMIT_RUST_H
#define RH_INTERFACE_EMIT_RUST_H

#include "emit_bind.h"

/* T, as Rust calls it. */
void rh_rust_type(FILE *out, const struct rh_bind_type *type);

/* A name of the interface as one of Rust: r#type. */
void rh_rust_name(FILE *out, const char *name);

/* It may be None: C passes a pointer that may be NULL. */
bool rh_rust_is_option(const struct rh_bind_value *value);

/* The type of the object that a handle is. */
const char *rh_rust_object(const struct rh_binding *binding,
                           const struct rh_bind_value *value);

/* "true" for what who gets it has to free, "false" for what is lent. */
const char *rh_rust_owned(const struct rh_bind_value *value);

/* name(&self, a: A, b: B), of the client or of the server's trait. */
void rh_rust_parameters(FILE *out, const struct rh_binding *binding,
                        const struct rh_bind_function *function, bool is_server);

/* R, or (R, A, B): a tuple where there is not just one. */
void rh_rust_results(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function, bool is_server);

/* Structs and unions. */
void rh_rust_types(FILE *out, const struct rh_binding *binding);

/* The trait, and what runs its functions. */
void rh_rust_server(FILE *out, const struct rh_binding *binding);

#endif
