/* rule_inputs - what a rule is tested with: calls of its functions, a line each.
 *
 *   # A line that begins so is for people.
 *   {"params": {"rate": "2"}}
 *   {"call": "rh_filter_before", "function": "0x1f", "text": "hello"}
 *   {"call": "rh_filter_before", "expect": {"result": 1, "error": 11}}
 *
 * Each line is JSON: `call` names an export of the hook; the other keys are its
 * parameters and the fields of the buffer that the rule reads, as the hook's .def names
 * them, all 0 unless said (one name may be both).  What the rule keeps stays as it left
 * it unless said; places of arrays and members of records are named one by one:
 * {"own": {"0": 5}, "tasks": {"3": {"weight": 1024}}}.  Numbers are integers, or strings such
 * as "0xffffffffffffffff".  What is in `bytes` is said by one of `text`, `hex` and
 * `base64`; what is named `length`, `visible` or `total` is its length unless said.  Other
 * places of bytes are strings, with zeroes behind.  now_ns goes on by a millisecond a
 * line unless said, and a filter's `chosen` is RH_FILTER_ANY.  `expect` may have
 * `result`, fields that the rule writes, the bytes (text, hex or base64), and `fails`:
 * trap, timeout, fuel, memory, value (nonsense).
 *
 * Ownership   rh_rule_inputs_fini frees everything.
 * Threads     Pure.
 * Limits      RH_RULE_INPUTS_MAX calls in all files, RH_RULE_INPUT_LINE bytes a line. */
#ifndef RH_CLI_RULE_INPUTS_H
#define RH_CLI_RULE_INPUTS_H

#include "../rules/hook.h"
#include "../rules/rule.h"

#include <stddef.h>
#include <stdio.h>

#define RH_RULE_INPUTS_MAX 100000u
#define RH_RULE_INPUT_LINE (256u << 10)

struct rh_diag;

/* A number at a place of the buffer that is not a field of its own. */
struct rh_rule_place {
	uint32_t offset, bytes; /* 4 or 8 */
	uint64_t value;
};

struct rh_rule_places {
	struct rh_rule_place *items;
	unsigned              count;
};

/* What a call is to give; mask: which fields of the hook are said. */
struct rh_rule_expected {
	bool           has_result;
	uint64_t       result;
	unsigned       mask;
	uint64_t       fields[RH_HOOK_FIELDS_MAX]; /* of bytes: the hash of them */
	unsigned char *bytes; /* NULL: not said */
	size_t         len;
	int            fails; /* an enum rh_rule_failure, or -1 */
	struct rh_rule_places places;
};

struct rh_rule_input {
	const char              *file; /* borrowed */
	unsigned                 line;
	unsigned                 slot;
	uint64_t                 args[2];
	uint64_t                 fields[RH_HOOK_FIELDS_MAX];
	char                   **texts; /* by field, NULL: zeroes; or NULL: no text at all */
	unsigned char           *bytes;
	size_t                   len;
	struct rh_rule_places    places;
	struct rh_rule_expected *expected; /* NULL: nothing */
};

struct rh_rule_inputs {
	const struct rh_hook *hook;
	struct rh_rule_input *items;
	size_t                count, room;
	struct rh_rule_param  params[16];
	unsigned              param_count;
};

/* Adds what the file has.  name stands in messages and is borrowed.
 * RH_EINVAL  a line is not as above; RH_EMSGSIZE beyond the limits; RH_ENOMEM.  diag
 *            begins with "name:line: ". */
int rh_rule_inputs_read(struct rh_rule_inputs *inputs, FILE *file, const char *name,
                        struct rh_diag *diag);

/* FNV-1a, for what is compared only here. */
uint64_t rh_rule_hash(const void *bytes, size_t len);

void rh_rule_inputs_fini(struct rh_rule_inputs *inputs);

#endif
