#include "flow.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* What each side derives of a call from the seed, without talking. */
static uint32_t call_len(const struct flow *flow, uint64_t call)
{
	uint64_t seed = flow->seed ^ (call * 0x9e3779b97f4a7c15u);

	number_random(&seed);
	return flow->len_max ? (uint32_t)(number_random(&seed) % flow->len_max)
	                     : size_random(&seed);
}

static void pause_some(const struct flow *flow, uint64_t *seed)
{
	uint64_t draw = flow->pauses ? number_random(seed) : 0;

	if (draw % 4 == 1)
		sched_yield();
	else if (draw % 4 == 2)
		for (volatile uint64_t i = 0; i < draw % 300; i++)
			;
}

/* Sleeps until a descriptor is ready; NULL or what went wrong. */
static const char *sleep_for(const struct flow *flow, void *state, int wants,
                             uint64_t *seed)
{
	struct rh_watch_set set;
	struct pollfd       polls[RH_WATCH_MAX];

	pause_some(flow, seed);
	if (flow->pair->protocol->arm(state, wants) == RH_EAGAIN)
		return NULL;
	pause_some(flow, seed);
	flow->pair->protocol->watch(state, wants, &set);
	for (uint32_t i = 0; i < set.count; i++)
		polls[i] = (struct pollfd){ .fd = set.fds[i], .events = set.events[i] };
	return poll(polls, set.count, WATCHDOG_MS) > 0 ? NULL : "a wake-up was lost";
}

/* What lossy delays leaves only while its side lives on: so it does until the other
 * side has got everything.  The short sleep is for this alone. */
static void linger(const struct flow *flow, void *state)
{
	const struct rh_protocol *protocol = flow->pair->protocol;
	struct rh_msg_head        head;
	const void               *body;

	if (!flow->busy)
		return;
	--*flow->busy;
	while (*flow->busy > 0) {
		protocol->arm(state, MESSAGE);
		protocol->poll(state, &head, &body);
		poll(NULL, 0, 1);
	}
}

static const char *check(const struct flow *flow, const struct rh_msg_head *head,
                         const void *body, uint8_t kind)
{
	if (head->kind != kind)
		return "a message of the wrong kind";
	if (head->len != call_len(flow, head->call))
		return "a message of the wrong length";
	if (head->len && memcmp(body, message_body(head->call), head->len) != 0)
		return "a body with wrong bytes";
	return NULL;
}

static const char *collect_replies(const struct flow *flow, unsigned char *answered,
                                   uint64_t *done, uint64_t sent)
{
	const struct rh_protocol *protocol = flow->pair->protocol;
	struct rh_msg_head        head;
	const void               *body;
	int                       r;

	while ((r = protocol->poll(flow->pair->caller, &head, &body)) == 1) {
		const char *wrong = head.call >= sent ? "an answer to no call" :
		                    answered[head.call]++ ? "an answer twice" :
		                    check(flow, &head, body, RH_MSG_REPLY);

		protocol->release(flow->pair->caller);
		if (wrong)
			return wrong;
		++*done;
	}
	if (r == RH_ELOST && flow->closes && *done == flow->calls)
		return NULL;
	return r == RH_EAGAIN ? NULL : rh_error_text(r);
}

/* Every answer came; now the close must be heard of, and nothing else. */
static const char *hear_close(const struct flow *flow, uint64_t *seed)
{
	const char        *wrong = NULL;
	struct rh_msg_head head;
	const void        *body;
	int                r = RH_EAGAIN;

	while (!wrong && r == RH_EAGAIN) {
		r = flow->pair->protocol->poll(flow->pair->caller, &head, &body);
		if (r == RH_EAGAIN)
			wrong = sleep_for(flow, flow->pair->caller, MESSAGE, seed);
	}
	return wrong ? wrong : r == RH_ELOST ? NULL : "something else than a close";
}

const char *flow_caller(const struct flow *flow)
{
	unsigned char *answered = calloc(flow->calls, 1);
	uint64_t       sent = 0, done = 0, seed = flow->seed + 1;
	const char    *wrong = answered ? NULL : "no memory";

	while (!wrong && done < flow->calls) {
		int r = RH_OK;

		while (r == RH_OK && sent < flow->calls && sent - done < FLOW_WINDOW) {
			struct rh_msg_head head = message(RH_MSG_CALL, sent,
			                                  call_len(flow, sent));

			r = flow->pair->protocol->submit(flow->pair->caller, &head,
			                                 message_body(sent));
			sent += r == RH_OK;
		}
		if (r != RH_OK && r != RH_EAGAIN)
			wrong = rh_error_text(r);
		if (!wrong)
			wrong = collect_replies(flow, answered, &done, sent);
		if (wrong || done == flow->calls)
			break;
		if (r == RH_OK && sent < flow->calls && sent - done < FLOW_WINDOW)
			continue; /* the answers opened the window */
		wrong = sleep_for(flow, flow->pair->caller, r == RH_EAGAIN ? BOTH : MESSAGE,
		                  &seed);
	}
	free(answered);
	if (flow->busy)
		--*flow->busy;
	return wrong || !flow->closes ? wrong : hear_close(flow, &seed);
}

