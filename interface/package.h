/* package - the library and the headers of an installed development package.
 *
 * Ownership   Everything is taken from the caller's pool.
 * Threads     One per pool.
 * Errors      RH_ENOENT with what was looked for; RH_ENOMEM. */
#ifndef RH_INTERFACE_PACKAGE_H
#define RH_INTERFACE_PACKAGE_H

#include "elf.h"

#define RH_PACKAGE_HEADERS_MAX 1024u

struct rh_package_header {
	const char *path;      /* absolute, or as the user gave it            */
	const char *include;   /* as an #include names it                     */
	uint32_t    declares;  /* exported names that its text holds          */
	bool        is_named;  /* like the library                            */
};

struct rh_package {
	const char               *name;      /* Debian package, or NULL       */
	const char               *library;   /* path of the library's file    */
	const char               *soname;
	const char               *stem;      /* libmagic                      */
	const char               *cflags;    /* of its pkg-config files, or "" */
	struct rh_package_header *headers;   /* the likely ones first         */
	uint32_t                  header_count;
	uint32_t                  library_count; /* that the package has      */
};

/* subject: a package, a library name, a soname or the path of a library; header:
 * the only header to use, or NULL. */
int rh_package_find(struct rh_pool *pool, const char *subject, const char *header,
                    struct rh_package *ret, struct rh_diag *diag);

/* Orders the headers: those named like the library, then those that hold most of
 * the exported names. */
void rh_package_weigh(struct rh_package *package, const struct rh_elf_exports *exports);

#endif
