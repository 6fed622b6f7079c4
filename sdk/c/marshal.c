#include "marshal.h"

#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>

#define MASK_BYTES 8u
#define RET_NULL   (1ull << 63)

struct blob_cell {
	uint32_t off;
	uint32_t len;
};

struct rh_chunk {
	struct rh_chunk *next;
	size_t           cap;
	size_t           used;
	_Alignas(16) unsigned char bytes[];
};

#define CHUNK_MIN 16384u

void *rh_scratch_take(struct rh_scratch *scratch, size_t bytes)
{
	size_t           need = (bytes + 15) & ~(size_t)15;
	struct rh_chunk *chunk = scratch->chunks;

	if (bytes > RH_PAYLOAD_MAX)
		return NULL;
	if (!chunk || chunk->cap - chunk->used < need) {
		size_t cap = need > CHUNK_MIN ? need : CHUNK_MIN;

		if (scratch->total + cap > 2u * RH_PAYLOAD_MAX)
			return NULL;
		chunk = malloc(sizeof *chunk + cap);
		if (!chunk)
			return NULL;
		*chunk = (struct rh_chunk){ .next = scratch->chunks, .cap = cap };
		scratch->chunks = chunk;
		scratch->total += cap;
	}
	void *at = chunk->bytes + chunk->used;
	chunk->used += need;
	return at;
}

/* Keeps one chunk of the usual size, so that a call allocates nothing. */
void rh_scratch_reset(struct rh_scratch *scratch)
{
	while (scratch->chunks && (scratch->chunks->next ||
	                           scratch->chunks->cap > CHUNK_MIN)) {
		struct rh_chunk *chunk = scratch->chunks;

		scratch->chunks = chunk->next;
		scratch->total -= chunk->cap;
		free(chunk);
	}
	if (scratch->chunks)
		scratch->chunks->used = 0;
}

void rh_scratch_fini(struct rh_scratch *scratch)
{
	rh_scratch_reset(scratch);
	free(scratch->chunks);
	*scratch = (struct rh_scratch){ 0 };
}

static int goes_in(const struct rh_param *param)
{
	return param->direction != RH_OUT;
}

static int comes_out(const struct rh_param *param)
{
	return param->direction != RH_IN;
}

/* Whether the C object is a pointer that can be NULL (a handle's NULL is 0). */
static int is_pointer(const struct rh_param *param)
{
	return (param->flags & RH_PARAM_POINTER) || param->kind == RH_KIND_STRING ||
	       param->kind == RH_KIND_PATH || param->kind == RH_KIND_BYTES;
}

static uint32_t cell_bytes(const struct rh_param *param)
{
	return param->kind == RH_KIND_STRUCT ? (param->size + 7) & ~7u : 8;
}

static uint32_t element(const struct rh_param *param)
{
	return param->size > 0 ? param->size : 1;
}

static uint32_t args_fixed(const struct rh_function *function)
{
	uint32_t bytes = MASK_BYTES;

	for (unsigned i = 0; i < function->param_count; i++) {
		if (goes_in(&function->params[i]))
			bytes += cell_bytes(&function->params[i]);
	}
	return bytes;
}

static uint32_t reply_fixed(const struct rh_function *function)
{
	uint32_t bytes = MASK_BYTES;

	if (function->ret.kind != RH_KIND_VOID)
		bytes += cell_bytes(&function->ret);
	for (unsigned i = 0; i < function->param_count; i++) {
		if (comes_out(&function->params[i]))
			bytes += cell_bytes(&function->params[i]);
	}
	return bytes;
}

uint32_t rh_marshal_cell(const struct rh_function *function, unsigned index)
{
	uint32_t off = MASK_BYTES;

	for (unsigned i = 0; i < index; i++) {
		if (goes_in(&function->params[i]))
			off += cell_bytes(&function->params[i]);
	}
	return off;
}

static int creates(const struct rh_param *param)
{
	return param->kind == RH_KIND_HANDLE && (param->flags & RH_PARAM_CREATES);
}

uint32_t rh_marshal_created_cell(const struct rh_function *function)
{
	uint32_t off = MASK_BYTES;

	if (creates(&function->ret))
		return off;
	if (function->ret.kind != RH_KIND_VOID)
		off += cell_bytes(&function->ret);
	for (unsigned i = 0; i < function->param_count; i++) {
		if (!comes_out(&function->params[i]))
			continue;
		if (creates(&function->params[i]))
			return off;
		off += cell_bytes(&function->params[i]);
	}
	return 0;
}

static void *pointer_at(const void *object)
{
	void *pointer;

	memcpy(&pointer, object, sizeof pointer);
	return pointer;
}

/* The value itself: behind the pointer for pointer parameters; NULL when NULL. */
static void *value_at(const struct rh_param *param, void *object)
{
	return (param->flags & RH_PARAM_POINTER) ? pointer_at(object) : object;
}

