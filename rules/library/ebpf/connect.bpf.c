/* connect - lets the processes of a cgroup connect by TCP as the matrix says.
 *
 *   on_connect4   connect4:/CGROUP        on_connect6   connect6:/CGROUP
 *
 * User space (`rhodes observe --enforce`) fills `verdicts`: where the resources are, and
 * whether the one that this cgroup belongs to may call them.  What stands there as refused
 * fails with EPERM; what does not stand there is no resource's, and passes unless the
 * parameter strict is 1.  Until `ready` says that the verdicts are there, nothing passes. */
#include "kernel.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 strict = 0;

enum { UNKNOWN, ALLOWED, REFUSED };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct endpoint);
	__type(value, __u32);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} ready SEC(".maps");

/* By what was decided: how often. */
struct decided {
	struct endpoint to;
	__u32           is_allowed, zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct decided);
	__type(value, __u64);
} decisions SEC(".maps");

/* Of the endpoint, or of that port at every address. */
static __always_inline __u32 verdict_on(const struct endpoint *to)
{
	struct endpoint any = { .port = to->port };
	__u32          *verdict = bpf_map_lookup_elem(&verdicts, to);

	if (!verdict)
		verdict = bpf_map_lookup_elem(&verdicts, &any);
	return verdict ? *verdict : UNKNOWN;
}

static __always_inline int decide(const struct endpoint *to)
{
	struct decided decided = { .to = *to };
	__u32          first = 0, *is_ready = bpf_map_lookup_elem(&ready, &first);
	__u32          verdict = verdict_on(to);
	__u64          none = 0, *at;

	decided.is_allowed = is_ready && *is_ready &&
	                     (verdict == ALLOWED || (verdict == UNKNOWN && !strict));
	bpf_map_update_elem(&decisions, &decided, &none, BPF_NOEXIST);
	at = bpf_map_lookup_elem(&decisions, &decided);
	if (at)
		__sync_fetch_and_add(at, 1);
	return decided.is_allowed ? 1 : 0;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context)
{
	struct endpoint to = { .port = 0 };

	if (context->protocol != IS_TCP)
		return 1;
	read_four(context, &to);
	return decide(&to);
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context)
{
	struct endpoint to = { .port = 0 };

	if (context->protocol != IS_TCP)
		return 1;
	read_six(context, &to);
	return decide(&to);
}
