/* probe - rules of the hook probe, whose mode is ebpf: where their programs go.
 *
 *   "attach": {program: point}, "keep": [map]      of a rule of code
 *   "programs": [{"name", "section"}], "maps": [name], "parameters": [name], "license"
 *                                                  of its module, as its object holds them
 *
 * Ownership   Everything is borrowed, but as noted.
 * Threads     Any; no state.
 * Errors      RH_EINVAL with pointer and sentence in the problem. */
#ifndef RH_CENTER_PROBE_H
#define RH_CENTER_PROBE_H

#include "shape.h"

struct rh_bpf_object;

/* Hook and mode of a module, or of a rule of code, belong together: where the decoder
 * stands. */
int rh_probe_pair(struct rh_decode *decode, const json_t *value);

/* Of a rule of code: its fields attach and keep, and what the mode asks of the others. */
int rh_probe_attach(struct rh_decode *decode, const json_t *value);
int rh_probe_keep(struct rh_decode *decode, const json_t *value);
int rh_probe_shape(struct rh_decode *decode, const json_t *code);

/* Adds to a module's manifest what its object holds. */
void rh_probe_describe(json_t *manifest, const struct rh_bpf_object *object);

/* Does the module hold what the rule names? */
int rh_probe_check(const struct rh_wanted *wanted, const json_t *code,
                   const json_t *manifest, struct rh_problem *problem);

#endif
