/* point - where a program of an eBPF rule is attached, as the text of a manifest.
 *
 *   tracepoint:CATEGORY/NAME     sched/sched_process_exec
 *   raw_tracepoint:NAME          sched_switch
 *   tp_btf:NAME                  the same with typed arguments
 *   uprobe:PATH:FUNCTION         at the beginning of a function of a file; 9 us a hit
 *   uretprobe:PATH:FUNCTION      at its end
 *   site:PATH:NAME               at a site of ours (base/site.h): 0.35 us a hit
 *   kprobe:FUNCTION              where the kernel has kprobes
 *   kretprobe:FUNCTION
 *   perf:EVENT@HZ                cpu-clock, task-clock, cpu-cycles, on each processor
 *   connect4:CGROUP              a connect(2) of a process in or below that cgroup;
 *   connect6:CGROUP              "/" is the root of the cgroup2 hierarchy
 *
 * Ownership  A point is plain data.
 * Threads    Pure. */
#ifndef RH_RULES_EBPF_POINT_H
#define RH_RULES_EBPF_POINT_H

#include "../limits.h"

#include <stdint.h>

struct rh_diag;

enum rh_bpf_kind {
	RH_BPF_TRACEPOINT, RH_BPF_RAW_TRACEPOINT, RH_BPF_TP_BTF, RH_BPF_UPROBE,
	RH_BPF_URETPROBE, RH_BPF_SITE, RH_BPF_KPROBE, RH_BPF_KRETPROBE, RH_BPF_PERF,
	RH_BPF_CONNECT4, RH_BPF_CONNECT6, RH_BPF_KINDS
};

struct rh_bpf_point {
	enum rh_bpf_kind kind;
	char             where[RH_BPF_POINT_MAX + 1]; /* category, path, cgroup, event  */
	char             what[RH_BPF_POINT_MAX + 1];  /* the name there, or ""          */
	uint32_t         hz;                          /* of perf                        */
};

/* RH_EINVAL  diag says what is wrong with the text. */
int rh_bpf_point_read(const char *text, struct rh_bpf_point *ret_point,
                      struct rh_diag *diag);

const char *rh_bpf_kind_name(enum rh_bpf_kind kind);

#endif
