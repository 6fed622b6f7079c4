/* call - the public calls: at once, in steps, in batches. */
#include "rhodes.h"

#include "flight.h"

#include "../../base/clock.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* A ticket is the address of its flight; a thread's flights are few. */
static struct rh_flight *flight_of(uint64_t ticket)
{
	return (struct rh_flight *)(uintptr_t)ticket;
}

EXPORT uint64_t rh_function_id(const char *signature)
{
	return rh_fnv1a(RH_FNV_SEED, signature, strlen(signature));
}

EXPORT int rh_reserve(struct rh_callee *callee, size_t args_len, size_t reply_cap,
                      uint64_t timeout_ns, void **ret_args, uint64_t *ret_ticket)
{
	struct rh_flight *flight;
	unsigned char    *args;
	int               r;

	rh_set_ran(0);
	if (args_len > RH_PAYLOAD_MAX || reply_cap > RH_PAYLOAD_MAX)
		return rh_fail(RH_EMSGSIZE, "a payload is at most %u bytes",
		               RH_PAYLOAD_MAX);
	if (!(flight = malloc(sizeof *flight)))
		return rh_fail(RH_ENOMEM, "no memory for a call");
	r = rh_flight_begin(flight, callee, (uint32_t)args_len, (uint32_t)reply_cap,
	                    timeout_ns ? rh_deadline(timeout_ns) : 0, &args);
	if (r < 0) {
		free(flight);
		return r;
	}
	*ret_args = args;
	*ret_ticket = (uint64_t)(uintptr_t)flight;
	return RH_OK;
}

EXPORT int rh_submit(uint64_t ticket, uint64_t function, size_t args_len)
{
	struct rh_flight *flight = flight_of(ticket);
	struct rh_request request = {
		.function = function, .args_len = (uint32_t)args_len,
	};

	rh_set_ran(0);
	if (args_len > flight->args_len)
		return rh_fail(RH_EINVAL, "%zu bytes submitted, %u reserved", args_len,
		               flight->args_len);
	return rh_flight_go(flight, &request, NULL);
}

static int give(struct rh_flight *flight, int r, const void **ret_reply,
                size_t *ret_len)
{
	if (r == RH_OK) {
		*ret_reply = flight->reply.bytes;
		*ret_len = flight->reply.len;
	}
	return r == RH_EAGAIN && flight->is_done ? RH_EBUSY : r;
}

EXPORT int rh_poll(uint64_t ticket, const void **ret_reply, size_t *ret_len)
{
	struct rh_flight *flight = flight_of(ticket);

	return give(flight, rh_flight_look(flight), ret_reply, ret_len);
}

EXPORT int rh_wait(uint64_t ticket, const void **ret_reply, size_t *ret_len)
{
	struct rh_flight *flight = flight_of(ticket);

	return give(flight, rh_flight_finish(flight), ret_reply, ret_len);
}

EXPORT void rh_release(uint64_t ticket)
{
	struct rh_flight *flight = flight_of(ticket);

	if (!flight)
		return;
	rh_flight_end(flight);
	free(flight);
}

static int copy_reply(const struct rh_flight *flight, void *reply, size_t cap,
                      size_t *ret_len)
{
	if (flight->reply.len > cap) {
		rh_set_ran(1);
		return rh_fail(RH_EMSGSIZE, "the reply has %u bytes, there is room for %zu",
		               flight->reply.len, cap);
	}
	if (flight->reply.len > 0)
		memcpy(reply, flight->reply.bytes, flight->reply.len);
	if (ret_len)
		*ret_len = flight->reply.len;
	return RH_OK;
}

static int call_once(struct rh_callee *callee, uint64_t function, const void *args,
                     size_t args_len, void *reply, size_t reply_cap,
                     size_t *ret_len, uint64_t deadline)
{
	struct rh_flight  flight;
	struct rh_request request = {
		.function = function, .args_len = (uint32_t)args_len,
	};
	unsigned char    *at;
	int r = rh_flight_begin(&flight, callee, (uint32_t)args_len,
	                        (uint32_t)reply_cap, deadline, &at);

	if (r < 0)
		return r;
	if (args_len > 0)
		memcpy(at, args, args_len);
	if ((r = rh_flight_go(&flight, &request, NULL)) == RH_OK &&
	    (r = rh_flight_finish(&flight)) == RH_OK)
		r = copy_reply(&flight, reply, reply_cap, ret_len);
	rh_flight_end(&flight);
	return r;
}

EXPORT int rh_call(struct rh_callee *callee, uint64_t function, const void *args,
                   size_t args_len, void *reply, size_t reply_cap, size_t *ret_len,
                   uint64_t timeout_ns)
{
	uint64_t deadline = timeout_ns ? rh_deadline(timeout_ns) : 0;
	int      r;

	rh_set_ran(0);
	if (args_len > RH_PAYLOAD_MAX)
		return rh_fail(RH_EMSGSIZE, "a payload is at most %u bytes",
		               RH_PAYLOAD_MAX);
	if (reply_cap > RH_PAYLOAD_MAX)
		reply_cap = RH_PAYLOAD_MAX;
	r = call_once(callee, function, args, args_len, reply, reply_cap, ret_len,
	              deadline);
	if (r == RH_EGONE && deadline == 0)
		deadline = rh_deadline(0);
	while (r == RH_EGONE && rh_clock_ns() < deadline)
		/* a call that certainly did not run is made again */
		r = call_once(callee, function, args, args_len, reply, reply_cap, ret_len,
		              deadline);
	return r;
}

static void batch_collect(struct rh_batch_item *item, struct rh_flight *flight)
{
	if (item->status == RH_OK && (item->status = rh_flight_finish(flight)) == RH_OK)
		item->status = copy_reply(flight, item->reply, item->reply_cap,
		                          &item->reply_len);
	rh_flight_end(flight);
}

static int batch_submit(struct rh_callee *callee, struct rh_batch_item *item,
                        struct rh_flight *flight, uint64_t deadline)
{
	struct rh_request request = {
		.function = item->function, .args_len = (uint32_t)item->args_len,
	};
	unsigned char *at;
	int            r;

	flight->page = NULL;
	rh_set_ran(0);
	if (item->args_len > RH_PAYLOAD_MAX)
		return rh_fail(RH_EMSGSIZE, "a payload is at most %u bytes",
		               RH_PAYLOAD_MAX);
	r = rh_flight_begin(flight, callee, (uint32_t)item->args_len,
	                    (uint32_t)item->reply_cap, deadline, &at);
	if (r < 0) {
		flight->page = NULL;
		return r;
	}
	if (item->args_len > 0)
		memcpy(at, item->args, item->args_len);
	return rh_flight_go(flight, &request, NULL);
}

EXPORT int rh_batch(struct rh_callee *callee, struct rh_batch_item *items,
                    size_t count, uint64_t timeout_ns)
{
	struct rh_flight flights[RH_PAGE_SLOTS];
	uint64_t         deadline = timeout_ns ? rh_deadline(timeout_ns) : 0;
	size_t           oldest = 0;
	int              succeeded = 0;

	for (size_t next = 0; oldest < count;) {
		/* Fill the ring, then make room by the oldest. */
		if (next < count && next - oldest < RH_PAGE_SLOTS) {
			int r = batch_submit(callee, &items[next],
			                     &flights[next % RH_PAGE_SLOTS], deadline);

			if (r != RH_EAGAIN || next == oldest) {
				items[next++].status = r;
				continue;
			}
		}
		batch_collect(&items[oldest], &flights[oldest % RH_PAGE_SLOTS]);
		succeeded += items[oldest++].status == RH_OK;
	}
	return succeeded;
}
