/* What an agent keeps of modules on the disk, when it is not alone, or killed, or there is
 * no room. */
#include "../../agent/module_look.h"

#include "../../base/signature.h"
#include "../../model/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <cmocka.h>

#define BYTES   (2u << 20) /* of the object: long enough to be in each other's way */
#define ROUNDS  100
#define WRITERS 3

static char          state[] = "/tmp/rhodes-look-XXXXXX";
static unsigned char object[BYTES];
static char          object_sha256[RH_SHA256_HEX];
static char          manifest[512], module[RH_SHA256_HEX], signature[RH_SIGNATURE_HEX];

static void sign(unsigned char *secret)
{
	unsigned char bytes[crypto_sign_BYTES];
	char          text[RH_SIGNATURE_TEXT_MAX];
	int           len = rh_signature_text(RH_SIGNED_RULE, module, text);

	crypto_sign_detached(bytes, NULL, (const unsigned char *)text,
	                     (unsigned long long)len, secret);
	sodium_bin2hex(signature, sizeof signature, bytes, sizeof bytes);
}

static int set_up(void **unused)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	char          hex[RH_SIGNATURE_KEY_HEX], path[PATH_MAX];

	(void)unused;
	assert_int_equal(rh_signature_start(), RH_OK);
	memcpy(strrchr(state, '-') + 1, "XXXXXX", 6);
	assert_non_null(mkdtemp(state));
	randombytes_buf(object, sizeof object);
	rh_sha256_hex(object, sizeof object, object_sha256);
	snprintf(manifest, sizeof manifest, "{\"hook\":\"filter\",\"mode\":\"native\",\"parts\":"
	         "{\"object\":{\"sha256\":\"%s\"}}}", object_sha256);
	rh_sha256_hex(manifest, strlen(manifest), module);
	crypto_sign_keypair(public, secret);
	sign(secret);
	snprintf(path, sizeof path, "%s/" RH_SIGNATURE_KEY_FILE, state);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", sodium_bin2hex(hex, sizeof hex, public, sizeof public));
	return fclose(file);
}

static int tear_down(void **unused)
{
	char command[64];

	(void)unused;
	snprintf(command, sizeof command, "rm -rf %s", state);
	return system(command);
}

static void path_of(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/modules/%s", state, name);
}

/* Looks as who was given all of it by the center. */
static struct rh_module_look *looked(void)
{
	struct rh_module_look *look = calloc(1, sizeof *look);
	unsigned char         *text = malloc(strlen(manifest)), *bytes = malloc(BYTES);

	assert_true(look && text && bytes);
	memcpy(text, manifest, strlen(manifest));
	memcpy(bytes, object, BYTES);
	look->found.fd = -1;
	look->dir = state;
	memcpy(look->module, module, sizeof module);
	strcpy(look->hook, "filter");
	strcpy(look->mode, "native");
	strcpy(look->part, "object");
	rh_module_look_give(look, module, text, strlen(manifest), signature);
	rh_module_look_give(look, object_sha256, bytes, BYTES, NULL);
	rh_module_look(look);
	return look;
}

static size_t unfinished(void)
{
	char           path[PATH_MAX];
	struct dirent *entry;
	size_t         count = 0;

	path_of("", path);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += strncmp(entry->d_name, ".new-", 5) == 0;
	closedir(dir);
	return count;
}

static void assert_kept(void)
{
	char                 path[PATH_MAX], sha256[RH_SHA256_HEX];
	static unsigned char bytes[BYTES];

	path_of(object_sha256, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, bytes, BYTES), BYTES);
	close(fd);
	rh_sha256_hex(bytes, BYTES, sha256);
	assert_string_equal(sha256, object_sha256);
	assert_int_equal(unfinished(), 0);
}

/* An agent of a pool: the others write the same meanwhile. */
static void *write_it(void *user)
{
	uintptr_t bad = 0;

	(void)user;
	for (int i = 0; i < ROUNDS; i++) {
		struct rh_module_look *look = looked();

		bad += look->err != RH_OK || look->note.code != RH_OK;
		rh_module_look_free(look);
	}
	return (void *)bad;
}

static void agents_of_one_process_write_the_same(void **unused)
{
	pthread_t threads[WRITERS];
	void     *bad;

	(void)unused;
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_it, NULL), 0);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &bad);
		assert_int_equal((uintptr_t)bad, 0);
	}
	assert_kept();
}

static void make_unfinished(const char *name, int *ret_fd)
{
	char path[PATH_MAX];

	path_of(name, path);
	*ret_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(*ret_fd, "half", 4), 4);
}

static void what_a_killed_one_left_is_swept(void **unused)
{
	int left, held;

	(void)unused;
	rh_module_look_free(looked());
	make_unfinished(".new-aaaaaa", &left);
	close(left); /* its agent was killed */
	make_unfinished(".new-bbbbbb", &held);
	assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0); /* this one goes on */
	rh_module_look_sweep(state);
	assert_int_equal(unfinished(), 1);
	close(held);
	rh_module_look_sweep(state);
	assert_kept();
}

static void without_a_folder_nothing_is_swept(void **unused)
{
	(void)unused;
	rh_module_look_sweep(state);
	rh_module_look_sweep("/nowhere");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(agents_of_one_process_write_the_same),
		TEST(what_a_killed_one_left_is_swept),
		TEST(without_a_folder_nothing_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
