/* @NAME@ - a rule of eBPF: counts who executes programs, by user.
 *
 *   attach: {on_exec: "tracepoint:sched/sched_process_exec"}
 *
 * `rhodes rule maps @NAME@ counts` shows what it counted. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* A parameter of the rule: params: {only_uid: "1000"}. */
const volatile __u32 only_uid = 0xffffffff;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} counts SEC(".maps");

SEC("tracepoint")
int on_exec(void *context)
{
	__u64  uid = (__u32)bpf_get_current_uid_gid(), none = 0, *count;

	if (only_uid != 0xffffffff && uid != only_uid)
		return 0;
	bpf_map_update_elem(&counts, &uid, &none, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&counts, &uid);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
