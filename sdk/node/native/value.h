/* value - values of JavaScript as C has them, and back.
 *
 * A plain type is read by its shape (rhodes-language.h): integers of 64 bits are BigInt,
 * smaller ones and floats are numbers, bool may be told by true and false; a float may be
 * told by its bytes, which is the only way to tell which NaN; a struct is
 * an object, an array of u8 a Uint8Array, another array an array, a union its bytes.
 * What does not fit is refused before anything is sent.
 *
 * Failures   0, or -1 with an exception pending. */
#ifndef RH_NODE_VALUE_H
#define RH_NODE_VALUE_H

#include "arena.h"
#include "fault.h"

int rh_js_plain_read(napi_env env, const struct rh_shape *shape, napi_value js, void *at,
                     const struct rh_js_where *where);

/* is_raw: a NaN that a number of JavaScript cannot be comes as its bytes, in structs, too. */
int rh_js_plain_write(napi_env env, const struct rh_shape *shape, const void *at,
                      bool is_raw, napi_value *ret_js);

/* A text ends in NUL and so has none inside; bytes are taken as they are, a string must be
 * well formed. */
int rh_js_text_read(napi_env env, napi_value js, struct rh_js_arena *arena, char **ret_text,
                    const struct rh_js_where *where);

/* NULL is null.  as_bytes: a Buffer.  A text that is no UTF-8 is an error that has the
 * bytes. */
int rh_js_text_write(napi_env env, const char *text, bool as_bytes, napi_value *ret_js,
                     const struct rh_js_where *where);

/* The memory behind a Buffer, a typed array, a DataView or an ArrayBuffer: borrowed. */
int rh_js_bytes_read(napi_env env, napi_value js, void **ret_bytes, size_t *ret_len,
                     const struct rh_js_where *where);
int rh_js_bytes_write(napi_env env, const void *bytes, size_t len, napi_value *ret_js);

bool rh_js_is_none(napi_env env, napi_value js); /* null or undefined */

#endif
