#include "await.h"

#include "clock.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct rh_await_runtime *runtime(void)
{
	const struct rh_await_runtime *found = &rh_await_runtime; /* weak: may be none */

	return found && found->version == RH_AWAIT_VERSION ? found : NULL;
}

int rh_await_lends(void)
{
	const struct rh_await_runtime *lender = runtime();

	return lender && lender->lends();
}

int rh_await_is_wanted(void)
{
	const struct rh_await_runtime *lender = runtime();

	return lender && lender->lends() && lender->is_wanted();
}

void rh_await_word(_Atomic uint32_t *word, uint32_t seen, uint64_t until_ns, int fd)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / RH_NS_PER_S),
		.tv_nsec = (long)(until_ns % RH_NS_PER_S),
	};

	if (rh_await_lends()) {
		rh_await_runtime.sleep(word, seen, until_ns, fd);
		return;
	}
	/* The bitset form takes an absolute time. */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET, seen, until_ns ? &until : NULL, NULL,
	        FUTEX_BITSET_MATCH_ANY);
}
