#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/matrix.h"

static void init(struct rh_matrix *matrix, uint32_t lines, uint32_t edges)
{
	size_t bytes = rh_matrix_bytes(lines, edges);
	void  *memory = aligned_alloc(RH_ALIGN, bytes);

	assert_non_null(memory);
	memset(memory, 0x5a, bytes);
	rh_matrix_init(matrix, lines, edges, 9, memory);
}

static void fini(struct rh_matrix *matrix)
{
	rh_matrix_verify(matrix);
	free(matrix->edges);
}

static void insert(struct rh_matrix *matrix, uint32_t caller, uint32_t callee)
{
	uint32_t edge;

	assert_int_equal(rh_matrix_insert(matrix, caller, callee, &edge), RH_OK);
}

static void an_edge_has_one_direction(void **state)
{
	struct rh_matrix matrix;
	uint32_t         edge = 77, again = 0;

	(void)state;
	init(&matrix, 4, 4);
	assert_int_equal(rh_matrix_insert(&matrix, 1, 2, &edge), RH_OK);
	assert_true(rh_matrix_test(&matrix, 1, 2));
	assert_false(rh_matrix_test(&matrix, 2, 1));
	assert_int_equal(rh_matrix_find(&matrix, 1, 2), edge);
	assert_int_equal(rh_matrix_find(&matrix, 2, 1), RH_NO_EDGE);
	assert_int_equal(rh_matrix_edge(&matrix, edge)->caller, 1);
	assert_int_equal(rh_matrix_edge(&matrix, edge)->callee, 2);
	assert_int_equal(rh_matrix_insert(&matrix, 1, 2, &again), RH_EEXIST);
	assert_int_equal(again, edge);
	assert_int_equal(rh_matrix_remove(&matrix, 2, 1), RH_ENOENT);
	assert_int_equal(rh_matrix_remove(&matrix, 1, 2), RH_OK);
	assert_false(rh_matrix_test(&matrix, 1, 2));
	assert_int_equal(rh_matrix_remove(&matrix, 1, 2), RH_ENOENT);
	fini(&matrix);
}

static void what_does_not_belong_is_refused(void **state)
{
	struct rh_matrix matrix;
	uint32_t         edge = 77;

	(void)state;
	init(&matrix, 3, 2);
	assert_int_equal(rh_matrix_insert(&matrix, 1, 1, &edge), RH_EINVAL);
	assert_int_equal(rh_matrix_insert(&matrix, 3, 1, &edge), RH_EINVAL);
	assert_int_equal(rh_matrix_insert(&matrix, 1, 3, &edge), RH_EINVAL);
	assert_int_equal(rh_matrix_insert(&matrix, UINT32_MAX, 0, &edge), RH_EINVAL);
	insert(&matrix, 0, 1);
	insert(&matrix, 1, 0);
	assert_int_equal(rh_matrix_insert(&matrix, 0, 2, &edge), RH_ENOSPC);
	assert_int_equal(edge, 77);
	assert_false(rh_matrix_test(&matrix, 0, 2));
	assert_false(rh_matrix_test(&matrix, UINT32_MAX, UINT32_MAX));
	assert_false(rh_matrix_test(&matrix, 3, 1));

	/* One gone makes room for one. */
	assert_int_equal(rh_matrix_remove(&matrix, 0, 1), RH_OK);
	insert(&matrix, 0, 2);
	assert_int_equal(rh_matrix_insert(&matrix, 0, 1, &edge), RH_ENOSPC);
	fini(&matrix);
}

