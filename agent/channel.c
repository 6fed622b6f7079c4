#include "channel.h"

#include "agent.h"

#include "../base/diag.h"
#include "../protocols/module/framing.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES_PER_TURN 64

static void pump_task(struct rh_task *task);

static void again(struct rh_channel *channel)
{
	rh_task_post(&channel->agent->tasks, &channel->task, pump_task);
}

static void on_ready(void *user, int events)
{
	struct rh_channel *channel = user;

	(void)events;
	channel->may_have_room = 1;
	again(channel);
}

static void lose(struct rh_channel *channel, int why)
{
	if (channel->is_lost || channel->is_closed)
		return;
	channel->is_lost = 1;
	channel->ops->lost(channel->user, why); /* N2 */
}

/* 1 when there may be more. */
static int take_messages(struct rh_channel *channel)
{
	struct rh_msg_head head;
	const void        *body;

	for (int i = 0; i < MESSAGES_PER_TURN; i++) {
		int r;

		channel->is_paused = !channel->ops->can_take(channel->user);
		if (channel->is_paused)
			return 0;
		r = channel->protocol->poll(channel->state, &head, &body);
		if (r == RH_EAGAIN)
			return 0;
		if (r < 0) {
			lose(channel, r);
			return 0;
		}
		channel->taken++;
		channel->ops->message(channel->user, &head, body);
		if (channel->is_closed || channel->is_lost)
			return 0;
		channel->protocol->release(channel->state);
	}
	return 1;
}

static void unwatch(struct rh_channel *channel)
{
	for (uint32_t i = 0; i < channel->watched.count; i++) {
		rh_pollfd_close(channel->polls[i]);
		channel->polls[i] = NULL;
	}
	channel->watched.count = 0;
}

static int to_uv(short events)
{
	return (events & POLLIN ? UV_READABLE : 0) | (events & POLLOUT ? UV_WRITABLE : 0);
}

static int is_same(const struct rh_watch_set *a, const struct rh_watch_set *b)
{
	return a->count == b->count &&
	       memcmp(a->fds, b->fds, a->count * sizeof a->fds[0]) == 0 &&
	       memcmp(a->events, b->events, a->count * sizeof a->events[0]) == 0;
}

/* Watches the descriptors of the set, which seldom changes. */
static int watch(struct rh_channel *channel, const struct rh_watch_set *set)
{
	if (is_same(set, &channel->watched))
		return RH_OK;
	unwatch(channel);
	channel->watched = *set;
	channel->watched.count = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		int r = rh_pollfd_open(channel->agent->loop, set->fds[i],
		                       to_uv(set->events[i]), on_ready, channel,
		                       &channel->polls[i]);

		if (r < 0)
			return r;
		channel->watched.count++;
	}
	return RH_OK;
}

/* N1 */
static void go_to_sleep(struct rh_channel *channel)
{
	struct rh_watch_set set = { 0 };
	int                 wants = (channel->is_paused ? 0 : RH_WANTS_MESSAGE) |
	                            (channel->wants_room ? RH_WANTS_ROOM : 0);

	if (wants == 0) {
		unwatch(channel);
		return;
	}
	if (channel->protocol->arm(channel->state, wants) == RH_EAGAIN) {
		channel->may_have_room = 1;
		again(channel);
		return;
	}
	channel->protocol->watch(channel->state, wants, &set);
	if (watch(channel, &set) < 0)
		lose(channel, RH_ENOMEM);
}

static void pump_task(struct rh_task *task)
{
	struct rh_channel *channel = RH_CONTAINER(task, struct rh_channel, task);
	int                more;

	if (channel->why < 0) {
		lose(channel, channel->why);
		return;
	}
	more = take_messages(channel);
	if (!channel->is_closed && !channel->is_lost && channel->wants_room &&
	    channel->may_have_room) { /* N3 */
		channel->wants_room = 0;
		channel->ops->room(channel->user);
	}
	if (channel->is_closed || channel->is_lost)
		return;
	if (more)
		again(channel);
	else
		go_to_sleep(channel);
}

