#include "../../cli/manifest.h"

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

static char folder[] = "/tmp/rhodes-manifest-XXXXXX";

static int enter(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int leave(void **state)
{
	static const char *const names[] = { "a.yaml", "b.yml", "c.json", "d.txt",
		                             "e.yaml" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	return 0;
}

static char *write_file(const char *name, const char *text)
{
	static char path[128];
	FILE       *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static void objects_keep_their_places(void **state)
{
	struct rh_manifest *manifest = rh_manifest_create();
	char                place[RH_MANIFEST_PLACE_MAX], expected[200];
	char *path = write_file(
		"a.yaml",
		"kind: Resource\nmetadata: {name: x, revision: 7, uid: u, generation: "
	        "2}\n"
		"spec: {type: service}\nstatus: {conditions: []}\n"
		"---\nitems:\n- kind: Rule\n  metadata: {name: r}\n  spec:\n    a: 1\n");
	(void)state;

	assert_int_equal(rh_manifest_add(manifest, path, NULL), RH_OK);
	assert_int_equal(rh_manifest_count(manifest), 2);
	assert_string_equal(rh_manifest_kind(manifest, 0), "Resource");
	assert_string_equal(rh_manifest_name(manifest, 1), "r");
	assert_string_equal(rh_manifest_folder(manifest, 1), folder);
	snprintf(expected, sizeof expected, "%s:3:14", path);
	assert_string_equal(rh_manifest_where(manifest, 0, "/spec/type", place),
	                    expected);
	snprintf(expected, sizeof expected, "%s:10:8", path);
	assert_string_equal(rh_manifest_where(manifest, 1, "/spec/a", place), expected);
	/* What only the center may say is gone. */
	assert_null(json_object_get(rh_manifest_object(manifest, 0), "status"));
	assert_int_equal(json_object_size(json_object_get(
		rh_manifest_object(manifest, 0), "metadata")), 1);
	rh_manifest_destroy(manifest);
}

static void a_folder_stands_for_its_manifests(void **state)
{
	struct rh_manifest *manifest = rh_manifest_create();
	struct rh_diag      diag = { 0 };
	(void)state;

	assert_int_equal(rh_manifest_add(manifest, folder, &diag), RH_ENOENT);
	assert_non_null(strstr(diag.text, "no *.yaml"));
	write_file("c.json", "[{\"kind\":\"K\",\"metadata\":{\"name\":\"c\"}}]");
	write_file("b.yml", "kind: K\nmetadata: {name: b}\n");
	write_file("a.yaml", "kind: K\nmetadata: {name: a}\n");
	write_file("d.txt", "not a manifest: [");
	assert_int_equal(rh_manifest_add(manifest, folder, &diag), RH_OK);
	assert_int_equal(rh_manifest_count(manifest), 3);
	assert_string_equal(rh_manifest_name(manifest, 0), "a");
	assert_string_equal(rh_manifest_name(manifest, 1), "b");
	assert_string_equal(rh_manifest_name(manifest, 2), "c");
	rh_manifest_destroy(manifest);
}

static void assert_refused(const char *text, int code, const char *reason)
{
	struct rh_manifest *manifest = rh_manifest_create();
	struct rh_diag      diag = { 0 };
	char               *path = write_file("e.yaml", text);

	assert_int_equal(rh_manifest_add(manifest, path, &diag), code);
	if (!strstr(diag.text, reason))
		print_error("%s\n", diag.text);
	assert_non_null(strstr(diag.text, reason));
	assert_non_null(strstr(diag.text, "e.yaml:"));
	rh_manifest_destroy(manifest);
}

static void what_is_no_object_is_refused(void **state)
{
	(void)state;
	assert_refused("a: [", RH_EINVAL, "e.yaml:2:1: ");
	assert_refused("just a text\n", RH_EINVAL, "e.yaml:1:1: an object is a mapping");
	assert_refused("metadata: {name: x}\n", RH_EINVAL, "1:1: kind is missing");
	assert_refused("kind: 7\nmetadata: {name: x}\n", RH_EINVAL,
	               "1:7: kind is missing");
	assert_refused("kind: K\nmetadata: {}\n", RH_EINVAL, "2:1: metadata.name");
	assert_refused("kind: K\nmetadata: {name: [x]}\n", RH_EINVAL,
	               "2:12: metadata.name");
	assert_refused("- kind: K\n  metadata: {name: x}\n- 7\n", RH_EINVAL,
	               "3:3: an object");
	assert_refused("kind: K\nkind: K\n", RH_EINVAL, "2:1: duplicate key \"kind\"");
}

static void twice_is_once_too_often(void **state)
{
	(void)state;
	assert_refused(
		"kind: K\nmetadata: {name: x}\n---\nkind: K\nmetadata: {name: x}\n",
		RH_EEXIST, "5:18: K/x stands already in");
	assert_refused(
		"kind: K\nmetadata: {name: x}\n---\nkind: K\nmetadata: {name: x}\n",
		RH_EEXIST, "e.yaml:2:18");
}

static void paths_are_beside_the_manifest(void **state)
{
	struct rh_manifest *manifest = rh_manifest_create();
	const json_t       *serve;
	char                expected[200];
	(void)state;

	write_file(
		"a.yaml",
		"[{kind: R, metadata: {name: a}, spec: {serve: {library: "
	        "./x/../lib.so}}},\n"
		" {kind: R, metadata: {name: b}, spec: {serve: {library: libm.so.6}}},\n"
		" {kind: R, metadata: {name: c}, spec: {serve: {library: /a/../b.so}}},\n"
		" {kind: R, metadata: {name: d}, spec: {serve: {library: "
	        "no/such/l.so}}},\n"
		" {kind: R, metadata: {name: e}, spec: {serve: {program: [../p, "
	        "../q]}}},\n"
		" {kind: R, metadata: {name: f}, spec: {serve: {library: 7}}},\n"
		" {kind: R, metadata: {name: g}, spec: [serve]}]\n");
	assert_int_equal(rh_manifest_add(manifest, folder, NULL), RH_OK);
	assert_int_equal(rh_manifest_resolve(manifest, NULL), RH_OK);
#define SERVE(i)                                                                         \
	(serve = json_object_get(                                                        \
		 json_object_get(rh_manifest_object(manifest, i), "spec"), "serve"))
#define LIBRARY(i) json_string_value(json_object_get(SERVE(i), "library"))
	snprintf(expected, sizeof expected, "%s/./x/../lib.so", folder);
	assert_string_equal(LIBRARY(0), expected); /* there is no x to go back from */
	assert_string_equal(LIBRARY(1), "libm.so.6");
	assert_string_equal(LIBRARY(2), "/a/../b.so");
	snprintf(expected, sizeof expected, "%s/no/such/l.so", folder);
	assert_string_equal(LIBRARY(3), expected);
	SERVE(4);
	assert_string_equal(json_string_value(json_array_get(
		json_object_get(serve, "program"), 0)), "/tmp/p");
	assert_string_equal(json_string_value(json_array_get(
		json_object_get(serve, "program"), 1)), "../q");
	rh_manifest_destroy(manifest);
}

static void a_missing_file_is_named(void **state)
{
	struct rh_manifest *manifest = rh_manifest_create();
	struct rh_diag      diag = { 0 };
	(void)state;

	assert_int_equal(rh_manifest_add(manifest, "/nowhere/x.yaml", &diag), RH_ENOENT);
	assert_string_equal(diag.text, "/nowhere/x.yaml: No such file or directory");
	assert_int_equal(rh_manifest_count(manifest), 0);
	rh_manifest_destroy(manifest);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(objects_keep_their_places, enter, leave),
		cmocka_unit_test_setup_teardown(a_folder_stands_for_its_manifests, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(what_is_no_object_is_refused, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(twice_is_once_too_often, enter, leave),
		cmocka_unit_test_setup_teardown(paths_are_beside_the_manifest, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(a_missing_file_is_named, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
