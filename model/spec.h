/* spec - whether what a resource asks for can be granted, as a whole.
 *
 * Used by registry.c; the outside uses rh_registry_check, whose errors these
 * return.
 *
 * Threads  As the registry: nobody may write it meanwhile. */
#ifndef RH_MODEL_SPEC_H
#define RH_MODEL_SPEC_H

#include "registry.h"

/* Everything that can refuse a registration; on RH_OK it cannot fail. */
int rh_spec_check(const struct rh_registry *registry, const struct rh_spec *spec,
                  uint64_t now_ms, struct rh_verdict *ret_verdict);

/* The same for rh_registry_load: the hierarchy refuses no reference. */
int rh_spec_check_load(const struct rh_registry *registry,
                       const struct rh_spec *spec, uint64_t now_ms);

#endif
