#include "stream.h"

#include "../../model/check.h"
#include "../../model/error.h"

#include <string.h>

#define MASK (RH_STREAM_BYTES - 1)

/* The two parts of len bytes from a position on: the first ends with the ring. */
static uint32_t first_part(uint64_t at, uint32_t len)
{
	uint32_t to_end = RH_STREAM_BYTES - (uint32_t)(at & MASK);

	return len < to_end ? len : to_end;
}

int rh_stream_room(const struct rh_stream_out *out)
{
	uint64_t head = atomic_load_explicit(&out->way->head, memory_order_seq_cst); /* P3 */
	uint64_t used = out->tail - head;

	return used > RH_STREAM_BYTES ? RH_EPROTO : (int)(RH_STREAM_BYTES - used);
}

void rh_stream_write(struct rh_stream_out *out, uint32_t at, const void *bytes,
                     uint32_t len)
{
	uint64_t position = out->tail + at;
	uint32_t first = first_part(position, len);

	RH_CHECK(len <= RH_STREAM_BYTES && at <= RH_STREAM_BYTES - len);
	memcpy(out->way->bytes + (position & MASK), bytes, first);
	memcpy(out->way->bytes, (const unsigned char *)bytes + first, len - first);
}

void rh_stream_publish(struct rh_stream_out *out, uint32_t len, uint32_t pieces)
{
	out->tail += len;
	out->sent += pieces;
	/* P1, and P4 of the doorbell that follows */
	atomic_store_explicit(&out->way->tail, out->tail, memory_order_release);
	atomic_store_explicit(&out->way->sent, out->sent, memory_order_seq_cst);
}

int rh_stream_look(const struct rh_stream_in *in, uint64_t *ret_sent)
{
	uint64_t there;

	*ret_sent = atomic_load_explicit(&in->way->sent, memory_order_seq_cst); /* P1 */
	there = atomic_load_explicit(&in->way->tail, memory_order_acquire) - in->head;
	return there > RH_STREAM_BYTES ? RH_EPROTO : (int)there;
}

void rh_stream_read(const struct rh_stream_in *in, void *into, uint32_t len)
{
	uint32_t first = first_part(in->head, len);

	RH_CHECK(len <= RH_STREAM_BYTES);
	memcpy(into, in->way->bytes + (in->head & MASK), first);
	memcpy((unsigned char *)into + first, in->way->bytes, len - first);
}

void rh_stream_drop(struct rh_stream_in *in, uint32_t len)
{
	in->head += len;
	/* P3, and P4 of the doorbell that follows */
	atomic_store_explicit(&in->way->head, in->head, memory_order_seq_cst);
}
