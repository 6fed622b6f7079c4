/* code - where a fiber may be preempted.
 *
 * Code of the C library, its loader, the libraries of C++ and of the compiler may hold a
 * lock that no interposed call knows; this runtime's own is in the middle of something;
 * the kernel's shared object is short.  A fiber that is there goes on until it is out.
 *
 * Threads     Ranges are only ever added, then counted (pair P3); the handler of signals
 *             reads. */
#ifndef RH_FIBER_CODE_H
#define RH_FIBER_CODE_H

#include <stdbool.h>
#include <stdint.h>

/* Looks what is loaded; again when something was. */
void rh_code_look(void);

/* The same if something was loaded since. */
void rh_code_look_anew(void);

/* Whether code of Go is there, as of the last look: its runtime sends signals to kernel
 * threads, past the C library, to stop what it believes to run there. */
bool rh_code_has_go(void);

/* In a child of fork: nobody looks. */
void rh_code_forget(void);

bool rh_code_is_deferred(uintptr_t pc);

/* Whether it is this runtime's. */
bool rh_code_is_own(uintptr_t pc);

#endif
