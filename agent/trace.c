#include "trace.h"

#include "agent.h"
#include "attachment.h"
#include "conn.h"
#include "cpage.h"
#include "edge.h"
#include "governor.h"
#include "inlink.h"
#include "instance.h"
#include "process.h"
#include "wpage.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../wire/push_step.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct observer {
	struct rh_list   in_agent;
	struct rh_agent *agent;
	struct rh_conn  *conn;
	uint16_t         bit;
	uint32_t         left;
	uint32_t         flags;
	uint32_t         left_out; /* calls, since the last that was told */
	char             callee[RH_NAME_MAX + 1]; /* "": any */
};

/* One step, as it is told to those who asked for the call. */
struct telling {
	uint16_t    traced_by;
	unsigned    step;
	const char *caller;
	const char *callee;
	uint64_t    call;
	uint64_t    function;
	const void *body;
	uint32_t    len;
	char        text[RH_DIAG_MAX];
};

/* A call or its reply, as it is recorded. */
struct recording {
	unsigned    step;
	uint64_t    call;
	uint64_t    function;
	uint64_t    attachment;
	int         status; /* of a reply */
	const void *bytes;
	uint32_t    len;
	uint32_t    visible; /* of them */
};

#define RECORDED_PART 32768u /* bytes in one frame */

static int on_frame(void *user, struct rh_frame *frame)
{
	(void)user;
	(void)frame;
	return RH_EPROTO; /* an observer asks once */
}

static void on_lost(void *user, int why)
{
	struct observer *observer = user;
	struct rh_agent *agent = observer->agent;
	uint32_t         flags = observer->flags;

	(void)why;
	rh_list_remove(&observer->in_agent);
	rh_conn_close(observer->conn);
	free(observer);
	if ((flags & RH_TRACE_SCHED) && !rh_trace_has_sched(agent))
		rh_governor_untrace(agent);
}

static const struct rh_conn_ops conn_ops = { .frame = on_frame, .lost = on_lost };

/* A bit that no observer has; 0 when all are taken. */
static uint16_t free_bit(const struct rh_agent *agent)
{
	unsigned taken = 0;

	RH_LIST_EACH(node, &agent->observers)
		taken |= RH_CONTAINER(node, struct observer, in_agent)->bit;
	return (uint16_t)(~taken & (taken + 1));
}

int rh_trace_open(struct rh_agent *agent, struct rh_conn *conn,
                  struct rh_frame *frame, struct rh_diag *diag)
{
	struct observer *observer;
	int              r;

	if (free_bit(agent) == 0)
		return rh_diag_set(diag, RH_ENOSPC, "%u observers trace already",
		                   RH_OBSERVERS_MAX);
	observer = calloc(1, sizeof *observer);
	if (!observer)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for an observer");
	r = rh_record_text(&frame->records, RH_TAG_CALLEE, observer->callee,
	                   sizeof observer->callee);
	if ((r < 0 && r != RH_ENOENT) ||
	    rh_record_u32(&frame->records, RH_TAG_COUNT, &observer->left) < 0) {
		free(observer);
		return rh_diag_set(diag, RH_EPROTO, "TRACE names no count");
	}
	rh_record_u32(&frame->records, RH_TAG_FLAGS, &observer->flags);
	observer->agent = agent;
	observer->bit = free_bit(agent);
	observer->conn = conn;
	rh_conn_hand_over(conn, &conn_ops, observer);
	rh_list_add(&agent->observers, &observer->in_agent);
	if (observer->flags & RH_TRACE_SCHED)
		rh_governor_trace(agent);
	return RH_OK;
}

void rh_traces_close(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->observers)
		on_lost(RH_CONTAINER(node, struct observer, in_agent), RH_OK);
}

/* ---- picking ------------------------------------------------------------ */

/* Who wants whole calls and does not read them must not make the agent keep them. */
static int is_full(struct observer *observer)
{
	if (!(observer->flags & RH_TRACE_WHOLE) || rh_conn_is_flushed(observer->conn))
		return 0;
	observer->left_out++;
	return 1;
}

