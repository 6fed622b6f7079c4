/* counts - counts what happens at each kind of point, by a key for each of them. */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 only_pid = 0; /* 0: all */
const volatile __s8  step = 1;
const volatile char  label[16] = "none";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

static void count(__u64 key, __u64 by)
{
	__u64  zero = 0, *at;
	__u32  first = 0;

	if (only_pid && only_pid != bpf_get_current_pid_tgid() >> 32)
		return;
	bpf_map_update_elem(&counts, &key, &zero, BPF_NOEXIST);
	at = bpf_map_lookup_elem(&counts, &key);
	if (at)
		__sync_fetch_and_add(at, by * step);
	at = bpf_map_lookup_elem(&hits, &first);
	if (at)
		*at += 1;
}

SEC("tracepoint")
int on_tracepoint(void *context)
{
	count(1, 1);
	return 0;
}

SEC("raw_tracepoint")
int on_raw(void *context)
{
	count(2, 1);
	return 0;
}

SEC("uprobe")
int on_function(struct pt_regs *context)
{
	count(3, PT_REGS_PARM1(context));
	return 0;
}

SEC("uprobe")
int on_site(struct pt_regs *context)
{
	count(4, PT_REGS_PARM1(context) + PT_REGS_PARM2(context) + PT_REGS_PARM3(context));
	return 0;
}

SEC("perf_event")
int on_perf(struct bpf_perf_event_data *context)
{
	count(5, 1);
	return 0;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context)
{
	count(6, 1);
	/* A rule whose label begins with r refuses. */
	return label[0] == 'r' ? 0 : 1;
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context)
{
	count(7, 1);
	return 1;
}

SEC("kprobe")
int on_kprobe(struct pt_regs *context)
{
	count(8, 1);
	return 0;
}

SEC("uretprobe")
int on_return(struct pt_regs *context)
{
	count(9, PT_REGS_RC(context));
	return 0;
}

SEC("kretprobe")
int on_kretprobe(struct pt_regs *context)
{
	count(10, PT_REGS_RC(context));
	return 0;
}
