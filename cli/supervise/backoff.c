#include "backoff.h"

void rh_backoff_started(struct rh_backoff *backoff, uint64_t now_ms)
{
	backoff->started_ms = now_ms;
}

unsigned rh_backoff_failed(struct rh_backoff *backoff, uint64_t now_ms, int by_signal)
{
	unsigned wait_ms = RH_BACKOFF_FIRST_MS;

	if (now_ms - backoff->started_ms >= RH_BACKOFF_HEALTHY_MS)
		backoff->failures = 0;
	backoff->failures++;
	if (backoff->failures == 1 && by_signal)
		return 0;
	for (unsigned i = 1; i < backoff->failures && wait_ms < RH_BACKOFF_MOST_MS; i++)
		wait_ms *= 2;
	return wait_ms < RH_BACKOFF_MOST_MS ? wait_ms : RH_BACKOFF_MOST_MS;
}
