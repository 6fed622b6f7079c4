/* page - Rhodes' call page alone: both ends as the SDK and the worker use them,
 * without agents, marshalling or a library behind.  The difference to a bare slot
 * is what checks, the ring and cancelling cost; the difference to `bind` is what
 * the SDK and the worker add. */
#include "../harness/machine.h"

#include "../../protocols/page/page.h"

#include <sched.h>

struct lane {
	void                *memory;
	struct rh_caller_end caller;
};

static struct lane lanes[BENCH_LANES_MAX];

static void make(struct bench_run *run)
{
	for (unsigned i = 0; i < run->lanes; i++) {
		lanes[i].memory = bench_shared(RH_PAGE_BYTES);
		rh_page_format(lanes[i].memory, i + 1, 1, 1, RH_PAGE_FLAG_BIND);
		rh_caller_init(&lanes[i].caller, lanes[i].memory, -1);
	}
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	struct rh_caller_end *end = &lanes[lane].caller;
	struct rh_request     request = { .function = 1, .args_len = (uint32_t)len };
	struct rh_reply       reply;
	unsigned char        *args;
	uint64_t              sum;
	int                   slot = rh_caller_reserve(end, (uint32_t)len, 64, &args);
	int                   r;

	(void)run;
	if (slot < 0)
		bench_fail("page: reserve: %d", slot);
	memcpy(args, bytes, len);
	rh_caller_submit(end, slot, &request);
	rh_caller_spin(end, slot);
	while ((r = rh_caller_collect(end, slot, &reply)) == RH_EAGAIN)
		rh_caller_wait(end, slot, 0, -1);
	if (r != RH_OK || reply.len != sizeof sum)
		bench_fail("page: no reply: %d", r);
	memcpy(&sum, reply.bytes, sizeof sum);
	rh_caller_release(end, slot);
	return sum;
}

static void answer(struct rh_server_end *end, const struct rh_taken *taken)
{
	struct rh_reply reply = { .len = sizeof(uint64_t) };
	uint64_t        sum = bench_sum(taken->args, taken->args_len);

	memcpy(taken->reply_near, &sum, sizeof sum);
	rh_server_finish(end, taken, &reply);
}

/* A bounded spin when the caller runs elsewhere, then the futex. */
static void wait_for_call(struct rh_server_end *end)
{
	_Atomic uint32_t *bell = &end->page.head->caller.server_bell;
	uint64_t          until = bench_now() + 20000;

	rh_server_on_cpu(end, (uint32_t)sched_getcpu());
	for (int i = 0; i < RH_EAGER_LOOKS && rh_server_may_spin(end); i++) {
		if (rh_server_has_call(end))
			return;
	}
	while (rh_server_may_spin(end) && bench_now() < until) {
		for (int i = 0; i < 64; i++) {
			if (rh_server_has_call(end))
				return;
			bench_relax();
		}
	}
	uint32_t seen = atomic_load(bell);
	if (rh_server_arm(end, RH_ASLEEP_FUTEX) != RH_OK)
		return;
	rh_bell_sleep(bell, seen, 0);
	rh_server_woken(end);
}

static void serve(struct bench_run *run, unsigned lane)
{
	struct rh_server_end end;
	struct rh_taken      taken;

	(void)run;
	rh_server_init(&end, lanes[lane].memory, -1);
	for (;;) {
		int r = rh_server_take(&end, &taken);

		if (r == 1)
			answer(&end, &taken);
		else if (r == RH_EAGAIN)
			wait_for_call(&end);
		else
			bench_fail("page: take: %d", r);
	}
}

int main(int argc, char **argv)
{
	static const struct bench_transport list[] = {
		{ .name = "page", .size_max = RH_PAYLOAD_ARENA_MAX,
		  .make = make, .serve = serve, .call = call },
		{ 0 },
	};

	return bench_main(argc, argv, list);
}
