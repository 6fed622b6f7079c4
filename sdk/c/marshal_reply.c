/* marshal_reply - the reply, as the caller reads it. */
#include "cells.h"

#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>

struct take_in {
	const struct rh_function   *function;
	const unsigned char        *at;
	uint32_t                    len;
	const struct rh_handle_map *handles;
	struct rh_fd_list          *fds;
	const struct rh_keeper     *keeper;
	void *const                *args;
	uint64_t                    mask;
	uint32_t                    cell;
	uint32_t                    returned; /* bytes that are the result */
	uint64_t                    room[RH_PARAMS_MAX]; /* for bytes */
};

static int give_text(struct take_in *in, const struct rh_param *param,
                     const unsigned char *bytes, uint32_t len, void *value)
{
	char *text;

	if (bytes[len] != 0)
		return RH_EPROTO;
	if (param->flags & RH_PARAM_TRANSFER) {
		text = malloc((size_t)len + 1);
		if (text)
			memcpy(text, bytes, (size_t)len + 1);
	} else {
		text = in->keeper->keep(in->keeper->user, bytes, (size_t)len + 1);
	}
	if (!text)
		return RH_ENOMEM;
	text[len] = 0; /* also when the callee changes the page meanwhile */
	memcpy(value, &text, sizeof text);
	return RH_OK;
}

static int give_bytes(struct take_in *in, const struct rh_param *param,
                      const unsigned char *bytes, uint32_t len, void *value,
                      int is_ret)
{
	void *to = rh_pointer_at(value);

	if (is_ret) {
		to = param->flags & RH_PARAM_TRANSFER ? malloc(len ? len : 1)
		     : in->keeper->keep(in->keeper->user, bytes, len);
		if (!to)
			return RH_ENOMEM;
		memcpy(value, &to, sizeof to);
		in->returned = len;
		if (!(param->flags & RH_PARAM_TRANSFER))
			return RH_OK;
	} else if (len > 0 && (!to || len > in->room[param - in->function->params])) {
		return RH_EPROTO; /* more than the program has room for */
	}
	if (len > 0)
		memcpy(to, bytes, len);
	return RH_OK;
}

static int give_blob(struct take_in *in, const struct rh_param *param, uint32_t cell,
                     void *value, int is_ret)
{
	struct rh_blob_cell blob;
	int              text = param->kind != RH_KIND_BYTES;

	memcpy(&blob, in->at + cell, sizeof blob);
	if (blob.off > in->len || blob.len > in->len - blob.off ||
	    (text && blob.len == in->len - blob.off))
		return RH_EPROTO;
	return text ? give_text(in, param, in->at + blob.off, blob.len, value)
	            : give_bytes(in, param, in->at + blob.off, blob.len, value, is_ret);
}

static int give_fd(struct take_in *in, uint64_t bits, const struct rh_param *param,
                   void *value)
{
	int64_t index = (int64_t)bits;

	if (index < INT32_MIN)
		return RH_EPROTO; /* as an int it would be some descriptor of ours */
	if (index >= 0) {
		if ((uint64_t)index >= in->fds->count || in->fds->fds[index] < 0)
			return RH_EPROTO;
		bits = (uint64_t)in->fds->fds[index];
		in->fds->fds[index] = -1; /* the program's now */
	}
	rh_store_scalar(param, value, bits);
	return RH_OK;
}

/* Only what is a pointer here can be told to be NULL; bytes stay as they were. */
static int give_null(const struct rh_param *param, void *value, int is_ret)
{
	void *pointer = NULL;

	if (!rh_is_blob(param))
		return RH_EPROTO;
	if (param->kind != RH_KIND_BYTES || is_ret)
		memcpy(value, &pointer, sizeof pointer);
	return RH_OK;
}

static int give_value(struct take_in *in, const struct rh_param *param, void *value,
                      unsigned bit)
{
	uint32_t cell = in->cell;
	void    *pointer = NULL;
	uint64_t bits;
	int      r = RH_OK;

	in->cell += rh_cell_bytes(param);
	if (!value)
		return RH_OK;
	if (in->mask >> bit & 1)
		return give_null(param, value, bit == 63);
	memcpy(&bits, in->at + cell, sizeof bits);
	switch (param->kind) {
	case RH_KIND_STRUCT:
		memcpy(value, in->at + cell, param->size);
		return RH_OK;
	case RH_KIND_STRING:
	case RH_KIND_PATH:
	case RH_KIND_BYTES:
		return give_blob(in, param, cell, value, bit == 63);
	case RH_KIND_HANDLE:
		if (bits != 0)
			r = in->handles->to_pointer(in->handles->user, param, bits,
			                            &pointer);
		memcpy(value, &pointer, sizeof pointer);
		return r;
	case RH_KIND_FD:
		return give_fd(in, bits, param, value);
	default:
		rh_store_scalar(param, value, bits);
		return RH_OK;
	}
}

/* Renews what the program sees of the object behind its handle. */
static void give_mirror(struct take_in *in, const struct rh_param *param, void *value)
{
	uint32_t len = rh_mirror_bytes(param);
	char    *pointer = len > 0 && value ? rh_pointer_at(value) : NULL;

	if (pointer)
		memcpy(pointer + param->mirror_off, in->at + in->cell, param->mirror_len);
	in->cell += len;
}

/* How much room the program gives, before its length parameters are written over. */
static void note_room(struct take_in *in)
{
	for (unsigned i = 0; i < in->function->param_count; i++) {
		const struct rh_param *param = &in->function->params[i];

		if (param->kind == RH_KIND_BYTES && rh_comes_out(param))
			in->room[i] = rh_length_of(in->function, param, param->len_param,
			                           in->args);
	}
}

/* Whoever called reads as many of the returned bytes as the parameter beside them says,
 * which comes from the callee, too. */
static int check_returned(const struct take_in *in)
{
	const struct rh_param *param = &in->function->ret;

	if (param->kind != RH_KIND_BYTES || in->mask >> 63 ||
	    param->len_param >= in->function->param_count)
		return RH_OK;
	return rh_length_of(in->function, param, param->len_param, in->args) > in->returned
	       ? RH_EPROTO : RH_OK;
}

int rh_unmarshal_reply(const struct rh_function *function, const unsigned char *at,
                       uint32_t len, const struct rh_handle_map *handles,
                       struct rh_fd_list *fds, const struct rh_keeper *keeper,
                       void *const *args, void *ret)
{
	struct take_in in = {
		.function = function, .at = at, .len = len, .handles = handles,
		.fds = fds, .keeper = keeper, .args = args, .cell = RH_MASK_BYTES,
	};
	int r;

	if (len < rh_reply_fixed(function))
		return RH_EPROTO;
	note_room(&in);
	memcpy(&in.mask, at, sizeof in.mask);
	if (function->ret.kind != RH_KIND_VOID) {
		if ((r = give_value(&in, &function->ret, ret, 63)) < 0)
			return r;
		give_mirror(&in, &function->ret, ret);
	}
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (rh_comes_out(param) &&
		    (r = give_value(&in, param, rh_value_at(param, args[i]), i)) < 0)
			return r;
		give_mirror(&in, param, rh_value_at(param, args[i]));
	}
	return check_returned(&in);
}
