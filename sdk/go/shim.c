#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define YIELD_CALLS 64
#define YIELD_NS    4000000

extern int rhGoInvoke(uintptr_t user, unsigned function, void *args, void *ret);

void *rh_go_more(void *frame, size_t size)
{
	struct rh_go_frame *of = frame;
	struct rh_go_more  *more = malloc(sizeof *more + size);

	if (!more)
		return NULL;
	more->next = of->more;
	of->more = more;
	return more->bytes;
}

void rh_go_free_more(void *frame)
{
	struct rh_go_frame *of = frame;

	while (of->more) {
		struct rh_go_more *more = of->more;

		of->more = more->next;
		free(more);
	}
	of->error = NULL;
}

static const char *copy_text(void *frame, const char *text)
{
	size_t len = strlen(text) + 1;
	char  *copy = rh_go_more(frame, len);

	return copy ? memcpy(copy, text, len) : "";
}

static int keep_error(void *frame, int code)
{
	struct rh_go_frame        *of = frame;
	const struct rh_exception *raised = rh_last_exception();
	struct rh_go_error        *error = rh_go_more(frame, sizeof *error);

	if (!error)
		return code;
	*error = (struct rh_go_error){ .code = code, .ran = rh_last_ran() };
	error->text = copy_text(frame, rh_last_error());
	if (raised) {
		error->language = copy_text(frame, raised->language);
		error->type = copy_text(frame, raised->type);
		error->message = copy_text(frame, raised->message);
		error->stack = copy_text(frame, raised->stack);
	}
	of->error = error;
	return code;
}

static size_t count_of(const unsigned char *frame, const struct rh_go_out *out)
{
	uint64_t count = 0;

	memcpy(&count, frame + out->length, out->length_size);
	return (size_t)count;
}

/* Moves what came into the frame, or into a block of its own. */
static int keep_out(unsigned char *frame, const struct rh_go_out *out, uint32_t *room)
{
	const struct rh_go_frame *of = (const void *)frame;
	void                     *from, *to;
	size_t                    size;

	memcpy(&from, frame + out->at, sizeof from);
	if (!from)
		return RH_OK;
	size = out->length ? count_of(frame, out) * out->element : strlen(from) + 1;
	if (size <= of->size - *room) {
		to = frame + *room;
		*room += (uint32_t)size + (-size & 15);
		if (*room > of->size)
			*room = of->size;
	} else if (!(to = rh_go_more(frame, size))) {
		return RH_ENOMEM;
	}
	memcpy(to, from, size);
	memcpy(frame + out->at, &to, sizeof to);
	if (out->is_owned)
		free(from);
	return RH_OK;
}

/* A goroutine that calls and calls is taken for one that computes: after 10 ms the monitor of
 * Go's runtime takes its processor away in the middle of a call and, because it found
 * something to do, looks every 20 us from then on, which on one CPU costs half of a call.
 * One that yields by itself is left alone. */
static int is_yield_due(void)
{
	static _Thread_local uint32_t calls;
	static _Thread_local int64_t  yielded;
	struct timespec               now;
	int64_t                       ns;

	if (++calls % YIELD_CALLS != 0)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (ns - yielded < YIELD_NS)
		return 0;
	yielded = ns;
	return RH_GO_YIELD;
}

int rh_go_call(uintptr_t library, unsigned index, uintptr_t frame, uintptr_t plan,
               uint32_t room)
{
	struct rh_go_frame      *of = (struct rh_go_frame *)frame;
	const struct rh_go_plan *with = (const struct rh_go_plan *)plan;
	unsigned char           *base = (unsigned char *)frame;
	int                      r;

	errno = 0;
	r = rh_language_call((struct rh_stub_library *)library, index, of->args,
	                     with->ret ? base + with->ret : NULL);
	if (r < 0)
		return keep_error(of, r);
	of->err_no = errno;
	for (uint32_t i = 0; i < with->out_count; i++) {
		if ((r = keep_out(base, &with->outs[i], &room)) < 0)
			return keep_error(of, r);
	}
	return is_yield_due();
}

int rh_go_call_bytes(uintptr_t library, unsigned index, uintptr_t frame, uintptr_t plan,
                     uint32_t room, void *b0, void *b1, void *b2, void *b3)
{
	const struct rh_go_plan *with = (const struct rh_go_plan *)plan;
	void *const              bytes[RH_GO_BYTES] = { b0, b1, b2, b3 };
	unsigned char           *base = (unsigned char *)frame;

	for (int i = 0; i < RH_GO_BYTES; i++) {
		if (with->bytes[i])
			memcpy(base + with->bytes[i], &bytes[i], sizeof bytes[i]);
	}
	return rh_go_call(library, index, frame, plan, room);
}

/* What Go answers: 0, an errno for a caller in C, or a negative code. */
static int invoke(void *user, unsigned function, void *const *args, void *ret)
{
	int r = rhGoInvoke((uintptr_t)user, function, (void *)args, ret);

	errno = r > 0 ? r : 0;
	return r > 0 ? RH_OK : r;
}

int rh_go_serve(const struct rh_interface *interface, uintptr_t user, unsigned threads)
{
	int r = rh_language_events(interface, invoke, (void *)user);

	return r < 0 ? r : rh_language_serve(interface, invoke, (void *)user, threads);
}
