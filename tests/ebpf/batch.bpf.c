/* batch - the connect rule that comes with Rhodes, asked many times for one call, over a
 * map that the test shares. */
#include "connect.bpf.c"

#define BATCH 4096

struct one {
	struct attempt  attempt;
	uint32_t        decision;
	struct endpoint to;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BATCH);
	__type(key, __u32);
	__type(value, struct one);
} batch SEC(".maps");

static long decide_one(__u32 index, void *context)
{
	struct one *one = bpf_map_lookup_elem(&batch, &index);

	if (!one)
		return 1;
	one->decision = decide(&one->attempt, &one->to);
	return 0;
}

SEC("syscall")
int decide_all(void *context)
{
	return (int)bpf_loop(BATCH, decide_one, NULL, 0);
}
