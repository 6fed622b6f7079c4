#include "emit.h"

#include "agent.h"
#include "cpage.h"
#include "inlink.h"
#include "process.h"

#include "../base/clock.h"
#include "../model/check.h"

static struct rh_agent *agent_of(const struct rh_cpage *page)
{
	return page->process->agent;
}

/* ---- finishing ---------------------------------------------------------- */

/* Placed by one listener at least is success; otherwise nobody listens. */
static void finish(struct rh_cpage *page, unsigned slot)
{
	struct rh_transit *transit = &page->transits[slot];
	struct rh_reply    reply = { 0 };

	page->sent &= (uint16_t)~(1u << slot);
	if (transit->placed == 0) {
		rh_cpage_refuse(page, &transit->taken, RH_EDOWN, !transit->may_be_lost,
		                "nobody listens to the events of this resource");
		return;
	}
	rh_counter_add(&agent_of(page)->counters.head->emitted, 1);
	rh_server_finish(&page->server, &transit->taken, &reply);
}

/* One link less has the event: it placed it (RH_OK), or nobody there listens
 * (RH_EDOWN), or it is not known (others). */
static void settle(struct rh_inlink *link, struct rh_event_out *out, int status)
{
	struct rh_cpage   *page = out->page;
	struct rh_transit *transit = page ? &page->transits[out->slot] : NULL;

	out->in_use = 0; /* L2 of inlink.h */
	link->event_count--;
	if (!page || !(page->sent & (1u << out->slot)) ||
	    transit->generation != out->generation)
		return; /* the emitter, or its patience, has ended */
	transit->pending--;
	transit->placed = (uint16_t)(transit->placed + (status == RH_OK));
	transit->may_be_lost |= status != RH_OK && status != RH_EDOWN;
	if (transit->pending == 0 && !transit->is_spreading)
		finish(page, out->slot);
}

void rh_emit_done(struct rh_inlink *link, const struct rh_msg_head *head)
{
	uint32_t             index = (uint32_t)head->call;
	struct rh_event_out *out = &link->events[index % RH_EVENTS_PER_LINK];

	if (index >= RH_EVENTS_PER_LINK || !out->in_use ||
	    out->serial != (uint32_t)(head->call >> 32)) {
		rh_agent_malformed(link->agent);
		return;
	}
	settle(link, out, head->status);
	rh_emit_run(link->agent);
}

void rh_emit_link_lost(struct rh_inlink *link)
{
	for (unsigned i = 0; i < RH_EVENTS_PER_LINK; i++) {
		if (link->events[i].in_use)
			settle(link, &link->events[i], RH_ELOST);
	}
	rh_emit_run(link->agent);
}

static void forget_on(struct rh_inlink *link, const struct rh_cpage *page)
{
	for (unsigned i = 0; i < RH_EVENTS_PER_LINK; i++) {
		if (link->events[i].page == page)
			link->events[i].page = NULL;
	}
}

void rh_emit_forget(struct rh_cpage *page)
{
	RH_LIST_EACH(node, &agent_of(page)->links)
		forget_on(RH_CONTAINER(node, struct rh_inlink, in_agent), page);
}

/* ---- spreading ---------------------------------------------------------- */

static unsigned free_event(const struct rh_inlink *link)
{
	unsigned i = 0;

	while (link->events[i].in_use)
		i++;
	RH_CHECK(i < RH_EVENTS_PER_LINK); /* event_count was looked at */
	return i;
}

/* RH_EAGAIN when the link has no room. */
static int send_to(struct rh_inlink *link, struct rh_cpage *page)
{
	const struct rh_taken *event = &page->held;
	struct rh_transit     *transit = &page->transits[event->slot];
	struct rh_event_out   *out;
	struct rh_msg_head     head = {
		.kind = RH_MSG_EVENT, .version = RH_WIRE_VERSION,
		.len = event->args_len, .function = event->function,
		.attachment = page->process->attachment, .deadline = event->deadline,
	};
	unsigned               index;
	int                    r;

	if (!rh_inlink_takes_events(link))
		return RH_EAGAIN;
	index = free_event(link);
	out = &link->events[index];
	head.call = index | (uint64_t)++link->event_serial << 32;
	r = rh_channel_submit(link->channel, &head, event->args);
	if (r < 0)
		return r;
	*out = (struct rh_event_out){
		.page = page, .slot = (uint8_t)event->slot, .in_use = 1,
		.generation = transit->generation, .serial = link->event_serial,
	};
	link->event_count++;
	transit->pending++;
	return RH_OK;
}

/* A link takes part when its caller may call us now. */
static int listens(struct rh_inlink *link)
{
	return link->channel && rh_inlink_verdict(link) == RH_OK;
}

/* From the link after the cursor on, so that none gets the event twice. */
static int spread(struct rh_cpage *page)
{
	RH_LIST_EACH(node, &agent_of(page)->links) {
		struct rh_inlink *link = RH_CONTAINER(node, struct rh_inlink, in_agent);

		if (link->serial <= page->emit_cursor)
			continue;
		if (listens(link) && send_to(link, page) == RH_EAGAIN)
			return RH_EAGAIN;
		page->emit_cursor = link->serial;
	}
	return RH_OK;
}

static void begin(struct rh_cpage *page)
{
	struct rh_transit *transit = &page->transits[page->held.slot];
	uint32_t           generation = transit->generation + 1;

	*transit = (struct rh_transit){
		.taken = page->held, .generation = generation, .is_spreading = 1,
		.started = rh_clock_ns(),
	};
	page->sent |= (uint16_t)(1u << page->held.slot);
	page->emit_cursor = 0;
	page->generation = 1; /* begun */
	rh_alarm_at(&agent_of(page)->alarm, page->held.deadline);
}

int rh_emit_forward(struct rh_cpage *page)
{
	unsigned           slot = page->held.slot;
	struct rh_transit *transit = &page->transits[slot];

	if (!(page->held.flags & RH_SLOT_EVENT) || !page->held.args ||
	    page->held.fds > 0) {
		rh_cpage_refuse(page, &page->held, RH_EINVAL, 1,
		                "an event has no descriptors and is at most 1 MiB");
		return RH_OK;
	}
	if (page->generation == 0)
		begin(page);
	if (!(page->sent & (1u << slot)))
		return RH_OK; /* its deadline passed while it waited */
	if (spread(page) == RH_EAGAIN)
		return RH_EAGAIN;
	transit->is_spreading = 0;
	if (transit->pending == 0)
		finish(page, slot);
	return RH_OK;
}

static void run(struct rh_task *task)
{
	struct rh_agent *agent = RH_CONTAINER(task, struct rh_agent, emit_task);
	struct rh_list   now;

	rh_list_take(&agent->emitting, &now);
	while (!rh_list_empty(&now)) {
		struct rh_cpage *page = RH_CONTAINER(now.next, struct rh_cpage,
		                                     in_waiting);

		rh_list_remove(&page->in_waiting);
		rh_cpage_serve(page);
	}
}

void rh_emit_run(struct rh_agent *agent)
{
	if (!rh_list_empty(&agent->emitting))
		rh_task_post(&agent->tasks, &agent->emit_task, run);
}
