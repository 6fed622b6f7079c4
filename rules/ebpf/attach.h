/* attach - puts a loaded program at its point; used by load.c in its child.
 *
 * Threads  One. */
#ifndef RH_RULES_EBPF_ATTACH_H
#define RH_RULES_EBPF_ATTACH_H

#include "load.h"
#include "point.h"

struct bpf_program;

/* Is the program of the kind that goes there?  Before it is loaded; names what tp_btf
 * needs.  RH_EINVAL, RH_ENOSYS the kernel has no such points. */
int rh_bpf_attach_prepare(struct bpf_program *program, const struct rh_bpf_point *point,
                          struct rh_diag *diag);

/* Descriptors that keep it attached, at most cap of them.  Their number, or RH_ENOENT
 * there is no such point; RH_EPERM, RH_EIO the kernel refused. */
int rh_bpf_attach(const struct rh_bpf_machine *machine, struct bpf_program *program,
                  const struct rh_bpf_point *point, int *fds, unsigned cap,
                  struct rh_diag *diag);

#endif
