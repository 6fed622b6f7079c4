/* peers - what a user would take instead, with nothing around it. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "../harness/harness.h"

extern const struct bench_transport bench_slot_spin;   /* bare slot, both poll     */
extern const struct bench_transport bench_slot_futex;  /* bare slot, both sleep    */
extern const struct bench_transport bench_pipe;
extern const struct bench_transport bench_stream;      /* Unix stream socket       */
extern const struct bench_transport bench_mqueue;      /* POSIX message queue      */
extern const struct bench_transport bench_relay_epoll; /* two processes between */
extern const struct bench_transport bench_relay_futex;
extern const struct bench_transport bench_shared_queue; /* one queue for all, atomics */

#endif
