#include "model_fixture.h"

#include "../../model/error.h"
#include "../../model/event.h"
#include "../../model/judge.h"
#include "../../model/view.h"

#define A RH_TYPE_APPLICATION
#define S RH_TYPE_SERVICE
#define D RH_TYPE_DRIVER
#define H RH_TYPE_HARDWARE

/* The example of the papers, registered in another order than it prints. */
static struct world *papers_example(void)
{
	struct world *w = world_create(8, 16, 1, 1);

	assert_int_equal(enroll(w, "ram", H, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "vim", A, "file_system", NULL), RH_OK);
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "net_driver", D, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "telnet", A, NULL, NULL), RH_OK);
	assert_int_equal(enroll(w, "file_system", S, NULL, NULL), RH_OK);
	return w;
}

struct page {
	char        text[512];
	const char *names[8];
	const struct rh_registry *registry;
};

static void print_row(void *user, const struct rh_rows *rows, uint32_t i,
                      uint32_t count)
{
	struct page *page = user;
	size_t       len = strlen(page->text);

	page->names[i] = rh_registry_get(page->registry, rows->order[i])->name.text;
	for (uint32_t j = 0; j < count; j++)
		len += (size_t)snprintf(page->text + len, sizeof page->text - len,
		                        "%s%llu", j ? " " : "[",
		                        (unsigned long long)rows->cells[j]);
	snprintf(page->text + len, sizeof page->text - len, "]\n");
}

static int print(const struct world *w, int plane, uint32_t cap, struct page *page)
{
	struct rh_id   order[8];
	uint64_t       cells[8];
	struct rh_rows rows = { plane, cap, w->at.now_ms, order, cells };

	*page = (struct page){ .registry = &w->registry };
	return rh_view_rows(&w->registry, &rows, print_row, page);
}

