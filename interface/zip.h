/* zip - the files in an archive of the kind that Java's jars are.
 *
 * Ownership   struct rh_zip borrows the bytes; what is unpacked is taken from the
 *             caller's pool.
 * Threads     Any.
 * Limits      RH_ZIP_FILE_MAX bytes of one file unpacked; no archives of more than
 *             4 GiB or 65,534 files, none of several volumes, none encrypted.
 * Errors      RH_EPROTO  the archive breaks the format, with the reason.
 *             RH_ENOENT  there is no such file.  RH_EMSGSIZE.  RH_ENOMEM. */
#ifndef RH_INTERFACE_ZIP_H
#define RH_INTERFACE_ZIP_H

#include "elf.h"

#define RH_ZIP_FILE_MAX ((size_t)1 << 20)

struct rh_zip {
	struct rh_elf_span bytes;
	struct rh_elf_span directory;
	uint32_t           count;
};

struct rh_zip_file {
	const char *name;         /* not ended by NUL */
	uint32_t    name_len;
	uint32_t    packed;
	uint32_t    size;
	uint32_t    at;
	uint16_t    method;
	uint16_t    flags;
};

int rh_zip_open(struct rh_zip *zip, const void *bytes, size_t len, struct rh_diag *diag);

/* The next file: *at is 0 for the first.  RH_ENOENT behind the last. */
int rh_zip_next(const struct rh_zip *zip, size_t *at, struct rh_zip_file *ret);

/* Unpacks it. */
int rh_zip_read(const struct rh_zip *zip, const struct rh_zip_file *file,
                struct rh_pool *pool, struct rh_elf_span *ret, struct rh_diag *diag);

#endif