/* Nobody took what was to be the channel's. */
static void drop_framing(const struct rh_framing *framing)
{
	if (framing)
		framing->ops->close(framing->user);
}

static int create(struct rh_agent *agent, const struct rh_protocol *protocol,
                  const struct rh_framing *framing, struct rh_channel **ret_channel,
                  struct rh_diag *diag)
{
	struct rh_channel *channel = calloc(1, sizeof *channel);
	size_t             bytes = (protocol->state_bytes + 63u) & ~(size_t)63;

	if (channel)
		channel->state = aligned_alloc(64, bytes);
	if (!channel || !channel->state) {
		drop_framing(framing);
		free(channel);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a channel");
	}
	memset(channel->state, 0, bytes);
	channel->agent = agent;
	channel->protocol = protocol;
	channel->framing_id = framing ? framing->id : 0;
	rh_list_add(&agent->channels, &channel->in_agent);
	rh_task_init(&channel->task);
	*ret_channel = channel;
	return RH_OK;
}

int rh_channel_offer(struct rh_agent *agent, const struct rh_protocol *protocol,
                     const struct rh_channel_config *config,
                     struct rh_offer *ret_offer, struct rh_channel **ret_channel,
                     struct rh_diag *diag)
{
	struct rh_channel *channel = NULL;
	int r = create(agent, protocol, config->framing, &channel, diag);

	if (r < 0)
		return r;
	r = protocol->offer(channel->state, config, ret_offer, diag);
	if (r < 0)
		rh_channel_close(channel);
	else
		*ret_channel = channel;
	return r;
}

int rh_channel_accept(struct rh_agent *agent, const struct rh_protocol *protocol,
                      const struct rh_channel_config *config,
                      struct rh_offer *offer, struct rh_channel **ret_channel,
                      struct rh_diag *diag)
{
	struct rh_channel *channel = NULL;
	int r = create(agent, protocol, config->framing, &channel, diag);

	if (r < 0) {
		rh_agent_close_offer(offer);
		return r;
	}
	r = protocol->accept(channel->state, config, offer, diag);
	if (r < 0)
		rh_channel_close(channel);
	else
		*ret_channel = channel;
	return r;
}

void rh_channel_start(struct rh_channel *channel, const struct rh_channel_ops *ops,
                      void *user)
{
	channel->ops = ops;
	channel->user = user;
	again(channel);
}

int rh_channel_submit(struct rh_channel *channel, const struct rh_msg_head *head,
                      const void *body)
{
	int r;

	if (channel->is_lost || channel->is_closed || channel->why < 0)
		return RH_ELOST;
	r = channel->protocol->submit(channel->state, head, body);
	channel->submitted += r == RH_OK;
	if (r == RH_EAGAIN) {
		channel->wants_room = 1;
		channel->may_have_room = 0;
		again(channel);
	} else if (r < 0 && r != RH_EMSGSIZE) {
		/* Told from the loop: the submitter is in the middle of something. */
		channel->why = r;
		again(channel);
		return RH_ELOST;
	}
	return r;
}

void rh_channel_resume(struct rh_channel *channel)
{
	if (channel->is_paused)
		again(channel);
}

static void end(struct rh_task *task)
{
	struct rh_channel *channel = RH_CONTAINER(task, struct rh_channel, task);

	rh_list_remove(&channel->in_agent);
	channel->protocol->close(channel->state);
	free(channel->state);
	free(channel);
}

void rh_channel_close(struct rh_channel *channel)
{
	if (!channel || channel->is_closed)
		return;
	channel->is_closed = 1;
	unwatch(channel);
	rh_task_cancel(&channel->task);
	rh_task_retire(&channel->agent->tasks, &channel->task, end);
}

void rh_channels_end(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->channels) {
		struct rh_channel *channel = RH_CONTAINER(node, struct rh_channel,
		                                          in_agent);

		rh_list_remove(node);
		channel->protocol->close(channel->state);
	}
}
