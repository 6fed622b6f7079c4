/* opener - a process of rhodes-bpf that opens events of perf for it, and does nothing
 * else.
 *
 * Some kernels leave such events to CAP_SYS_ADMIN, which is far more than opening them.
 * There, and only there, a second process keeps that right: it makes a few system calls,
 * reads requests of one fixed form, and opens only events that a rule can be attached to.
 *
 *   request   struct rh_bpf_event + a socket to answer on
 *   answer    an int: 0 + the descriptor, or an errno
 *
 * Ownership  The socket is the caller's; the process ends when nobody has it open.
 * Threads    Each request has a socket of its own: any number at a time. */
#ifndef RH_RULES_EBPF_OPENER_H
#define RH_RULES_EBPF_OPENER_H

#include "event.h"

struct rh_diag;

/* Forks it, before rights are given up.  A socket, or RH_EPERM the right is missing here,
 * RH_EIO, RH_ENOSYS. */
int rh_bpf_opener_start(struct rh_diag *diag);

/* As rh_bpf_event_open, by the process. */
int rh_bpf_opener_ask(int opener, const struct rh_bpf_event *event);

#endif
