/* confine - what rhodes-bpf keeps of root: CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, and files to
 * read.  It writes no file, makes no socket, executes nothing, and gets no right back.
 *
 * Threads  Before any is made. */
#ifndef RH_RULES_EBPF_CONFINE_H
#define RH_RULES_EBPF_CONFINE_H

struct rh_diag;
struct rh_bpf_machine;

/* Opens what only root opens.  A thing that the machine has not is -1. */
void rh_bpf_machine_init(struct rh_bpf_machine *machine);

/* RH_EPERM   the process does not have these three rights to keep.
 * RH_ENOSYS  the kernel cannot take the others away; diag says which. */
int rh_bpf_confine(struct rh_diag *diag);

/* The same for the process of opener.h, which keeps CAP_SYS_ADMIN and CAP_PERFMON, and may
 * make only the calls that it makes. */
int rh_bpf_confine_opener(struct rh_diag *diag);

#endif
