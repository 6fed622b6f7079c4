#include "cells.h"

#include "../../model/error.h"

#include <fcntl.h>
#include <string.h>

int rh_goes_in(const struct rh_param *param)
{
	return param->direction != RH_OUT;
}

int rh_comes_out(const struct rh_param *param)
{
	return param->direction != RH_IN;
}

int rh_is_pointer(const struct rh_param *param)
{
	return (param->flags & RH_PARAM_POINTER) || param->kind == RH_KIND_STRING ||
	       param->kind == RH_KIND_PATH || param->kind == RH_KIND_BYTES;
}

uint32_t rh_cell_bytes(const struct rh_param *param)
{
	return param->kind == RH_KIND_STRUCT ? (param->size + 7) & ~7u : 8;
}

uint32_t rh_mirror_bytes(const struct rh_param *param)
{
	if (param->kind != RH_KIND_HANDLE || (param->flags & RH_PARAM_DESTROYS))
		return 0;
	return (param->mirror_len + 7u) & ~7u;
}

uint32_t rh_element(const struct rh_param *param)
{
	return param->size > 0 ? param->size : 1;
}

uint32_t rh_args_fixed(const struct rh_function *function)
{
	uint32_t bytes = RH_MASK_BYTES;

	for (unsigned i = 0; i < function->param_count; i++) {
		if (rh_goes_in(&function->params[i]))
			bytes += rh_cell_bytes(&function->params[i]);
	}
	return bytes;
}

uint32_t rh_reply_fixed(const struct rh_function *function)
{
	uint32_t bytes = RH_MASK_BYTES;

	if (function->ret.kind != RH_KIND_VOID)
		bytes += rh_cell_bytes(&function->ret) + rh_mirror_bytes(&function->ret);
	for (unsigned i = 0; i < function->param_count; i++) {
		if (rh_comes_out(&function->params[i]))
			bytes += rh_cell_bytes(&function->params[i]);
		bytes += rh_mirror_bytes(&function->params[i]);
	}
	return bytes;
}

int rh_is_blob(const struct rh_param *param)
{
	return param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH ||
	       param->kind == RH_KIND_BYTES;
}

void *rh_pointer_at(const void *object)
{
	void *pointer;

	memcpy(&pointer, object, sizeof pointer);
	return pointer;
}

void *rh_value_at(const struct rh_param *param, void *object)
{
	return (param->flags & RH_PARAM_POINTER) ? rh_pointer_at(object) : object;
}

uint64_t rh_load_scalar(const struct rh_param *param, const void *at)
{
	uint64_t bits = 0;

	if (param->size > sizeof bits)
		return 0;
	memcpy(&bits, at, param->size);
	if (param->kind == RH_KIND_INT && param->size < 8) {
		unsigned shift = 64 - 8 * param->size;

		bits = (uint64_t)((int64_t)(bits << shift) >> shift);
	}
	return bits;
}

void rh_store_scalar(const struct rh_param *param, void *at, uint64_t bits)
{
	memcpy(at, &bits, param->size <= sizeof bits ? param->size : sizeof bits);
}

uint64_t rh_length_of(const struct rh_function *function,
                          const struct rh_param *param, unsigned len_param,
                          void *const *objects)
{
	const struct rh_param *len;
	const void            *at;
	uint64_t               count;

	if (len_param >= function->param_count)
		return UINT64_MAX;
	len = &function->params[len_param];
	at = rh_value_at(len, objects[len_param]);
	if (!at)
		return 0;
	count = rh_load_scalar(len, at);
	if (len->kind == RH_KIND_INT && (int64_t)count < 0)
		return UINT64_MAX;
	return count > RH_PAYLOAD_MAX ? UINT64_MAX : count * rh_element(param);
}

void rh_put_blob(unsigned char *base, uint32_t cell, uint32_t *blob_off,
                     const void *bytes, uint32_t len, uint32_t tail)
{
	struct rh_blob_cell written = { *blob_off, len };

	memcpy(base + cell, &written, sizeof written);
	if (len + tail > 0)
		memcpy(base + *blob_off, bytes, len + tail);
	*blob_off += len + tail;
}

/* What is not open here is not open there either.  -1 means something of its own
 * to some libraries, so a closed descriptor becomes a number that means nothing. */
static int put_fd(struct rh_fd_list *fds, int fd, unsigned char *at)
{
	int64_t index = fd < 0 ? fd : INT32_MIN;

	if (fd >= 0 && fcntl(fd, F_GETFD) >= 0) {
		if (fds->count == RH_CALL_FDS_MAX)
			return RH_EMSGSIZE;
		index = fds->count;
		fds->fds[fds->count++] = fd;
	}
	memcpy(at, &index, sizeof index);
	return RH_OK;
}

int rh_put_value(const struct rh_param *param, void *value,
                     const struct rh_handle_map *handles, struct rh_fd_list *fds,
                     unsigned char *base, uint32_t cell, uint32_t *blob_off)
{
	uint64_t bits;
	int      r;

	switch (param->kind) {
	case RH_KIND_INT:
	case RH_KIND_UINT:
	case RH_KIND_FLOAT:
		bits = rh_load_scalar(param, value);
		memcpy(base + cell, &bits, sizeof bits);
		return RH_OK;
	case RH_KIND_STRUCT:
		memcpy(base + cell, value, param->size);
		return RH_OK;
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		rh_put_blob(base, cell, blob_off, rh_pointer_at(value),
		         (uint32_t)strlen(rh_pointer_at(value)), 1);
		return RH_OK;
	case RH_KIND_HANDLE:
		if ((r = handles->to_id(handles->user, param, rh_pointer_at(value),
		                        &bits)) < 0)
			return r;
		memcpy(base + cell, &bits, sizeof bits);
		return RH_OK;
	case RH_KIND_FD:
		return put_fd(fds, (int)rh_load_scalar(param, value), base + cell);
	default:
		return RH_EINVAL;
	}
}
