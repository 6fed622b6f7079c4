/* framing - a shipped rule as the framing of the protocol "module".
 *
 * Which one is in the name of the protocol under test: "module-lines" is native,
 * "module-lines-wasm" is built as the center builds it. */
#ifndef RH_TESTS_FRAMING_H
#define RH_TESTS_FRAMING_H

#include "protocols/module/framing.h"

/* Makes the object that later ends are loaded from; 0 when that cannot be. */
int framing_choose(const char *protocol);

/* The same for an object at hand, which is borrowed. */
struct rh_rule_source;
void framing_use(const struct rh_rule_source *source);

/* A fresh instance for one end: 0 the caller's, 1 the callee's. */
const struct rh_framing *framing_load(int which);

/* Why the rule of an end failed last, also after its end. */
extern char framing_why[160];

#endif
