/* own - kernel threads of the runtime itself, and what the libraries that it is linked
 * with get of the C library.
 *
 * base/, rules/ and sdk/ call pthread_create, sigaction and the like; here those names are
 * the program's, whose threads become fibers and whose handlers wait for the right moment.
 * The linker gives them these instead (--wrap): threads of the kernel, counted as the
 * runtime's, and handlers that are called at once where rules run.
 *
 * Threads     Carriers, the monitor and what is created here are the runtime's own. */
#ifndef RH_FIBER_OWN_H
#define RH_FIBER_OWN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* This kernel thread is the runtime's. */
extern __thread bool rh_own_thread __attribute__((tls_model("initial-exec")));

/* How many there are that were created for base/, rules/ and sdk/. */
int rh_own_count(void);

/* The signals that its libraries handle: they are never blocked in the kernel, for a rule
 * may cause one on any carrier. */
uint64_t rh_own_signals(void);

struct rh_carrier;

/* Of a carrier, on its own stack, before a rule is asked: what a fiber has left of masks
 * and of its alternate stack is taken away. */
void rh_own_ready(struct rh_carrier *carrier);

/* The handler that a library of the runtime has for that signal, or NULL. */
const struct sigaction *rh_own_handler(int sig);

/* In a child of fork: there are none. */
void rh_own_forget(void);

#endif
