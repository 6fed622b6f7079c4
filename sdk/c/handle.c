#include "handle.h"

#include "fork.h"

#include <stdlib.h>
#include <string.h>

#define MARK       0x5248ull /* in the upper bits: no such address exists */
#define REPLAY_CAP (1u << 20)

struct entry {
	struct rh_handle *handle;
	uint16_t          generation;
};

static struct {
	pthread_mutex_t lock;
	struct entry   *entries;
	uint32_t        capacity;
	uint32_t        used;
	uint32_t        hint;      /* where the search for a free entry begins */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Mirrored handles are few; their pointers are found by looking at all. */
static struct rh_handle *find_mirror(const void *pointer)
{
	struct rh_handle *handle = NULL;

	pthread_mutex_lock(&table.lock);
	for (uint32_t i = 0; i < table.capacity && !handle; i++) {
		if (table.entries[i].handle && pointer &&
		    table.entries[i].handle->mirror == pointer)
			handle = table.entries[i].handle;
	}
	pthread_mutex_unlock(&table.lock);
	return handle;
}

struct rh_handle *rh_handle_find(void *pointer)
{
	uint64_t          bits = (uint64_t)(uintptr_t)pointer;
	uint32_t          index = (uint32_t)(bits & 0xffffffffu) >> 4;
	struct rh_handle *handle = NULL;

	if (bits >> 48 != MARK || (bits & 15) != 0)
		return find_mirror(pointer);
	pthread_mutex_lock(&table.lock);
	if (index < table.capacity &&
	    table.entries[index].generation == (uint16_t)(bits >> 32))
		handle = table.entries[index].handle;
	pthread_mutex_unlock(&table.lock);
	return handle;
}

void *rh_handle_pointer(const struct rh_handle *handle)
{
	uint64_t bits;

	if (handle->mirror)
		return handle->mirror;
	pthread_mutex_lock(&table.lock);
	bits = MARK << 48 | (uint64_t)table.entries[handle->index].generation << 32 |
	       (uint64_t)handle->index << 4;
	pthread_mutex_unlock(&table.lock);
	return (void *)(uintptr_t)bits;
}

static int grow(void)
{
	uint32_t      capacity = table.capacity ? 2 * table.capacity : 16;
	struct entry *entries;

	if (capacity > RH_HANDLES_PER_PEER)
		return RH_ENOSPC;
	entries = realloc(table.entries, capacity * sizeof *entries);
	if (!entries)
		return RH_ENOMEM;
	memset(entries + table.capacity, 0,
	       (capacity - table.capacity) * sizeof *entries);
	table.entries = entries;
	table.hint = table.capacity;
	table.capacity = capacity;
	return RH_OK;
}

static int place(struct rh_handle *handle)
{
	if (table.used == table.capacity && grow() < 0)
		return RH_ENOSPC;
	while (table.entries[table.hint % table.capacity].handle)
		table.hint++;
	handle->index = table.hint++ % table.capacity;
	table.entries[handle->index].handle = handle;
	table.entries[handle->index].generation++;
	table.used++;
	return RH_OK;
}

struct rh_handle *rh_handle_create(struct rh_callee *callee, uint16_t type,
                                   uint64_t id, uint32_t instance,
                                   uint32_t mirror_bytes)
{
	struct rh_handle *handle = calloc(1, sizeof *handle);
	int               r;

	if (!handle ||
	    (mirror_bytes > 0 && !(handle->mirror = calloc(1, mirror_bytes)))) {
		free(handle);
		return NULL;
	}
	handle->callee = callee;
	handle->type = type;
	handle->place = (struct rh_handle_place){ id, instance, 1 };
	pthread_mutex_lock(&table.lock);
	r = place(handle);
	pthread_mutex_unlock(&table.lock);
	if (r == RH_OK)
		return handle;
	free(handle->mirror);
	free(handle);
	return NULL;
}

struct rh_handle *rh_handle_known(struct rh_callee *callee, uint16_t type, uint64_t id,
                                  uint32_t instance)
{
	struct rh_handle *found = NULL;

	pthread_mutex_lock(&table.lock);
	for (uint32_t i = 0; i < table.capacity && !found; i++) {
		struct rh_handle *handle = table.entries[i].handle;

		if (handle && handle->callee == callee && handle->type == type &&
		    handle->place.id == id && handle->place.instance == instance)
			found = handle;
	}
	pthread_mutex_unlock(&table.lock);
	return found;
}

struct rh_handle_place rh_handle_place(const struct rh_handle *handle)
{
	struct rh_handle_place place;

