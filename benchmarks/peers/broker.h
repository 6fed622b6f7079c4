/* broker - the daemon that a transport needs beside its two ends. */
#ifndef BENCH_BROKER_H
#define BENCH_BROKER_H

#include "../harness/harness.h"

/* Starts argv with standard output in bench_dir()/broker.log and waits until that
 * file holds the word ready, at most 10 s.  Its CPU time counts; it is placed
 * like a server and ends with this process. */
pid_t bench_broker_start(struct bench_run *run, char *const argv[], const char *ready);

void bench_broker_stop(pid_t pid);

#endif
