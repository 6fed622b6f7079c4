/* unwinding - what threads that are cancelled, or exit, unwind through this library with: the
 * functions of libgcc_s, loaded when they are needed.
 *
 * The C library loads it no earlier either.  To have it from the start costs each program a
 * tenth of a millisecond of processor time, for it asks the processor what it is, which virtual
 * machines answer slowly.
 *
 * Threads     Any. */
#ifndef RH_FIBER_UNWINDING_H
#define RH_FIBER_UNWINDING_H

/* Loads them, before a thread may have to unwind from anywhere. */
void rh_unwinding_ready(void);

#endif
