/* signals - the handlers of the runtime, and who had these signals before.
 *
 * SIGSEGV, SIGBUS and SIGFPE of a rule end its call; all others go where they went
 * before.  One real-time signal is the watchdog's. */
#ifndef RH_RULES_WASM_SIGNALS_H
#define RH_RULES_WASM_SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

/* Takes those that a thread which runs rules must not block out of a set of signals. */
void rh_signals_spare(sigset_t *set);

/* Installs them, again when somebody else took one since. */
void rh_signals_install(void);

/* Tells a thread that its call of that mark took too long.  RH_EAGAIN: as many signals
 * wait in this user's processes as may. */
int rh_signals_kick(pthread_t thread, uint64_t mark);

#endif
