/* marshal - C arguments to bytes and back, driven by the interface tables.
 *
 * Arguments      null mask u64, then per parameter that goes in: one cell
 *                (8 bytes; a struct takes its size rounded up to 8), then blobs.
 * Reply          null mask u64, the return value's cell, then per parameter that
 *                comes out: one cell, then blobs.
 *
 *   INT UINT FLOAT   the value, widened to 64 bits; f32 in the low half
 *   STRUCT           the bytes
 *   STRING PATH      { u32 offset, u32 length } of a blob that ends in NUL,
 *                    which length does not count
 *   BYTES            { u32 offset, u32 length in bytes }; what only comes out
 *                    has no cell going in: its capacity is its length parameter
 *   HANDLE           u64 id given by the callee, 0 for NULL; in a reply the
 *                    mirrored bytes of the object follow, rounded up to 8, also
 *                    for a handle that only went in
 *   FD               i64: index among the descriptors of the call, or the
 *                    negative number itself; INT32_MIN for one not open
 *
 * Bit i of the mask: parameter i is a NULL pointer; bit 63: the return value is.
 * Offsets count from the start of the arguments or of the reply.  All numbers are
 * little-endian.
 *
 * Hostile input  unpack trusts nothing: cells are copied before they are looked
 *                at, blobs are copied to scratch (but RH_PARAM_INPLACE bytes).
 * Ownership      scratch belongs to the caller and lends to what is unpacked.
 * Limits         RH_PARAMS_MAX parameters, RH_PAYLOAD_MAX bytes. */
#ifndef RH_SDK_MARSHAL_H
#define RH_SDK_MARSHAL_H

#include "../../model/interface.h"
#include "../../wire/limits.h"

/* Memory for what is unpacked and for the reply: a call may have the largest
 * arguments, as much room for what comes out, and the largest reply. */
struct rh_scratch {
	struct rh_chunk *chunks;
	size_t           total;
};

void *rh_scratch_take(struct rh_scratch *scratch, size_t bytes);
void  rh_scratch_reset(struct rh_scratch *scratch);
void  rh_scratch_fini(struct rh_scratch *scratch);

/* Looks a caller's handle up or makes one; see the two users, stub.c and
 * serve.c.  to_id: C pointer to wire id; to_pointer: the other way.  Negative on
 * failure. */
struct rh_handle_map {
	void *user;
	int (*to_id)(void *user, const struct rh_param *param, void *pointer,
	             uint64_t *ret_id);
	int (*to_pointer)(void *user, const struct rh_param *param, uint64_t id,
	                  void **ret_pointer);
};

struct rh_fd_list {
	unsigned count;
	int      fds[RH_CALL_FDS_MAX];
};

/* Values of one call as C objects; what a trampoline gets.  16 bytes a value hold
 * any scalar or pointer; structs lie in scratch. */
struct rh_values {
	void    *args[RH_PARAMS_MAX];    /* to the C object of each parameter */
	uint64_t cells[RH_PARAMS_MAX];   /* the C objects that are small      */
	uint64_t pointees[RH_PARAMS_MAX];/* what pointer parameters point at  */
	void    *structs[RH_PARAMS_MAX];
	uint64_t room[RH_PARAMS_MAX];    /* of bytes that come out: what there
	                                    was before the function ran    */
	void    *ret;
	uint64_t ret_cell;
	const void *const *mirrors;      /* bytes by parameter, the result's last;
	                                    NULL: they are where handles lead */
};

/* Caller: bytes that the arguments take; RH_EMSGSIZE when over the limit. */
int64_t rh_marshal_args_bytes(const struct rh_function *function,
                              void *const *args);

/* Caller: writes them to at (that many bytes). */
int rh_marshal_args(const struct rh_function *function, void *const *args,
                    const struct rh_handle_map *handles, struct rh_fd_list *fds,
                    unsigned char *at);

/* Caller: bytes that the reply may need beyond a slot; a hint. */
uint32_t rh_marshal_reply_hint(const struct rh_function *function,
                               void *const *args);

/* Callee: unpacks and prepares room for what comes out.
 * RH_EPROTO  the bytes do not describe arguments of this function.
 * RH_EHANDLE a handle that the caller does not own.  RH_ENOMEM. */
int rh_unmarshal_args(const struct rh_function *function, const unsigned char *at,
                      uint32_t len, const struct rh_handle_map *handles,
                      const struct rh_fd_list *fds, struct rh_scratch *scratch,
                      struct rh_values *ret_values);

/* Callee: bytes that the reply takes; RH_EMSGSIZE when over the limit. */
int64_t rh_marshal_reply_bytes(const struct rh_function *function,
                               const struct rh_values *values);

/* Callee: writes it.  What RH_PARAM_TRANSFER hands over is still there. */
int rh_marshal_reply(const struct rh_function *function,
                     const struct rh_values *values,
                     const struct rh_handle_map *handles, struct rh_fd_list *fds,
                     unsigned char *at);

/* Callee: frees what RH_PARAM_TRANSFER hands over, once, when the reply was written. */
void rh_marshal_reply_free(const struct rh_function *function,
                           const struct rh_values *values);

/* Caller: stores what came back into ret and the out parameters.  keep copies a
 * borrowed text to where it stays valid for the program and returns that. */
struct rh_keeper {
	void *user;
	void *(*keep)(void *user, const void *bytes, size_t len);
};

int rh_unmarshal_reply(const struct rh_function *function, const unsigned char *at,
                       uint32_t len, const struct rh_handle_map *handles,
                       struct rh_fd_list *fds, const struct rh_keeper *keeper,
                       void *const *args, void *ret);

/* The offset of the cell of parameter index in the arguments; for replay. */
uint32_t rh_marshal_cell(const struct rh_function *function, unsigned index);

/* The offset in the reply of the cell of the handle that the function creates, or
 * 0 when it creates none. */
uint32_t rh_marshal_created_cell(const struct rh_function *function);

#endif
