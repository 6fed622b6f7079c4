#include "delta.h"

#include "check.h"
#include "error.h"
#include "map.h"

#include <string.h>

size_t rh_delta_ring_bytes(uint32_t capacity, uint32_t byte_count)
{
	return rh_aligned(capacity * sizeof(struct rh_delta)) + rh_aligned(byte_count);
}

void rh_delta_ring_init(struct rh_delta_ring *ring, uint32_t capacity,
                        uint32_t byte_count, uint64_t floor, void *memory)
{
	RH_CHECK(capacity > 0 && (capacity & (capacity - 1)) == 0);
	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	*ring = (struct rh_delta_ring){
		.deltas = memory, .floor = floor, .raised = floor,
		.capacity = capacity, .byte_count = byte_count,
	};
	ring->bytes = (unsigned char *)memory +
	              rh_aligned(capacity * sizeof(struct rh_delta));
}

static struct rh_delta *slot_of(const struct rh_delta_ring *ring, uint64_t number)
{
	return &ring->deltas[number & (ring->capacity - 1)];
}

/* Moves filled on to the next delta that has bytes. */
static void skip_tombstones(struct rh_delta_ring *ring)
{
	while (ring->filled < ring->end && slot_of(ring, ring->filled)->len == 0)
		ring->filled++;
}

/* A revision that is there in part is of no use: all of it goes (D2). */
static void drop_oldest(struct rh_delta_ring *ring)
{
	RH_CHECK(ring->first < ring->end);
	ring->floor = slot_of(ring, ring->first)->revision;
	while (ring->first < ring->end &&
	       slot_of(ring, ring->first)->revision == ring->floor)
		ring->first++;
	if (ring->filled < ring->first)
		ring->filled = ring->first;
	skip_tombstones(ring);
}

/* Where len bytes can stand; byte_count when there is no room.  Live bytes go from
 * those of filled, around the end of the memory, to byte_end. */
static uint32_t find_room(const struct rh_delta_ring *ring, uint32_t len)
{
	if (len == 0)
		return 0;
	if (ring->filled == ring->end)
		return len <= ring->byte_count ? 0 : ring->byte_count;

	uint32_t begin = slot_of(ring, ring->filled)->at;
	uint32_t end = ring->byte_end;
	if (begin >= end) /* around the end: the gap lies between */
		return len <= begin - end ? end : ring->byte_count;
	if (len <= ring->byte_count - end)
		return end;
	return len <= begin ? 0 : ring->byte_count;
}

int rh_delta_add(struct rh_delta_ring *ring, uint64_t revision,
                 const struct rh_item_key *key, const void *bytes, uint32_t len,
                 uint64_t *ret_number)
{
	uint32_t at;

	if (revision <= ring->floor)
		return RH_EINVAL;
	if (ring->first < ring->end && revision < slot_of(ring, ring->end - 1)->revision)
		return RH_EINVAL;
	if (len > ring->byte_count)
		return RH_EMSGSIZE;

	while (at = find_room(ring, len), (len > 0 && at == ring->byte_count) ||
	       ring->end - ring->first == ring->capacity) {
		if (slot_of(ring, ring->first)->revision == revision)
			return RH_EMSGSIZE; /* its own first deltas had to go */
		drop_oldest(ring);
	}

	*slot_of(ring, ring->end) = (struct rh_delta){
		.revision = revision, .key = *key, .at = at, .len = len,
	};
	if (len > 0) {
		memcpy(ring->bytes + at, bytes, len);
		ring->byte_end = at + len;
	}
	*ret_number = ring->end++;
	skip_tombstones(ring);
	return RH_OK;
}

void rh_delta_raise(struct rh_delta_ring *ring, uint64_t revision)
{
	RH_CHECK(revision >= ring->floor);
	RH_CHECK(ring->first == ring->end ||
	         revision >= slot_of(ring, ring->end - 1)->revision);
	ring->floor = revision;
	ring->raised = revision;
	ring->first = ring->end;
	ring->filled = ring->end;
}

const struct rh_delta *rh_delta_get(const struct rh_delta_ring *ring, uint64_t number)
{
	if (number < ring->first || number >= ring->end)
		return NULL;
	return slot_of(ring, number);
}

const void *rh_delta_bytes(const struct rh_delta_ring *ring,
                           const struct rh_delta *delta)
{
	RH_CHECK(delta->at <= ring->byte_count);
	RH_CHECK(delta->len <= ring->byte_count - delta->at);
	return ring->bytes + delta->at;
}

int rh_delta_seek(const struct rh_delta_ring *ring, uint64_t revision,
                  uint64_t *ret_number)
{
	uint64_t low = ring->first;
	uint64_t high = ring->end;

	if (revision < ring->floor)
		return RH_ESTALE;
	while (low < high) { /* D2: below low none is above revision, from high on all */
		uint64_t middle = low + (high - low) / 2;

		if (slot_of(ring, middle)->revision > revision)
			high = middle;
		else
			low = middle + 1;
	}
	*ret_number = low;
	return RH_OK;
}

int rh_item_concerns(const struct rh_item_key *key, const struct rh_name *resource)
{
	return rh_name_equal(&key->caller, resource) ||
	       rh_name_equal(&key->callee, resource);
}

/* The bytes of live deltas follow each other and begin again at 0 at most once (D3). */
static void verify_bytes(const struct rh_delta_ring *ring)
{
	const struct rh_delta *former = NULL;
	uint32_t               begin = 0;
	int                    is_around = 0;

	for (uint64_t i = ring->first; i < ring->end; i++) {
		const struct rh_delta *delta = slot_of(ring, i);

		if (delta->len == 0)
			continue;
		RH_CHECK(delta->at <= ring->byte_count);
		RH_CHECK(delta->len <= ring->byte_count - delta->at);
		if (former == NULL) {
			RH_CHECK(ring->filled == i);
			begin = delta->at;
		} else if (delta->at != former->at + former->len) {
			RH_CHECK(delta->at == 0 && !is_around);
			is_around = 1;
		}
		RH_CHECK(!is_around || delta->at + delta->len <= begin);
		former = delta;
	}
	if (former == NULL)
		RH_CHECK(ring->filled == ring->end);
	else
		RH_CHECK(ring->byte_end == former->at + former->len);
}

void rh_delta_ring_verify(const struct rh_delta_ring *ring)
{
	uint64_t revision = ring->floor + 1;

	RH_CHECK(ring->first <= ring->end); /* D1 */
	RH_CHECK(ring->end - ring->first <= ring->capacity);
	RH_CHECK(ring->raised <= ring->floor);
	RH_CHECK(ring->first <= ring->filled && ring->filled <= ring->end);
	for (uint64_t i = ring->first; i < ring->end; i++) {
		RH_CHECK(slot_of(ring, i)->revision >= revision); /* D2 */
		revision = slot_of(ring, i)->revision;
	}
	verify_bytes(ring);
}
