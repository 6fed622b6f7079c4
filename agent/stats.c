#include "stats.h"

#include "agent.h"
#include "binding.h"
#include "center.h"
#include "edge.h"
#include "leave.h"

#include "../base/log.h"
#include "../base/socket.h"

#include <stdlib.h>

#define FRAME_ROOM (RH_FRAME_MAX - 1024u) /* an item fits behind it */

/* What the center knows of an edge. */
struct told {
	uint64_t calls;
	uint64_t errors;
};

struct rh_stats {
	uv_timer_t  soon;
	uv_timer_t  bound;
	int         is_pending;
	uint64_t    told_at;      /* monotonic ms                    */
	struct told told[RH_EDGES_PER_AGENT];
};

static uint64_t read_counter(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void put_item(struct rh_record_writer *writer, struct rh_edge *edge)
{
	struct rh_counters_edge *counters = edge->counters;
	size_t                   place = rh_record_open(writer, RH_TAG_COUNT_ITEM);

	rh_record_put_text(writer, RH_TAG_CALLER, edge->spec.caller);
	rh_record_put_text(writer, RH_TAG_CALLEE, edge->spec.callee);
	rh_record_put_u64(writer, RH_TAG_CALLS, read_counter(&counters->calls));
	rh_record_put_u64(writer, RH_TAG_ERRORS, read_counter(&counters->errors));
	rh_record_put_u64(writer, RH_TAG_BYTES, read_counter(&counters->bytes_in) +
	                                        read_counter(&counters->bytes_out));
	rh_record_close(writer, place);
}

static int has_changed(struct rh_stats *stats, struct rh_edge *edge)
{
	struct told now = {
		.calls = read_counter(&edge->counters->calls),
		.errors = read_counter(&edge->counters->errors),
	};
	struct told *told = &stats->told[edge->index];

	if (now.calls == told->calls && now.errors == told->errors)
		return 0;
	*told = now;
	return 1;
}

static void start_writer(struct rh_record_writer *writer)
{
	rh_record_begin(writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
}

static void tell(struct rh_agent *agent)
{
	struct rh_record_writer writer;

	start_writer(&writer);
	for (unsigned i = 0; i < agent->edge_count; i++) {
		if (!has_changed(agent->stats, agent->edges[i]))
			continue;
		put_item(&writer, agent->edges[i]);
		if (writer.used > FRAME_ROOM) {
			rh_center_tell(agent, RH_FRAME_STATS, &writer);
			start_writer(&writer);
		}
	}
	if (writer.used > 0)
		rh_center_tell(agent, RH_FRAME_STATS, &writer);
}

static void on_soon(uv_timer_t *timer)
{
	struct rh_agent *agent = timer->data;

	rh_log_as(agent->name);
	agent->stats->is_pending = 0;
	agent->stats->told_at = uv_now(agent->loop);
	if (!rh_center_is_live(agent))
		return;
	tell(agent);
	rh_bindings_told(agent);
}

void rh_stats_changed(struct rh_agent *agent)
{
	struct rh_stats *stats = agent->stats;
	uint64_t         next;

	if (stats->is_pending)
		return;
	stats->is_pending = 1;
	uv_update_time(agent->loop);
	next = stats->told_at + RH_STATS_MS;
	uv_timer_start(&stats->soon, on_soon, next > uv_now(agent->loop)
	               ? next - uv_now(agent->loop) : 1, 0);
}

static void on_bound(uv_timer_t *timer)
{
	struct rh_agent *agent = timer->data;

	rh_log_as(agent->name);
	if (rh_bindings_count(agent) == 0)
		uv_timer_stop(timer);
}

void rh_stats_bound(struct rh_agent *agent)
{
	if (!uv_is_active((uv_handle_t *)&agent->stats->bound))
		uv_timer_start(&agent->stats->bound, on_bound, RH_STATS_BOUND_MS,
		               RH_STATS_BOUND_MS);
}

void rh_stats_reset(struct rh_agent *agent)
{
	for (unsigned i = 0; i < agent->edge_count; i++)
		agent->stats->told[i] = (struct told){ 0 };
	rh_stats_changed(agent);
}

int rh_stats_init(struct rh_agent *agent)
{
	struct rh_stats *stats = calloc(1, sizeof *stats);

	agent->stats = stats;
	if (!stats || uv_timer_init(agent->loop, &stats->soon) < 0 ||
	    uv_timer_init(agent->loop, &stats->bound) < 0)
		return RH_ENOMEM;
	stats->soon.data = stats->bound.data = agent;
	return RH_OK;
}

void rh_stats_leave(struct rh_agent *agent)
{
	if (!agent->stats)
		return;
	rh_leave_close(agent, (uv_handle_t *)&agent->stats->soon);
	rh_leave_close(agent, (uv_handle_t *)&agent->stats->bound);
}

void rh_stats_free(struct rh_agent *agent)
{
	free(agent->stats);
	agent->stats = NULL;
}
