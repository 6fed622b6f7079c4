#include "edge.h"

#include "agent.h"
#include "happening.h"
#include "inbox.h"
#include "stats.h"

#include "../base/clock.h"

#include <stdlib.h>
#include <string.h>

/* An event that not all inboxes have, or whose answer found no room. */
struct held_event {
	struct rh_list     link;
	struct rh_msg_head head;
	uint64_t           cursor;  /* id of the last inbox that has it */
	unsigned           placed;
	int                status;  /* of the answer; 1: not all placed */
	unsigned char      body[];
};

#define NOT_YET 1

/* From the inbox after the cursor on.  RH_EAGAIN when one is full. */
static int spread(struct rh_edge *edge, const struct rh_msg_head *head,
                  const void *body, uint64_t *cursor, unsigned *placed)
{
	RH_LIST_EACH(node, &edge->inboxes) {
		struct rh_inbox *inbox = RH_CONTAINER(node, struct rh_inbox, in_edge);
		int              r;

		if (inbox->id <= *cursor)
			continue;
		r = rh_inbox_put(inbox, head, body);
		if (r == RH_EAGAIN)
			return r;
		*cursor = inbox->id;
		*placed += r == RH_OK;
	}
	return RH_OK;
}

static int answer(struct rh_edge *edge, const struct rh_msg_head *event, int status)
{
	struct rh_msg_head head = {
		.kind = RH_MSG_EVENT_DONE, .version = RH_WIRE_VERSION,
		.call = event->call, .function = event->function,
		.attachment = event->attachment, .status = status,
	};

	return edge->channel ? rh_channel_submit(edge->channel, &head, "") : RH_ELOST;
}

static void count(struct rh_edge *edge, const struct rh_msg_head *head)
{
	rh_counter_add(&edge->counters->events, 1);
	rh_counter_add(&edge->counters->event_bytes, head->len);
	rh_stats_changed(edge->agent);
}

/* An event that comes after others that wait, waits too: they stay in order. */
static void hold(struct rh_edge *edge, const struct rh_msg_head *head,
                 const void *body, const struct held_event *so_far)
{
	struct held_event *event;

	if (edge->event_count == RH_EVENTS_PER_LINK) { /* more than it may send */
		rh_agent_malformed(edge->agent);
		return;
	}
	event = malloc(sizeof *event + head->len);
	if (!event) {
		answer(edge, head, RH_ENOMEM);
		return;
	}
	*event = *so_far;
	event->head = *head;
	if (head->len > 0)
		memcpy(event->body, body, head->len);
	rh_list_add(&edge->events, &event->link);
	edge->event_count++;
}

static int outcome(unsigned placed)
{
	return placed > 0 ? RH_OK : RH_EDOWN;
}

void rh_edge_event(struct rh_edge *edge, const struct rh_msg_head *event,
                   const void *body)
{
	struct held_event  so_far = { .status = NOT_YET };
	struct rh_msg_head seen = *event;
	struct rh_diag     diag;
	const struct rh_msg_head *head = &seen;

	if (rh_edge_judge(edge, &diag) < 0) {
		so_far.status = RH_EREVOKED;
	} else if (!rh_happening_pass(edge->agent, edge->spec.callee, &seen, &body)) {
		so_far.status = RH_OK; /* a rule dropped it: it has come to its end */
	} else if (rh_list_empty(&edge->events) &&
	           spread(edge, head, body, &so_far.cursor, &so_far.placed) == RH_OK) {
		so_far.status = outcome(so_far.placed);
		if (so_far.placed > 0)
			count(edge, head);
	}
	if (so_far.status == NOT_YET || answer(edge, head, so_far.status) == RH_EAGAIN)
		hold(edge, head, body, &so_far);
}

static void drop(struct rh_edge *edge, struct held_event *event)
{
	rh_list_remove(&event->link);
	edge->event_count--;
	free(event);
}

void rh_edge_run_events(struct rh_edge *edge)
{
	while (!rh_list_empty(&edge->events)) {
		struct held_event *event = RH_CONTAINER(edge->events.next,
		                                        struct held_event, link);

		if (event->status == NOT_YET) {
			if (spread(edge, &event->head, event->body, &event->cursor,
			           &event->placed) == RH_EAGAIN)
				return;
			event->status = outcome(event->placed);
			if (event->placed > 0)
				count(edge, &event->head);
		}
		if (answer(edge, &event->head, event->status) == RH_EAGAIN)
			return;
		drop(edge, event);
	}
	rh_edge_link_drained(edge);
}

void rh_edge_drop_events(struct rh_edge *edge)
{
	while (!rh_list_empty(&edge->events))
		drop(edge, RH_CONTAINER(edge->events.next, struct held_event, link));
}
