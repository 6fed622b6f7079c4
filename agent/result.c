#include "result.h"

#include "agent.h"
#include "center.h"
#include "chronicle.h"
#include "pushtrace.h"
#include "trace.h"

#include "../base/failpoint.h"
#include "../base/log.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_ROOM (RH_FRAME_MAX - 1024u) /* an item fits behind it */

struct result {
	struct rh_list     link;
	uint64_t           revision;
	uint64_t           former;   /* in force instead, when it is rejected */
	enum rh_item_state state;
	int                is_told;
	int                code;
	char               caller[RH_NAME_MAX + 1];
	char               callee[RH_NAME_MAX + 1];
	char               text[RH_DIAG_MAX];
};

struct rh_results {
	struct rh_agent *agent;
	struct rh_list  list;
	struct rh_task  task;
	uint64_t        settled;
	uint64_t        told;    /* settled, as the center knows it */
	unsigned        count;
};

static struct result *find(const struct rh_results *results, const char *caller,
                           const char *callee)
{
	RH_LIST_EACH(node, &results->list) {
		struct result *result = RH_CONTAINER(node, struct result, link);

		if (strcmp(result->caller, caller) == 0 &&
		    strcmp(result->callee, callee) == 0)
			return result;
	}
	return NULL;
}

static void drop(struct rh_results *results, struct result *result)
{
	rh_list_remove(&result->link);
	results->count--;
	free(result);
}

/* ---- telling ------------------------------------------------------------ */

static void put_item(struct rh_record_writer *writer, const struct result *result)
{
	size_t place = rh_record_open(writer, RH_TAG_RESULT_ITEM);

	rh_record_put_text(writer, RH_TAG_CALLER, result->caller);
	if (result->callee[0])
		rh_record_put_text(writer, RH_TAG_CALLEE, result->callee);
	rh_record_put_u64(writer, RH_TAG_REVISION, result->revision);
	rh_record_put_u32(writer, RH_TAG_STATE, (uint32_t)result->state);
	if (result->former)
		rh_record_put_u64(writer, RH_TAG_PREV, result->former);
	if (result->code) {
		rh_record_put_i32(writer, RH_TAG_CODE, result->code);
		rh_record_put_text(writer, RH_TAG_TEXT, result->text);
	}
	rh_record_close(writer, place);
}

static void begin(struct rh_record_writer *writer)
{
	rh_record_begin(writer, rh_agent_out_buffer(),
	                RH_FRAME_MAX - sizeof(struct rh_frame_head));
}

static void finish(struct rh_agent *agent, struct rh_record_writer *writer,
                   uint64_t settled)
{
	rh_record_put_u64(writer, RH_TAG_REVISION, settled);
	rh_center_tell(agent, RH_FRAME_RESULT, writer);
}

/* Of several frames only the last one settles a revision: what is not named by then
 * counts as active. */
static void tell(struct rh_task *task)
{
	struct rh_results      *results = RH_CONTAINER(task, struct rh_results, task);
	struct rh_agent        *agent = results->agent;
	struct rh_record_writer writer;

	if (!rh_center_is_live(agent))
		return;
	begin(&writer);
	RH_LIST_EACH(node, &results->list) {
		struct result *result = RH_CONTAINER(node, struct result, link);

		if (result->is_told)
			continue;
		put_item(&writer, result);
		rh_chronicle_result(agent, result->caller, result->callee,
		                    result->revision, (int)result->state);
		if (rh_trace_has_push(agent))
			rh_pushtrace_result(agent, result->caller, result->callee,
			                    result->revision, (int)result->state,
			                    result->text);
		result->is_told = 1;
		if (result->state == RH_ITEM_ACTIVE && !result->code)
			drop(results, result); /* T1 */
		if (writer.used > FRAME_ROOM) {
			finish(agent, &writer, results->told);
			begin(&writer);
		}
	}
	finish(agent, &writer, results->settled);
	results->told = results->settled;
	rh_chronicle_settled(agent, results->settled);
	rh_failpoint("result-told");
}

static void tell_soon(struct rh_agent *agent)
{
	rh_task_post(&agent->tasks, &agent->results->task, tell);
}

/* ---- keeping ------------------------------------------------------------ */

