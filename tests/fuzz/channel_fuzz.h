/* channel_fuzz - a program of small steps against the memory of a channel.
 *
 * Each step is a byte that says what to do and the bytes it needs: write a word of
 * the shared memory, poll, submit, arm, release, on either side.  Whatever was
 * written, every answer must be one that protocol.h allows, and a lent body must be
 * readable to its end and checked. */
#ifndef RH_TESTS_CHANNEL_FUZZ_H
#define RH_TESTS_CHANNEL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int channel_fuzz(const char *name, const uint8_t *data, size_t size);

#endif
