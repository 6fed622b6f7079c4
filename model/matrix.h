/* matrix - the invocation matrix, kept sparse.
 *
 * A row is a caller, a column a callee, both numbered by their index in the
 * registry.  The matrix has three planes:
 *
 *   declared   the edge was registered as a reference; stored here
 *   allowed    it is declared and the rules let it pass; derived from the types
 *              and the rules on demand (rh_judge_call), stored nowhere, so
 *              it can never be out of date
 *   observed   calls counted on the edge; stored here
 *
 * Every edge stands in three places: the map (the O(1) test), the list of its
 * row and the list of its column (walked in O(length), oldest first).  An
 * edge keeps its number while it lives, so others can keep arrays beside it.
 *
 * Ownership   The caller owns the matrix and its memory; nothing to undo.
 * Threads     One writer; nobody may read meanwhile.
 * Invariants  X1  used <= edge_capacity.
 *             X2  an edge is in the map, its row and its column, or in none.
 *             X3  the lengths of all rows, and of all columns, sum to used.
 *             X4  every mark is 0 between the calls of the registry.
 * Limits      32 bytes an edge and 24 for its place in the map; 24 a line. */
#ifndef RH_MODEL_MATRIX_H
#define RH_MODEL_MATRIX_H

#include "limits.h"
#include "map.h"

#include <stddef.h>
#include <stdint.h>

#define RH_NO_EDGE UINT32_MAX

enum rh_plane {
	RH_PLANE_DECLARED, RH_PLANE_ALLOWED, RH_PLANE_OBSERVED, RH_PLANES
};

/* Others read caller, callee and observed; the rest is matrix.c's. */
struct rh_edge {
	uint64_t observed;
	uint32_t caller : 24;
	uint32_t mark   : 8;  /* scratch of the registry, 0 between its calls */
	uint32_t callee;
	uint32_t row_next;    /* RH_NO_EDGE at the end; the free list too */
	uint32_t row_prev;
	uint32_t column_next;
	uint32_t column_prev;
};

_Static_assert(sizeof(struct rh_edge) == 32, "a million edges are 32 MB");
_Static_assert(RH_RESOURCES_MAX <= 1u << 24, "a caller fits its bits");

/* One resource's row and column. */
struct rh_line {
	uint32_t row_first;
	uint32_t row_last;
	uint32_t row_len;
	uint32_t column_first;
	uint32_t column_last;
	uint32_t column_len;
};

/* Open layout; the fields are for matrix.c only. */
struct rh_matrix {
	struct rh_map   index;
	struct rh_edge *edges;
	struct rh_line *lines;
	uint32_t        line_count;
	uint32_t        edge_capacity;
	uint32_t        used;
	uint32_t        high;       /* edges [high, edge_capacity) never used */
	uint32_t        free_first;
};

/* Bytes of memory for so many resources and edges, a multiple of RH_ALIGN. */
size_t rh_matrix_bytes(uint32_t line_count, uint32_t edge_capacity);

/* Makes an empty matrix.  memory is aligned to RH_ALIGN and has rh_matrix_bytes;
 * line_count is at most RH_RESOURCES_MAX; seed as in rh_map_init.  The memory of
 * edges is touched only as they come. */
void rh_matrix_init(struct rh_matrix *matrix, uint32_t line_count,
                    uint32_t edge_capacity, uint64_t seed, void *memory);

/* The matrix's memory was copied to another place: use the copy. */
void rh_matrix_rebase(struct rh_matrix *matrix, void *memory);

/* Declares an edge and returns its number in *ret_edge; observed is 0.
 * RH_EINVAL  an index is out of range, or caller and callee are the same.
 * RH_EEXIST  the edge is declared; *ret_edge is its number.
 * RH_ENOSPC  the matrix is full. */
int rh_matrix_insert(struct rh_matrix *matrix, uint32_t caller, uint32_t callee,
                     uint32_t *ret_edge);

/* RH_ENOENT  the edge is not declared. */
int rh_matrix_remove(struct rh_matrix *matrix, uint32_t caller, uint32_t callee);

/* The declared plane: 1 or 0, also for indices out of range.  One probe. */
int rh_matrix_test(const struct rh_matrix *matrix, uint32_t caller,
                   uint32_t callee);

/* The number of the edge, or RH_NO_EDGE. */
uint32_t rh_matrix_find(const struct rh_matrix *matrix, uint32_t caller,
                        uint32_t callee);

/* The edge with that number, which must be live.  Borrowed until it is removed. */
const struct rh_edge *rh_matrix_edge(const struct rh_matrix *matrix,
                                     uint32_t edge);

/* Walking: the first edge of a row or column and the one after it, RH_NO_EDGE
 * at the end.  Take the next before removing an edge. */
uint32_t rh_matrix_row_first(const struct rh_matrix *matrix, uint32_t caller);
uint32_t rh_matrix_row_next(const struct rh_matrix *matrix, uint32_t edge);
uint32_t rh_matrix_column_first(const struct rh_matrix *matrix, uint32_t callee);
uint32_t rh_matrix_column_next(const struct rh_matrix *matrix, uint32_t edge);

/* How many edges the row or the column has. */
uint32_t rh_matrix_row_len(const struct rh_matrix *matrix, uint32_t caller);
uint32_t rh_matrix_column_len(const struct rh_matrix *matrix, uint32_t callee);

/* Sets or clears the registry's scratch byte of an edge. */
void rh_matrix_mark(struct rh_matrix *matrix, uint32_t edge, uint8_t mark);

/* Adds calls to the count of an edge, which stops at UINT64_MAX. */
void rh_matrix_observe(struct rh_matrix *matrix, uint32_t edge, uint64_t calls);

/* Checks X1 to X4 over the whole matrix, in O(its size): for tests. */
void rh_matrix_verify(const struct rh_matrix *matrix);

#endif
