#include "codetell.h"

#include "agent.h"
#include "center.h"
#include "code.h"
#include "leave.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_ROOM (RH_FRAME_MAX - 1024u) /* an item fits behind it */

struct line {
	uint64_t time_ns;
	char     caller[RH_NAME_MAX + 1];
	char     callee[RH_NAME_MAX + 1];
	char     rule[RH_NAME_MAX + 1];
	char     text[RH_RULE_LOG_MAX + 1];
};

struct rh_codetell {
	uv_timer_t     soon;
	int            is_pending;
	uint64_t       told_at; /* monotonic ms */
	struct rh_list codes;
	uint64_t       first;   /* of lines: the next to be told */
	uint64_t       end;
	struct line    lines[RH_CODETELL_LINES];
};

static void start_writer(struct rh_record_writer *writer)
{
	rh_record_begin(writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
}

/* Sends what there is when nothing more fits, or is_last. */
static void flush(struct rh_agent *agent, uint8_t type, struct rh_record_writer *writer,
                  int is_last)
{
	if (writer->used == 0 || (!is_last && writer->used <= FRAME_ROOM))
		return;
	rh_center_tell(agent, type, writer);
	start_writer(writer);
}

static void put_place(struct rh_record_writer *writer, const char *caller,
                      const char *callee, const char *rule)
{
	rh_record_put_text(writer, RH_TAG_CALLER, caller);
	if (callee[0])
		rh_record_put_text(writer, RH_TAG_CALLEE, callee);
	rh_record_put_text(writer, RH_TAG_RULE, rule);
}

/* ---- counts --------------------------------------------------------------- */

static struct rh_code_told count(const struct rh_code *code)
{
	struct rh_code_told told = {
		.calls = code->calls, .ns = code->ns, .differences = code->differences,
	};

	told.counters = code->rule ? *rh_rule_counters(code->rule) : code->counters;
	return told;
}

static void put_counts(struct rh_record_writer *writer, const struct rh_code *code,
                       const struct rh_code_told *counted, int is_over)
{
	size_t place = rh_record_open(writer, RH_TAG_ITEM);

	put_place(writer, code->place->caller, code->place->callee, code->spec->rule);
	rh_record_put_u64(writer, RH_TAG_REVISION, code->spec->revision);
	rh_record_put_u64(writer, RH_TAG_CALLS, counted->calls);
	rh_record_put_u64(writer, RH_TAG_TOOK, counted->ns);
	for (int kind = 0; kind < RH_FAILURES; kind++)
		rh_record_put_u64(writer, RH_TAG_ERRORS, counted->counters.failures[kind]);
	rh_record_put_u32(writer, RH_TAG_COUNT, (uint32_t)counted->counters.instances);
	rh_record_put_u64(writer, RH_TAG_BYTES, counted->counters.lines_dropped);
	rh_record_put_u32(writer, RH_TAG_LAST, (uint32_t)is_over);
	if (code->spec->flags & RH_CODE_SHADOW)
		rh_record_put_u64(writer, RH_TAG_DIFFERENCES, counted->differences);
	rh_record_close(writer, place);
}

static void tell_counts(struct rh_agent *agent)
{
	struct rh_record_writer writer;

	start_writer(&writer);
	RH_LIST_EACH(node, &agent->codetell->codes) {
		struct rh_code     *code = RH_CONTAINER(node, struct rh_code, in_agent);
		struct rh_code_told now = count(code);

		if (code->is_told && memcmp(&now, &code->told, sizeof now) == 0)
			continue;
		code->told = now;
		code->is_told = 1;
		put_counts(&writer, code, &now, 0);
		flush(agent, RH_FRAME_RULE_STATS, &writer, 0);
	}
	flush(agent, RH_FRAME_RULE_STATS, &writer, 1);
}

/* ---- lines ---------------------------------------------------------------- */

static void tell_lines(struct rh_agent *agent)
{
	struct rh_codetell     *tell = agent->codetell;
	struct rh_record_writer writer;

	start_writer(&writer);
	for (; tell->first < tell->end; tell->first++) {
		const struct line *line = &tell->lines[tell->first % RH_CODETELL_LINES];
		size_t             place = rh_record_open(&writer, RH_TAG_ITEM);

		put_place(&writer, line->caller, line->callee, line->rule);
		rh_record_put_u64(&writer, RH_TAG_TIME, line->time_ns);
		rh_record_put_text(&writer, RH_TAG_TEXT, line->text);
		rh_record_close(&writer, place);
		flush(agent, RH_FRAME_RULE_LOG, &writer, 0);
	}
	flush(agent, RH_FRAME_RULE_LOG, &writer, 1);
}

void rh_codetell_line(const struct rh_code *code, const char *text)
{
	const struct rh_code_place *place = code->place;
	struct rh_codetell         *tell = place->agent->codetell;
	struct line                *line = &tell->lines[tell->end++ % RH_CODETELL_LINES];

	line->time_ns = rh_clock_ns();
	snprintf(line->caller, sizeof line->caller, "%s", place->caller);
	snprintf(line->callee, sizeof line->callee, "%s", place->callee);
	snprintf(line->rule, sizeof line->rule, "%s", code->spec->rule);
	snprintf(line->text, sizeof line->text, "%s", text);
	if (tell->end - tell->first > RH_CODETELL_LINES)
		tell->first = tell->end - RH_CODETELL_LINES;
	rh_codetell_changed(place->agent);
}

/* ---- when ----------------------------------------------------------------- */

static void on_soon(uv_timer_t *timer)
{
	struct rh_agent *agent = timer->data;

	rh_log_as(agent->name);
	agent->codetell->is_pending = 0;
	agent->codetell->told_at = uv_now(agent->loop);
	if (!rh_center_is_live(agent))
		return;
	tell_counts(agent);
	tell_lines(agent);
}

void rh_codetell_changed(struct rh_agent *agent)
{
	struct rh_codetell *tell = agent->codetell;
	uint64_t            next;

	if (tell->is_pending)
		return;
	tell->is_pending = 1;
	uv_update_time(agent->loop);
	next = tell->told_at + RH_CODETELL_MS;
	uv_timer_start(&tell->soon, on_soon, next > uv_now(agent->loop)
	               ? next - uv_now(agent->loop) : 1, 0);
}

void rh_codetell_began(struct rh_code *code)
{
	rh_list_add(&code->place->agent->codetell->codes, &code->in_agent);
	rh_codetell_changed(code->place->agent);
}

void rh_codetell_ended(struct rh_code *code, const struct rh_code *follows)
{
	struct rh_agent        *agent = code->place->agent;
	struct rh_code_told     last = count(code);
	struct rh_record_writer writer;

	rh_list_remove(&code->in_agent);
	if (follows && strcmp(follows->spec->rule, code->spec->rule) == 0)
		return; /* it tells of the same */
	start_writer(&writer);
	put_counts(&writer, code, &last, 1);
	flush(agent, RH_FRAME_RULE_STATS, &writer, 1);
}

void rh_codetell_each(struct rh_agent *agent, rh_codetell_visit *visit, void *user)
{
	RH_LIST_EACH(node, &agent->codetell->codes)
		visit(user, RH_CONTAINER(node, struct rh_code, in_agent));
}

void rh_codetell_reset(struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->codetell->codes)
		RH_CONTAINER(node, struct rh_code, in_agent)->is_told = 0;
	rh_codetell_changed(agent);
}

int rh_codetell_init(struct rh_agent *agent)
{
	struct rh_codetell *tell = calloc(1, sizeof *tell);

	agent->codetell = tell;
	if (!tell || uv_timer_init(agent->loop, &tell->soon) < 0)
		return RH_ENOMEM;
	rh_list_init(&tell->codes);
	tell->soon.data = agent;
	return RH_OK;
}

void rh_codetell_leave(struct rh_agent *agent)
{
	if (agent->codetell)
		rh_leave_close(agent, (uv_handle_t *)&agent->codetell->soon);
}

void rh_codetell_free(struct rh_agent *agent)
{
	free(agent->codetell);
	agent->codetell = NULL;
}
