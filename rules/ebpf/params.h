/* params - a rule's parameters become values of its .rodata, before it is loaded.
 *
 * An integer takes a number (0x.. too), an array of char a text; what nobody names keeps
 * the value that its author gave it.
 *
 * Threads  One. */
#ifndef RH_RULES_EBPF_PARAMS_H
#define RH_RULES_EBPF_PARAMS_H

#include "order.h"

struct bpf_object;

/* RH_EINVAL  no such variable, of another type, or a value that does not fit. */
int rh_bpf_params(struct bpf_object *object, const struct rh_bpf_order *order,
                  struct rh_diag *diag);

#endif
