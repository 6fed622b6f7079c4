/* load - loads and attaches what an order says, by libbpf: in a child of its own.
 *
 * libbpf reads an object that a stranger made; should it break, a child breaks. What the
 * child opened goes to its parent by descriptors, and stays attached as long as the
 * parent keeps them.
 *
 * Ownership  Everything is borrowed.
 * Threads    One. */
#ifndef RH_RULES_EBPF_LOAD_H
#define RH_RULES_EBPF_LOAD_H

#include "order.h"

/* A map of the rule that this one follows, to be handed over. */
struct rh_bpf_kept {
	char name[RH_BPF_NAME_MAX + 1];
	int  fd;
};

/* What a child needs of the machine; opened before the process gave up its rights. */
struct rh_bpf_machine {
	int tracefs; /* the root of tracefs, or -1    */
	int cgroup;  /* the root of cgroup2, or -1    */
	int opener;  /* opener.h, or -1: not needed   */
	int stats;   /* as long as it is open the kernel counts runs, or -1 */
};

/* Does it all, and says over out what came of it (frame.h); never returns. */
_Noreturn void rh_bpf_load_child(const struct rh_bpf_machine *machine,
                                 const struct rh_bpf_order *order,
                                 const struct rh_bpf_kept *kept, unsigned kept_count,
                                 int out);

#endif