static uint64_t load_scalar(const struct rh_param *param, const void *at)
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

static void store_scalar(const struct rh_param *param, void *at, uint64_t bits)
{
	memcpy(at, &bits, param->size <= sizeof bits ? param->size : sizeof bits);
}

/* The length in bytes that a length parameter tells for param; 0 when the length
 * is not there, UINT64_MAX when it is negative or absurd. */
static uint64_t length_of(const struct rh_function *function,
                          const struct rh_param *param, unsigned len_param,
                          void *const *objects)
{
	const struct rh_param *len;
	const void            *at;
	uint64_t               count;

	if (len_param >= function->param_count)
		return UINT64_MAX;
	len = &function->params[len_param];
	at = value_at(len, objects[len_param]);
	if (!at)
		return 0;
	count = load_scalar(len, at);
	if (len->kind == RH_KIND_INT && (int64_t)count < 0)
		return UINT64_MAX;
	return count > RH_PAYLOAD_MAX ? UINT64_MAX : count * element(param);
}

static int is_null(const struct rh_param *param, void *object)
{
	return is_pointer(param) && !pointer_at(object);
}

/* Bytes of the blob of a text or of bytes going in. */
static uint64_t blob_in(const struct rh_function *function, unsigned i,
                        void *const *args)
{
	const struct rh_param *param = &function->params[i];

	if (is_null(param, args[i]))
		return 0;
	if (param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH) {
		const char *text = pointer_at(value_at(param, args[i]));

		return text ? strlen(text) + 1 : 0;
	}
	return param->kind == RH_KIND_BYTES
	       ? length_of(function, param, param->len_param, args) : 0;
}

int64_t rh_marshal_args_bytes(const struct rh_function *function, void *const *args)
{
	uint64_t bytes = args_fixed(function);

	for (unsigned i = 0; i < function->param_count; i++) {
		uint64_t blob;

		if (!goes_in(&function->params[i]))
			continue;
		blob = blob_in(function, i, args);
		if (blob > RH_PAYLOAD_MAX || bytes + blob > RH_PAYLOAD_MAX)
			return RH_EMSGSIZE;
		bytes += blob;
	}
	return (int64_t)bytes;
}

static void put_blob(unsigned char *base, uint32_t cell, uint32_t *blob_off,
                     const void *bytes, uint32_t len, uint32_t tail)
{
	struct blob_cell written = { *blob_off, len };

	memcpy(base + cell, &written, sizeof written);
	if (len + tail > 0)
		memcpy(base + *blob_off, bytes, len + tail);
	*blob_off += len + tail;
}

static int put_fd(struct rh_fd_list *fds, int fd, unsigned char *at)
{
	int64_t index = fd;

	if (fd >= 0) {
		if (fds->count == RH_CALL_FDS_MAX)
			return RH_EMSGSIZE;
		index = fds->count;
		fds->fds[fds->count++] = fd;
	}
	memcpy(at, &index, sizeof index);
	return RH_OK;
}

/* Writes one value's cell; value is not NULL.  The same in both directions. */
static int put_value(const struct rh_param *param, void *value,
                     const struct rh_handle_map *handles, struct rh_fd_list *fds,
                     unsigned char *base, uint32_t cell, uint32_t *blob_off)
{
	uint64_t bits;
	int      r;

	switch (param->kind) {
	case RH_KIND_INT:
	case RH_KIND_UINT:
	case RH_KIND_FLOAT:
		bits = load_scalar(param, value);
		memcpy(base + cell, &bits, sizeof bits);
		return RH_OK;
	case RH_KIND_STRUCT:
		memcpy(base + cell, value, param->size);
		return RH_OK;
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		put_blob(base, cell, blob_off, pointer_at(value),
		         (uint32_t)strlen(pointer_at(value)), 1);
		return RH_OK;
	case RH_KIND_HANDLE:
		if ((r = handles->to_id(handles->user, param, pointer_at(value),
		                        &bits)) < 0)
			return r;
		memcpy(base + cell, &bits, sizeof bits);
		return RH_OK;
	case RH_KIND_FD:
		return put_fd(fds, (int)load_scalar(param, value), base + cell);
	default:
		return RH_EINVAL;
	}
}

/* A text behind a pointer parameter (char **) may be NULL as well. */
static int has_no_text(const struct rh_param *param, void *value)
{
	return (param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH) &&
	       !pointer_at(value);
}