	pthread_mutex_lock(&table.lock);
	place = handle->place;
	pthread_mutex_unlock(&table.lock);
	return place;
}

void rh_handle_settle(struct rh_handle *handle, uint64_t id, uint32_t instance)
{
	pthread_mutex_lock(&table.lock);
	handle->place = (struct rh_handle_place){ id, instance, 0 };
	pthread_mutex_unlock(&table.lock);
}

void rh_handle_set_live(struct rh_handle *handle)
{
	pthread_mutex_lock(&table.lock);
	handle->place.is_live = 1;
	pthread_mutex_unlock(&table.lock);
}

void rh_handles_lose(const struct rh_callee *callee, uint32_t instance)
{
	pthread_mutex_lock(&table.lock);
	for (uint32_t i = 0; i < table.capacity; i++) {
		struct rh_handle *handle = table.entries[i].handle;

		if (handle && handle->callee == callee && handle->place.instance == instance)
			handle->place.is_live = 0;
	}
	pthread_mutex_unlock(&table.lock);
}

void rh_handles_gone(const struct rh_callee *callee, const struct rh_flight *flight,
                     uint32_t wanted)
{
	if (wanted != 0 && !flight->page->is_bind && !flight->page->is_dead)
		rh_handles_lose(callee, wanted);
}

int rh_handle_misplaced(const struct rh_callee *callee,
                        const struct rh_handle_place *place,
                        struct rh_thread_page *page)
{
	if (!page->is_bind || place->instance == page->instance)
		return 0;
	if (rh_thread_page_is_cut(page))
		rh_thread_page_lost(page);
	else
		rh_handles_lose(callee, place->instance);
	return 1;
}

static void free_replays(struct rh_handle *handle)
{
	while (handle->first) {
		struct rh_replay *next = handle->first->next;

		free(handle->first);
		handle->first = next;
	}
	handle->last = NULL;
}

void rh_handle_destroy(struct rh_handle *handle)
{
	if (!handle)
		return;
	pthread_mutex_lock(&table.lock);
	table.entries[handle->index].handle = NULL;
	table.entries[handle->index].generation++;
	table.used--;
	pthread_mutex_unlock(&table.lock);
	free_replays(handle);
	rh_borrowed_free(handle->borrowed);
	free(handle->mirror);
	free(handle);
}

static int is_repeated(const struct rh_handle *handle,
                       const struct rh_function *function,
                       const unsigned char *bytes, uint32_t len)
{
	return handle->last && handle->last->function == function &&
	       handle->last->len == len &&
	       memcmp(handle->last->bytes, bytes, len) == 0;
}

/* The lock is held. */
static void remember(struct rh_handle *handle, const struct rh_function *function,
                     void *const *args, const unsigned char *bytes, uint32_t len)
{
	struct rh_replay *replay;

	if (!handle->is_replayable || is_repeated(handle, function, bytes, len))
		return;
	replay = handle->replay_count < RH_REPLAY_MAX &&
	         handle->replay_bytes + len <= REPLAY_CAP
	         ? calloc(1, sizeof *replay + len) : NULL;
	if (!replay) {
		handle->is_replayable = 0;
		if (!handle->is_reviving) /* else who revives it reads them */
			free_replays(handle);
		return;
	}
	replay->function = function;
	replay->len = len;
	memcpy(replay->bytes, bytes, len);
	for (unsigned i = 0; i < function->param_count; i++) {
		if (function->params[i].kind == RH_KIND_HANDLE &&
		    function->params[i].direction == RH_IN)
			replay->pointers[i] = *(void **)args[i];
	}
	handle->replay_count++;
	handle->replay_bytes += len;
	if (handle->last)
		handle->last->next = replay;
	else
		handle->first = replay;
	handle->last = replay;
}

void rh_handle_remember(struct rh_handle *handle, const struct rh_function *function,
                        void *const *args, const unsigned char *bytes, uint32_t len)
{
	pthread_mutex_lock(&table.lock);
	remember(handle, function, args, bytes, len);
	pthread_mutex_unlock(&table.lock);
}

int rh_handle_revival_begin(struct rh_handle *handle)
{
	int can;

	pthread_mutex_lock(&table.lock);
	can = handle->is_replayable && handle->first;
	handle->is_reviving = (uint8_t)can;
	pthread_mutex_unlock(&table.lock);
	return can;
}

const struct rh_replay *rh_handle_revival_next(struct rh_handle       *handle,
                                               const struct rh_replay *before)
{
	const struct rh_replay *next;

	pthread_mutex_lock(&table.lock);
	next = before ? before->next : handle->first;
	pthread_mutex_unlock(&table.lock);
	return next;
}

void rh_handle_revival_end(struct rh_handle *handle)
{
	pthread_mutex_lock(&table.lock);
	handle->is_reviving = 0;
	if (!handle->is_replayable)
		free_replays(handle);
	pthread_mutex_unlock(&table.lock);
}

void rh_handles_hold(void)
{
	pthread_mutex_lock(&table.lock);
}

void rh_handles_let_go(void)
{
	pthread_mutex_unlock(&table.lock);
}

/* A child of fork keeps its handles: their objects live in the parent's name, so
 * each is revived by replay, or is lost. */
void rh_handles_forget(void)
{
	for (uint32_t i = 0; i < table.capacity; i++) {
		struct rh_handle *handle = table.entries[i].handle;

		if (!handle)
			continue;
		handle->place.is_live = 0;
		handle->is_reviving = 0;
	}
}