struct callee {
	uint64_t next;     /* call expected      */
	uint64_t answered; /* replies submitted  */
};

static const char *answer(const struct flow *flow, struct callee *callee, int *ret_full)
{
	*ret_full = 0;
	while (callee->answered < callee->next) {
		struct rh_msg_head head = message(RH_MSG_REPLY, callee->answered,
		                                  call_len(flow, callee->answered));
		int r = flow->pair->protocol->submit(flow->pair->callee, &head,
		                                     message_body(callee->answered));

		if (r == RH_EAGAIN) {
			*ret_full = 1;
			return NULL;
		}
		if (r < 0)
			return rh_error_text(r);
		callee->answered++;
	}
	return NULL;
}

static const char *take_calls(const struct flow *flow, struct callee *callee)
{
	const struct rh_protocol *protocol = flow->pair->protocol;
	struct rh_msg_head        head;
	const void               *body;
	int                       r;

	while ((r = protocol->poll(flow->pair->callee, &head, &body)) == 1) {
		const char *wrong = head.call != callee->next++ ? "a call out of order" :
		                    check(flow, &head, body, RH_MSG_CALL);

		protocol->release(flow->pair->callee);
		if (wrong)
			return wrong;
		for (volatile int i = 0; flow->is_slow && i < 500; i++)
			;
	}
	return r == RH_EAGAIN ? NULL : rh_error_text(r);
}

const char *flow_callee(const struct flow *flow)
{
	struct callee callee = { 0 };
	uint64_t      seed = flow->seed + 2;
	const char   *wrong = NULL;
	int           full = 0;

	while (!wrong && callee.answered < flow->calls) {
		wrong = full && flow->is_stubborn ? NULL : take_calls(flow, &callee);
		if (!wrong)
			wrong = answer(flow, &callee, &full);
		if (!wrong && callee.answered < flow->calls)
			wrong = sleep_for(flow, flow->pair->callee, !full ? MESSAGE :
			                  flow->is_stubborn ? ROOM : BOTH, &seed);
	}
	linger(flow, flow->pair->callee);
	if (flow->closes)
		flow->pair->protocol->close(flow->pair->callee);
	return wrong;
}

static const char *flood(const struct flow *flow)
{
	uint64_t    sent = 0, seed = flow->seed + 1;
	const char *wrong = NULL;

	while (!wrong && sent < flow->calls) {
		struct rh_msg_head head = message(RH_MSG_CALL, sent, call_len(flow, sent));
		const void        *body;
		int r = flow->pair->protocol->submit(flow->pair->caller, &head,
		                                     message_body(sent));

		if (r == RH_OK) {
			sent++;
			continue;
		}
		if (r != RH_EAGAIN)
			return rh_error_text(r);
		wrong = sleep_for(flow, flow->pair->caller, BOTH, &seed);
		flow->pair->protocol->poll(flow->pair->caller, &head, &body);
	}
	linger(flow, flow->pair->caller);
	return wrong;
}

static const char *drain(const struct flow *flow)
{
	struct callee callee = { 0 };
	uint64_t      seed = flow->seed + 2;
	const char   *wrong = NULL;

	while (!wrong && callee.next < flow->calls) {
		wrong = take_calls(flow, &callee);
		if (!wrong && callee.next < flow->calls)
			wrong = sleep_for(flow, flow->pair->callee, MESSAGE, &seed);
	}
	if (flow->busy)
		--*flow->busy;
	return wrong;
}

struct job {
	const struct flow *flow;
	const char *(*side)(const struct flow *flow);
};

static void *side_thread(void *argument)
{
	const struct job *job = argument;
	const char       *wrong = job->side(job->flow);

	if (wrong)
		print_error("callee: %s\n", wrong);
	return (void *)(uintptr_t)wrong;
}

static void run_both(const struct flow *settings,
                     const char *(*caller)(const struct flow *flow),
                     const char *(*callee)(const struct flow *flow))
{
	struct flow copy = *settings, *flow = &copy;
	struct job  job = { flow, callee };
	_Atomic int busy = 2;
	pthread_t   thread;
	void       *wrong_callee;

	if (traits.is_lossy)
		copy.busy = &busy;
	message_body(0);
	assert_int_equal(pthread_create(&thread, NULL, side_thread, &job), 0);
	const char *wrong = caller(flow);
	assert_int_equal(pthread_join(thread, &wrong_callee), 0);
	if (wrong)
		fail_msg("caller: %s", wrong);
	if (wrong_callee)
		fail_msg("callee: %s", (const char *)wrong_callee);
}

void flow_run(const struct flow *flow)
{
	run_both(flow, flow_caller, flow_callee);
}

void flow_flood(const struct flow *flow)
{
	run_both(flow, flood, drain);
}
