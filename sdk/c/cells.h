/* cells - what the three parts of the marshaller share; private to this folder. */
#ifndef RH_SDK_CELLS_H
#define RH_SDK_CELLS_H

#include "marshal.h"

#define RH_MASK_BYTES 8u

struct rh_blob_cell {
	uint32_t off;
	uint32_t len;
};

int rh_goes_in(const struct rh_param *param);
int rh_comes_out(const struct rh_param *param);

/* Whether the C object is a pointer that can be NULL (a handle's NULL is id 0). */
int rh_is_pointer(const struct rh_param *param);

/* Whether the value stands in a blob: texts and bytes. */
int rh_is_blob(const struct rh_param *param);

uint32_t rh_cell_bytes(const struct rh_param *param);

/* Bytes of the reply that mirror the object of a handle; 0 for a dead one. */
uint32_t rh_mirror_bytes(const struct rh_param *param);
uint32_t rh_args_fixed(const struct rh_function *function);
uint32_t rh_reply_fixed(const struct rh_function *function);

/* Bytes of one element of a BYTES parameter. */
uint32_t rh_element(const struct rh_param *param);

void *rh_pointer_at(const void *object);

/* The value itself: behind the pointer for pointer parameters; NULL when NULL. */
void *rh_value_at(const struct rh_param *param, void *object);

uint64_t rh_load_scalar(const struct rh_param *param, const void *at);
void     rh_store_scalar(const struct rh_param *param, void *at, uint64_t bits);

/* The length in bytes that a length parameter tells for param; 0 when the length
 * is not there, UINT64_MAX when it is negative or absurd. */
uint64_t rh_length_of(const struct rh_function *function,
                      const struct rh_param *param, unsigned len_param,
                      void *const *objects);

/* Writes a blob and its cell; tail counts bytes beyond len (a NUL). */
void rh_put_blob(unsigned char *base, uint32_t cell, uint32_t *blob_off,
                 const void *bytes, uint32_t len, uint32_t tail);

/* Writes one value's cell, and its blob when it is a text; not for BYTES. */
int rh_put_value(const struct rh_param *param, void *value,
                 const struct rh_handle_map *handles, struct rh_fd_list *fds,
                 unsigned char *base, uint32_t cell, uint32_t *blob_off);

#endif
