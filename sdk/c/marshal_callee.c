/* marshal_callee - arguments to C objects, C objects to the reply. */
#include "cells.h"

#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>

struct unpack {
	const struct rh_function   *function;
	const unsigned char        *at;
	uint32_t                    len;
	const unsigned char        *fixed; /* private copy of the cells */
	const struct rh_handle_map *handles;
	const struct rh_fd_list    *fds;
	struct rh_scratch          *scratch;
	struct rh_values           *values;
	uint64_t                    mask;
};

/* Checks a blob cell and copies its bytes (with one NUL more) to scratch. */
static int take_blob(struct unpack *u, uint32_t cell, int is_text,
                     const struct rh_param *param, void **ret_bytes,
                     uint32_t *ret_len)
{
	struct rh_blob_cell blob;
	unsigned char   *copy;

	memcpy(&blob, u->fixed + cell, sizeof blob);
	if (blob.off > u->len || blob.len > u->len - blob.off ||
	    (is_text && blob.len == u->len - blob.off))
		return RH_EPROTO;
	*ret_len = blob.len;
	if (!is_text && (param->flags & RH_PARAM_INPLACE) && !rh_comes_out(param)) {
		*ret_bytes = (void *)(uintptr_t)(u->at + blob.off);
		return RH_OK;
	}
	copy = rh_scratch_take(u->scratch, (size_t)blob.len + 1);
	if (!copy)
		return RH_ENOMEM;
	if (blob.len > 0)
		memcpy(copy, u->at + blob.off, blob.len);
	copy[blob.len] = 0;
	*ret_bytes = copy;
	return RH_OK;
}

static int take_text(struct unpack *u, unsigned i, uint32_t cell)
{
	struct rh_values *values = u->values;
	uint32_t          len;
	void             *text;
	int r = take_blob(u, cell, 1, &u->function->params[i], &text, &len);

	if (r < 0)
		return r;
	values->cells[i] = (uint64_t)(uintptr_t)text;
	return strlen(text) == len ? RH_OK : RH_EPROTO;
}

/* A number that only looks negative in 64 bits would name a descriptor of ours. */
static int take_fd(struct unpack *u, unsigned i, uint64_t bits)
{
	int64_t index = (int64_t)bits;
	int     fd = (int)index;

	if (index < INT32_MIN)
		return RH_EPROTO;
	if (index >= 0) {
		if ((uint64_t)index >= u->fds->count)
			return RH_EPROTO;
		fd = u->fds->fds[index];
	}
	memcpy(&u->values->cells[i], &fd, sizeof fd);
	return RH_OK;
}

static int take_handle(struct unpack *u, unsigned i, uint64_t id)
{
	void *pointer = NULL;
	int   r = RH_OK;

	if (id != 0)
		r = u->handles->to_pointer(u->handles->user, &u->function->params[i], id,
		                           &pointer);
	u->values->cells[i] = (uint64_t)(uintptr_t)pointer;
	return r;
}

static int take_struct(struct unpack *u, unsigned i, uint32_t cell)
{
	const struct rh_param *param = &u->function->params[i];
	void *copy = rh_scratch_take(u->scratch, param->size);

	if (!copy)
		return RH_ENOMEM;
	memcpy(copy, u->fixed + cell, param->size);
	u->values->structs[i] = copy;
	return RH_OK;
}

/* Unpacks the value of one parameter that is not NULL; bytes come later. */
static int take_value(struct unpack *u, unsigned i, uint32_t cell)
{
	uint64_t bits;

	memcpy(&bits, u->fixed + cell, sizeof bits);
	switch (u->function->params[i].kind) {
	case RH_KIND_INT:
	case RH_KIND_UINT:
	case RH_KIND_FLOAT:
		u->values->cells[i] = bits;
		return RH_OK;
	case RH_KIND_STRUCT:
		return take_struct(u, i, cell);
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		return take_text(u, i, cell);
	case RH_KIND_HANDLE:
		return take_handle(u, i, bits);
	case RH_KIND_FD:
		return take_fd(u, i, bits);
	default:
		return RH_OK;
	}
}

/* Makes args[i] point at a C object that is the value, or a pointer to it. */
static void set_object(struct rh_values *values, const struct rh_param *param,
                       unsigned i)
{
	int   is_struct = param->kind == RH_KIND_STRUCT;
	void *value = is_struct ? values->structs[i] : &values->cells[i];

	if (param->flags & RH_PARAM_POINTER) {
		values->pointees[i] = (uint64_t)(uintptr_t)value;
		values->args[i] = &values->pointees[i];
	} else {
		values->args[i] = value;
	}
}

/* Room for what only comes out, or NULL as the caller said. */
static int prepare_out(struct unpack *u, unsigned i)
{
	const struct rh_param *param = &u->function->params[i];

	u->values->cells[i] = 0;
	if (param->kind != RH_KIND_STRUCT)
		return RH_OK;
	u->values->structs[i] = rh_scratch_take(u->scratch, param->size);
	if (!u->values->structs[i])
		return RH_ENOMEM;
	memset(u->values->structs[i], 0, param->size);
	return RH_OK;
}

