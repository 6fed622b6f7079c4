/* order - a LOAD as it came, checked and copied: what is loaded, and where it goes.
 *
 * Ownership  rh_bpf_order_fini frees the object's bytes; all else is plain data.
 * Threads    One. */
#ifndef RH_RULES_EBPF_ORDER_H
#define RH_RULES_EBPF_ORDER_H

#include "object.h"
#include "point.h"

struct rh_frame;

struct rh_bpf_order_attach {
	char                program[RH_BPF_NAME_MAX + 1];
	struct rh_bpf_point point;
	char                text[RH_BPF_POINT_MAX + 2]; /* that says so */
};

struct rh_bpf_order_param {
	char name[RH_BPF_NAME_MAX + 1];
	char value[RH_RULE_VALUE_MAX + 1];
};

struct rh_bpf_order {
	char                       name[RH_BPF_RULE_NAME_MAX + 1];
	uint8_t                    sha256[32];
	uint8_t                    print[32];  /* of all that was asked for: equal is the same */
	uint64_t                   memory_bytes;
	unsigned                   attach_count, param_count, keep_count;
	struct rh_bpf_order_attach attach[RH_BPF_PROGRAMS_MAX];
	struct rh_bpf_order_param  params[RH_RULE_PARAMS_MAX];
	char                       keep[RH_BPF_MAPS_MAX][RH_BPF_NAME_MAX + 1];
	uint8_t                   *object;     /* a copy that nobody can change */
	size_t                     object_bytes;
	struct rh_bpf_object       holds;
};

/* Reads the frame and the descriptor in it.
 * RH_EPROTO, RH_EINVAL, RH_EMSGSIZE, RH_ENOMEM: diag says what; nothing is to be freed. */
int rh_bpf_order_init(struct rh_bpf_order *order, struct rh_frame *frame,
                      struct rh_diag *diag);

void rh_bpf_order_fini(struct rh_bpf_order *order);

#endif
