#include "queue.h"

#include <pthread.h>
#include <stdlib.h>

struct rh_js_queue {
	pthread_mutex_t          lock;
	struct rh_js_item       *first, *last;
	bool                     is_closed;
	bool                     is_woken;   /* the loop will look                  */
	_Atomic unsigned         references;
	unsigned                 expected;
	struct rh_js_state      *state;
	napi_threadsafe_function wake;
};

static struct rh_js_item *take_all(struct rh_js_queue *queue)
{
	struct rh_js_item *all;

	pthread_mutex_lock(&queue->lock);
	all = queue->first;
	queue->first = queue->last = NULL;
	queue->is_woken = false;
	pthread_mutex_unlock(&queue->lock);
	return all;
}

static void run_all(struct rh_js_item *all, struct rh_js_state *state)
{
	while (all) {
		struct rh_js_item *next = all->next;
		napi_handle_scope  scope = NULL;

		if (state)
			napi_open_handle_scope(state->env, &scope);
		all->done(all, state);
		if (scope)
			napi_close_handle_scope(state->env, scope);
		all = next;
	}
}

static void look(napi_env env, napi_value callback, void *context, void *data)
{
	struct rh_js_queue *queue = context;

	(void)callback;
	(void)data;
	if (env)
		run_all(take_all(queue), queue->state);
}

struct rh_js_queue *rh_js_queue_create(struct rh_js_state *state)
{
	struct rh_js_queue *queue = calloc(1, sizeof *queue);
	napi_value          name;

	if (!queue)
		return NULL;
	pthread_mutex_init(&queue->lock, NULL);
	queue->references = 1;
	queue->state = state;
	if (napi_create_string_utf8(state->env, "rhodes", NAPI_AUTO_LENGTH, &name) != napi_ok ||
	    napi_create_threadsafe_function(state->env, NULL, NULL, name, 0, 1, NULL, NULL,
	                                    queue, look, &queue->wake) != napi_ok) {
		free(queue);
		return NULL;
	}
	napi_unref_threadsafe_function(state->env, queue->wake);
	return queue;
}

void rh_js_queue_close(struct rh_js_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_closed = true;
	pthread_mutex_unlock(&queue->lock);
	run_all(take_all(queue), NULL);
	rh_js_queue_unref(queue);
}

struct rh_js_queue *rh_js_queue_ref(struct rh_js_queue *queue)
{
	queue->references++;
	return queue;
}

void rh_js_queue_unref(struct rh_js_queue *queue)
{
	if (--queue->references > 0)
		return;
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

void rh_js_queue_expect(struct rh_js_queue *queue)
{
	if (queue->expected++ == 0)
		napi_ref_threadsafe_function(queue->state->env, queue->wake);
}

void rh_js_queue_expected(struct rh_js_queue *queue)
{
	if (--queue->expected == 0)
		napi_unref_threadsafe_function(queue->state->env, queue->wake);
}

void rh_js_queue_put(struct rh_js_queue *queue, struct rh_js_item *item)
{
	bool is_closed;

	item->next = NULL;
	pthread_mutex_lock(&queue->lock);
	is_closed = queue->is_closed;
	if (!is_closed) {
		if (queue->first)
			queue->last->next = item;
		else
			queue->first = item;
		queue->last = item;
		/* With the lock: the loop cannot end meanwhile. */
		if (!queue->is_woken)
			queue->is_woken = napi_call_threadsafe_function(
				queue->wake, NULL, napi_tsfn_nonblocking) == napi_ok;
	}
	pthread_mutex_unlock(&queue->lock);
	if (is_closed)
		item->done(item, NULL);
}
