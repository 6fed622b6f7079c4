/* own - kernel threads of the runtime itself, and what the libraries that it is linked
 * with get of the C library.
 *
 * base/, rules/ and sdk/ call pthread_create, sigaction and the like; here those names are
 * the program's, whose threads become fibers and whose handlers wait for the right moment.
 * The linker gives them these instead (--wrap): threads of the kernel, counted as the
 * runtime's, and handlers that are called at once where rules run.  So it does with malloc:
 * a fiber that waits for a carrier may have the lock of the program's.  What the C library
 * takes from there by itself (strdup) may not be given back here.
 *
 * Threads     Carriers, the monitor and what is created here are the runtime's own: the kernel
 *             calls them rh-carrier-0, ..., rh-monitor, rh-maker, rh-standby, rh-asked, and
 *             rh-helper what a library began. */
#ifndef RH_FIBER_OWN_H
#define RH_FIBER_OWN_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This kernel thread is the runtime's. */
extern __thread bool rh_own_thread __attribute__((tls_model("initial-exec")));

typedef int rh_own_creator(pthread_t *thread, const pthread_attr_t *attributes,
			   void *(*run)(void *), void *argument);

/* A kernel thread of the runtime, with a stack of so many bytes, that nobody joins and that
 * only its preemption signal reaches.  create: rh_real's pthread_create, or pthread_create
 * for one that is counted here.  0, or what create returned. */
int rh_own_create(rh_own_creator *create, size_t stack, void *(*run)(void *), void *argument);

/* Of a kernel thread of the runtime, first: what it is called by the kernel, and that it is the
 * runtime's.  Returns where the block says so. */
_Atomic uint64_t *rh_own_begin(const char *name);

/* Of one that began already: what the kernel calls it. */
void rh_own_name(const char *name);

/* How many there are that were created for base/, rules/ and sdk/. */
int rh_own_count(void);

/* The signals that its libraries handle: they are never blocked in the kernel, for a rule
 * may cause one on any carrier. */
uint64_t rh_own_signals(void);

/* Of a thread of the runtime that is no carrier, before a rule is asked: they are not blocked
 * here. */
void rh_own_unblock(void);

struct rh_carrier;

/* Of a carrier, on its own stack, before a rule is asked: what a fiber has left of masks
 * and of its alternate stack is taken away. */
void rh_own_ready(struct rh_carrier *carrier);

/* The handler that a library of the runtime has for that signal, or NULL. */
const struct sigaction *rh_own_handler(int sig);

/* In a child of fork: there are none. */
void rh_own_forget(void);

#endif
