/* The caller's marshaller: a reply of any bytes.  Nothing beyond the room that the
 * program gave is written, and what is stored can be read.  First byte: function. */
#include "sdk_table.h"

#include "../../model/check.h"
#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 24 };

static unsigned char *kept;

static void *keep(void *user, const void *bytes, size_t len)
{
	(void)user;
	free(kept);
	kept = malloc(len ? len : 1);
	if (len)
		memcpy(kept, bytes, len);
	return kept;
}

static volatile size_t sink;

struct program {
	uint64_t        len;
	unsigned char  *buffer;      /* of its own, so that its end is watched */
	unsigned char  *more;
	struct sdk_pair pair;
	char           *text;
	int             fd;
	uint32_t        cap;
	void           *made, *other;
	uint64_t       *len_at;
	void           *pair_at, *text_at, *fd_at, *made_at;
	union { int32_t number; void *pointer; uint32_t count; } ret;
};

static void set_up(struct program *p)
{
	*p = (struct program){ .len = ROOM / 2, .cap = ROOM, .fd = -77 };
	p->buffer = malloc(ROOM);
	p->more = malloc(ROOM);
	p->len_at = &p->len;
	p->pair_at = &p->pair;
	p->text_at = &p->text;
	p->fd_at = &p->fd;
	p->made_at = &p->made;
}

static void check_fd(const struct rh_fd_list *sent, int fd)
{
	int is_ours = fd < 0;

	for (unsigned i = 0; i < sent->count; i++)
		is_ours |= sent->fds[i] == fd;
	RH_CHECK(is_ours);
}

static int take(unsigned which, struct program *p, const unsigned char *reply,
                uint32_t len, struct rh_fd_list *fds)
{
	const struct rh_keeper keeper = { .keep = keep };
	void *out[] = { &p->len_at, &p->buffer, &p->pair_at, &p->text_at, &p->fd_at,
	                &p->cap, &p->more };
	void *made[] = { &p->made_at, &p->other };
	void *count_at = &p->cap, *peek[] = { &count_at };
	void *const *args = which == 1 ? out : which == 2 ? made : peek;

	return rh_unmarshal_reply(&sdk_functions[which], reply, len, &sdk_handles, fds,
	                          &keeper, args, &p->ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_fd_list fds = { .count = 2, .fds = { 100, 101 } }, sent = fds;
	struct program    p;

	if (size < 1)
		return 0;
	unsigned       which = 1 + data[0] % 3;
	unsigned char *reply = malloc(size);
	memcpy(reply, data + 1, size - 1);
	reply = realloc(reply, size - 1 ? size - 1 : 1);
	set_up(&p);
	int r = take(which, &p, reply, (uint32_t)(size - 1), &fds);
	RH_CHECK(r == RH_OK || r == RH_EPROTO || r == RH_EHANDLE || r == RH_ENOMEM);
	if (r == RH_OK && which == 1) {
		check_fd(&sent, p.fd);
		sink += p.text ? strlen(p.text) : 0;
	} else if (r == RH_OK && which == 2) {
		sink += p.ret.pointer ? strlen(p.ret.pointer) : 0;
	} else if (which == 3) {
		free(p.ret.pointer); /* handed over */
	}
	free(p.buffer);
	free(p.more);
	free(reply);
	return 0;
}
