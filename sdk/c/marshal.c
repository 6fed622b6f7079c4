/* marshal - the caller's arguments, and where cells stand. */
#include "cells.h"

#include "../../model/error.h"

#include <string.h>

uint32_t rh_marshal_cell(const struct rh_function *function, unsigned index)
{
	uint32_t off = RH_MASK_BYTES;

	for (unsigned i = 0; i < index; i++) {
		if (rh_goes_in(&function->params[i]))
			off += rh_cell_bytes(&function->params[i]);
	}
	return off;
}

static int creates(const struct rh_param *param)
{
	return param->kind == RH_KIND_HANDLE && (param->flags & RH_PARAM_CREATES);
}

uint32_t rh_marshal_created_cell(const struct rh_function *function)
{
	uint32_t off = RH_MASK_BYTES;

	if (creates(&function->ret))
		return off;
	if (function->ret.kind != RH_KIND_VOID)
		off += rh_cell_bytes(&function->ret) + rh_mirror_bytes(&function->ret);
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (rh_comes_out(param) && creates(param))
			return off;
		if (rh_comes_out(param))
			off += rh_cell_bytes(param);
		off += rh_mirror_bytes(param);
	}
	return 0;
}

static int is_null(const struct rh_param *param, void *object)
{
	return rh_is_pointer(param) && !rh_pointer_at(object);
}

/* Bytes of the blob of a text or of bytes going in. */
static uint64_t blob_in(const struct rh_function *function, unsigned i,
                        void *const *args)
{
	const struct rh_param *param = &function->params[i];

	if (is_null(param, args[i]))
		return 0;
	if (param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH) {
		const char *text = rh_pointer_at(rh_value_at(param, args[i]));

		return text ? strlen(text) + 1 : 0;
	}
	return param->kind == RH_KIND_BYTES
	       ? rh_length_of(function, param, param->len_param, args) : 0;
}

/* Bytes of the room for bytes that come out alone. */
static uint64_t room_of(const struct rh_function *function, unsigned i, void *const *args)
{
	const struct rh_param *param = &function->params[i];

	return param->kind == RH_KIND_BYTES && !is_null(param, args[i])
	       ? rh_length_of(function, param, param->len_param, args) : 0;
}

int64_t rh_marshal_args_bytes(const struct rh_function *function, void *const *args)
{
	uint64_t bytes = rh_args_fixed(function);

	for (unsigned i = 0; i < function->param_count; i++) {
		int      goes_in = rh_goes_in(&function->params[i]);
		uint64_t blob = goes_in ? blob_in(function, i, args)
		                : room_of(function, i, args);

		if (blob > RH_BYTES_MAX)
			return RH_EMSGSIZE;
		if (!goes_in)
			continue;
		if (bytes + blob > RH_PAYLOAD_MAX)
			return RH_EMSGSIZE;
		bytes += blob;
	}
	return (int64_t)bytes;
}

/* A text behind a pointer parameter (char **) may be NULL as well. */
static int has_no_text(const struct rh_param *param, void *value)
{
	return (param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH) &&
	       !rh_pointer_at(value);
}

int rh_marshal_args(const struct rh_function *function, void *const *args,
                    const struct rh_handle_map *handles, struct rh_fd_list *fds,
                    unsigned char *at)
{
	uint32_t cell = RH_MASK_BYTES;
	uint32_t blob_off = rh_args_fixed(function);
	uint64_t mask = 0;

	memset(at, 0, blob_off);
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];
		void *value = rh_value_at(param, args[i]);
		int   r = RH_OK;

		if (is_null(param, args[i]) ||
		    (rh_goes_in(param) && has_no_text(param, value)))
			mask |= 1ull << i;
		if (!rh_goes_in(param))
			continue;
		if (mask & (1ull << i))
			; /* the cell stays zero */
		else if (param->kind == RH_KIND_BYTES)
			rh_put_blob(at, cell, &blob_off, rh_pointer_at(args[i]),
			         (uint32_t)blob_in(function, i, args), 0);
		else
			r = rh_put_value(param, value, handles, fds, at, cell, &blob_off);
		if (r < 0)
			return r;
		cell += rh_cell_bytes(param);
	}
	memcpy(at, &mask, sizeof mask);
	return (int)blob_off;
}

uint32_t rh_marshal_reply_hint(const struct rh_function *function,
                               void *const *args)
{
	uint64_t bytes = rh_reply_fixed(function);

	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (!rh_comes_out(param) || param->kind != RH_KIND_BYTES)
			continue;
		bytes += rh_length_of(function, param, param->len_param, args);
		if (bytes > RH_PAYLOAD_ARENA_MAX)
			return RH_PAYLOAD_ARENA_MAX;
	}
	return (uint32_t)bytes;
}