static void rows_and_columns_are_walked_oldest_first(void **state)
{
	struct rh_matrix matrix;
	uint32_t         i;

	(void)state;
	init(&matrix, 6, 16);
	insert(&matrix, 0, 3);
	insert(&matrix, 0, 1);
	insert(&matrix, 2, 1);
	insert(&matrix, 0, 5);
	insert(&matrix, 4, 1);
	assert_int_equal(rh_matrix_row_len(&matrix, 0), 3);
	assert_int_equal(rh_matrix_column_len(&matrix, 1), 3);
	assert_int_equal(rh_matrix_row_len(&matrix, 1), 0);
	assert_int_equal(rh_matrix_row_first(&matrix, 1), RH_NO_EDGE);

	i = rh_matrix_row_first(&matrix, 0);
	assert_int_equal(rh_matrix_edge(&matrix, i)->callee, 3);
	i = rh_matrix_row_next(&matrix, i);
	assert_int_equal(rh_matrix_edge(&matrix, i)->callee, 1);
	i = rh_matrix_row_next(&matrix, i);
	assert_int_equal(rh_matrix_edge(&matrix, i)->callee, 5);
	assert_int_equal(rh_matrix_row_next(&matrix, i), RH_NO_EDGE);

	/* Out of the middle: what is left keeps its order. */
	assert_int_equal(rh_matrix_remove(&matrix, 2, 1), RH_OK);
	i = rh_matrix_column_first(&matrix, 1);
	assert_int_equal(rh_matrix_edge(&matrix, i)->caller, 0);
	i = rh_matrix_column_next(&matrix, i);
	assert_int_equal(rh_matrix_edge(&matrix, i)->caller, 4);
	assert_int_equal(rh_matrix_column_next(&matrix, i), RH_NO_EDGE);
	fini(&matrix);
}

static void calls_are_counted_and_never_wrap(void **state)
{
	struct rh_matrix matrix;
	uint32_t         edge;

	(void)state;
	init(&matrix, 2, 2);
	assert_int_equal(rh_matrix_insert(&matrix, 0, 1, &edge), RH_OK);
	assert_int_equal(rh_matrix_edge(&matrix, edge)->observed, 0);
	rh_matrix_observe(&matrix, edge, 5000000000ull);
	rh_matrix_observe(&matrix, edge, 1);
	assert_int_equal(rh_matrix_edge(&matrix, edge)->observed, 5000000001ull);
	rh_matrix_observe(&matrix, edge, UINT64_MAX - 5);
	assert_int_equal(rh_matrix_edge(&matrix, edge)->observed, UINT64_MAX);

	/* A count does not outlive its edge. */
	assert_int_equal(rh_matrix_remove(&matrix, 0, 1), RH_OK);
	assert_int_equal(rh_matrix_insert(&matrix, 0, 1, &edge), RH_OK);
	assert_int_equal(rh_matrix_edge(&matrix, edge)->observed, 0);
	fini(&matrix);
}

static void a_reference_costs_at_most_64_bytes(void **state)
{
	(void)state;
	assert_true(rh_matrix_bytes(100000, 1000000) <= 64000000);
}

#define N 20

static void compare(const struct rh_matrix *matrix, uint32_t (*declared)[N])
{
	for (uint32_t i = 0; i < N; i++) {
		uint32_t row = 0, column = 0;

		for (uint32_t j = 0; j < N; j++) {
			assert_int_equal(rh_matrix_test(matrix, i, j), declared[i][j]);
			row += declared[i][j];
			column += declared[j][i];
		}
		assert_int_equal(rh_matrix_row_len(matrix, i), row);
		assert_int_equal(rh_matrix_column_len(matrix, i), column);
	}
	rh_matrix_verify(matrix);
}

static void agrees_with_a_plain_table(void **state)
{
	uint64_t         seed = 77001;
	uint32_t         declared[N][N];
	uint32_t         used = 0, edge;
	struct rh_matrix matrix;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	memset(declared, 0, sizeof declared);
	init(&matrix, N, 150);
	for (int step = 0; step < 20000; step++) {
		uint32_t i = random_below(&seed, N), j = random_below(&seed, N);

		if (random_below(&seed, 100) < 55) {
			int want = i == j ? (int)RH_EINVAL :
			           declared[i][j] ? (int)RH_EEXIST :
			           used == 150 ? (int)RH_ENOSPC : (int)RH_OK;

			assert_int_equal(rh_matrix_insert(&matrix, i, j, &edge), want);
			used += want == RH_OK;
			declared[i][j] |= want == RH_OK;
		} else {
			int want = declared[i][j] ? RH_OK : RH_ENOENT;

			assert_int_equal(rh_matrix_remove(&matrix, i, j), want);
			used -= declared[i][j];
			declared[i][j] = 0;
		}
		if (step % 16 == 0)
			compare(&matrix, declared);
	}
	compare(&matrix, declared);
	fini(&matrix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edge_has_one_direction),
		cmocka_unit_test(what_does_not_belong_is_refused),
		cmocka_unit_test(rows_and_columns_are_walked_oldest_first),
		cmocka_unit_test(calls_are_counted_and_never_wrap),
		cmocka_unit_test(a_reference_costs_at_most_64_bytes),
		cmocka_unit_test(agrees_with_a_plain_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
