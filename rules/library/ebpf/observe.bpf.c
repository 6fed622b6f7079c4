/* observe - who connects to what by TCP, and who executes what, on this node.
 *
 *   on_connect4   connect4:/        on_connect6   connect6:/
 *   on_exec       tp_btf:sched_process_exec
 *
 * `rhodes observe` reads the maps and tells the center which resources these are.  When a
 * map is full, what was not seen for longest goes: counts may be too low, never too high. */
#include "kernel.h"

char LICENSE[] SEC("license") = "GPL";

struct connect {
	struct program  who;
	__u32           uid, zero;
	struct endpoint to;
};

struct exec {
	struct program who, what;
	__u32          uid, zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct connect);
	__type(value, __u64);
} connects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct exec);
	__type(value, __u64);
} execs SEC(".maps");

static __always_inline void count(void *map, const void *key)
{
	__u64  first = 0, *at;

	bpf_map_update_elem(map, key, &first, BPF_NOEXIST);
	at = bpf_map_lookup_elem(map, key);
	if (at)
		__sync_fetch_and_add(at, 1);
}

static __always_inline void read_caller(struct connect *connect)
{
	read_program((struct task_struct *)bpf_get_current_task(), &connect->who);
	connect->uid = (__u32)bpf_get_current_uid_gid();
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context)
{
	struct connect connect = { .zero = 0 };

	if (context->protocol != IS_TCP)
		return 1;
	read_caller(&connect);
	read_four(context, &connect.to);
	count(&connects, &connect);
	return 1;
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context)
{
	struct connect connect = { .zero = 0 };

	if (context->protocol != IS_TCP)
		return 1;
	read_caller(&connect);
	read_six(context, &connect.to);
	count(&connects, &connect);
	return 1;
}

/* The task runs the new program already; who started it is its parent. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct exec exec = { .zero = 0 };

	read_program(BPF_CORE_READ(task, real_parent), &exec.who);
	read_program(task, &exec.what);
	exec.uid = (__u32)bpf_get_current_uid_gid();
	count(&execs, &exec);
	return 0;
}