int rh_marshal_args(const struct rh_function *function, void *const *args,
                    const struct rh_handle_map *handles, struct rh_fd_list *fds,
                    unsigned char *at)
{
	uint32_t cell = MASK_BYTES;
	uint32_t blob_off = args_fixed(function);
	uint64_t mask = 0;

	memset(at, 0, blob_off);
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];
		void *value = value_at(param, args[i]);
		int   r = RH_OK;

		if (is_null(param, args[i]) || has_no_text(param, value))
			mask |= 1ull << i;
		if (!goes_in(param))
			continue;
		if (mask & (1ull << i))
			; /* the cell stays zero */
		else if (param->kind == RH_KIND_BYTES)
			put_blob(at, cell, &blob_off, pointer_at(args[i]),
			         (uint32_t)blob_in(function, i, args), 0);
		else
			r = put_value(param, value, handles, fds, at, cell, &blob_off);
		if (r < 0)
			return r;
		cell += cell_bytes(param);
	}
	memcpy(at, &mask, sizeof mask);
	return (int)blob_off;
}

uint32_t rh_marshal_reply_hint(const struct rh_function *function,
                               void *const *args)
{
	uint64_t bytes = reply_fixed(function);

	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (!comes_out(param) || param->kind != RH_KIND_BYTES)
			continue;
		bytes += length_of(function, param, param->len_param, args);
		if (bytes > RH_PAYLOAD_ARENA_MAX)
			return RH_PAYLOAD_ARENA_MAX;
	}
	return (uint32_t)bytes;
}

