/* event - an event of perf that a program is attached to.
 *
 * Ownership  An event is plain data; its descriptor is the caller's.
 * Threads    Any. */
#ifndef RH_RULES_EBPF_EVENT_H
#define RH_RULES_EBPF_EVENT_H

#include "../limits.h"

#include <stdint.h>

struct rh_bpf_event {
	uint32_t type;      /* PERF_TYPE_..., or that of uprobes or kprobes          */
	uint32_t is_freq;
	uint64_t config;
	uint64_t period;    /* or how often in a second                              */
	uint64_t offset;    /* of an uprobe in its file                              */
	int32_t  cpu;
	uint32_t zero;
	char     name[RH_BPF_POINT_MAX + 1]; /* of a probe: its file or function      */
};

/* The type of "uprobe" or "kprobe" events; 0: this kernel has none.  is_return goes into
 * *ret_config. */
uint32_t rh_bpf_event_type(const char *probe, int is_return, uint64_t *ret_config);

/* A descriptor, or the negative of an errno. */
int rh_bpf_event_open(const struct rh_bpf_event *event);

/* Does this kernel leave such events to CAP_SYS_ADMIN?  Debian's does as it is set up
 * (perf_event_paranoid over 2), those before 6.6 may for uprobes. */
int rh_bpf_event_is_for_admins(void);

/* Have uprobes and kprobes links of their own, which want CAP_PERFMON alone? */
int rh_bpf_has_uprobe_links(void);
int rh_bpf_has_kprobe_links(void);

#endif
