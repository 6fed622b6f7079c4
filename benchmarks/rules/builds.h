/* builds - a rule's source in each of the ways in which it is compiled, loaded side by side
 * for figures. */
#ifndef BENCH_RULES_BUILDS_H
#define BENCH_RULES_BUILDS_H

#include "../../rules/hook.h"
#include "../../rules/rule.h"

enum { NATIVE, WASM, PORTABLE, FUEL, BUILDS };

extern const char *const build_names[BUILDS];

_Noreturn void die(const char *what);

/* name: below rules/library, or of the figures alone.  A frozen memfd, to be closed. */
int             object_of(const char *name, const struct rh_hook *hook, int build);
struct rh_rule *load(int fd, const struct rh_hook *hook, int build);

#endif
