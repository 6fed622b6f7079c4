#include "net.h"

#include "sim.h"

#include "../../model/check.h"
#include "../../wire/frame.h"
#include "../../wire/record.h"

#include <stdlib.h>
#include <string.h>

struct wire *wire_open(size_t cap)
{
	struct wire *wire = calloc(1, sizeof *wire);

	if (!wire)
		abort();
	wire->cap = cap;
	wire->is_open[WIRE_AGENT] = wire->is_open[WIRE_CENTER] = 1;
	return wire;
}

static void drop_frames(struct pipe *pipe)
{
	while (pipe->first) {
		struct wire_frame *next = pipe->first->next;

		free(pipe->first);
		pipe->first = next;
	}
	pipe->last = NULL;
	pipe->bytes = 0;
}

/* Keeps so many bytes of what is under way. */
static void cut_at(struct pipe *pipe, size_t keep)
{
	struct wire_frame **at = &pipe->first;
	struct pipe         rest = { .first = NULL };

	pipe->last = NULL;
	pipe->bytes = keep;
	while (*at && keep > 0) {
		if ((*at)->len > keep) {
			(*at)->len = keep;
			sim_counts[CUT_FRAME]++;
		}
		keep -= (*at)->len;
		pipe->last = *at;
		at = &(*at)->next;
	}
	rest.first = *at;
	*at = NULL;
	drop_frames(&rest);
}

void wire_close(struct sim *sim, struct wire *wire, enum wire_end end, int cut)
{
	struct pipe *pipe = &wire->pipes[end];
	enum wire_end other = end == WIRE_AGENT ? WIRE_CENTER : WIRE_AGENT;

	RH_CHECK(wire->is_open[end]);
	wire->is_open[end] = 0;
	pipe->is_ended = 1;
	drop_frames(&wire->pipes[other]); /* nobody reads it any more */
	if (cut && pipe->bytes > 0)
		cut_at(pipe, sim_below(sim, (uint32_t)pipe->bytes));
	if (wire->is_open[other])
		return;
	drop_frames(pipe);
	free(wire);
}

int wire_send(struct sim *sim, struct wire *wire, enum wire_end end, uint8_t type,
              const struct rh_record_writer *writer)
{
	struct pipe         *pipe = &wire->pipes[end];
	size_t               payload = (size_t)rh_record_end(writer);
	struct rh_frame_head head = {
		.magic = RH_FRAME_MAGIC, .version = RH_WIRE_VERSION, .type = type,
		.head_len = sizeof head, .payload_len = (uint32_t)payload,
	};
	struct wire_frame   *frame;

	RH_CHECK(rh_record_end(writer) >= 0);
	RH_CHECK(payload + sizeof head <= RH_FRAME_MAX);
	if (!wire->is_open[end == WIRE_AGENT ? WIRE_CENTER : WIRE_AGENT])
		return -2;
	if (payload + sizeof head > wire->cap - pipe->bytes)
		return -1;
	frame = malloc(sizeof *frame + sizeof head + payload);
	if (!frame)
		abort();
	*frame = (struct wire_frame){ .len = sizeof head + payload };
	frame->at = sim->now + sim_below(sim, sim->shape.delay_ms + 1);
	if (frame->at < pipe->last_at)
		frame->at = pipe->last_at; /* in order */
	pipe->last_at = frame->at;
	memcpy(frame->bytes, &head, sizeof head);
	memcpy(frame->bytes + sizeof head, writer->bytes, payload);
	if (pipe->last)
		pipe->last->next = frame;
	else
		pipe->first = frame;
	pipe->last = frame;
	pipe->bytes += frame->len;
	RH_CHECK(pipe->bytes <= wire->cap); /* N1 */
	return 0;
}

static int is_whole(const struct wire_frame *frame)
{
	struct rh_frame_head head;

	if (frame->len < sizeof head)
		return 0;
	memcpy(&head, frame->bytes, sizeof head);
	return head.payload_len == frame->len - sizeof head;
}

int wire_read(const struct sim *sim, struct wire *wire, enum wire_end end,
              struct wire_frame **ret_frame)
{
	struct pipe       *pipe = &wire->pipes[end == WIRE_AGENT ? WIRE_CENTER
	                                                         : WIRE_AGENT];
	struct wire_frame *frame = pipe->first;

	if (!frame)
		return pipe->is_ended ? -1 : 0;
	if (frame->at > sim->now)
		return 0;
	if (!is_whole(frame))
		return -1;
	pipe->first = frame->next;
	if (!pipe->first)
		pipe->last = NULL;
	pipe->bytes -= frame->len;
	frame->next = NULL;
	*ret_frame = frame;
	return 1;
}

int wire_is_quiet(const struct wire *wire, enum wire_end end)
{
	const struct pipe *pipe = &wire->pipes[end == WIRE_AGENT ? WIRE_CENTER
	                                                         : WIRE_AGENT];

	return !pipe->first && !pipe->is_ended;
}
