/* instance - one running copy of a module: its memory, tables and globals.
 *
 * It is called by rh_instance_call (instance_call.h).  After a trap its globals (the
 * stack pointer of compiled C among them) are as the trap left them: it must not be
 * called again, and refuses to be.
 *
 * Ownership  The object and the host outlive it.
 * Threads    One at a time; the thread is prepared by the call. */
#ifndef RH_RULES_WASM_INSTANCE_H
#define RH_RULES_WASM_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

struct rh_diag;
struct rh_hook;
struct rh_instance;
struct rh_object;
struct rh_preview1;
struct rh_rule_host;

struct rh_instance_limits {
	uint32_t memory_bytes;
	uint32_t time_us; /* of processor time, for each call */
	uint64_t fuel;    /* for each call, 0: not counted */
};

/* Makes the memory, runs the start function, asks for ABI and buffer and checks them.
 * RH_ENOMEM, RH_EVERSION; RH_EINVAL the module does not do what it should, or trapped:
 * diag says how. */
int rh_instance_create(const struct rh_object *object, const struct rh_hook *hook,
                       const struct rh_instance_limits *limits,
                       const struct rh_rule_host *host, struct rh_instance **ret_instance,
                       struct rh_diag *diag);

/* The buffer of the hook; the same place as long as the instance is. */
void *rh_instance_buffer(const struct rh_instance *instance);

void rh_instance_destroy(struct rh_instance *instance);

/* The calling thread is at this instance from now on. */
void rh_instance_turn(struct rh_instance *instance);

/* For the imports: len bytes at that address of its memory, or NULL. */
void *rh_instance_at(const struct rh_instance *instance, uint32_t address, uint32_t len);

const struct rh_rule_host *rh_instance_host(const struct rh_instance *instance);
struct rh_preview1        *rh_instance_preview1(struct rh_instance *instance);
bool                       rh_instance_has_gs(const struct rh_instance *instance);
uint32_t                   rh_instance_pages_max(const struct rh_instance *instance);

/* Counts elements of tables; false: more than the limit. */
bool rh_instance_elements(struct rh_instance *instance, uint32_t more);

/* What is said of a trap: "an access outside of its memory". */
const char *rh_trap_text(int trap);

#endif
