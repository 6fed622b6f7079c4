/* What is read of an object before anybody else sees it, and where programs may go. */
#include "../../base/diag.h"
#include "../../model/error.h"
#include "../../rules/ebpf/object.h"
#include "../../rules/ebpf/point.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t *whole;
static size_t   len;

static void what_it_holds(void **state)
{
	static struct rh_bpf_object object;
	struct rh_diag              diag = { 0 };

	(void)state;
	if (rh_bpf_object_read(whole, len, &object, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(object.program_count, 10);
	assert_string_equal(rh_bpf_object_program(&object, "on_connect4")->section,
	                    "cgroup/connect4");
	assert_null(rh_bpf_object_program(&object, "count")); /* static: no program */
	assert_int_equal(object.map_count, 2);
	assert_int_equal(object.param_count, 3);
	assert_string_equal(object.license, "GPL");
}

/* Every prefix of it, and every byte of head and tables changed: read or refused, never
 * beyond its end (the copy is as long as what is read, so that a sanitizer sees it). */
static void what_is_broken(void **state)
{
	static struct rh_bpf_object object;
	struct rh_diag              diag;

	(void)state;
	for (size_t cut = 0; cut < len; cut += cut < 256 ? 1 : 61) {
		uint8_t *copy = malloc(cut + !cut);

		memcpy(copy, whole, cut);
		assert_true(rh_bpf_object_read(copy, cut, &object, &diag) < 0);
		free(copy);
	}
	Elf64_Ehdr head;
	memcpy(&head, whole, sizeof head);
	for (size_t at = 0; at < len; at += at < sizeof head || at > head.e_shoff ? 1 : 97) {
		uint8_t *copy = malloc(len);

		memcpy(copy, whole, len);
		copy[at] ^= 0xff;
		rh_bpf_object_read(copy, len, &object, &diag);
		free(copy);
	}
}

static void what_is_no_object(void **state)
{
	static struct rh_bpf_object object;
	struct rh_diag              diag = { 0 };
	Elf64_Ehdr                  head;

	(void)state;
	assert_int_equal(rh_bpf_object_read((const uint8_t *)"\0asm", 4, &object, &diag),
	                 RH_EINVAL);
	assert_non_null(strstr(diag.text, "ELF"));
	uint8_t *copy = malloc(len);
	memcpy(copy, whole, len);
	memcpy(&head, copy, sizeof head);
	head.e_machine = EM_X86_64;
	memcpy(copy, &head, sizeof head);
	assert_int_equal(rh_bpf_object_read(copy, len, &object, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "-target bpf"));
	free(copy);
	uint8_t *large = calloc(1, RH_BPF_OBJECT_MAX + 1);
	assert_int_equal(rh_bpf_object_read(large, RH_BPF_OBJECT_MAX + 1, &object, &diag),
	                 RH_EMSGSIZE);
	free(large);
}

/* ---- points ---- */

static void points_are_read(void **state)
{
	struct rh_bpf_point point;

	(void)state;
	assert_int_equal(rh_bpf_point_read("uprobe:/a:b/c.so:do.it", &point, NULL), RH_OK);
	assert_int_equal(point.kind, RH_BPF_UPROBE);
	assert_string_equal(point.where, "/a:b/c.so");
	assert_string_equal(point.what, "do.it");
	assert_int_equal(rh_bpf_point_read("perf:cpu-clock@99", &point, NULL), RH_OK);
	assert_int_equal(point.hz, 99);
	assert_int_equal(rh_bpf_point_read("connect4:/", &point, NULL), RH_OK);
	assert_string_equal(point.where, "/");
	assert_int_equal(rh_bpf_point_read("tracepoint:sched/sched_switch", &point, NULL), 0);
	assert_string_equal(point.where, "sched");
	assert_string_equal(point.what, "sched_switch");
}

static void others_are_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "tracepoint", "tracepoint:", "tracepoint:a", "tracepoint:a/", "tracepoint:/b",
		"tracepoint:a/b/c", "tracepoint:../b", "tp_btf:a b", "uprobe:a:b", "uprobe:/a",
		"uprobe:/a/../b:c", "uprobe:/a:", "perf:cpu-clock", "perf:cpu-clock@", "perf:x@0",
		"perf:x@1001", "perf:x@+1", "perf:x@1x", "connect4:", "connect4:a", "connect4:/a/..",
		"connect5:/", "Tracepoint:a/b",
	};
	struct rh_bpf_point point;
	struct rh_diag      diag = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (rh_bpf_point_read(bad[i], &point, &diag) != RH_EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	char long_one[RH_BPF_POINT_MAX + 32];
	memset(long_one, 'a', sizeof long_one);
	memcpy(long_one, "connect4:/", 10);
	long_one[sizeof long_one - 1] = '\0';
	assert_int_equal(rh_bpf_point_read(long_one, &point, &diag), RH_EINVAL);
}

/* The description of the hook and the reader know the same kinds. */
static void the_hook_says_the_same(void **state)
{
	static const char *const described[] = {
#define RH_HOOK(...)
#define RH_POINT(kind, ...) #kind,
#include "../../rules/hooks/probe.def"
	};

	(void)state;
	assert_int_equal(sizeof described / sizeof described[0], RH_BPF_KINDS);
	for (unsigned i = 0; i < RH_BPF_KINDS; i++)
		assert_string_equal(described[i], rh_bpf_kind_name((enum rh_bpf_kind)i));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_holds), cmocka_unit_test(what_is_broken),
		cmocka_unit_test(what_is_no_object), cmocka_unit_test(points_are_read),
		cmocka_unit_test(others_are_refused), cmocka_unit_test(the_hook_says_the_same),
	};
	FILE *file = argc == 2 ? fopen(argv[1], "rbe") : NULL;

	if (!file)
		return 2;
	whole = malloc(RH_BPF_OBJECT_MAX);
	len = fread(whole, 1, RH_BPF_OBJECT_MAX, file);
	fclose(file);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(whole);
	return failed;
}
