/* pool - memory that lives as long as one interface.
 *
 * Reading a header, a side file or BTF makes many small tables that are freed
 * together.  Every table of this folder is taken from one pool.
 *
 * Ownership   The caller owns the pool; rh_pool_fini frees all that was taken.
 * Threads     One thread.
 * Limits      RH_POOL_MAX bytes in all; beyond it rh_pool_take answers NULL, so
 *             that a hostile file ends in RH_ENOMEM and not in swap. */
#ifndef RH_INTERFACE_POOL_H
#define RH_INTERFACE_POOL_H

#include <stddef.h>

#define RH_POOL_MAX ((size_t)64 << 20)

struct rh_pool_block;

struct rh_pool {
	struct rh_pool_block *blocks;
	size_t                bytes;
};

/* Makes an empty pool; nothing is allocated yet. */
void rh_pool_init(struct rh_pool *pool);

/* Accepts an empty pool.  The pool is empty afterwards. */
void rh_pool_fini(struct rh_pool *pool);

/* Zeroed memory for count objects of size bytes, aligned for any type, or NULL
 * when the limit or the machine's memory is used up. */
void *rh_pool_take(struct rh_pool *pool, size_t count, size_t size);

/* A NUL-terminated copy of len bytes, or NULL. */
char *rh_pool_copy(struct rh_pool *pool, const char *text, size_t len);

/* A formatted string, or NULL. */
__attribute__((format(printf, 2, 3)))
char *rh_pool_print(struct rh_pool *pool, const char *format, ...);

/* Room for one element more in an array taken from the pool: when used has
 * reached a power of two the array moves.  Returns the array or NULL. */
void *rh_pool_grow(struct rh_pool *pool, void *array, size_t used, size_t size);

#endif
