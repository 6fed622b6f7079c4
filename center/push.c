#include "push.h"

#include "center.h"
#include "item.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/view.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WATCHES (RH_LINK_PEERS_MAX * RH_WATCHES_MAX)

const struct rh_push_sizes rh_push_sizes_default = {
	.deltas = RH_RING_DELTAS, .bytes = RH_RING_BYTES, .snapshots = RH_SNAPSHOTS_MAX,
};

/* ---- making one ---- */

static void lay_out(struct rh_push *push, size_t watch_bytes)
{
	uint64_t seed;

	randombytes_buf(&seed, sizeof seed);
	rh_watch_init(&push->watches, WATCHES, RH_LINK_PEERS_MAX, seed, push->memory);
	rh_delta_ring_init(&push->ring, push->sizes.deltas, push->sizes.bytes, push->head,
	                   (char *)push->memory + watch_bytes);
}

int rh_push_init(struct rh_push *push, const struct rh_center *center,
                 const struct rh_push_sizes *sizes)
{
	size_t watch_bytes = rh_aligned(rh_watch_bytes(WATCHES, RH_LINK_PEERS_MAX));

	memset(push, 0, sizeof *push);
	push->center = center;
	push->sizes = *sizes;
	push->head = rh_center_revision(center);
	push->waiting_last = &push->waiting;
	rh_published_init(&push->published);
	push->memory_bytes = watch_bytes + rh_delta_ring_bytes(sizes->deltas, sizes->bytes);
	push->memory = mmap(NULL, push->memory_bytes, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (push->memory == MAP_FAILED)
		push->memory = NULL;
	if (!push->memory || rh_missed_init(&push->missed, push->head) != RH_OK) {
		rh_push_fini(push);
		return RH_ENOMEM;
	}
	lay_out(push, watch_bytes);
	return RH_OK;
}

void rh_push_fini(struct rh_push *push)
{
	rh_published_fini(&push->published);
	rh_missed_fini(&push->missed);
	free(push->touched);
	if (push->memory)
		munmap(push->memory, push->memory_bytes);
	push->touched = NULL;
	push->memory = NULL;
}

/* ---- touching ---- */

static int by_key(const void *a, const void *b)
{
	const struct rh_item_key *x = a, *y = b;
	int order = strcmp(x->caller.text, y->caller.text);

	return order ? order : strcmp(x->callee.text, y->callee.text);
}

/* A change touches the same item more than once. */
static void tidy(struct rh_push *push)
{
	size_t kept = 0;

	if (push->touched_count < 2)
		return;
	qsort(push->touched, push->touched_count, sizeof *push->touched, by_key);
	for (size_t i = 1; i < push->touched_count; i++) {
		if (by_key(&push->touched[kept], &push->touched[i]) != 0)
			push->touched[++kept] = push->touched[i];
	}
	push->touched_count = kept + 1;
}

/* 1 when there is room for one more. */
static int make_room(struct rh_push *push)
{
	size_t              cap = push->touched_cap ? push->touched_cap * 2 : 64;
	struct rh_item_key *more;

	if (push->touched_count < push->touched_cap)
		return 1;
	tidy(push);
	if (push->touched_count < push->touched_cap / 2)
		return 1;
	if (cap > RH_TOUCHED_MAX)
		return push->touched_count < push->touched_cap;
	more = realloc(push->touched, cap * sizeof *more);
	if (!more)
		return push->touched_count < push->touched_cap;
	push->touched = more;
	push->touched_cap = cap;
	return 1;
}

static void add(struct rh_push *push, const struct rh_item_key *key)
{
	if (push->is_flooded)
		return;
	if (make_room(push))
		push->touched[push->touched_count++] = *key;
	else
		push->is_flooded = 1;
}

void rh_push_tell_change(const struct rh_push *push, const struct rh_item_key *key,
                         uint64_t revision, const struct rh_record_writer *body,
                         enum rh_push_known known)
{
	if (push->on_change)
		push->on_change(key, revision, body ? body->bytes : NULL,
		                body ? body->used : 0, known);
}

/* Nobody watches it: whoever comes later with an older revision takes a snapshot. */
static void miss(struct rh_push *push, const struct rh_item_key *key, uint64_t revision)
{
	rh_published_forget(&push->published, key);
	rh_push_tell_change(push, key, revision, NULL, RH_PUSH_UNKNOWN);
	rh_missed_note(&push->missed, &key->caller, revision);
	if (key->callee.len)
		rh_missed_note(&push->missed, &key->callee, revision);
}

static void touch_reported(void *user, const struct rh_edge_report *report)
{
	struct rh_push           *push = user;
	const struct rh_registry *registry = &push->center->realm.registry;

	add(push, &(struct rh_item_key){
		.caller = rh_registry_get(registry, report->caller)->name,
		.callee = rh_registry_get(registry, report->callee)->name,
	});
}

/* The edges of those who listen; all others are missed. */
static void touch_all(struct rh_push *push, uint64_t revision)
{
	const struct rh_registry *registry = &push->center->realm.registry;
	struct rh_id              id;

	rh_missed_note_all(&push->missed, revision);
	rh_push_tell_change(push, NULL, revision, NULL, RH_PUSH_UNKNOWN);
	for (uint32_t i = 0; i < RH_LINK_PEERS_MAX; i++) {
		if (!push->subscribers[i] ||
		    rh_registry_find(registry, &push->subscribers[i]->feed.resource,
		                     &id) != RH_OK)
			continue;
		rh_view_row(registry, id, 0, touch_reported, push);
		rh_view_column(registry, id, 0, touch_reported, push);
	}
}

void rh_push_touch(struct rh_push *push, const struct rh_item_key *key)
{
	/* What is touched now is committed with the next revision at the earliest. */
	uint64_t revision = rh_center_revision(push->center) + 1;

	if (!key)
		touch_all(push, revision);
	else if (rh_push_find(push, key))
		add(push, key);
	else
		miss(push, key, revision);
}

void rh_push_retell(struct rh_push *push, const struct rh_item_key *key)
{
	rh_published_renew(&push->published, key);
	rh_push_touch(push, key);
}

void rh_push_untouch(struct rh_push *push)
{
	free(push->touched);
	push->touched = NULL;
	push->touched_count = push->touched_cap = 0;
	push->is_flooded = 0;
}

/* ---- publishing ---- */

static void wake(const struct rh_push *push, struct rh_subscriber *subscriber)
{
	if (push->wake && subscriber)
		push->wake(push->wake_user, subscriber);
}

/* The ring does not hold what changed.  Items that changed or went were not noted, so
 * that nothing which is noted counts any more. */
static void raise(struct rh_push *push)
{
	push->counts.raised++;
	rh_delta_raise(&push->ring, push->head);
	rh_missed_note_all(&push->missed, push->head);
	rh_push_tell_change(push, NULL, push->head, NULL, RH_PUSH_UNKNOWN);
	rh_published_fini(&push->published);
	rh_published_init(&push->published);
	for (uint32_t i = 0; i < RH_LINK_PEERS_MAX; i++)
		wake(push, push->subscribers[i]);
}

static void look(const struct rh_push *push, const struct rh_item_key *key,
                 size_t bytes, enum rh_push_found what)
{
	if (push->on_found)
		push->on_found(push->found_user, key, bytes, what);
}

/* Puts the item into the ring and tells those that were found.  RH_EMSGSIZE. */
static int put(struct rh_push *push, const struct rh_item_key *key,
               const struct rh_record_writer *body)
{
	static unsigned char    bytes[RH_ITEM_BYTES_MAX];
	struct rh_record_writer item;
	uint64_t                number;

	rh_record_begin(&item, bytes, sizeof bytes);
	if (body->used)
		rh_item_wrap(&item, key, push->head, body->bytes, body->used);
	int len = rh_record_end(&item);
	int err = len < 0 ? len : rh_delta_add(&push->ring, push->head, key, bytes,
	                                       (uint32_t)len, &number);
	for (unsigned i = 0; i < push->found_count && !err; i++) {
		rh_feed_notify(&push->subscribers[push->found[i]]->feed, number);
		wake(push, push->subscribers[push->found[i]]);
	}
	return err;
}

static int publish(struct rh_push *push, struct rh_item_encoder *encoder,
                   const struct rh_item_key *key)
{
	static unsigned char    bytes[RH_ITEM_BYTES_MAX];
	struct rh_record_writer body;

	if (rh_push_find(push, key) == 0) { /* left since it was touched */
		miss(push, key, push->head);
		look(push, key, 0, RH_PUSH_NOBODY);
		return RH_OK;
	}
	rh_record_begin(&body, bytes, sizeof bytes);
	int is_there = rh_item_body(encoder, key, &body);
	if (is_there < 0)
		return is_there;
	push->counts.items++;
	rh_push_tell_change(push, key, push->head, &body,
	                    is_there ? RH_PUSH_BYTES : RH_PUSH_GONE);
	if (is_there &&
	    !rh_published_note(&push->published, key, bytes, body.used, push->head) &&
	    !rh_published_renewed(&push->published, key, push->head)) {
		push->counts.same++;
		look(push, key, body.used, RH_PUSH_SAME);
		return RH_OK;
	}
	if (!is_there)
		rh_published_forget(&push->published, key);
	look(push, key, body.used, RH_PUSH_TOLD);
	return put(push, key, &body);
}

void rh_push_publish(struct rh_push *push)
{
	struct rh_item_encoder encoder;
	int                    err = push->is_flooded ? RH_EMSGSIZE : RH_OK;

	push->head = rh_center_revision(push->center);
	tidy(push);
	rh_item_encoder_init(&encoder, push->center);
	for (size_t i = 0; i < push->touched_count && !err; i++)
		err = publish(push, &encoder, &push->touched[i]);
	rh_item_encoder_fini(&encoder);
	if (err)
		raise(push);
	rh_push_untouch(push);
}
