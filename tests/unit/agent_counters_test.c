/* The counters' file: its layout, growth, and life without a disk. */
#include "../../agent/counters.h"
#include "../../model/error.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], path[96];

static int set_up(void **unused)
{
	(void)unused;
	strcpy(directory, "/tmp/rh-counters-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof path, "%s/magic.counters", directory);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	unlink(path);
	return rmdir(directory);
}

/* As rhodes top reads it: another mapping of the file. */
static void *map_file(size_t *ret_bytes)
{
	struct stat st;
	int         fd = open(path, O_RDONLY);
	void       *at;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	assert_true(at != MAP_FAILED);
	*ret_bytes = (size_t)st.st_size;
	return at;
}

static void a_reader_sees_what_was_counted(void **unused)
{
	struct rh_counters             counters;
	struct rh_counters_edge       *edge;
	const struct rh_counters_head *head;
	const struct rh_counters_edge *seen;
	size_t                         bytes;

	(void)unused;
	assert_int_equal(rh_counters_open(&counters, path, "magic"), RH_OK);
	edge = rh_counters_edge_add(&counters, "magic", "nic");
	rh_counters_call(edge, RH_OK, 100, 7, 1);
	rh_counters_call(edge, RH_ELOST, 50, 0, 1000);
	rh_counters_call(edge, RH_EFUNC, 1, 2, UINT64_MAX);
	head = map_file(&bytes);
	assert_int_equal(head->magic, RH_COUNTERS_MAGIC);
	assert_int_equal(head->version, RH_COUNTERS_VERSION);
	assert_int_equal(head->edge_bytes, sizeof *edge);
	assert_int_equal(head->pid, getpid());
	assert_int_equal(head->edge_count, 1);
	assert_string_equal(head->resource, "magic");
	seen = (const void *)(head + 1);
	assert_string_equal(seen->caller, "magic");
	assert_string_equal(seen->callee, "nic");
	assert_int_equal(seen->calls, 3);
	assert_int_equal(seen->errors, 2);
	assert_int_equal(seen->lost, 1);
	assert_int_equal(seen->bytes_in, 151);
	assert_int_equal(seen->bytes_out, 9);
	assert_int_equal(seen->latency[0], 1); /* [1, 2) ns    */
	assert_int_equal(seen->latency[9], 1); /* [512, 1024)  */
	assert_int_equal(seen->latency[RH_LATENCY_BUCKETS - 1], 1);
	munmap((void *)(uintptr_t)head, bytes);
	rh_counters_close(&counters);
}

static void the_file_grows_and_edges_stay_where_they_are(void **unused)
{
	struct rh_counters             counters;
	struct rh_counters_edge       *first;
	const struct rh_counters_head *head;
	size_t                         bytes;
	char                           name[16];

	(void)unused;
	assert_int_equal(rh_counters_open(&counters, path, "magic"), RH_OK);
	first = rh_counters_edge_add(&counters, "magic", "callee_0");
	for (unsigned i = 1; i < RH_EDGES_PER_AGENT; i++) {
		snprintf(name, sizeof name, "callee_%u", i);
		rh_counter_add(&rh_counters_edge_add(&counters, "magic", name)->calls, i);
	}
	assert_ptr_equal(rh_counters_edge_add(&counters, "magic", "callee_0"), first);
	head = map_file(&bytes);
	assert_int_equal(head->edge_count, RH_EDGES_PER_AGENT);
	assert_true(bytes >= sizeof *head + RH_EDGES_PER_AGENT * sizeof *first);
	assert_int_equal(((const struct rh_counters_edge *)(const void *)(head + 1))
	                 [1000].calls, 1000);
	munmap((void *)(uintptr_t)head, bytes);
	/* One more counts, but nowhere that a reader would look. */
	first = rh_counters_edge_add(&counters, "magic", "too_many");
	rh_counters_call(first, RH_OK, 1, 1, 1);
	assert_int_equal(first->calls, 1);
	assert_int_equal(counters.head->edge_count, RH_EDGES_PER_AGENT);
	free(first);
	rh_counters_close(&counters);
}

/* An agent that starts again begins at 0, and who mapped the old file keeps it. */
static void another_agent_makes_another_file(void **unused)
{
	struct rh_counters             counters, again;
	const struct rh_counters_head *old;
	size_t                         bytes;

	(void)unused;
	assert_int_equal(rh_counters_open(&counters, path, "magic"), RH_OK);
	rh_counters_edge_add(&counters, "magic", "nic");
	old = map_file(&bytes);
	assert_int_equal(rh_counters_open(&again, path, "magic"), RH_OK);
	assert_int_equal(again.head->edge_count, 0);
	assert_int_equal(old->edge_count, 1);
	munmap((void *)(uintptr_t)old, bytes);
	rh_counters_close(&counters);
	rh_counters_close(&again);
}

static void without_a_file_it_counts_all_the_same(void **unused)
{
	struct rh_counters       counters;
	struct rh_counters_edge *edge;

	(void)unused;
	assert_int_equal(rh_counters_open(&counters, "/nonexistent/x", "magic"), RH_OK);
	assert_int_equal(counters.fd, -1);
	edge = rh_counters_edge_add(&counters, "magic", "nic");
	rh_counters_call(edge, RH_OK, 1, 1, 1);
	assert_int_equal(edge->calls, 1);
	rh_counters_close(&counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_reader_sees_what_was_counted, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(
			the_file_grows_and_edges_stay_where_they_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_agent_makes_another_file, set_up,
		                                tear_down),
		cmocka_unit_test(without_a_file_it_counts_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