static struct result *add(struct rh_results *results, const char *caller,
                          const char *callee)
{
	struct result *result;

	if (results->count > RH_EDGES_PER_AGENT ||
	    !(result = calloc(1, sizeof *result)))
		return NULL;
	strcpy(result->caller, caller);
	strcpy(result->callee, callee);
	rh_list_add(&results->list, &result->link);
	results->count++;
	return result;
}

void rh_result_set(struct rh_agent *agent, const char *caller, const char *callee,
                   uint64_t revision, enum rh_item_state state,
                   const struct rh_diag *why)
{
	struct rh_results *results = agent->results;
	struct result     *result = find(results, caller, callee);

	if (!result && state == RH_ITEM_ACTIVE && !why)
		return;
	if (!result && !(result = add(results, caller, callee))) {
		rh_error("no memory to tell the center of %s -> %s", caller, callee);
		return;
	}
	result->revision = revision;
	result->former = 0;
	result->state = state;
	result->code = why ? why->code : 0;
	result->is_told = 0;
	memcpy(result->text, why ? why->text : "", why ? strlen(why->text) + 1 : 1);
	tell_soon(agent);
}

void rh_result_reject(struct rh_agent *agent, const char *caller, const char *callee,
                      uint64_t revision, uint64_t former, const struct rh_diag *why)
{
	rh_result_set(agent, caller, callee, revision, RH_ITEM_REJECTED, why);
	struct result *result = find(agent->results, caller, callee);

	if (result)
		result->former = former;
}

void rh_result_note(struct rh_agent *agent, const char *caller, const char *callee,
                    uint64_t revision, enum rh_item_state state)
{
	struct rh_diag why;

	if (rh_result_rejected(agent, caller, callee, &why) <= revision)
		rh_result_set(agent, caller, callee, revision, state, NULL);
}

void rh_result_partial(struct rh_agent *agent, const char *caller, const char *callee,
                       uint64_t revision, const struct rh_diag *why)
{
	struct rh_diag ignored;

	if (rh_result_rejected(agent, caller, callee, &ignored) <= revision)
		rh_result_set(agent, caller, callee, revision, RH_ITEM_ACTIVE, why);
}

uint64_t rh_result_rejected(const struct rh_agent *agent, const char *caller,
                            const char *callee, struct rh_diag *ret_why)
{
	const struct result *result = find(agent->results, caller, callee);

	if (!result || result->state != RH_ITEM_REJECTED)
		return 0;
	ret_why->code = result->code;
	memcpy(ret_why->text, result->text, sizeof ret_why->text);
	return result->revision;
}

int rh_results_have(const struct rh_agent *agent, enum rh_item_state state)
{
	RH_LIST_EACH(node, &agent->results->list) {
		if (RH_CONTAINER(node, struct result, link)->state == state)
			return 1;
	}
	return 0;
}

void rh_results_staged(struct rh_agent *agent, rh_result_visit *visit, void *user)
{
	RH_LIST_EACH(node, &agent->results->list) {
		struct result *result = RH_CONTAINER(node, struct result, link);

		if (result->state == RH_ITEM_STAGED)
			visit(user, result->caller, result->callee);
	}
}

void rh_result_forget(struct rh_agent *agent, const char *caller, const char *callee)
{
	struct result *result = find(agent->results, caller, callee);

	if (result)
		drop(agent->results, result);
}

void rh_results_settle(struct rh_agent *agent, uint64_t revision)
{
	agent->results->settled = revision;
	tell_soon(agent);
}

uint64_t rh_results_settled(const struct rh_agent *agent)
{
	return agent->results->settled;
}

void rh_results_retell(struct rh_agent *agent)
{
	agent->results->told = 0;
	RH_LIST_EACH(node, &agent->results->list)
		RH_CONTAINER(node, struct result, link)->is_told = 0;
	tell_soon(agent);
}

int rh_results_init(struct rh_agent *agent)
{
	struct rh_results *results = calloc(1, sizeof *results);

	if (!results)
		return RH_ENOMEM;
	results->agent = agent;
	rh_list_init(&results->list);
	rh_task_init(&results->task);
	agent->results = results;
	return RH_OK;
}

void rh_results_free(struct rh_agent *agent)
{
	if (!agent->results)
		return;
	RH_LIST_EACH(node, &agent->results->list)
		drop(agent->results, RH_CONTAINER(node, struct result, link));
	free(agent->results);
	agent->results = NULL;
}
