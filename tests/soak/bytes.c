/* bytes - the other callee of the soak: a program that serves bytes through the SDK.
 *
 *   soak-bytes FILE
 *
 * One function: an id and a number, answered by the id and its value (values.h). */
#include "history.h"
#include "values.h"

#include "../../sdk/c/rhodes.h"

#include <stdio.h>
#include <string.h>

#define THREADS 16

static int run(void *user, unsigned function, const void *args, size_t args_len,
               void *reply, size_t cap, size_t *ret_len)
{
	uint64_t words[2];

	(void)function;
	if (args_len != sizeof words || cap < sizeof words)
		return -1;
	memcpy(words, args, sizeof words);
	history_enter(user, words[0]);
	words[1] = values_of(words[0], words[1]);
	memcpy(reply, words, sizeof words);
	history_leave(user, words[0]);
	*ret_len = sizeof words;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const signatures[] = { "soak_bytes(u64,u64)u64" };
	struct history *history = argc == 2 ? history_open(argv[1]) : NULL;

	if (!history) {
		fprintf(stderr, "usage: soak-bytes FILE, made by soak-check\n");
		return 2;
	}
	if (rh_serve_bytes("soak_bytes", signatures, 1, run, history, THREADS) < 0) {
		fprintf(stderr, "soak-bytes: %s\n", rh_last_error());
		return 1;
	}
	return 0;
}