/* The length parameters are known now, and they alone say how long bytes are. */
static int take_bytes(struct unpack *u, unsigned i, uint32_t cell)
{
	const struct rh_param *param = &u->function->params[i];
	uint64_t wanted = rh_length_of(u->function, param, param->len_param,
	                            u->values->args);
	void    *bytes;
	uint32_t len;
	int      r;

	if (wanted > RH_PAYLOAD_MAX)
		return RH_EPROTO;
	u->values->room[i] = wanted;
	if (rh_goes_in(param)) {
		r = take_blob(u, cell, 0, param, &bytes, &len);
		if (r < 0)
			return r;
		if (len != wanted)
			return RH_EPROTO;
	} else {
		bytes = rh_scratch_take(u->scratch, wanted);
		if (!bytes)
			return RH_ENOMEM;
		memset(bytes, 0, wanted);
	}
	u->values->cells[i] = (uint64_t)(uintptr_t)bytes;
	return RH_OK;
}

static int unpack_params(struct unpack *u, int bytes_pass)
{
	uint32_t cell = RH_MASK_BYTES;

	for (unsigned i = 0; i < u->function->param_count; i++) {
		const struct rh_param *param = &u->function->params[i];
		int is_bytes = param->kind == RH_KIND_BYTES;
		int null = (u->mask >> i & 1) != 0;
		int r = RH_OK;

		if (null && !rh_is_pointer(param))
			return RH_EPROTO;
		if (is_bytes != bytes_pass || null)
			;
		else if (is_bytes)
			r = take_bytes(u, i, cell);
		else
			r = rh_goes_in(param) ? take_value(u, i, cell) : prepare_out(u, i);
		if (r < 0)
			return r;
		if (is_bytes == bytes_pass)
			set_object(u->values, param, i);
		/* NULL of a plain pointer parameter, not of a text behind one. */
		if (null && (param->flags & RH_PARAM_POINTER))
			u->values->pointees[i] = 0;
		if (rh_goes_in(param))
			cell += rh_cell_bytes(param);
	}
	return RH_OK;
}

int rh_unmarshal_args(const struct rh_function *function, const unsigned char *at,
                      uint32_t len, const struct rh_handle_map *handles,
                      const struct rh_fd_list *fds, struct rh_scratch *scratch,
                      struct rh_values *ret_values)
{
	uint32_t       fixed = rh_args_fixed(function);
	unsigned char *copy;
	struct unpack  u = {
		.function = function, .at = at, .len = len, .handles = handles,
		.fds = fds, .scratch = scratch, .values = ret_values,
	};
	int r;

	if (len < fixed || function->param_count > RH_PARAMS_MAX)
		return RH_EPROTO;
	copy = rh_scratch_take(scratch, fixed);
	if (!copy)
		return RH_ENOMEM;
	memcpy(copy, at, fixed); /* read once; cells never change from here on */
	u.fixed = copy;
	memcpy(&u.mask, copy, sizeof u.mask);
	if (u.mask >> function->param_count)
		return RH_EPROTO;
	memset(ret_values->cells, 0, sizeof ret_values->cells);
	ret_values->mirrors = NULL;
	if ((r = unpack_params(&u, 0)) < 0 || (r = unpack_params(&u, 1)) < 0)
		return r;
	ret_values->ret = &ret_values->ret_cell;
	ret_values->ret_cell = 0;
	if (function->ret.kind == RH_KIND_STRUCT &&
	    !(ret_values->ret = rh_scratch_take(scratch, function->ret.size)))
		return RH_ENOMEM;
	return RH_OK;
}

/* Bytes of outgoing bytes that were really used. */
static uint64_t used_bytes(const struct rh_function *function,
                           const struct rh_param *param,
                           const struct rh_values *values, uint64_t capacity)
{
	uint64_t used = capacity;

	if (param->used_param == RH_USED_RETURN) {
		int64_t count = (int64_t)rh_load_scalar(&function->ret, values->ret);

		used = count < 0 ? 0 : (uint64_t)count > RH_PAYLOAD_MAX ? capacity
		       : (uint64_t)count * rh_element(param);
	} else if (param->used_param != RH_NO_PARAM) {
		used = rh_length_of(function, param, param->used_param, values->args);
	}
	return used < capacity ? used : capacity;
}

/* A blob that comes out: where and how long.  0 when there is none (NULL). */
static int blob_out(const struct rh_function *function, const struct rh_param *param,
                    const struct rh_values *values, void *object, int is_ret,
                    const void **ret_bytes, uint64_t *ret_len)
{
	void *value = rh_value_at(param, object);
	void *bytes = value ? rh_pointer_at(value) : NULL;

	if (!bytes)
		return 0;
	*ret_bytes = bytes;
	if (param->kind != RH_KIND_BYTES) {
		*ret_len = strlen(bytes) + 1;
		return 1;
	}
	/* A function may store in the length parameter how much it would have needed:
	 * the room is what it was before. */
	*ret_len = is_ret ? rh_length_of(function, param, param->len_param, values->args)
	           : used_bytes(function, param, values,
	                        values->room[param - function->params]);
	return 1;
}