/* ---- the callee's side ------------------------------------------------- */

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
	struct blob_cell blob;
	unsigned char   *copy;

	memcpy(&blob, u->fixed + cell, sizeof blob);
	if (blob.off > u->len || blob.len > u->len - blob.off ||
	    (is_text && blob.len == u->len - blob.off))
		return RH_EPROTO;
	*ret_len = blob.len;
	if (!is_text && (param->flags & RH_PARAM_INPLACE) && !comes_out(param)) {
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

static int take_fd(struct unpack *u, unsigned i, uint64_t bits)
{
	int64_t index = (int64_t)bits;
	int     fd = (int)index;

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
	uint64_t wanted = length_of(u->function, param, param->len_param,
	                            u->values->args);
	void    *bytes;
	uint32_t len;
	int      r;

	if (wanted > RH_PAYLOAD_MAX)
		return RH_EPROTO;
	if (goes_in(param)) {
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
	uint32_t cell = MASK_BYTES;

	for (unsigned i = 0; i < u->function->param_count; i++) {
		const struct rh_param *param = &u->function->params[i];
		int is_bytes = param->kind == RH_KIND_BYTES;
		int null = (u->mask >> i & 1) != 0;
		int r = RH_OK;

		if (null && !is_pointer(param))
			return RH_EPROTO;
		if (is_bytes != bytes_pass || null)
			;
		else if (is_bytes)
			r = take_bytes(u, i, cell);
		else
			r = goes_in(param) ? take_value(u, i, cell) : prepare_out(u, i);
		if (r < 0)
			return r;
		if (is_bytes == bytes_pass)
			set_object(u->values, param, i);
		/* NULL of a plain pointer parameter, not of a text behind one. */
		if (null && (param->flags & RH_PARAM_POINTER))
			u->values->pointees[i] = 0;
		if (goes_in(param))
			cell += cell_bytes(param);
	}
	return RH_OK;
}

int rh_unmarshal_args(const struct rh_function *function, const unsigned char *at,
                      uint32_t len, const struct rh_handle_map *handles,
                      const struct rh_fd_list *fds, struct rh_scratch *scratch,
                      struct rh_values *ret_values)
{
	uint32_t       fixed = args_fixed(function);
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
		int64_t count = (int64_t)load_scalar(&function->ret, values->ret);

		used = count < 0 ? 0 : (uint64_t)count > RH_PAYLOAD_MAX ? capacity
		       : (uint64_t)count * element(param);
	} else if (param->used_param != RH_NO_PARAM) {
		used = length_of(function, param, param->used_param, values->args);
	}
	return used < capacity ? used : capacity;
}

/* A blob that comes out: where and how long.  0 when there is none (NULL). */
static int blob_out(const struct rh_function *function, const struct rh_param *param,
                    const struct rh_values *values, void *object, int is_ret,
                    const void **ret_bytes, uint64_t *ret_len)
{
	void *value = value_at(param, object);
	void *bytes = value ? pointer_at(value) : NULL;

	if (!bytes)
		return 0;
	*ret_bytes = bytes;
	if (param->kind != RH_KIND_BYTES) {
		*ret_len = strlen(bytes) + 1;
		return 1;
	}
	*ret_len = length_of(function, param, param->len_param, values->args);
	if (!is_ret)
		*ret_len = used_bytes(function, param, values, *ret_len);
	return 1;
}

static int is_blob(const struct rh_param *param)
{
	return param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH ||
	       param->kind == RH_KIND_BYTES;
}

int64_t rh_marshal_reply_bytes(const struct rh_function *function,
                               const struct rh_values *values)
{
	uint64_t    bytes = reply_fixed(function), len;
	const void *blob;

	if (is_blob(&function->ret) &&
	    blob_out(function, &function->ret, values, values->ret, 1, &blob, &len))
		bytes += len;
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (bytes > RH_PAYLOAD_MAX)
			break;
		if (comes_out(param) && is_blob(param) &&
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
	void       *value = value_at(param, object);

	out->cell += cell_bytes(param);
	if (is_blob(param)) {
		int text = param->kind != RH_KIND_BYTES;

		if (!blob_out(out->function, param, out->values, object, bit == 63,
		              &bytes, &len)) {
			out->mask |= 1ull << bit;
			return RH_OK;
		}
		put_blob(out->at, cell, &out->blob_off, bytes,
		         (uint32_t)len - (text ? 1 : 0), text ? 1 : 0);
		if (param->flags & RH_PARAM_TRANSFER)
			free((void *)(uintptr_t)bytes);
		return RH_OK;
	}
	if (!value) {
		out->mask |= 1ull << bit;
		return RH_OK;
	}
	return put_value(param, value, out->handles, out->fds, out->at, cell,
	                 &out->blob_off);
}

int rh_marshal_reply(const struct rh_function *function,
                     const struct rh_values *values,
                     const struct rh_handle_map *handles, struct rh_fd_list *fds,
                     unsigned char *at)
{
	struct pack_out out = {
		.function = function, .values = values, .handles = handles, .fds = fds,
		.at = at, .cell = MASK_BYTES, .blob_off = reply_fixed(function),
	};
	int r;

	memset(at, 0, out.blob_off);
	if (function->ret.kind != RH_KIND_VOID &&
	    (r = put_out(&out, &function->ret, values->ret, 63)) < 0)
		return r;
	for (unsigned i = 0; i < function->param_count; i++) {
		if (comes_out(&function->params[i]) &&
		    (r = put_out(&out, &function->params[i], values->args[i], i)) < 0)
			return r;
	}
	memcpy(at, &out.mask, sizeof out.mask);
	return (int)out.blob_off;
}

/* ---- the caller reads the reply ---------------------------------------- */

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
	void *to = pointer_at(value);

	if (is_ret) {
		to = param->flags & RH_PARAM_TRANSFER ? malloc(len ? len : 1)
		     : in->keeper->keep(in->keeper->user, bytes, len);
		if (!to)
			return RH_ENOMEM;
		memcpy(value, &to, sizeof to);
		if (!(param->flags & RH_PARAM_TRANSFER))
			return RH_OK;
	} else if (len > 0 && (!to || len > length_of(in->function, param,
	                                              param->len_param, in->args))) {
		return RH_EPROTO; /* more than the program has room for */
	}
	if (len > 0)
		memcpy(to, bytes, len);
	return RH_OK;
}

static int give_blob(struct take_in *in, const struct rh_param *param, uint32_t cell,
                     void *value, int is_ret)
{
	struct blob_cell blob;
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

	if (index >= 0) {
		if ((uint64_t)index >= in->fds->count || in->fds->fds[index] < 0)
			return RH_EPROTO;
		bits = (uint64_t)in->fds->fds[index];
		in->fds->fds[index] = -1; /* the program's now */
	}
	store_scalar(param, value, bits);
	return RH_OK;
}

static int give_value(struct take_in *in, const struct rh_param *param, void *value,
                      unsigned bit)
{
	uint32_t cell = in->cell;
	void    *pointer = NULL;
	uint64_t bits;
	int      r = RH_OK;

	in->cell += cell_bytes(param);
	if (!value)
		return RH_OK;
	if (in->mask >> bit & 1) {
		if (is_pointer(param) && param->kind != RH_KIND_BYTES)
			memcpy(value, &pointer, sizeof pointer);
		return RH_OK;
	}
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
		store_scalar(param, value, bits);
		return RH_OK;
	}
}

int rh_unmarshal_reply(const struct rh_function *function, const unsigned char *at,
                       uint32_t len, const struct rh_handle_map *handles,
                       struct rh_fd_list *fds, const struct rh_keeper *keeper,
                       void *const *args, void *ret)
{
	struct take_in in = {
		.function = function, .at = at, .len = len, .handles = handles,
		.fds = fds, .keeper = keeper, .args = args, .cell = MASK_BYTES,
	};
	int r;

	if (len < reply_fixed(function))
		return RH_EPROTO;
	memcpy(&in.mask, at, sizeof in.mask);
	if (function->ret.kind != RH_KIND_VOID &&
	    (r = give_value(&in, &function->ret, ret, 63)) < 0)
		return r;
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];

		if (comes_out(param) &&
		    (r = give_value(&in, param, value_at(param, args[i]), i)) < 0)
			return r;
	}
	return RH_OK;
}
