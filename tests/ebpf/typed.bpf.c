/* typed - a tracepoint with types, whose fields are found on the kernel that runs. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* What is looked at of the kernel's own; where it lies is settled when it is loaded. */
struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

const volatile int only_pid = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} executed SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	__u32  first = 0;
	__u64 *at = bpf_map_lookup_elem(&executed, &first);

	if (at && BPF_CORE_READ(task, tgid) == only_pid)
		__sync_fetch_and_add(at, 1);
	return 0;
}