static void the_matrix_prints_as_in_the_papers(void **state)
{
	static const char *const order[] = {
		"vim", "telnet", "file_system", "net_driver", "ram", "nic",
	};
	struct world *w = papers_example();
	struct page   page;

	(void)state;
	assert_int_equal(print(w, RH_PLANE_DECLARED, 8, &page), 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(page.names[i], order[i]);
	assert_string_equal(page.text,
	                    "[0 0 1 0 0 0]\n[0 0 0 0 0 0]\n[0 0 0 0 0 0]\n"
	                    "[0 0 0 0 0 0]\n[0 0 0 0 0 0]\n[0 0 0 0 0 0]\n");
	world_destroy(w);
}

static void every_plane_shows_its_own(void **state)
{
	struct world *w = papers_example();
	struct page   page;

	(void)state;
	/* The driver wants a service: loaded, so declared and not allowed. */
	assert_int_equal(load(w, "net_driver", D, "nic file_system"), RH_OK);
	assert_int_equal(rh_registry_observe(&w->registry, id_of(w, "net_driver"),
	                                     id_of(w, "nic"), 100000), RH_OK);
	assert_int_equal(print(w, RH_PLANE_DECLARED, 8, &page), 6);
	assert_non_null(strstr(page.text, "[0 0 1 0 0 1]"));
	assert_int_equal(print(w, RH_PLANE_ALLOWED, 8, &page), 6);
	assert_null(strstr(page.text, "[0 0 1 0 0 1]"));
	assert_non_null(strstr(page.text, "[0 0 0 0 0 1]"));
	assert_int_equal(print(w, RH_PLANE_OBSERVED, 6, &page), 6);
	assert_non_null(strstr(page.text, "[0 0 0 0 0 100000]"));

	assert_int_equal(print(w, RH_PLANES, 8, &page), RH_EINVAL);
	assert_int_equal(print(w, -1, 8, &page), RH_EINVAL);
	assert_int_equal(print(w, RH_PLANE_ALLOWED, 5, &page), RH_ENOSPC);
	assert_string_equal(page.text, "");
	assert_int_equal(rh_view_cell(&w->registry, RH_PLANES, id_of(w, "vim"),
	                              id_of(w, "file_system"), 0), 0);
	world_destroy(w);
}

static void sets_follow_registrations(void **state)
{
	struct world *w = papers_example();
	struct rh_id  ids[8];

	(void)state;
	assert_int_equal(rh_registry_count(&w->registry, A), 2);
	assert_int_equal(rh_registry_count(&w->registry, S), 1);
	assert_int_equal(rh_registry_count(&w->registry, D), 1);
	assert_int_equal(rh_registry_count(&w->registry, H), 2);
	assert_int_equal(rh_registry_count(&w->registry, RH_TYPES), 6);
	assert_int_equal(rh_registry_count(&w->registry, -1), 0);

	/* A pending name belongs to no set; a changed type goes to the end of its
	 * new one; the same type keeps its place; a deleted one is gone. */
	assert_int_equal(enroll(w, "vim", S, "later", NULL), RH_OK);
	assert_int_equal(enroll(w, "ram", H, NULL, NULL), RH_OK);
	assert_int_equal(erase(w, "telnet"), RH_OK);
	assert_int_equal(rh_view_order(&w->registry, ids, 8), 5);
	assert_int_equal(ids[0].index, id_of(w, "file_system").index);
	assert_int_equal(ids[1].index, id_of(w, "vim").index);
	assert_int_equal(ids[3].index, id_of(w, "ram").index);
	assert_int_equal(rh_registry_count(&w->registry, A), 0);
	assert_int_equal(rh_view_order(&w->registry, ids, 4), RH_ENOSPC);
	world_destroy(w);
}

struct heap {
	struct rh_edge_report reports[16];
	int                   count;
};

static void collect(void *user, const struct rh_edge_report *report)
{
	struct heap *heap = user;

	assert_true(heap->count < 16);
	heap->reports[heap->count++] = *report;
}

static void rows_columns_and_edges_are_walked(void **state)
{
	struct world *w = world_create(8, 16, 1, 1);
	struct heap   heap = { .count = 0 };
	struct rh_id  dead = { 0, 99 };

	(void)state;
	assert_int_equal(enroll(w, "driver", D, "nic", NULL), RH_OK);
	assert_int_equal(enroll(w, "app", A, "driver nic later", NULL), RH_OK);
	assert_int_equal(enroll(w, "nic", H, NULL, NULL), RH_OK);

	assert_int_equal(rh_view_row(&w->registry, id_of(w, "app"), 0, collect, &heap), 3);
	assert_int_equal(heap.reports[0].callee.index, id_of(w, "driver").index);
	assert_int_equal(heap.reports[1].after, RH_OUTCOME_ALLOWED);
	assert_int_equal(heap.reports[2].after, RH_OUTCOME_PENDING);
	assert_string_equal(rh_registry_get(&w->registry,
	                                    heap.reports[2].callee)->name.text, "later");
	struct rh_id later = heap.reports[2].callee;

	heap.count = 0;
	assert_int_equal(rh_view_column(&w->registry, id_of(w, "nic"), 0, collect, &heap),
	                 2);
	assert_int_equal(heap.reports[0].caller.index, id_of(w, "driver").index);
	assert_int_equal(heap.reports[1].caller.index, id_of(w, "app").index);
	assert_int_equal(rh_view_column(&w->registry, later, 0, collect, &heap), 1);
	assert_int_equal(rh_view_row(&w->registry, later, 0, collect, &heap), 0);
	assert_int_equal(rh_view_row(&w->registry, dead, 0, collect, &heap), 0);
	assert_int_equal(rh_view_column(&w->registry, dead, 0, collect, &heap), 0);

	/* In the order of O: the application's first. */
	heap.count = 0;
	assert_int_equal(rh_view_edges(&w->registry, 0, collect, &heap), 4);
	assert_int_equal(heap.reports[0].caller.index, id_of(w, "app").index);
	assert_int_equal(heap.reports[3].caller.index, id_of(w, "driver").index);
	world_destroy(w);
}

/* Every pair of types: an event may travel exactly where a call may come from. */
static void events_travel_against_allowed_edges_only(void **state)
{
	(void)state;
	for (int low = 0; low < RH_TYPES; low++) {
		for (int high = 0; high < RH_TYPES; high++) {
			struct world  *w = world_create(4, 4, 1, 1);
			struct rh_id   down, up;
			int            want = high < low ? RH_OK : RH_ELAYER;

			assert_int_equal(load(w, "low", low, NULL), RH_OK);
			assert_int_equal(load(w, "high", high, "low"), RH_OK);
			down = id_of(w, "low");
			up = id_of(w, "high");
			assert_int_equal(rh_event_judge(&w->registry, down, up, 0), want);
			assert_int_equal(rh_event_judge(&w->registry, up, down, 0),
			                 RH_ENOEDGE);
			world_destroy(w);
		}
	}
}

static void events_are_explained_and_have_receivers(void **state)
{
	struct world     *w = world_create(8, 16, 1, 2);
	struct heap       heap = { .count = 0 };
	struct rh_name    nic = name_of("nic"), driver = name_of("driver");
	struct rh_verdict v;

	(void)state;
	assert_int_equal(load(w, "driver", D, "nic"), RH_OK);
	assert_int_equal(load(w, "gpu", H, "nic"), RH_OK);
	assert_int_equal(load(w, "app", A, "nic"), RH_OK);
	assert_int_equal(rh_event_explain(&w->registry, &nic, &driver, 0, &v),
	                 RH_EPENDING);
	struct rh_edge_report *pending = &w->changes[0];
	assert_int_equal(rh_event_judge(&w->registry, pending->callee,
	                                id_of(w, "driver"), 0), RH_ENOENT);
	assert_int_equal(rh_event_receivers(&w->registry, pending->callee, 0, collect,
	                                    &heap), 0);

	assert_int_equal(load(w, "nic", H, NULL), RH_OK);
	assert_int_equal(rh_event_explain(&w->registry, &nic, &driver, 0, &v), RH_OK);
	assert_string_equal(v.caller.text, "driver");
	assert_string_equal(v.callee.text, "nic");
	assert_int_equal(rh_event_explain(&w->registry, &driver, &nic, 0, &v),
	                 RH_ENOEDGE);
	assert_int_equal(rh_event_receivers(&w->registry, id_of(w, "nic"), 0, collect,
	                                    &heap), 2);
	assert_int_equal(heap.reports[0].caller.index, id_of(w, "driver").index);
	assert_int_equal(heap.reports[1].caller.index, id_of(w, "app").index);
	assert_int_equal(except(w, "gpu", "nic", 0), 1);
	assert_int_equal(rh_event_judge(&w->registry, id_of(w, "nic"), id_of(w, "gpu"),
	                                0), RH_OK);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_matrix_prints_as_in_the_papers),
		cmocka_unit_test(every_plane_shows_its_own),
		cmocka_unit_test(sets_follow_registrations),
		cmocka_unit_test(rows_columns_and_edges_are_walked),
		cmocka_unit_test(events_travel_against_allowed_edges_only),
		cmocka_unit_test(events_are_explained_and_have_receivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