int64_t rh_marshal_reply_bytes(const struct rh_function *function,
                               const struct rh_values *values)
{
	uint64_t    bytes = rh_reply_fixed(function), len;
	const void *blob;

	if (rh_is_blob(&function->ret) &&
	    blob_out(function, &function->ret, values, values->ret, 1, &blob, &len))
		bytes += len;
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (bytes > RH_PAYLOAD_MAX)
			break;
		if (rh_comes_out(param) && rh_is_blob(param) &&
		    blob_out(function, param, values, values->args[i], 0, &blob, &len))
			bytes += len;
	}
	return bytes > RH_PAYLOAD_MAX ? RH_EMSGSIZE : (int64_t)bytes;
}

struct pack_out {
	const struct rh_function   *function;
	const struct rh_values     *values;
	const struct rh_handle_map *handles;
	struct rh_fd_list          *fds;
	unsigned char              *at;
	uint32_t                    cell;
	uint32_t                    blob_off;
	uint64_t                    mask;
};

static int put_out(struct pack_out *out, const struct rh_param *param, void *object,
                   unsigned bit)
{
	const void *bytes = NULL;
	uint64_t    len = 0;
	uint32_t    cell = out->cell;
	void       *value = rh_value_at(param, object);

	out->cell += rh_cell_bytes(param);
	if (rh_is_blob(param)) {
		int text = param->kind != RH_KIND_BYTES;

		if (!blob_out(out->function, param, out->values, object, bit == 63,
		              &bytes, &len)) {
			out->mask |= 1ull << bit;
			return RH_OK;
		}
		rh_put_blob(out->at, cell, &out->blob_off, bytes,
		         (uint32_t)len - (text ? 1 : 0), text ? 1 : 0);
		return RH_OK;
	}
	if (!value) {
		out->mask |= 1ull << bit;
		return RH_OK;
	}
	return rh_put_value(param, value, out->handles, out->fds, out->at, cell,
	                 &out->blob_off);
}

/* Where they are: in the object, or as a server without memory of C told them. */
static const void *mirror_of(const struct pack_out *out, const struct rh_param *param,
                             void *object, unsigned place)
{
	void       *value;
	const char *pointer;

	if (out->values->mirrors)
		return out->values->mirrors[place];
	value = rh_value_at(param, object);
	pointer = value ? rh_pointer_at(value) : NULL;
	return pointer ? pointer + param->mirror_off : NULL;
}

/* The bytes of an object that its callers read. */
static void put_mirror(struct pack_out *out, const struct rh_param *param,
                       void *object, unsigned place)
{
	uint32_t    len = rh_mirror_bytes(param);
	const void *bytes = len > 0 ? mirror_of(out, param, object, place) : NULL;

	if (bytes)
		memcpy(out->at + out->cell, bytes, param->mirror_len);
	out->cell += len;
}

int rh_marshal_reply(const struct rh_function *function,
                     const struct rh_values *values,
                     const struct rh_handle_map *handles, struct rh_fd_list *fds,
                     unsigned char *at)
{
	struct pack_out out = {
		.function = function, .values = values, .handles = handles, .fds = fds,
		.at = at, .cell = RH_MASK_BYTES, .blob_off = rh_reply_fixed(function),
	};
	int r;

	memset(at, 0, out.blob_off);
	if (function->ret.kind != RH_KIND_VOID) {
		if ((r = put_out(&out, &function->ret, values->ret, 63)) < 0)
			return r;
		put_mirror(&out, &function->ret, values->ret, RH_PARAMS_MAX);
	}
	for (unsigned i = 0; i < function->param_count; i++) {
		if (rh_comes_out(&function->params[i]) &&
		    (r = put_out(&out, &function->params[i], values->args[i], i)) < 0)
			return r;
		put_mirror(&out, &function->params[i], values->args[i], i);
	}
	memcpy(at, &out.mask, sizeof out.mask);
	return (int)out.blob_off;
}

static void give_up(const struct rh_param *param, void *object)
{
	void *value = rh_is_blob(param) && (param->flags & RH_PARAM_TRANSFER)
	              ? rh_value_at(param, object) : NULL;

	if (value)
		free(rh_pointer_at(value));
}

void rh_marshal_reply_free(const struct rh_function *function,
                           const struct rh_values *values)
{
	if (function->ret.kind != RH_KIND_VOID)
		give_up(&function->ret, values->ret);
	for (unsigned i = 0; i < function->param_count; i++) {
		if (rh_comes_out(&function->params[i]))
			give_up(&function->params[i], values->args[i]);
	}
}
