/* place - where in a file of a program the functions and sites of a name are.
 *
 * Sites (base/site.h) are described by the notes that SystemTap's <sys/sdt.h> makes, so
 * other tools find them, too; functions by its tables of symbols.  They are read here
 * because the file is a stranger's.
 *
 * Threads  Any. */
#ifndef RH_RULES_EBPF_PLACE_H
#define RH_RULES_EBPF_PLACE_H

#include <stddef.h>
#include <stdint.h>

struct rh_diag;

/* The offsets in the file, at most cap of them.  Their number, or RH_ENOENT there is no
 * site of that name or no such file, RH_EACCES, RH_EINVAL it is not a program or library. */
int rh_bpf_sites(const char *path, const char *name, uint64_t *offsets, unsigned cap,
                 struct rh_diag *diag);

/* The same for a function, of which there is one. */
int rh_bpf_function(const char *path, const char *name, uint64_t *offset,
                    struct rh_diag *diag);

#endif
