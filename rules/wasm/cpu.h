/* cpu - what this processor and kernel let the runtime do. */
#ifndef RH_RULES_WASM_CPU_H
#define RH_RULES_WASM_CPU_H

#include <stdbool.h>

/* The instructions that set the base of GS, for programs. */
bool rh_cpu_has_gs(void);

/* The runtime is written for this processor. */
bool rh_cpu_has_rules(void);

#endif
