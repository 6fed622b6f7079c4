/* loading - a child that loads a rule, and what it has brought so far.
 *
 * Ownership  rh_bpf_loading_fini ends the child and frees what was not taken.
 * Threads    One. */
#ifndef RH_RULES_EBPF_LOADING_H
#define RH_RULES_EBPF_LOADING_H

#include "held.h"
#include "load.h"

#include "../../model/error.h"

struct rh_bpf_loading {
	uint64_t            client;  /* who asked; 0: none is under way */
	uint64_t            request;
	uint64_t            deadline_ns;
	pid_t               pid;
	int                 fd;      /* readable when the child said something */
	struct rh_bpf_rule *rule;    /* as it becomes; given away by taking it */
	uint32_t            handed;
	struct rh_diag      diag;    /* why it was refused                     */
	char                log[RH_BPF_LOG_MAX];
};

/* Forks.  former, which may be NULL, has the maps that are handed over.
 * RH_ENOMEM, RH_EIO. */
int rh_bpf_loading_init(struct rh_bpf_loading *loading,
                        const struct rh_bpf_machine *machine,
                        const struct rh_bpf_order *order,
                        const struct rh_bpf_rule *former, struct rh_diag *diag);

/* Reads one frame of the child.  RH_EAGAIN more is to come; RH_OK the rule is whole;
 * else diag and log say why there is none. */
int rh_bpf_loading_read(struct rh_bpf_loading *loading, void *buffer);

void rh_bpf_loading_fini(struct rh_bpf_loading *loading);

#endif
