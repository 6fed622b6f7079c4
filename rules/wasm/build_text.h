/* build_text - makes of the C that wasm2c wrote what is compiled: our loads and stores
 * after its prelude, fuel at the ends of loops (where it counts, by a macro), and the
 * object that the runtime finds.  For build.c.
 *
 * wasm2c of wabt 1.0.32 is understood; another one is refused, not guessed at. */
#ifndef RH_RULES_WASM_BUILD_TEXT_H
#define RH_RULES_WASM_BUILD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct rh_diag;
struct rh_hook;
struct rh_module;

/* The caller frees *ret_whole.  RH_EVERSION not wasm2c's text as we know it;
 * RH_ENOMEM. */
int rh_build_text(const struct rh_hook *hook, const struct rh_module *module,
                  const char *text, char **ret_whole, size_t *ret_len,
                  struct rh_diag *diag);

/* Mends the assembly that gcc made of it.  gcc (12 at least) loses the segment of an
 * access to a constant address of more than 31 bits: it becomes a `movabs` of that
 * address in the process, outside of all memory of the rule.  RH_EINVAL such a line
 * that we do not understand, or any in a portable object. */
int rh_build_assembly(const char *text, bool has_gs, char **ret_whole, size_t *ret_len,
                      struct rh_diag *diag);

#endif
