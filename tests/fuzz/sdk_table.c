#include "sdk_table.h"

#include "../../model/error.h"

#define P(...) { __VA_ARGS__ }
#define POINTER RH_PARAM_POINTER

static const struct rh_param in_params[] = {
	P(.name = "i8", .kind = RH_KIND_INT, .size = 1),
	P(.name = "u64", .kind = RH_KIND_UINT, .size = 8),
	P(.name = "f32", .kind = RH_KIND_FLOAT, .size = 4),
	P(.name = "pair", .kind = RH_KIND_STRUCT, .size = sizeof(struct sdk_pair)),
	P(.name = "text", .kind = RH_KIND_STRING, .size = 8, .flags = RH_PARAM_NULLABLE),
	P(.name = "path", .kind = RH_KIND_PATH, .size = 8),
	P(.name = "words", .kind = RH_KIND_BYTES, .size = 4, .len_param = 7),
	P(.name = "count", .kind = RH_KIND_INT, .size = 4),
	P(.name = "handle", .kind = RH_KIND_HANDLE, .size = 8),
	P(.name = "fd", .kind = RH_KIND_FD, .size = 4),
	P(.name = "number", .kind = RH_KIND_INT, .size = 4, .flags = POINTER),
	P(.name = "place", .kind = RH_KIND_STRUCT, .size = sizeof(struct sdk_pair),
	  .flags = POINTER),
	P(.name = "raw", .kind = RH_KIND_BYTES, .size = 1, .len_param = 1,
	  .flags = RH_PARAM_INPLACE),
};

static const struct rh_param out_params[] = {
	P(.name = "len", .kind = RH_KIND_UINT, .direction = RH_INOUT, .size = 8,
	  .flags = POINTER),
	P(.name = "buffer", .kind = RH_KIND_BYTES, .direction = RH_OUT, .size = 2,
	  .len_param = 0, .used_param = 0),
	P(.name = "pair", .kind = RH_KIND_STRUCT, .direction = RH_OUT,
	  .size = sizeof(struct sdk_pair), .flags = POINTER),
	P(.name = "text", .kind = RH_KIND_STRING, .direction = RH_OUT, .size = 8,
	  .flags = POINTER),
	P(.name = "fd", .kind = RH_KIND_FD, .direction = RH_OUT, .size = 4,
	  .flags = POINTER),
	P(.name = "cap", .kind = RH_KIND_UINT, .size = 4),
	P(.name = "more", .kind = RH_KIND_BYTES, .direction = RH_INOUT, .size = 1,
	  .len_param = 5, .used_param = RH_USED_RETURN),
};

static const struct rh_param made_params[] = {
	P(.name = "made", .kind = RH_KIND_HANDLE, .direction = RH_OUT, .size = 8,
	  .flags = POINTER | RH_PARAM_CREATES),
	P(.name = "other", .kind = RH_KIND_HANDLE, .size = 8, .mirror_off = 4,
	  .mirror_len = 8),
};

static const struct rh_param peek_params[] = {
	P(.name = "len", .kind = RH_KIND_UINT, .direction = RH_OUT, .size = 4,
	  .flags = POINTER),
};

const struct rh_function sdk_functions[SDK_FUNCTIONS] = {
	{ .name = "in", .params = in_params, .param_count = 13,
	  .ret = P(.kind = RH_KIND_VOID) },
	{ .name = "out", .params = out_params, .param_count = 7,
	  .ret = P(.kind = RH_KIND_INT, .size = 4, .direction = RH_OUT) },
	{ .name = "made", .params = made_params, .param_count = 2,
	  .ret = P(.kind = RH_KIND_STRING, .size = 8, .direction = RH_OUT) },
	{ .name = "peek", .params = peek_params, .param_count = 1,
	  .ret = P(.kind = RH_KIND_BYTES, .size = 1, .direction = RH_OUT,
	           .len_param = 0, .flags = RH_PARAM_TRANSFER) },
};

static uint64_t objects[100][4];

static int to_id(void *user, const struct rh_param *param, void *pointer, uint64_t *ret_id)
{
	(void)user;
	(void)param;
	*ret_id = 0;
	if (pointer)
		*ret_id = (uint64_t)((uint64_t (*)[4])pointer - objects) + 1;
	return RH_OK;
}

static int to_pointer(void *user, const struct rh_param *param, uint64_t id,
                      void **ret_pointer)
{
	(void)user;
	(void)param;
	if (id > 100)
		return RH_EHANDLE;
	*ret_pointer = objects[id - 1];
	return RH_OK;
}

const struct rh_handle_map sdk_handles = { .to_id = to_id, .to_pointer = to_pointer };
