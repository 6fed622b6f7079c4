/* arena - memory of one call: a little inside, more from malloc, all freed at once.
 *
 * Ownership   Of the call; rh_js_arena_fini frees what was taken. */
#ifndef RH_NODE_ARENA_H
#define RH_NODE_ARENA_H

#include <stddef.h>

#define RH_JS_ARENA_BYTES 512u

struct rh_js_chunk;

struct rh_js_arena {
	size_t              used;
	struct rh_js_chunk *chunks;
	_Alignas(16) unsigned char bytes[RH_JS_ARENA_BYTES];
};

void rh_js_arena_init(struct rh_js_arena *arena);

/* For the largest alignment; NULL when out of memory. */
void *rh_js_arena_take(struct rh_js_arena *arena, size_t bytes);
void  rh_js_arena_fini(struct rh_js_arena *arena);

#endif