static uint16_t pick(struct rh_agent *agent, const char *callee, int is_marked)
{
	unsigned picked = 0;

	RH_LIST_EACH(node, &agent->observers) {
		struct observer *observer = RH_CONTAINER(node, struct observer, in_agent);

		if (observer->left == 0 || (observer->flags & (RH_TRACE_PUSH | RH_TRACE_SCHED)) ||
		    (observer->callee[0] && strcmp(observer->callee, callee) != 0) ||
		    ((observer->flags & RH_PAGE_FLAG_TRACE) && !is_marked) ||
		    is_full(observer))
			continue;
		observer->left--;
		picked |= observer->bit;
	}
	return (uint16_t)picked;
}

uint16_t rh_trace_pick(struct rh_edge *edge)
{
	if (rh_list_empty(&edge->agent->observers))
		return 0;
	return pick(edge->agent, edge->spec.callee, 1);
}

uint16_t rh_trace_pick_placed(struct rh_wpage *page, const struct rh_wcall *call)
{
	struct rh_agent *agent = page->lane->attachment->link->agent;

	if (rh_list_empty(&agent->observers))
		return 0;
	return pick(agent, agent->resource, (call->head.flags & RH_SLOT_TRACE) != 0);
}

/* ---- rules -------------------------------------------------------------- */

static int has_flag(const struct rh_agent *agent, uint32_t flag)
{
	RH_LIST_EACH(node, &agent->observers) {
		if (RH_CONTAINER(node, struct observer, in_agent)->flags & flag)
			return 1;
	}
	return 0;
}

int rh_trace_has_push(const struct rh_agent *agent)
{
	return has_flag(agent, RH_TRACE_PUSH);
}

int rh_trace_has_sched(const struct rh_agent *agent)
{
	return has_flag(agent, RH_TRACE_SCHED);
}

void rh_trace_push(struct rh_agent *agent, struct rh_push_step *step, uint64_t began_ns)
{
	unsigned char           bytes[RH_PUSH_STEP_MAX];
	struct rh_record_writer writer;

	step->time_ns = rh_clock_ns();
	step->took_ns = began_ns ? step->time_ns - began_ns : 0;
	snprintf(step->resource, sizeof step->resource, "%s", agent->resource);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_push_step_put(&writer, step);
	RH_LIST_EACH(node, &agent->observers) {
		struct observer *observer = RH_CONTAINER(node, struct observer, in_agent);

		if (observer->flags & RH_TRACE_PUSH)
			rh_conn_send(observer->conn, RH_FRAME_PUSH_STEP, 0, &writer, NULL, 0);
	}
}

/* ---- telling ------------------------------------------------------------ */

static void tell(struct rh_agent *agent, const struct telling *telling)
{
	struct rh_record_writer writer;
	uint32_t len = telling->len < RH_TRACE_BODY_MAX ? telling->len
	                                                : RH_TRACE_BODY_MAX;

	rh_record_begin(&writer, rh_agent_out_buffer(), RH_TRACE_BODY_MAX + 1024);
	rh_record_put_u32(&writer, RH_TAG_STEP, telling->step);
	rh_record_put_u64(&writer, RH_TAG_TIME, rh_clock_ns());
	rh_record_put_text(&writer, RH_TAG_TEXT, telling->text);
	rh_record_put_u64(&writer, RH_TAG_FUNCTION, telling->function);
	rh_record_put_u64(&writer, RH_TAG_CALL, telling->call);
	rh_record_put_text(&writer, RH_TAG_CALLER, telling->caller);
	rh_record_put_text(&writer, RH_TAG_CALLEE, telling->callee);
	rh_record_put(&writer, RH_TAG_BODY, telling->body, telling->body ? len : 0);
	RH_LIST_EACH(node, &agent->observers) {
		struct observer *observer = RH_CONTAINER(node, struct observer, in_agent);

		if ((observer->bit & telling->traced_by) &&
		    !(observer->flags & RH_TRACE_WHOLE))
			rh_conn_send(observer->conn, RH_FRAME_STEP, 0, &writer, NULL, 0);
	}
}

