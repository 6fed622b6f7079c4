#include "key.h"

#include "../base/diag.h"
#include "../model/error.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(RH_KEY_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(RH_KEY_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(RH_KEY_SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519");

#define SEED_BYTES crypto_sign_SEEDBYTES
#define PATH_BYTES 300

static int read_seed(int fd, const char *path, unsigned char *seed,
                     struct rh_diag *diag)
{
	struct stat   st;
	unsigned char bytes[SEED_BYTES + 1];

	if (fstat(fd, &st) < 0)
		return rh_diag_set(diag, RH_EIO, "key %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) || st.st_uid != geteuid())
		return rh_diag_set(diag, RH_EACCES, "key %s: must be a file of mode 0600 "
		                   "that belongs to uid %u", path, (unsigned)geteuid());
	if (read(fd, bytes, sizeof bytes) != SEED_BYTES)
		return rh_diag_set(diag, RH_EINVAL, "key %s: not %u bytes long", path,
		                   (unsigned)SEED_BYTES);
	memcpy(seed, bytes, SEED_BYTES);
	sodium_memzero(bytes, sizeof bytes);
	return RH_OK;
}

/* Made beside its place and renamed, so that it is whole or not there. */
static int create_seed(const char *dir, const char *path, unsigned char *seed,
                       struct rh_diag *diag)
{
	char temporary[PATH_BYTES + 8];

	snprintf(temporary, sizeof temporary, "%s.new", path);
	unlink(temporary);
	randombytes_buf(seed, SEED_BYTES);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int is_ok = fd >= 0 && write(fd, seed, SEED_BYTES) == SEED_BYTES &&
	            fsync(fd) == 0;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	if (is_ok && rename(temporary, path) < 0) {
		saved = errno;
		is_ok = 0;
	}
	if (!is_ok) {
		unlink(temporary);
		return rh_diag_set(diag, saved == ENOSPC ? RH_ENOSPC : RH_EIO,
		                   "key %s: %s", path, strerror(saved));
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return RH_OK;
}

/* Those who verify read it: agents know nothing else of the center's to be true. */
static int publish_key(const struct rh_key *key, const char *dir, struct rh_diag *diag)
{
	char path[PATH_BYTES], temporary[PATH_BYTES + 8], hex[RH_KEY_PUBLIC_HEX + 1];

	snprintf(path, sizeof path, "%s/" RH_SIGNATURE_KEY_FILE, dir);
	snprintf(temporary, sizeof temporary, "%s.new", path);
	rh_key_public(key, hex);
	hex[RH_KEY_PUBLIC_HEX - 1] = '\n';
	unlink(temporary);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int is_ok = fd >= 0 && write(fd, hex, RH_KEY_PUBLIC_HEX) == RH_KEY_PUBLIC_HEX &&
	            fsync(fd) == 0 && rename(temporary, path) == 0;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	if (is_ok)
		return RH_OK;
	unlink(temporary);
	return rh_diag_set(diag, saved == ENOSPC ? RH_ENOSPC : RH_EIO, "key %s: %s", path,
	                   strerror(saved));
}

int rh_key_load(struct rh_key *key, const char *dir, struct rh_diag *diag)
{
	unsigned char seed[SEED_BYTES];
	char          path[PATH_BYTES];
	int           err;

	if (sodium_init() < 0)
		return rh_diag_set(diag, RH_EIO, "libsodium does not start");
	snprintf(path, sizeof path, "%s/key", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		err = read_seed(fd, path, seed, diag);
		close(fd);
	} else if (errno == ENOENT) {
		err = create_seed(dir, path, seed, diag);
	} else {
		err = rh_diag_set(diag, RH_EIO, "key %s: %s", path, strerror(errno));
	}
	if (err == RH_OK)
		crypto_sign_seed_keypair(key->public_key, key->secret_key, seed);
	sodium_memzero(seed, sizeof seed);
	return err == RH_OK ? publish_key(key, dir, diag) : err;
}

void rh_key_fini(struct rh_key *key)
{
	sodium_memzero(key, sizeof *key);
}

void rh_key_public(const struct rh_key *key, char hex[RH_KEY_PUBLIC_HEX])
{
	sodium_bin2hex(hex, RH_KEY_PUBLIC_HEX, key->public_key,
	               sizeof key->public_key);
}

void rh_key_sign(const struct rh_key *key, enum rh_signed use, const char *sha256,
                 char hex[RH_KEY_SIGNATURE_HEX])
{
	unsigned char signature[RH_KEY_SIGNATURE_BYTES];
	char          text[RH_SIGNATURE_TEXT_MAX];
	int           len = rh_signature_text(use, sha256, text);

	crypto_sign_detached(signature, NULL, (const unsigned char *)text,
	                     (unsigned long long)len, key->secret_key);
	sodium_bin2hex(hex, RH_KEY_SIGNATURE_HEX, signature, sizeof signature);
}
