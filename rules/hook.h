/* hook - what a kind of dynamic rule looks like: the table made of rules/hooks/.
 *
 * A signature is one letter for each parameter, a colon, one for the result, if any:
 * 'i' for i32, 'l' for i64.  A slot is an index into exports; the first are the same
 * for every hook. */
#ifndef RH_RULES_HOOK_H
#define RH_RULES_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#define RH_HOOK_EXPORTS_MAX 16u
#define RH_HOOK_IMPORTS_MAX 8u
#define RH_HOOK_FIELDS_MAX 16u
#define RH_HOOK_PARAMETERS_MAX 4u

enum rh_hook_slot {
	RH_SLOT_ABI, RH_SLOT_BUFFER, RH_SLOT_INIT, RH_SLOT_SAVE, RH_SLOT_RESTORE
};

struct rh_hook_function {
	const char *name;
	const char *signature;
	bool        is_needed;
	const char *parameters[RH_HOOK_PARAMETERS_MAX]; /* their names, for people */
};

/* One place of the buffer, of which the last is `bytes`, or of a record in it. */
struct rh_hook_field {
	const char *name;
	uint32_t    offset;
	uint32_t    bytes; /* 4 or 8 of a number, in the order of this machine */
	bool        is_bytes; /* no number */
	bool        is_in, is_out; /* for the rule, from it */
	bool        is_kept; /* who asks leaves it as the rule left it */
	uint32_t    count;   /* of an array, `bytes` is then of one element; else 0 */
	/* Of an array of records. */
	const struct rh_hook_field *members;
	unsigned                    member_count;
};

struct rh_hook {
	const char *name;
	uint16_t    number;
	uint16_t    version;
	bool        is_ebpf;      /* of that mode alone: all below is empty */
	uint32_t    buffer_bytes;
	uint32_t    state_offset; /* where save and restore have their bytes in it */
	uint32_t    state_bytes;

	const struct rh_hook_function *exports;
	unsigned                       export_count;
	const struct rh_hook_function *imports;
	unsigned                       import_count;
	const struct rh_hook_field    *fields;
	unsigned                       field_count;
};

extern const struct rh_hook rh_hooks[];
extern const unsigned       rh_hook_count;

/* Where rules of a hook run. */
enum rh_hook_at {
	RH_AT_CALL,    /* in the agents of an edge: each call passes them */
	RH_AT_EDGE,    /* in the agents of an edge, beside its calls */
	RH_AT_PROCESS, /* in the processes of a resource */
	RH_AT_NODE,    /* in the kernel, held by the agent of a resource */
};

enum rh_hook_at rh_hook_at(const struct rh_hook *hook);

/* NULL: no hook has that name. */
const struct rh_hook *rh_hook_find(const char *name);

/* What rh_abi of a rule for this hook returns. */
uint32_t rh_hook_abi(const struct rh_hook *hook);

/* The type as people write it, "(i32, i64) -> i32", for messages.  Returns text. */
const char *rh_hook_type(const char *signature, char text[48]);

#endif
