/* seen - an object that programs look into: a count, and what was added last. */
#ifndef SEEN_H
#define SEEN_H

#include <stdint.h>

struct tally;

struct tally *seen_new(int32_t count);
int32_t      seen_add(struct tally *tally, int32_t by);
int          seen_split(struct tally *tally, struct tally **ret_half); /* 0 */
void         seen_close(struct tally *tally);

#endif