/* ---- recording ---------------------------------------------------------- */

static void put_head(struct rh_record_writer *writer, const struct recording *recording,
                     struct observer *observer)
{
	rh_record_put_u32(writer, RH_TAG_STEP, recording->step);
	rh_record_put_u64(writer, RH_TAG_TIME, rh_clock_ns());
	rh_record_put_u64(writer, RH_TAG_FUNCTION, recording->function);
	rh_record_put_u64(writer, RH_TAG_CALL, recording->call);
	rh_record_put_u64(writer, RH_TAG_ATTACHMENT, recording->attachment);
	rh_record_put_u64(writer, RH_TAG_BYTES, recording->len);
	rh_record_put_u32(writer, RH_TAG_COUNT, observer->left_out);
	rh_record_put_i32(writer, RH_TAG_CODE, recording->status);
	observer->left_out = 0;
}

static void send_recorded(struct observer *observer, const struct recording *recording)
{
	struct rh_record_writer writer;
	uint32_t                at = 0, part;

	do {
		part = recording->visible - at < RECORDED_PART ? recording->visible - at
		                                               : RECORDED_PART;
		rh_record_begin(&writer, rh_agent_out_buffer(), RECORDED_PART + 1024);
		if (at == 0)
			put_head(&writer, recording, observer);
		rh_record_put_u32(&writer, RH_TAG_OFFSET, at);
		rh_record_put(&writer, RH_TAG_BODY,
		              part ? (const unsigned char *)recording->bytes + at : NULL, part);
		at += part;
		rh_record_put_u32(&writer, RH_TAG_LAST, at == recording->visible);
		if (rh_conn_send(observer->conn, RH_FRAME_RECORDED, 0, &writer, NULL, 0) < 0)
			return;
	} while (at < recording->visible);
}

/* It was picked when there was room.  A call is counted, and another one comes in its
 * place; who reads sees itself that a reply is missing. */
static void leave_out(struct observer *observer, const struct recording *recording)
{
	if (recording->step != 3)
		return;
	observer->left_out++;
	observer->left++;
}

static void record(struct rh_agent *agent, uint16_t traced_by,
                   struct recording *recording)
{
	recording->visible = !recording->bytes ? 0 :
		recording->len < RH_TRACE_WHOLE_MAX ? recording->len : RH_TRACE_WHOLE_MAX;
	RH_LIST_EACH(node, &agent->observers) {
		struct observer *observer = RH_CONTAINER(node, struct observer, in_agent);

		if (!(observer->bit & traced_by) || !(observer->flags & RH_TRACE_WHOLE))
			continue;
		if (rh_conn_is_flushed(observer->conn))
			send_recorded(observer, recording);
		else
			leave_out(observer, recording);
	}
}

static void say(struct telling *telling, unsigned step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct telling *telling, unsigned step, const char *format, ...)
{
	va_list args;

	telling->step = step;
	va_start(args, format);
	vsnprintf(telling->text, sizeof telling->text, format, args);
	va_end(args);
}

/* "msgqueue /rhodes-file-magic-queue" */
static void name_channel(const struct rh_channel *channel, char *text, size_t cap)
{
	struct rh_description description = { 0 };

	if (!channel) {
		snprintf(text, cap, "a channel that is gone");
		return;
	}
	channel->protocol->describe(channel->state, &description);
	snprintf(text, cap, "%.15s %.127s", channel->protocol->name,
	         description.object);
}

static uint64_t id_of(const struct rh_cpage *page, const struct rh_transit *transit)
{
	return (page->index * RH_PAGE_SLOTS + transit->taken.slot) |
	       (uint64_t)transit->generation << 32;
}

