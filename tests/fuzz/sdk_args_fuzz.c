/* The callee's marshaller: arguments of any bytes.  What is unpacked can be read as the
 * C function would read it, and what the function then stores is packed into exactly
 * the bytes that were said.  First byte: function, second: descriptors. */
#include "sdk_table.h"

#include "../../model/check.h"
#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

/* Both ends, and some between: large room is large, not interesting. */
static void read_bytes(const void *at, uint64_t len)
{
	for (uint64_t i = 0; i < len; i += i < 64 || len - i < 64 ? 1 : 4096)
		sink += ((const unsigned char *)at)[i];
}

static void check_fd(const struct rh_fd_list *fds, int fd)
{
	int is_ours = fd < 0;

	for (unsigned i = 0; i < fds->count; i++)
		is_ours |= fds->fds[i] == fd;
	RH_CHECK(is_ours);
}

/* As "in" would: every parameter is read. */
static void use_in(const struct rh_values *v, const struct rh_fd_list *fds)
{
	int32_t count = *(int32_t *)v->args[7];

	read_bytes(v->args[0], 1);
	read_bytes(v->args[1], 8);
	read_bytes(v->args[2], 4);
	read_bytes(v->args[3], sizeof(struct sdk_pair));
	for (int i = 4; i <= 5; i++) {
		if (*(char **)v->args[i])
			sink += (unsigned)strlen(*(char **)v->args[i]);
	}
	if (*(void **)v->args[6])
		read_bytes(*(void **)v->args[6], (uint64_t)count * 4);
	if (*(void **)v->args[8])
		read_bytes(*(void **)v->args[8], 32);
	check_fd(fds, *(int *)v->args[9]);
	if (*(void **)v->args[10])
		read_bytes(*(void **)v->args[10], 4);
	if (*(void **)v->args[11])
		read_bytes(*(void **)v->args[11], sizeof(struct sdk_pair));
	if (*(void **)v->args[12])
		read_bytes(*(void **)v->args[12], *(uint64_t *)v->args[1]);
}

/* As "out" would: all the room is written, and lengths that lie are stored. */
static void use_out(const struct rh_values *v, uint8_t draw)
{
	static char text[] = "answer";
	uint64_t   *len = *(uint64_t **)v->args[0];
	uint32_t    cap = *(uint32_t *)v->args[5];

	if (*(void **)v->args[1] && len)
		memset(*(void **)v->args[1], 3, *len * 2);
	if (len)
		*len = draw & 1 ? *len * 3 + 7 : draw & 2 ? UINT64_MAX : *len / 2;
	if (*(struct sdk_pair **)v->args[2])
		memset(*(void **)v->args[2], 4, sizeof(struct sdk_pair));
	if (*(char ***)v->args[3])
		**(char ***)v->args[3] = draw & 4 ? text : NULL;
	if (*(int **)v->args[4])
		**(int **)v->args[4] = -1;
	if (*(void **)v->args[6])
		memset(*(void **)v->args[6], 5, cap);
	*(int32_t *)v->ret = draw & 8 ? (int32_t)cap + 1000 : draw & 16 ? -1 : (int32_t)cap / 2;
}

static void pack(const struct rh_function *function, struct rh_values *values)
{
	struct rh_fd_list fds = { 0 };
	int64_t           len = rh_marshal_reply_bytes(function, values);
	unsigned char    *reply;

	RH_CHECK(len >= 0 || len == RH_EMSGSIZE);
	if (len < 0)
		return;
	reply = malloc(len ? (size_t)len : 1); /* its end is watched */
	int r = rh_marshal_reply(function, values, &sdk_handles, &fds, reply);
	RH_CHECK(r < 0 || r == len);
	rh_marshal_reply_free(function, values);
	free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rh_scratch  scratch;
	const struct rh_function *function;
	struct rh_fd_list         fds = { .fds = { 100, 101, 102, 103, 104, 105, 106, 107 } };
	struct rh_values          values;

	if (size < 3)
		return 0;
	function = &sdk_functions[data[0] % 2];
	fds.count = data[1] % 9;
	unsigned char *args = malloc(size - 3 ? size - 3 : 1);
	memcpy(args, data + 3, size - 3);
	int r = rh_unmarshal_args(function, args, (uint32_t)(size - 3), &sdk_handles, &fds,
	                          &scratch, &values);
	RH_CHECK(r == RH_OK || r == RH_EPROTO || r == RH_EHANDLE || r == RH_ENOMEM);
	if (r == RH_OK && function == &sdk_functions[0])
		use_in(&values, &fds);
	else if (r == RH_OK)
		use_out(&values, data[2]);
	if (r == RH_OK)
		pack(function, &values);
	free(args);
	rh_scratch_reset(&scratch);
	return 0;
}
