/* The system's key: made once, kept private, and what it signs. */
#include "../../center/key.h"
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

struct fixture {
	char dir[48];
	char path[64];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	if (!fixture)
		return -1;
	*state = fixture;
	snprintf(fixture->dir, sizeof fixture->dir, "/tmp/rhodes-key-XXXXXX");
	if (!mkdtemp(fixture->dir))
		return -1;
	snprintf(fixture->path, sizeof fixture->path, "%s/key", fixture->dir);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	rmdir(fixture->dir);
	free(fixture);
	return 0;
}

static void made_once_and_private(void **state)
{
	struct fixture *fixture = *state;
	struct rh_key   first, second;
	struct rh_diag  diag = { 0 };
	struct stat     st;

	assert_int_equal(rh_key_load(&first, fixture->dir, &diag), RH_OK);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(rh_key_load(&second, fixture->dir, &diag), RH_OK);
	assert_memory_equal(&first, &second, sizeof first);
	rh_key_fini(&first);
	assert_memory_not_equal(&first, &second, sizeof first);
}

static void foreign_files_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct rh_key   key;
	struct rh_diag  diag = { 0 };
	char            link[80];

	assert_int_equal(rh_key_load(&key, fixture->dir, &diag), RH_OK);
	assert_int_equal(chmod(fixture->path, 0640), 0);
	assert_int_equal(rh_key_load(&key, fixture->dir, &diag), RH_EACCES);
	assert_non_null(strstr(diag.text, fixture->path));
	assert_int_equal(chmod(fixture->path, 0600), 0);
	assert_int_equal(truncate(fixture->path, 31), 0);
	assert_int_equal(rh_key_load(&key, fixture->dir, &diag), RH_EINVAL);
	assert_int_equal(truncate(fixture->path, 33), 0);
	assert_int_equal(rh_key_load(&key, fixture->dir, &diag), RH_EINVAL);
	snprintf(link, sizeof link, "%s.real", fixture->path);
	assert_int_equal(rename(fixture->path, link), 0);
	assert_int_equal(symlink(link, fixture->path), 0);
	assert_int_equal(rh_key_load(&key, fixture->dir, &diag), RH_EIO);
	unlink(link);
}

static void signatures_hold_for_one_module_and_key(void **state)
{
	static const char sha[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct fixture *fixture = *state;
	struct rh_key   key, other;
	char            hash[65], signature[RH_KEY_SIGNATURE_HEX];
	char            public_key[RH_KEY_PUBLIC_HEX], strange[RH_KEY_PUBLIC_HEX];

	assert_int_equal(rh_key_load(&key, fixture->dir, NULL), RH_OK);
	unlink(fixture->path);
	assert_int_equal(rh_key_load(&other, fixture->dir, NULL), RH_OK);
	rh_sha256_hex("abc", 3, hash);
	assert_string_equal(hash, sha);
	rh_key_sign(&key, RH_SIGNED_MODULE, sha, signature);
	rh_key_public(&key, public_key);
	rh_key_public(&other, strange);
	assert_int_equal(rh_signature_verify(public_key, RH_SIGNED_MODULE, sha, signature), RH_OK);
	assert_int_equal(rh_signature_verify(strange, RH_SIGNED_MODULE, sha, signature), RH_EIDENT);
	for (int i = 0; i < 64; i++) { /* every digit of the hash counts */
		hash[i] ^= 1;
		assert_int_equal(rh_signature_verify(public_key, RH_SIGNED_MODULE, hash, signature),
		                 RH_EIDENT);
		hash[i] ^= 1;
	}
	assert_int_equal(rh_signature_verify(public_key, RH_SIGNED_RULE, sha, signature),
	                 RH_EIDENT); /* what it may be used as counts too */
	signature[5] = signature[5] == '0' ? '1' : '0';
	assert_int_equal(rh_signature_verify(public_key, RH_SIGNED_MODULE, sha, signature),
	                 RH_EIDENT);
	assert_int_equal(rh_signature_verify(public_key, RH_SIGNED_MODULE, sha, ""), RH_EIDENT);
	assert_int_equal(rh_signature_verify("xyz", RH_SIGNED_MODULE, sha, signature), RH_EIDENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_once_and_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(foreign_files_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(signatures_hold_for_one_module_and_key,
		                                set_up, tear_down),
	};

	return cmocka_run_group_tests_name("center_key", tests, NULL, NULL);
}
