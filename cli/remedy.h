/* remedy - what a person can do about it, in a sentence with the commands in it.
 *
 * Ownership   Writes into the caller's buffer.
 * Threads     Pure. */
#ifndef RH_CLI_REMEDY_H
#define RH_CLI_REMEDY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RH_REMEDY_MAX 400

/* The roll-out, as the center shows it, takes that order now: "pause", "resume" or
 * "undo". */
bool rh_remedy_takes(const json_t *rollout, const char *order);

/* How a roll-out that is not done goes on, or is taken back.  Returns text. */
const char *rh_remedy_rollout(const json_t *rollout, char *text, size_t cap);

#endif
