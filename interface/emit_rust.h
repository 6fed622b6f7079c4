/* emit_rust - the parts of a binding for Rust.  Inside of emit_rust*.c only. */
#ifndef RH_INTERFACE_EMIT_RUST_H
#define RH_INTERFACE_EMIT_RUST_H

#include "emit_bind.h"

/* T, as Rust calls it. */
void rh_rust_type(FILE *out, const struct rh_bind_type *type);

/* A name of the interface as one of Rust: r#type. */
void rh_rust_name(FILE *out, const char *name);

/* Structs and unions. */
void rh_rust_types(FILE *out, const struct rh_binding *binding);

/* The trait, and what runs its functions. */
void rh_rust_server(FILE *out, const struct rh_binding *binding);

#endif
