/* view - reads the edges of a registry: rows, columns, planes, the matrix.
 *
 * Ownership   The caller owns every buffer.
 * Threads     As the registry: nobody may write it meanwhile.  No visitor may
 *             change the registry. */
#ifndef RH_MODEL_VIEW_H
#define RH_MODEL_VIEW_H

#include "registry.h"

/* Calls visit for the edges of a row (what the resource references), of a
 * column (who references it; also of a named entry), or of all rows in the
 * order of O; returns how many.  A dead id has none. */
int rh_view_row(const struct rh_registry *registry, struct rh_id caller,
                uint64_t now_ms, rh_edge_visit *visit, void *user);
int rh_view_column(const struct rh_registry *registry, struct rh_id callee,
                   uint64_t now_ms, rh_edge_visit *visit, void *user);
int rh_view_edges(const struct rh_registry *registry, uint64_t now_ms,
                  rh_edge_visit *visit, void *user);

/* One cell of a plane: 0 or 1, or the count for RH_PLANE_OBSERVED; 0 for a dead
 * id. */
uint64_t rh_view_cell(const struct rh_registry *registry, int plane,
                      struct rh_id caller, struct rh_id callee, uint64_t now_ms);

/* The registered resources O = A u S u D u H, set after set, each in the order
 * of registration: fills ids and returns how many there are.
 * RH_ENOSPC  there are more than cap; ids holds the first cap. */
int rh_view_order(const struct rh_registry *registry, struct rh_id *ids,
                  uint32_t cap);

/* The matrix as the papers print it: rows and columns in the order of O.
 *
 *   uint64_t cells[N]; struct rh_id order[N];
 *   struct rh_rows rows = { RH_PLANE_ALLOWED, N, now, order, cells };
 *   rh_view_rows(registry, &rows, print_row, out);      [0 0 1 0 0 0] ...  */
struct rh_rows {
	int           plane;   /* enum rh_plane                               */
	uint32_t      cap;
	uint64_t      now_ms;
	struct rh_id *order;   /* cap ids, filled with O before the first row */
	uint64_t     *cells;   /* cap cells, filled with each row in turn     */
};

/* Row i of count: its caller is rows->order[i]; rows->cells[j] is its cell for
 * the callee rows->order[j], j below count. */
typedef void rh_row_visit(void *user, const struct rh_rows *rows, uint32_t i,
                          uint32_t count);

/* Calls visit for each row and returns how many there are.  O(n * n): meant for
 * small systems; walk the edges of a large one.
 * RH_EINVAL  there is no such plane.
 * RH_ENOSPC  more resources are registered than rows->cap; nothing visited. */
int rh_view_rows(const struct rh_registry *registry, struct rh_rows *rows,
                 rh_row_visit *visit, void *user);

#endif
