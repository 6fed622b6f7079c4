/* serve_caller - a caller's objects: what its handles stand for.
 *
 * A wire id is generation << 32 | index + 1 in the caller's own table, so an id
 * of another caller, or of an object that is gone, finds nothing. */
#include "serve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct rh_serve_caller *rh_serve_caller_create(uint64_t attachment)
{
	struct rh_serve_caller *caller = calloc(1, sizeof *caller);

	if (!caller)
		return NULL;
	caller->attachment = attachment;
	caller->pidfd = -1;
	pthread_mutex_init(&caller->lock, NULL);
	return caller;
}

static uint64_t id_of(const struct rh_serve_caller *caller, uint32_t index)
{
	return (uint64_t)caller->objects[index].generation << 32 | (index + 1);
}

int rh_serve_object_find(struct rh_serve_caller *caller, uint16_t type, uint64_t id,
                         void **ret_pointer)
{
	uint32_t index = (uint32_t)id - 1;
	int      r = RH_EHANDLE;

	pthread_mutex_lock(&caller->lock);
	if (index < caller->capacity && caller->objects[index].is_used &&
	    caller->objects[index].type == type && id_of(caller, index) == id) {
		*ret_pointer = caller->objects[index].pointer;
		r = RH_OK;
	}
	pthread_mutex_unlock(&caller->lock);
	return r;
}

static int grow(struct rh_serve_caller *caller)
{
	uint32_t          capacity = caller->capacity ? 2 * caller->capacity : 16;
	struct rh_object *objects;

	if (capacity > RH_HANDLES_PER_PEER)
		return RH_ENOSPC;
	objects = realloc(caller->objects, capacity * sizeof *objects);
	if (!objects)
		return RH_ENOMEM;
	memset(objects + caller->capacity, 0,
	       (capacity - caller->capacity) * sizeof *objects);
	for (uint32_t i = caller->capacity; i < capacity; i++) {
		/* Ids of a former instance must not fit here by chance. */
		if (getrandom(&objects[i].generation, sizeof objects[i].generation,
		              GRND_NONBLOCK) < 0)
			objects[i].generation = i;
	}
	caller->objects = objects;
	caller->hint = caller->capacity;
	caller->capacity = capacity;
	return RH_OK;
}

static int find_pointer(const struct rh_serve_caller *caller, uint16_t type,
                        const void *pointer, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < caller->capacity; i++) {
		if (caller->objects[i].is_used && caller->objects[i].pointer == pointer &&
		    caller->objects[i].type == type) {
			*ret_index = i;
			return 1;
		}
	}
	return 0;
}

static int add(struct rh_serve_caller *caller, uint16_t type, void *pointer,
               uint32_t *ret_index)
{
	uint32_t index;

	if (caller->used == caller->capacity && grow(caller) < 0)
		return RH_ENOSPC;
	while (caller->objects[caller->hint % caller->capacity].is_used)
		caller->hint++;
	index = caller->hint++ % caller->capacity;
	caller->objects[index].pointer = pointer;
	caller->objects[index].type = type;
	caller->objects[index].is_used = 1;
	caller->objects[index].generation++;
	caller->used++;
	*ret_index = index;
	return RH_OK;
}

int rh_serve_object_id(struct rh_serve_caller *caller, uint16_t type, void *pointer,
                       uint64_t *ret_id)
{
	uint32_t index = 0;
	int      r = RH_OK;

	*ret_id = 0;
	if (!pointer)
		return RH_OK;
	pthread_mutex_lock(&caller->lock);
	if (!find_pointer(caller, type, pointer, &index))
		r = add(caller, type, pointer, &index);
	if (r == RH_OK)
		*ret_id = id_of(caller, index);
	pthread_mutex_unlock(&caller->lock);
	return r;
}

void rh_serve_object_forget(struct rh_serve_caller *caller, void *pointer)
{
	pthread_mutex_lock(&caller->lock);
	for (uint32_t i = 0; i < caller->capacity; i++) {
		if (!caller->objects[i].is_used || caller->objects[i].pointer != pointer)
			continue;
		caller->objects[i].is_used = 0;
		caller->objects[i].generation++;
		caller->used--;
	}
	pthread_mutex_unlock(&caller->lock);
}

void rh_serve_object_destroy(const struct rh_offer_table *table, uint16_t type,
                             void *pointer)
{
	const struct rh_interface *interface = table->interface;
	int32_t index;
	void   *args[RH_PARAMS_MAX] = { &pointer };
	uint64_t ret[2] = { 0 };

	if (!interface || type >= interface->handle_count)
		return;
	index = interface->handles[type].destructor;
	/* Only a destructor of the plain form f(handle) can be called unasked. */
	if (index < 0 || (uint32_t)index >= interface->function_count ||
	    interface->functions[index].param_count != 1 ||
	    !rh_offer_runs(table, (uint32_t)index))
		return;
	rh_offer_run(table, (uint32_t)index, args, ret, NULL);
}

void rh_serve_caller_destroy(struct rh_serve_caller *caller,
                             const struct rh_offer_table *table)
{
	for (uint32_t i = 0; i < caller->capacity; i++) {
		if (caller->objects[i].is_used)
			rh_serve_object_destroy(table, caller->objects[i].type,
			                        caller->objects[i].pointer);
	}
	free(caller->objects);
	if (caller->pidfd >= 0)
		close(caller->pidfd);
	pthread_mutex_destroy(&caller->lock);
	free(caller);
}
