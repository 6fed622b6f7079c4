/* connect - a rule of hook `user`: may that connection be made?  The decision is the one
 * that ebpf/connect.bpf.c takes in the kernel, from the same source: for a program that
 * connects for others, such as a proxy.
 *
 * question  struct question: the attempt, the terms, and up to 64 verdicts
 * answer    struct answer: the decision, and where it goes */
#include <rhodes/hook/user.h>

#include "ebpf/connect_decide.h"

#define VERDICTS_MAX 64

RH_RULE(user);

struct question {
	struct attempt       attempt;
	struct connect_terms terms;
	uint32_t             count;
	struct {
		struct endpoint at;
		uint64_t        verdict;
	} verdicts[VERDICTS_MAX];
};

struct answer {
	uint32_t        decision, zero;
	struct endpoint to;
};

static struct question *asked(void)
{
	return (struct question *)(void *)rh_user.bytes;
}

static int is_same(const struct endpoint *a, const struct endpoint *b)
{
	uint64_t x[3], y[3];

	__builtin_memcpy(x, a, sizeof x);
	__builtin_memcpy(y, b, sizeof y);
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0; /* one branch, to verify */
}

static uint32_t stands(const struct endpoint *to)
{
	const struct question *question = asked();

	for (uint32_t i = 0; i < VERDICTS_MAX && i < question->count; i++) {
		if (is_same(&question->verdicts[i].at, to))
			return (uint32_t)question->verdicts[i].verdict;
	}
	return UNKNOWN;
}

int32_t rh_user_run(int32_t length)
{
	struct question *question = asked();
	struct answer    answer = { .zero = 0 };

	if ((uint32_t)length != sizeof *question || question->count > VERDICTS_MAX)
		return (int32_t)RH_USER_DEFAULT;
	answer.decision = connect_decide(&question->attempt, &question->terms, &answer.to);
	__builtin_memcpy(rh_user.bytes, &answer, sizeof answer);
	return (int32_t)sizeof answer;
}
