/* soak - a small library whose calls leave a trace that no kill can take back.
 *
 * Each call carries an id, which names its entry of the history (history.h); the body
 * counts itself there before and after its work.  What a function returns follows from
 * its arguments, so that a caller knows what it must be told.  No result is 0: that is
 * what a failed call returns. */
#ifndef SOAK_H
#define SOAK_H

#include <stddef.h>
#include <stdint.h>

typedef struct soak_chain soak_chain;

uint64_t soak_once(uint64_t id, uint64_t number);
uint64_t soak_again(uint64_t id, uint64_t number);

/* Bytes in, and their sum by a pointer; bytes in and the same bytes out. */
int    soak_add(uint64_t id, const unsigned char *bytes, size_t len, uint64_t *ret_sum);
size_t soak_echo(uint64_t id, const unsigned char *bytes, size_t len,
                 unsigned char *out, size_t room);

/* An object that is made again in the next instance: a chain of what was put to it. */
soak_chain *soak_open(uint64_t id, uint64_t number);
uint64_t    soak_put(soak_chain *chain, uint64_t id);
uint64_t    soak_look(soak_chain *chain, uint64_t id);
uint64_t    soak_take(soak_chain *chain, uint64_t id);
uint64_t    soak_close(soak_chain *chain, uint64_t id);

#endif
