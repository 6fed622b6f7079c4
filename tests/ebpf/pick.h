/* pick - which of some instances takes a call, and whether it may: one source, compiled
 * for this processor and for the kernel's machine (same_test.c).
 *
 * The function rules alone decides here: fixed memory, loops with a known end, no calls. */
#ifndef RH_TESTS_EBPF_PICK_H
#define RH_TESTS_EBPF_PICK_H

#include <linux/types.h>

#define PICK_INSTANCES 8

struct pick {
	__u64 now_ns, function, caller;
	__u64 last_ns[PICK_INSTANCES]; /* when each was given a call */
	__u32 load[PICK_INSTANCES];    /* calls under way            */
	__u32 instances, length, rate, tokens;
};

struct picked {
	__u32 verdict; /* 0 allow, 1 deny */
	__u32 chosen;
	__u32 tokens;
	__u32 weight;
};

/* A mix whose every bit matters: what differs in one place differs in the answer. */
static inline __u64 pick_mix(__u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

static inline void pick_decide(const struct pick *in, struct picked *out)
{
	__u64 best = ~0ull, waited = in->now_ns / 1000000;
	__u32 refill = in->rate ? (__u32)(waited % in->rate) : 0;

	out->chosen = 0;
	for (__u32 i = 0; i < PICK_INSTANCES; i++) {
		__u64 idle = in->now_ns - in->last_ns[i];
		__u64 cost = (__u64)in->load[i] * in->length + pick_mix(in->caller + i) % 16;

		if (i >= in->instances)
			break;
		if ((__s64)idle < 0)
			cost += 1u << 20;
		if (cost < best) {
			best = cost;
			out->chosen = i;
		}
	}
	out->tokens = in->tokens + refill > in->rate ? in->rate : in->tokens + refill;
	out->weight = (__u32)(best ^ pick_mix(in->function));
	out->verdict = out->tokens < 1 || in->instances == 0;
	if (!out->verdict)
		out->tokens--;
}

#endif
