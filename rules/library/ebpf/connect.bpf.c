/* connect - lets the processes of a cgroup connect by TCP as the matrix says.
 *
 *   on_connect4   connect4:/CGROUP        on_connect6   connect6:/CGROUP
 *
 * User space (`rhodes observe --enforce`) fills `verdicts`: where the resources are, and
 * whether the one that this cgroup belongs to may call them.  What stands there as refused
 * fails with EPERM; what does not stand there is no resource's, and passes unless the
 * parameter strict is 1.  Until `ready` says that the verdicts are there, nothing passes.
 * How that is decided stands in connect_decide.h. */
#include "kernel.h"

#include "connect_decide.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 strict = 0;

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

static __always_inline uint32_t stands(const struct endpoint *to)
{
	__u32 *verdict = bpf_map_lookup_elem(&verdicts, to);

	return verdict ? *verdict : UNKNOWN;
}

static __always_inline void count(const struct endpoint *to, __u32 is_allowed)
{
	struct decided decided = { .to = *to, .is_allowed = is_allowed };
	__u64          none = 0, *at;

	bpf_map_update_elem(&decisions, &decided, &none, BPF_NOEXIST);
	at = bpf_map_lookup_elem(&decisions, &decided);
	if (at)
		__sync_fetch_and_add(at, 1);
}

static __always_inline uint32_t decide(const struct attempt *attempt, struct endpoint *to)
{
	__u32                      first = 0, *is_ready = bpf_map_lookup_elem(&ready, &first);
	const struct connect_terms terms = { .is_ready = is_ready && *is_ready,
	                                     .is_strict = strict };
	uint32_t                   decision = connect_decide(attempt, &terms, to);

	if (decision != CONNECT_OTHER)
		count(to, decision == CONNECT_ALLOWED);
	return decision;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context)
{
	const struct attempt attempt = {
		.protocol = context->protocol, .address = { context->user_ip4 },
		.port = context->user_port,
	};
	struct endpoint to;

	return decide(&attempt, &to) != CONNECT_REFUSED;
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context)
{
	const struct attempt attempt = {
		.is_six = 1, .protocol = context->protocol,
		.address = { context->user_ip6[0], context->user_ip6[1], context->user_ip6[2],
		             context->user_ip6[3] },
		.port = context->user_port,
	};
	struct endpoint to;

	return decide(&attempt, &to) != CONNECT_REFUSED;
}
