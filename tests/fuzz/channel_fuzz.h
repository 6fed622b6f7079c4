/* channel_fuzz - a program of small steps against the memory of a channel.
 *
 * Each step is a byte that says what to do and the bytes it needs: write a word of
 * the shared memory, poll, submit, arm, release, on either side.  Whatever was
 * written, every answer must be one that protocol.h allows, and a lent body must be
 * readable to its end and checked. */
#ifndef RH_TESTS_CHANNEL_FUZZ_H
#define RH_TESTS_CHANNEL_FUZZ_H

#include "../../protocols/module/framing.h"

#include <stddef.h>
#include <stdint.h>

int channel_fuzz(const char *name, const uint8_t *data, size_t size);

/* The same for the protocol module: takes what the framings hold.  *lied: one of them did
 * something else than it should (1), or forged a message (2); as long as not, and nobody
 * wrote, all must go well. */
int channel_fuzz_framed(const char *name, const struct rh_framing framings[2],
                        const int *lied, const uint8_t *data, size_t size);

#endif
