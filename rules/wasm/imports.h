/* imports - the runtime as generated code sees it (wasm-rt.h). */
#ifndef RH_RULES_WASM_IMPORTS_H
#define RH_RULES_WASM_IMPORTS_H

struct rh_wasm_runtime;

extern const struct rh_wasm_runtime rh_wasm_imports;

#endif
