#include "../../cli/samples.h"
#include "../../model/error.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char run_dir[64];

static int enter(void **state)
{
	char path[80];

	(void)state;
	strcpy(run_dir, "/tmp/rhodes-samples-XXXXXX");
	assert_non_null(mkdtemp(run_dir));
	snprintf(path, sizeof path, "%s/agent", run_dir);
	return mkdir(path, 0755);
}

static int leave(void **state)
{
	static const char *const names[] = { "agent/a.counters", "agent/b.counters",
	                                     "agent/c.counters", "agent", "" };
	char path[100];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", run_dir, names[i]);
		remove(path);
	}
	return 0;
}

struct file {
	struct rh_counters_head head;
	struct rh_counters_edge edges[3];
};

static struct file file_of(const char *caller, uint32_t edge_count)
{
	struct file file = { .head = { .magic = RH_COUNTERS_MAGIC,
		                       .version = RH_COUNTERS_VERSION,
		                       .pid = (uint32_t)getpid(),
		                       .started = 5,
		                       .edge_bytes = sizeof(struct rh_counters_edge),
		                       .edge_count = edge_count } };

	for (size_t i = 0; i < 3; i++) {
		snprintf(file.edges[i].caller, sizeof file.edges[i].caller, "%s", caller);
		snprintf(file.edges[i].callee, sizeof file.edges[i].callee, "z%zu",
		         2 - i);
		strcpy(file.edges[i].protocol, "bind");
	}
	return file;
}

static void write_file(const char *name, const struct file *file, size_t bytes)
{
	char path[100];
	int  fd;

	snprintf(path, sizeof path, "%s/agent/%s", run_dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(write(fd, file, bytes), bytes);
	close(fd);
}

static void every_agent_is_read(void **state)
{
	struct file       a = file_of("a", 2), b = file_of("b", 1);
	struct rh_samples samples;
	(void)state;

	a.edges[0].calls = 7;
	a.edges[0].errors = 1;
	a.edges[1].bytes_in = 9;
	a.edges[1].latency[3] = 4;
	write_file("b.counters", &b, sizeof b);
	write_file("a.counters", &a, sizeof a);
	assert_int_equal(rh_samples_read(run_dir, &samples), RH_OK);
	assert_int_equal(samples.agents, 2);
	assert_int_equal(samples.count, 3);
	assert_string_equal(samples.edges[0].callee, "z1"); /* sorted by name */
	assert_int_equal(samples.edges[0].bytes_in, 9);
	assert_int_equal(samples.edges[0].latency[3], 4);
	assert_string_equal(samples.edges[1].callee, "z2");
	assert_int_equal(samples.edges[1].calls, 7);
	assert_int_equal(samples.edges[1].errors, 1);
	assert_string_equal(samples.edges[2].caller, "b");
	assert_string_equal(samples.edges[2].protocol, "bind");
	rh_samples_free(&samples);
}

static void lying_files_are_left_out(void **state)
{
	struct file       good = file_of("a", 1), bad = file_of("b", 3);
	struct rh_samples samples;
	(void)state;

	assert_int_equal(rh_samples_read("/nowhere", &samples), RH_EDOWN);
	assert_int_equal(rh_samples_read(run_dir, &samples), RH_EDOWN);
	/* Says more edges than it has. */
	bad.head.edge_count = 4000000000u;
	memset(bad.edges[0].caller, 'x', sizeof bad.edges[0].caller); /* no NUL */
	write_file("b.counters", &bad, sizeof bad);
	assert_int_equal(rh_samples_read(run_dir, &samples), RH_OK);
	assert_int_equal(samples.count, 3);
	assert_int_equal(strlen(samples.edges[2].caller), 63);
	rh_samples_free(&samples);
	/* Of another version, of another kind, of a process that is gone, cut off. */
	write_file("a.counters", &good, sizeof good);
	bad = file_of("b", 1);
	bad.head.version++;
	write_file("b.counters", &bad, sizeof bad);
	bad = file_of("c", 1);
	bad.head.magic++;
	write_file("c.counters", &bad, sizeof bad);
	assert_int_equal(rh_samples_read(run_dir, &samples), RH_OK);
	assert_int_equal(samples.count, 1);
	rh_samples_free(&samples);
	bad = file_of("c", 1);
	bad.head.pid = 0;
	write_file("c.counters", &bad, sizeof bad);
	write_file("b.counters", &bad, 100);
	assert_int_equal(rh_samples_read(run_dir, &samples), RH_OK);
	assert_int_equal(samples.agents, 1);
	rh_samples_free(&samples);
}

static void between_two_looks(void **state)
{
	struct file       file = file_of("a", 2);
	struct rh_samples before, now, between;
	(void)state;

	file.edges[0].calls = 10;
	file.edges[0].latency[2] = 1;
	file.edges[1].calls = 5;
	write_file("a.counters", &file, sizeof file);
	assert_int_equal(rh_samples_read(run_dir, &before), RH_OK);
	file.edges[0].calls = 25;
	file.edges[0].latency[2] = 3;
	file.edges[1].calls = 1; /* fell: a lie, not 2^64 calls */
	file.head.edge_count = 3;
	file.edges[2].calls = 2;
	write_file("a.counters", &file, sizeof file);
	assert_int_equal(rh_samples_read(run_dir, &now), RH_OK);
	assert_int_equal(rh_samples_between(&before, &now, &between), RH_OK);
	assert_int_equal(between.count, 3);
	assert_int_equal(between.edges[2].calls, 15);
	assert_int_equal(between.edges[2].latency[2], 2);
	assert_int_equal(between.edges[1].calls, 0);
	assert_int_equal(between.edges[0].calls, 2);
	rh_samples_free(&between);
	rh_samples_free(&now);
	/* Another agent counts from its own start. */
	file.head.started = 6;
	write_file("a.counters", &file, sizeof file);
	assert_int_equal(rh_samples_read(run_dir, &now), RH_OK);
	assert_int_equal(rh_samples_between(&before, &now, &between), RH_OK);
	assert_int_equal(between.edges[2].calls, 25);
	rh_samples_free(&between);
	rh_samples_free(&now);
	rh_samples_free(&before);
}

static void latency_of_a_share(void **state)
{
	struct rh_edge_sample edge = { .calls = 0 };
	(void)state;

	assert_true(rh_sample_latency(&edge, 0.5) == 0);
	edge.latency[10] = 100; /* [1024, 2048) */
	assert_true(rh_sample_latency(&edge, 0.5) == 1536);
	edge.latency[20] = 100;
	assert_true(rh_sample_latency(&edge, 0.5) == 2048);
	assert_true(rh_sample_latency(&edge, 0.75) == 1.5 * (1 << 20));
	assert_true(rh_sample_latency(&edge, 1) == 1 << 21);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_agent_is_read, enter, leave),
		cmocka_unit_test_setup_teardown(lying_files_are_left_out, enter, leave),
		cmocka_unit_test_setup_teardown(between_two_looks, enter, leave),
		cmocka_unit_test(latency_of_a_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