void rh_trace_call(struct rh_edge *edge, const struct rh_cpage *page)
{
	const struct rh_transit *transit = &page->transits[page->held.slot];
	struct telling           telling = {
		.traced_by = transit->traced_by, .caller = edge->agent->resource,
		.callee = edge->spec.callee,
		.call = id_of(page, transit), .function = transit->taken.function,
		.body = transit->taken.args, .len = transit->taken.args_len,
	};
	char                     channel[160];

	say(&telling, 3, "the agent of %s (pid %d) reads the call from the page of "
	    "process %d", telling.caller, (int)getpid(), (int)page->process->pid);
	tell(edge->agent, &telling);
	record(edge->agent, transit->traced_by, &(struct recording){
		.step = 3, .call = telling.call, .function = telling.function,
		.attachment = page->process->attachment, .len = transit->taken.args_len,
		.bytes = transit->taken.flags & RH_SLOT_ARGS_MEMFD ? NULL : transit->taken.args,
	});
	name_channel(edge->channel, channel, sizeof channel);
	say(&telling, 4, "and sends it to the agent of %s by %s", telling.callee,
	    channel);
	tell(edge->agent, &telling);
}

void rh_trace_reply(struct rh_edge *edge, const struct rh_cpage *page,
                    const struct rh_transit *transit, const struct rh_reply *reply)
{
	struct telling telling = {
		.traced_by = transit->traced_by, .caller = edge->agent->resource,
		.callee = edge->spec.callee,
		.call = id_of(page, transit), .function = transit->taken.function,
		.body = reply->bytes, .len = reply->len,
	};
	char           channel[160];

	record(edge->agent, transit->traced_by, &(struct recording){
		.step = 10, .call = telling.call, .function = telling.function,
		.attachment = page->process->attachment, .status = reply->status,
		.len = reply->len,
		.bytes = reply->flags & RH_SLOT_REPLY_MEMFD ? NULL : reply->bytes,
	});
	name_channel(edge->channel, channel, sizeof channel);
	say(&telling, 10, "the agent of %s reads the reply from %s", telling.caller,
	    channel);
	tell(edge->agent, &telling);
	say(&telling, 11, "and writes it to the page of process %d: %s",
	    (int)page->process->pid,
	    reply->status < 0 ? rh_error_text(reply->status) : "done");
	tell(edge->agent, &telling);
}

void rh_trace_placed(struct rh_wpage *page, const struct rh_wcall *call,
                     const void *args, uint32_t len)
{
	struct rh_inlink *link = page->lane->attachment->link;
	struct telling    telling = {
		.traced_by = call->traced_by, .caller = link->caller,
		.callee = link->agent->resource,
		.call = call->head.call, .function = call->head.function,
		.body = args, .len = len,
	};
	char              channel[160];

	name_channel(link->channel, channel, sizeof channel);
	say(&telling, 4, "the agent of %s (pid %d) reads the call from %s",
	    telling.callee, (int)getpid(), channel);
	tell(link->agent, &telling);
	say(&telling, 5, "and writes it to a page of instance %08x, process %d",
	    page->instance->id, (int)page->instance->process->pid);
	tell(link->agent, &telling);
}

void rh_trace_collected(struct rh_wpage *page, const struct rh_wcall *call,
                        const struct rh_msg_head *reply, const void *body)
{
	struct rh_inlink *link = page->lane->attachment->link;
	struct telling    telling = {
		.traced_by = call->traced_by, .caller = link->caller,
		.callee = link->agent->resource,
		.call = call->head.call, .function = call->head.function,
		.body = body, .len = reply->len,
	};
	char              channel[160];

	say(&telling, 9, "the agent of %s reads the reply from the page of process %d",
	    telling.callee, (int)page->instance->process->pid);
	tell(link->agent, &telling);
	name_channel(link->channel, channel, sizeof channel);
	say(&telling, 10, "and sends it to the agent of %s by %s", telling.caller,
	    channel);
	tell(link->agent, &telling);
}
