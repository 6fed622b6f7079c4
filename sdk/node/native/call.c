#include "call.h"

#include "frame.h"
#include "pool.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

/* No event is no fault. */
static bool is_nothing(const struct rh_js_plan *plan, int r)
{
	return r == RH_EAGAIN && (plan->function->flags & RH_FUNCTION_EVENT);
}

static void start_frame(struct rh_js_frame *frame, const struct rh_js_bound *bound,
                        bool is_detached)
{
	frame->plan = bound->plan;
	frame->library = bound->library;
	frame->is_raw = bound->is_raw;
	frame->is_detached = is_detached;
}

static void finish_call(struct rh_js_frame *frame, int r, napi_value *ret_js)
{
	frame->library->state->err_no = frame->err_no;
	if (is_nothing(frame->plan, r))
		napi_get_null(frame->library->state->env, ret_js);
	else if (r < 0)
		rh_js_throw_last(frame->library->state, r);
	else
		rh_js_frame_write(frame, ret_js);
}

napi_value rh_js_call(napi_env env, napi_callback_info info)
{
	napi_value          words[RH_PARAMS_MAX], result = NULL;
	size_t              count = RH_PARAMS_MAX;
	void               *data;
	struct rh_js_frame  frame;

	if (napi_get_cb_info(env, info, &count, words, NULL, &data) != napi_ok)
		return NULL;
	start_frame(&frame, data, false);
	if (rh_js_frame_read(&frame, words, count) == 0)
		finish_call(&frame, rh_js_frame_call(&frame), &result);
	rh_js_frame_fini(&frame);
	return result;
}

/* --- with a promise ----------------------------------------------------------------- */

struct job {
	struct rh_js_work   work;
	struct rh_js_item   item;
	struct rh_js_queue *queue;
	napi_deferred       promise;
	int                 r;
	struct rh_js_fault  fault;
	struct rh_js_frame  frame;
};

static struct job *job_of_item(struct rh_js_item *item)
{
	return (struct job *)(void *)((char *)item - offsetof(struct job, item));
}

/* state NULL: its thread has ended, and nobody waits any more. */
static void free_job(struct job *job, struct rh_js_state *state)
{
	for (unsigned i = 0; i < job->frame.plan->function->param_count; i++)
		rh_js_handle_unref(job->frame.held[i], state != NULL);
	rh_js_frame_fini(&job->frame);
	rh_js_fault_fini(&job->fault);
	rh_js_queue_unref(job->queue);
	free(job);
}

/* What was thrown meanwhile is what the promise is rejected with. */
static void reject_pending(napi_env env, napi_deferred promise)
{
	napi_value error;

	if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_reject_deferred(env, promise, error);
}

static void settle(struct job *job, struct rh_js_state *state)
{
	napi_value value;
	int        r = 0;

	if (is_nothing(job->frame.plan, job->r))
		r = napi_get_null(state->env, &value) == napi_ok ? 0 : -1;
	else if (job->r < 0)
		r = rh_js_fault_object(state, &job->fault, &value);
	else
		r = rh_js_frame_write(&job->frame, &value);
	if (r < 0)
		reject_pending(state->env, job->promise);
	else if (job->r < 0 && !is_nothing(job->frame.plan, job->r))
		napi_reject_deferred(state->env, job->promise, value);
	else
		napi_resolve_deferred(state->env, job->promise, value);
}

static void job_done(struct rh_js_item *item, struct rh_js_state *state)
{
	struct job *job = job_of_item(item);

	if (state) {
		settle(job, state);
		rh_js_queue_expected(job->queue);
	}
	free_job(job, state);
}

/* On a thread of the pool. */
static void run_job(struct rh_js_work *work)
{
	struct job *job = (struct job *)work;

	job->r = rh_js_frame_call(&job->frame);
	if (job->r < 0)
		rh_js_fault_take(&job->fault, job->r);
	else
		rh_js_frame_keep(&job->frame);
	rh_js_queue_put(job->queue, &job->item);
}

static struct job *new_job(struct rh_js_bound *bound)
{
	struct job *job = malloc(sizeof *job);

	if (!job) {
		rh_js_throw(bound->library->state, RH_ENOMEM, "no memory for a call");
		return NULL;
	}
	job->work.run = run_job;
	job->item.done = job_done;
	job->queue = rh_js_queue_ref(bound->library->state->queue);
	job->fault = (struct rh_js_fault){ .code = RH_OK };
	start_frame(&job->frame, bound, true);
	return job;
}

static void send(struct job *job)
{
	for (unsigned i = 0; i < job->frame.plan->function->param_count; i++)
		rh_js_handle_ref(job->frame.held[i]);
	rh_js_queue_expect(job->queue);
	rh_js_pool_give(&job->work);
}

napi_value rh_js_call_async(napi_env env, napi_callback_info info)
{
	napi_value  words[RH_PARAMS_MAX], promise;
	size_t      count = RH_PARAMS_MAX;
	void       *data;
	struct job *job;

	if (napi_get_cb_info(env, info, &count, words, NULL, &data) != napi_ok ||
	    !(job = new_job(data)))
		return NULL;
	if (napi_create_promise(env, &job->promise, &promise) != napi_ok) {
		job->frame.has_results = false;
		rh_js_queue_unref(job->queue);
		free(job);
		return NULL;
	}
	if (rh_js_frame_read(&job->frame, words, count) == 0) {
		send(job);
	} else {
		reject_pending(env, job->promise);
		memset(job->frame.held, 0, sizeof job->frame.held); /* not counted yet */
		free_job(job, NULL);
	}
	return promise;
}
