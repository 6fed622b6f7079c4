/* program - what the measured programs of ./bench sched share: threads, and what the C
 * library has for them. */
#ifndef BENCH_SCHED_PROGRAM_H
#define BENCH_SCHED_PROGRAM_H

#include <pthread.h>
#include <stdint.h>

_Noreturn void die(const char *what);

/* A whole number of at least 1 and at most that, from an argument. */
unsigned number_of(const char *text, unsigned most);

pthread_t start_thread(void *(*body)(void *), void *user);

/* Until the threads are ordered by the rule that BENCH_RULE in the environment names: a rule
 * of code comes to a program that already runs.  Without BENCH_RULE at once. */
void await_carrier(void);

/* This thread on the first or the last of the processors of this process. */
void go_to_first(void);
void go_to_last(void);

/* Work that takes a processor and no memory; give it back what it returned. */
uint64_t compute(uint64_t at, unsigned steps);

#endif
