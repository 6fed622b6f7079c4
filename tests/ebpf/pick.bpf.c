/* pick - the decisions of pick.h in the kernel: many for one call, over a map that the
 * test shares. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "pick.h"

char LICENSE[] SEC("license") = "GPL";

#define BATCH 4096

struct one {
	struct pick   in;
	struct picked out;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BATCH);
	__type(key, __u32);
	__type(value, struct one);
} batch SEC(".maps");

static long decide(__u32 index, void *context)
{
	struct one *one = bpf_map_lookup_elem(&batch, &index);

	if (!one)
		return 1;
	pick_decide(&one->in, &one->out);
	return 0;
}

SEC("syscall")
int decide_all(void *context)
{
	return (int)bpf_loop(BATCH, decide, NULL, 0);
}
