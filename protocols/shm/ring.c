#include "ring.h"

#include "../message.h"

#include "../../model/check.h"

void rh_ring_out_init(struct rh_ring_out *out, struct rh_ring_memory *memory)
{
	out->memory = memory;
	out->tail = out->head = 0;
	rh_arena_init(&out->arena, memory->arena, sizeof memory->arena,
	              &memory->released);
}

void rh_ring_in_init(struct rh_ring_in *in, struct rh_ring_memory *memory)
{
	*in = (struct rh_ring_in){ .memory = memory };
}

/* 1 when a slot is free.  The receiver's line is read only when the ring seems
 * full, or when the caller must not trust what it saw last. */
static int has_slot(struct rh_ring_out *out, int look_again)
{
	if (!look_again && out->tail - out->head < RH_RING_SLOTS)
		return 1;

	/* P2, P4 */
	uint32_t head = atomic_load_explicit(&out->memory->head, memory_order_seq_cst);

	if (out->tail - head > RH_RING_SLOTS) /* G1 */
		return RH_EPROTO;
	out->head = head;
	return out->tail - head < RH_RING_SLOTS;
}

static int fill(struct rh_ring_out *out, const struct rh_msg_head *head,
                const void *body)
{
	struct rh_ring_slot *slot = &out->memory->slots[out->tail % RH_RING_SLOTS];

	if (head->len > RH_RING_INLINE_MAX) {
		uint32_t off;
		int      r = rh_arena_give(&out->arena, head->len, &off);

		if (r < 0)
			return r;
		memcpy(out->memory->arena + off, body, head->len);
		slot->offset = off;
	} else if (head->len > 0) {
		memcpy(slot->body, body, head->len);
	}
	slot->head = *head;
	return RH_OK;
}

int rh_ring_put(struct rh_ring_out *out, const struct rh_msg_head *head,
                const void *body)
{
	if (head->len > RH_PAYLOAD_ARENA_MAX)
		return RH_EMSGSIZE;

	int r = has_slot(out, 0);
	if (r <= 0)
		return r < 0 ? r : RH_EAGAIN;
	r = fill(out, head, body);
	if (r < 0)
		return r;
	out->tail++;
	/* P1, P4 */
	atomic_store_explicit(&out->memory->tail, out->tail, memory_order_seq_cst);
	return RH_OK;
}

int rh_ring_has_room(struct rh_ring_out *out, uint32_t len)
{
	int r = has_slot(out, 1);

	if (r <= 0 || len <= RH_RING_INLINE_MAX)
		return r;
	r = rh_arena_look(&out->arena, len);
	return r == RH_EAGAIN ? 0 : r < 0 ? r : 1;
}

int rh_ring_look(struct rh_ring_in *in)
{
	/* P1, P4 */
	uint32_t tail = atomic_load_explicit(&in->memory->tail, memory_order_seq_cst);

	if (tail - in->head > RH_RING_SLOTS) /* G2 */
		return RH_EPROTO;
	in->tail = tail;
	return tail != in->head;
}

/* Finds the body of a checked head. */
static int find_body(struct rh_ring_in *in, const struct rh_ring_slot *slot,
                     uint32_t len, const void **ret_body)
{
	if (len <= RH_RING_INLINE_MAX) {
		in->has_block = 0;
		*ret_body = slot->body;
		return RH_OK;
	}

	uint32_t off = *(const volatile uint32_t *)&slot->offset; /* read once */
	if (rh_arena_within(sizeof in->memory->arena, off, len) < 0)
		return RH_EPROTO;
	in->has_block = 1;
	*ret_body = in->memory->arena + off;
	return RH_OK;
}

int rh_ring_take(struct rh_ring_in *in, struct rh_msg_head *ret_head,
                 const void **ret_body)
{
	struct rh_msg_head head;
	int                r;

	RH_CHECK(!in->is_lent);
	if (in->tail == in->head) {
		r = rh_ring_look(in);
		if (r <= 0)
			return r < 0 ? r : RH_EAGAIN;
	}

	const struct rh_ring_slot *slot = &in->memory->slots[in->head % RH_RING_SLOTS];
	rh_message_copy(&head, &slot->head);
	if (rh_message_check(&head) < 0 || find_body(in, slot, head.len, ret_body) < 0)
		return RH_EPROTO;
	*ret_head = head;
	in->is_lent = 1;
	return 1;
}

void rh_ring_drop(struct rh_ring_in *in)
{
	RH_CHECK(in->is_lent);
	in->is_lent = 0;
	if (in->has_block) {
		in->released++;
		/* P3, P4 */
		atomic_store_explicit(&in->memory->released, in->released,
		                      memory_order_seq_cst);
	}
	in->head++;
	/* P2, P4 */
	atomic_store_explicit(&in->memory->head, in->head, memory_order_seq_cst);
}
