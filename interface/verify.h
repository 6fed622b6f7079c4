/* verify - does the library here offer the interface that was registered?
 *
 * Where the library carries BTF, the types of every function are derived from it
 * again and the hashes compared; else the exported names are, and the version of
 * the package if dpkg knows it.  What C types alone cannot tell (path, fd, who
 * frees) is taken from the registered text as long as the C type allows it.
 *
 * Ownership   Nothing is kept.
 * Threads     Any. */
#ifndef RH_INTERFACE_VERIFY_H
#define RH_INTERFACE_VERIFY_H

#include "btf.h"

struct rh_verify_request {
	const char *library;  /* path of the real library                     */
	const char *text;     /* canonical text, a function a line            */
	size_t      len;
	const char *soname;   /* "" or NULL: any                              */
	const char *version;  /* of the package, "" or NULL: any              */
};

/* Returns how many functions were compared by their types: 0 without BTF.
 * RH_EINTERFACE  it differs; the diag names the function and both texts.
 * RH_EINVAL      the text is no canonical text.
 * RH_EPROTO      the library is no ELF file that can be read.
 * RH_ENOENT, RH_EACCES, RH_EIO, RH_ENOMEM. */
int rh_verify_library(const struct rh_verify_request *request, struct rh_diag *diag);

/* The canonical type of a C type where the registered type is wanted: wanted
 * itself if the C type can be that, else what the C type looks like.  Writes at
 * most cap bytes with a NUL. */
void rh_verify_derive(const struct rh_ctype *type, const char *wanted, char *text,
                      size_t cap);

#endif
