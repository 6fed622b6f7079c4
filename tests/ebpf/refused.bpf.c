/* refused - what the verifier does not let pass: it writes where it may not. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("raw_tracepoint")
int on_raw(void *context)
{
	__u64 *at = (void *)bpf_get_current_task();

	*at = 1;
	return 0;
}
