/* rules_three - a shipped rule as native code and as WebAssembly of three kinds, with GS,
 * without and with fuel, with the same clock and random numbers: they must say the same. */
#ifndef RULES_THREE_H
#define RULES_THREE_H

#include "rules_fixture.h"

#include "../../rules/author/rhodes/rule_host.h"

enum { NATIVE, WASM, PORTABLE, FUEL, BUILDS };

struct three_world {
	uint64_t clock_ns, random;
};

struct three {
	struct three_world  worlds[BUILDS];
	struct rh_rule_host hosts[BUILDS];
	struct rh_rule     *rules[BUILDS];
};

/* The parameters of rules loaded from now on; NULL ends them. */
void three_params(const struct rh_rule_param *params);

void three_load(struct three *three, const char *name, const char *hook);
void three_unload(struct three *three);

/* Is that rule to be compared?  Not when the native one of another is a mutant. */
bool three_wants(const char *name);

/* Calls the function of each; what all of them said. */
uint32_t three_call(struct three *three, unsigned slot, uint64_t a, uint64_t b);

/* The same bytes into the buffer of each, and are they the same there? */
void three_put(struct three *three, size_t at, const void *bytes, size_t len);
void three_compare(struct three *three, size_t at, size_t len);

uint64_t three_random(uint64_t *state);

/* Is there what makes modules of C?  Else it says what is missing. */
bool three_has_tools(void);

#endif
