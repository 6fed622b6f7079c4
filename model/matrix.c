#include "matrix.h"

#include "check.h"
#include "error.h"

#include <string.h>

static uint64_t key_of(uint32_t caller, uint32_t callee)
{
	return (uint64_t)caller << 32 | callee;
}

size_t rh_matrix_bytes(uint32_t line_count, uint32_t edge_capacity)
{
	return rh_aligned(edge_capacity * sizeof(struct rh_edge)) +
	       rh_aligned(line_count * sizeof(struct rh_line)) +
	       rh_map_bytes(edge_capacity);
}

/* Returns the place of the map. */
static void *lay_out(struct rh_matrix *matrix, void *memory)
{
	char *at = memory;

	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	matrix->edges = (void *)at;
	at += rh_aligned(matrix->edge_capacity * sizeof(struct rh_edge));
	matrix->lines = (void *)at;
	return at + rh_aligned(matrix->line_count * sizeof(struct rh_line));
}

void rh_matrix_init(struct rh_matrix *matrix, uint32_t line_count,
                    uint32_t edge_capacity, uint64_t seed, void *memory)
{
	RH_CHECK(line_count <= RH_RESOURCES_MAX); /* so no key is RH_MAP_NONE */
	*matrix = (struct rh_matrix){
		.line_count = line_count, .edge_capacity = edge_capacity,
		.free_first = RH_NO_EDGE,
	};
	rh_map_init(&matrix->index, edge_capacity, seed, lay_out(matrix, memory));

	for (uint32_t i = 0; i < line_count; i++) {
		matrix->lines[i] = (struct rh_line){
			.row_first = RH_NO_EDGE, .row_last = RH_NO_EDGE,
			.column_first = RH_NO_EDGE, .column_last = RH_NO_EDGE,
		};
	}
}

void rh_matrix_rebase(struct rh_matrix *matrix, void *memory)
{
	rh_map_rebase(&matrix->index, lay_out(matrix, memory));
}

static struct rh_edge *at(const struct rh_matrix *matrix, uint32_t edge)
{
	RH_CHECK(edge < matrix->high);
	return &matrix->edges[edge];
}

static uint32_t take_free(struct rh_matrix *matrix)
{
	uint32_t edge = matrix->free_first;

	RH_CHECK(matrix->used < matrix->edge_capacity); /* X1 */
	if (edge == RH_NO_EDGE)
		edge = matrix->high++;
	else
		matrix->free_first = at(matrix, edge)->row_next;
	matrix->used++;
	return edge;
}

static void give_free(struct rh_matrix *matrix, uint32_t edge)
{
	*at(matrix, edge) = (struct rh_edge){
		.callee = UINT32_MAX, /* not live */
		.row_next = matrix->free_first,
	};
	matrix->free_first = edge;
	matrix->used--;
}

static void link_row(struct rh_matrix *matrix, uint32_t number)
{
	struct rh_edge *edge = at(matrix, number);
	struct rh_line *line = &matrix->lines[edge->caller];

	edge->row_prev = line->row_last;
	edge->row_next = RH_NO_EDGE;
	if (line->row_last == RH_NO_EDGE)
		line->row_first = number;
	else
		at(matrix, line->row_last)->row_next = number;
	line->row_last = number;
	line->row_len++;
}

static void link_column(struct rh_matrix *matrix, uint32_t number)
{
	struct rh_edge *edge = at(matrix, number);
	struct rh_line *line = &matrix->lines[edge->callee];

	edge->column_prev = line->column_last;
	edge->column_next = RH_NO_EDGE;
	if (line->column_last == RH_NO_EDGE)
		line->column_first = number;
	else
		at(matrix, line->column_last)->column_next = number;
	line->column_last = number;
	line->column_len++;
}

static void unlink_row(struct rh_matrix *matrix, const struct rh_edge *edge)
{
	struct rh_line *line = &matrix->lines[edge->caller];

	if (edge->row_prev == RH_NO_EDGE)
		line->row_first = edge->row_next;
	else
		at(matrix, edge->row_prev)->row_next = edge->row_next;
	if (edge->row_next == RH_NO_EDGE)
		line->row_last = edge->row_prev;
	else
		at(matrix, edge->row_next)->row_prev = edge->row_prev;
	line->row_len--;
}

static void unlink_column(struct rh_matrix *matrix, const struct rh_edge *edge)
{
	struct rh_line *line = &matrix->lines[edge->callee];

	if (edge->column_prev == RH_NO_EDGE)
		line->column_first = edge->column_next;
	else
		at(matrix, edge->column_prev)->column_next = edge->column_next;
	if (edge->column_next == RH_NO_EDGE)
		line->column_last = edge->column_prev;
	else
		at(matrix, edge->column_next)->column_prev = edge->column_prev;
	line->column_len--;
}

int rh_matrix_insert(struct rh_matrix *matrix, uint32_t caller, uint32_t callee,
                     uint32_t *ret_edge)
{
	if (caller >= matrix->line_count || callee >= matrix->line_count)
		return RH_EINVAL;
	if (caller == callee)
		return RH_EINVAL;
	if (rh_map_find(&matrix->index, key_of(caller, callee), ret_edge) == RH_OK)
		return RH_EEXIST;
	if (matrix->used == matrix->edge_capacity)
		return RH_ENOSPC;

	uint32_t number = take_free(matrix);
	*at(matrix, number) = (struct rh_edge){
		.caller = caller & 0xffffffu, .callee = callee,
	};
	link_row(matrix, number);
	link_column(matrix, number);
	int result = rh_map_insert(&matrix->index, key_of(caller, callee), number);
	RH_CHECK(result == RH_OK); /* X2: it is as large as the matrix */
	*ret_edge = number;
	return RH_OK;
}

