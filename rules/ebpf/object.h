/* object - what an object of eBPF holds, read by ourselves before any library sees it.
 *
 * An object is an ELF file that clang -target bpf makes: programs are its global
 * functions, each in a section that says of which kind it is; maps are the variables of
 * .maps; parameters are those of .rodata.  That its code is safe is for the kernel's
 * verifier to say.
 *
 * Ownership  Borrows the bytes until the call returns; the result is plain data.
 * Threads    Any.  Nothing is allocated; time is linear in the size. */
#ifndef RH_RULES_EBPF_OBJECT_H
#define RH_RULES_EBPF_OBJECT_H

#include "../limits.h"

#include <stddef.h>
#include <stdint.h>

struct rh_diag;

struct rh_bpf_program {
	char     name[RH_BPF_NAME_MAX + 1];
	char     section[RH_BPF_NAME_MAX + 1];
	uint32_t bytes; /* of code */
};

struct rh_bpf_variable {
	char     name[RH_BPF_NAME_MAX + 1];
	uint32_t bytes;
};

struct rh_bpf_object {
	unsigned               program_count, map_count, param_count;
	struct rh_bpf_program  programs[RH_BPF_PROGRAMS_MAX];
	struct rh_bpf_variable maps[RH_BPF_MAPS_MAX];
	struct rh_bpf_variable params[RH_BPF_MAPS_MAX];
	char                   license[32];
};

/* RH_EINVAL   not an object of eBPF, cut off, or without programs; diag says what.
 * RH_EMSGSIZE it, or what it holds, is over the limits of rules/limits.h. */
int rh_bpf_object_read(const uint8_t *bytes, size_t len, struct rh_bpf_object *ret_object,
                       struct rh_diag *diag);

/* NULL: it has no program of that name. */
const struct rh_bpf_program *rh_bpf_object_program(const struct rh_bpf_object *object,
                                                   const char *name);

#endif