int rh_matrix_remove(struct rh_matrix *matrix, uint32_t caller, uint32_t callee)
{
	uint32_t number = rh_matrix_find(matrix, caller, callee);

	if (number == RH_NO_EDGE)
		return RH_ENOENT;
	unlink_row(matrix, at(matrix, number));
	unlink_column(matrix, at(matrix, number));
	int result = rh_map_remove(&matrix->index, key_of(caller, callee));
	RH_CHECK(result == RH_OK); /* X2 */
	give_free(matrix, number);
	return RH_OK;
}

int rh_matrix_test(const struct rh_matrix *matrix, uint32_t caller, uint32_t callee)
{
	return rh_map_has(&matrix->index, key_of(caller, callee));
}

uint32_t rh_matrix_find(const struct rh_matrix *matrix, uint32_t caller,
                        uint32_t callee)
{
	uint32_t number = RH_NO_EDGE;

	(void)rh_map_find(&matrix->index, key_of(caller, callee), &number);
	return number;
}

const struct rh_edge *rh_matrix_edge(const struct rh_matrix *matrix, uint32_t edge)
{
	const struct rh_edge *found = at(matrix, edge);

	RH_CHECK(found->callee < matrix->line_count); /* it is live */
	return found;
}

uint32_t rh_matrix_row_first(const struct rh_matrix *matrix, uint32_t caller)
{
	RH_CHECK(caller < matrix->line_count);
	return matrix->lines[caller].row_first;
}

uint32_t rh_matrix_row_next(const struct rh_matrix *matrix, uint32_t edge)
{
	return rh_matrix_edge(matrix, edge)->row_next;
}

uint32_t rh_matrix_column_first(const struct rh_matrix *matrix, uint32_t callee)
{
	RH_CHECK(callee < matrix->line_count);
	return matrix->lines[callee].column_first;
}

uint32_t rh_matrix_column_next(const struct rh_matrix *matrix, uint32_t edge)
{
	return rh_matrix_edge(matrix, edge)->column_next;
}

uint32_t rh_matrix_row_len(const struct rh_matrix *matrix, uint32_t caller)
{
	RH_CHECK(caller < matrix->line_count);
	return matrix->lines[caller].row_len;
}

uint32_t rh_matrix_column_len(const struct rh_matrix *matrix, uint32_t callee)
{
	RH_CHECK(callee < matrix->line_count);
	return matrix->lines[callee].column_len;
}

void rh_matrix_mark(struct rh_matrix *matrix, uint32_t edge, uint8_t mark)
{
	at(matrix, edge)->mark = mark;
}

void rh_matrix_observe(struct rh_matrix *matrix, uint32_t edge, uint64_t calls)
{
	struct rh_edge *found = at(matrix, edge);
	uint64_t        room = UINT64_MAX - found->observed;

	RH_CHECK(found->callee < matrix->line_count); /* it is live */
	found->observed += calls < room ? calls : room;
}

/* One row: linked both ways, in the map under its own number (X2). */
static uint32_t verify_row(const struct rh_matrix *matrix, uint32_t caller)
{
	const struct rh_line *line = &matrix->lines[caller];
	uint32_t              prev = RH_NO_EDGE;
	uint32_t              len = 0;

	for (uint32_t i = line->row_first; i != RH_NO_EDGE; len++) {
		const struct rh_edge *edge = rh_matrix_edge(matrix, i);

		RH_CHECK(edge->caller == caller && edge->row_prev == prev);
		RH_CHECK(rh_matrix_find(matrix, caller, edge->callee) == i);
		RH_CHECK(edge->mark == 0); /* X4 */
		prev = i;
		i = edge->row_next;
	}
	RH_CHECK(line->row_last == prev && line->row_len == len);
	return len;
}

static uint32_t verify_column(const struct rh_matrix *matrix, uint32_t callee)
{
	const struct rh_line *line = &matrix->lines[callee];
	uint32_t              prev = RH_NO_EDGE;
	uint32_t              len = 0;

	for (uint32_t i = line->column_first; i != RH_NO_EDGE; len++) {
		const struct rh_edge *edge = rh_matrix_edge(matrix, i);

		RH_CHECK(edge->callee == callee && edge->column_prev == prev);
		prev = i;
		i = edge->column_next;
	}
	RH_CHECK(line->column_last == prev && line->column_len == len);
	return len;
}

void rh_matrix_verify(const struct rh_matrix *matrix)
{
	uint64_t rows = 0;
	uint64_t columns = 0;

	RH_CHECK(matrix->used <= matrix->high);
	RH_CHECK(matrix->high <= matrix->edge_capacity); /* X1 */
	for (uint32_t i = 0; i < matrix->line_count; i++) {
		rows += verify_row(matrix, i);
		columns += verify_column(matrix, i);
	}
	RH_CHECK(rows == matrix->used && columns == matrix->used); /* X3 */
	RH_CHECK(matrix->index.used == matrix->used); /* X2 */
	rh_map_verify(&matrix->index);
}
