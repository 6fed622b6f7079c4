#include "serve.h"

#include "ask.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static struct {
	pthread_mutex_t            lock;      /* of what threads of librhodes read */
	struct rh_js_state        *state;     /* NULL: nobody serves               */
	struct rh_js_queue        *queue;
	const struct rh_js_plan   *plans;
	uintptr_t                  round;     /* how many servings there were      */
	/* The thread of JavaScript alone: */
	struct rh_js_library       library;
	const struct rh_interface *interface;
	napi_ref                   functions, failed;
	napi_deferred              promise;
	struct rh_js_ask          *asks;      /* that promises will answer         */
	struct rh_js_ask          *running;   /* whose function runs, or NULL      */
	uint32_t                   last;      /* number of an ask                  */
	struct rh_js_item          ended;
	struct rh_js_fault         fault;
	unsigned                   threads;
	bool                      *raw;       /* of each function: texts are bytes */
	int                        r;
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- on threads of librhodes ----------------------------------------------------------- */

static void look_at(struct rh_js_item *item, struct rh_js_state *state);

/* Of the serving that the caller was begun for: events outlive theirs. */
static struct rh_js_queue *enter(uintptr_t round, unsigned index,
                                 const struct rh_js_plan **ret_plan)
{
	struct rh_js_queue *queue = NULL;

	pthread_mutex_lock(&server.lock);
	if (server.state && server.round == round) {
		queue = rh_js_queue_ref(server.queue);
		*ret_plan = &server.plans[index];
	}
	pthread_mutex_unlock(&server.lock);
	return queue;
}

static int invoke(void *user, unsigned index, void *const *args, void *ret)
{
	sem_t               answered;
	struct rh_js_ask    ask;
	struct rh_js_queue *queue = enter((uintptr_t)user, index, &ask.plan);
	int                 r;

	if (!queue)
		return RH_ECANCELED;
	sem_init(&answered, 0, 0);
	ask.answered = &answered;
	ask.round = (uintptr_t)user;
	ask.item.done = look_at;
	ask.frame.library = &server.library;
	rh_js_ask_begin(&ask, args, ret);
	rh_js_queue_put(queue, &ask.item);
	while (sem_wait(&answered) < 0 && errno == EINTR)
		;
	r = rh_js_ask_end(&ask);
	sem_destroy(&answered);
	rh_js_queue_unref(queue);
	errno = ask.err_no;
	return r;
}

static void *serve_thread(void *unused)
{
	void *round = (void *)server.round;

	(void)unused;
	server.r = rh_language_events(server.interface, invoke, round);
	if (server.r == RH_OK)
		server.r = rh_language_serve(server.interface, invoke, round, server.threads);
	if (server.r < 0)
		rh_js_fault_take(&server.fault, server.r);
	rh_js_queue_put(server.queue, &server.ended);
	return NULL;
}

/* --- on the thread of JavaScript --------------------------------------------------------- */

/* The last thing that is done with it: it is on the stack of who wakes up. */
static void answered(struct rh_js_ask *ask, int r)
{
	ask->r = r;
	sem_post(ask->answered);
}

static char *copy_element(napi_env env, napi_value array, uint32_t index)
{
	napi_value value;
	size_t     len = 0;
	char      *text;

	if (napi_get_element(env, array, index, &value) != napi_ok ||
	    napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok ||
	    !(text = malloc(len + 1)))
		return NULL;
	napi_get_value_string_utf8(env, value, text, len + 1, &len);
	return text;
}

/* answer: that could not be sent, or NULL. */
static void fail(struct rh_js_ask *ask, napi_value error, napi_value answer)
{
	napi_env   env = server.state->env;
	napi_value failed, self, texts, words[] = { error, answer };

	if (napi_get_reference_value(env, server.failed, &failed) == napi_ok &&
	    napi_get_undefined(env, &self) == napi_ok &&
	    napi_call_function(env, self, failed, answer ? 2 : 1, words, &texts) == napi_ok) {
		ask->fault.type = copy_element(env, texts, 0);
		ask->fault.message = copy_element(env, texts, 1);
		ask->fault.stack = copy_element(env, texts, 2);
	} else {
		napi_get_and_clear_last_exception(env, &error);
	}
	answered(ask, RH_ERAISED);
}

static void fail_pending(struct rh_js_ask *ask, napi_value answer)
{
	napi_value error;

	if (napi_get_and_clear_last_exception(server.state->env, &error) == napi_ok)
		fail(ask, error, answer);
	else
		answered(ask, RH_ENOMEM);
}

static void raised(struct rh_js_ask *ask, napi_value error)
{
	fail(ask, error, NULL);
}

static void returned(struct rh_js_ask *ask, napi_value answer)
{
	if (rh_js_answer(ask, answer) < 0)
		fail_pending(ask, ask->plan->has_handles ? answer : NULL);
	else
		answered(ask, RH_OK);
}

static void link_ask(struct rh_js_ask *ask)
{
	ask->before = NULL;
	ask->next = server.asks;
	if (ask->next)
		ask->next->before = ask;
	server.asks = ask;
}

static void unlink_ask(struct rh_js_ask *ask)
{
	if (ask->next)
		ask->next->before = ask->before;
	if (ask->before)
		ask->before->next = ask->next;
	else
		server.asks = ask->next;
}

/* Calls that were given up are not there any more when their promise is settled. */
static struct rh_js_ask *find_ask(uint32_t number)
{
	struct rh_js_ask *ask = server.asks;

	while (ask && ask->number != number)
		ask = ask->next;
	return ask;
}

static void cancel_all(void)
{
	while (server.asks) {
		struct rh_js_ask *ask = server.asks;

		unlink_ask(ask);
		answered(ask, RH_ECANCELED);
	}
}

static napi_value settled(napi_env env, napi_callback_info info,
                          void (*with)(struct rh_js_ask *ask, napi_value value))
{
	napi_value        words[1];
	size_t            count = 1;
	void             *number;
	struct rh_js_ask *ask;

	if (napi_get_cb_info(env, info, &count, words, NULL, &number) == napi_ok &&
	    (ask = find_ask((uint32_t)(uintptr_t)number)) != NULL) {
		unlink_ask(ask);
		with(ask, words[0]);
	}
	return NULL;
}

static napi_value resolved(napi_env env, napi_callback_info info)
{
	return settled(env, info, returned);
}

static napi_value rejected(napi_env env, napi_callback_info info)
{
	return settled(env, info, raised);
}

static int wait_for(struct rh_js_ask *ask, napi_value promise)
{
	void      *number = (void *)(uintptr_t)ask->number;
	napi_env   env = server.state->env;
	napi_value then, words[2], result;

	RH_JS_TRY(napi_get_named_property(env, promise, "then", &then));
	RH_JS_TRY(napi_create_function(env, "resolved", NAPI_AUTO_LENGTH, resolved, number,
	                               &words[0]));
	RH_JS_TRY(napi_create_function(env, "rejected", NAPI_AUTO_LENGTH, rejected, number,
	                               &words[1]));
	RH_JS_TRY(napi_call_function(env, promise, then, 2, words, &result));
	return 0;
}

static int await(struct rh_js_ask *ask, napi_value promise)
{
	link_ask(ask);
	if (wait_for(ask, promise) == 0)
		return 0;
	unlink_ask(ask);
	return -1;
}

static int call_function(struct rh_js_ask *ask, napi_value *ret_result)
{
	napi_env   env = server.state->env;
	napi_value functions, function, self, words[RH_PARAMS_MAX];

	ask->frame.is_raw = server.raw[ask->plan->index];
	for (unsigned i = 0; i < ask->plan->function->param_count; i++) {
		uint8_t word = ask->plan->params[i].word;

		if (word != RH_JS_NO_WORD &&
		    rh_js_frame_write_word(&ask->frame, i, &words[word]) < 0)
			return -1;
	}
	RH_JS_TRY(napi_get_reference_value(env, server.functions, &functions));
	RH_JS_TRY(napi_get_element(env, functions, ask->plan->index, &function));
	RH_JS_TRY(napi_get_undefined(env, &self));
	ask->number = server.last = server.last == UINT32_MAX ? 1 : server.last + 1;
	server.running = ask;
	napi_status status = napi_call_function(env, self, function, ask->plan->words, words,
	                                        ret_result);
	server.running = NULL;
	return status == napi_ok ? 0 : -1;
}

/* Where and as who the caller is, until the function returns. */
static int call_in_place(struct rh_js_ask *ask, napi_value *ret_result)
{
	int r;

	if (!ask->has_place)
		return call_function(ask, ret_result);
	if (rh_js_place_enter(&ask->place) < 0)
		return rh_js_throw(server.state, RH_EACCES, "this server cannot use files as its"
		                   " caller");
	r = call_function(ask, ret_result);
	rh_js_place_leave(&ask->place);
	return r;
}

static void look_at(struct rh_js_item *item, struct rh_js_state *state)
{
	struct rh_js_ask *ask = (struct rh_js_ask *)item;
	napi_value        result;
	bool              is_promise = false;

	if (!state || state != server.state || ask->round != server.round) {
		answered(ask, RH_ECANCELED);
	} else if (call_in_place(ask, &result) < 0) {
		fail_pending(ask, NULL);
	} else if (napi_is_promise(state->env, result, &is_promise) == napi_ok && is_promise) {
		if (await(ask, result) < 0)
			fail_pending(ask, NULL);
	} else {
		returned(ask, result);
	}
}

/* env NULL: the thread of JavaScript has ended. */
static void forget(napi_env env)
{
	struct rh_js_queue *queue = server.queue;

	if (env && server.functions)
		napi_delete_reference(env, server.functions);
	if (env && server.failed)
		napi_delete_reference(env, server.failed);
	server.functions = server.failed = NULL;
	free(server.raw);
	server.raw = NULL;
	pthread_mutex_lock(&server.lock);
	server.queue = NULL;
	server.round++;
	server.state = NULL; /* from here on others may serve */
	pthread_mutex_unlock(&server.lock);
	if (queue)
		rh_js_queue_unref(queue);
}

static void ended(struct rh_js_item *item, struct rh_js_state *state)
{
	napi_value value;

	(void)item;
	if (state) {
		cancel_all(); /* of events */
		rh_js_queue_expected(server.queue);
		if (server.r < 0 && rh_js_fault_object(state, &server.fault, &value) == 0)
			napi_reject_deferred(state->env, server.promise, value);
		else if (napi_get_undefined(state->env, &value) == napi_ok)
			napi_resolve_deferred(state->env, server.promise, value);
	}
	rh_js_fault_fini(&server.fault);
	forget(state ? state->env : NULL);
}

void rh_js_serve_end(struct rh_js_state *state)
{
	if (server.state != state)
		return;
	cancel_all();
	rh_serve_stop();
}

/* --- exports ------------------------------------------------------------------------ */

napi_value rh_js_own(napi_env env, napi_callback_info info)
{
	const struct rh_interface *interface;
	napi_value                 object;
	int                        r = rh_language_own(&interface);

	(void)info;
	if (r < 0) {
		rh_js_throw_last(rh_js_state(env), r);
		return NULL;
	}
	return rh_js_describe(env, interface, NULL, &object) == 0 ? object : NULL;
}

static int read_raw(napi_env env, napi_value array, uint32_t count)
{
	napi_value element;

	if (!(server.raw = calloc(count + 1, sizeof *server.raw)))
		return rh_js_throw(rh_js_state(env), RH_ENOMEM, "no memory to serve");
	for (uint32_t i = 0; i < count; i++) {
		RH_JS_TRY(napi_get_element(env, array, i, &element));
		RH_JS_TRY(napi_get_value_bool(env, element, &server.raw[i]));
	}
	return 0;
}

static int find_home(struct rh_js_state *state)
{
	bool has_home = false;

	for (uint32_t i = 0; i < server.interface->function_count && !has_home; i++)
		has_home = rh_js_place_matters(&server.interface->functions[i]);
	if (has_home && rh_js_place_home() < 0)
		return rh_js_throw(state, RH_EACCES, "this thread gets no directory of its own");
	return 0;
}

/* words: as rh_js_serve has them. */
static int prepare(struct rh_js_state *state, napi_value *words, napi_value *ret_promise)
{
	napi_env env = state->env;
	int      r = rh_language_own(&server.interface);

	if (r < 0)
		return rh_js_throw_last(state, r);
	if (!(server.plans = rh_js_plans(server.interface)))
		return rh_js_throw(state, RH_ENOMEM, "no memory for an interface");
	if (find_home(state) < 0 ||
	    read_raw(env, words[3], server.interface->function_count) < 0)
		return -1;
	RH_JS_TRY(napi_get_value_uint32(env, words[2], &server.threads));
	RH_JS_TRY(napi_create_reference(env, words[0], 1, &server.functions));
	RH_JS_TRY(napi_create_reference(env, words[1], 1, &server.failed));
	RH_JS_TRY(napi_create_promise(env, &server.promise, ret_promise));
	server.library = (struct rh_js_library){ .state = state, .is_own = true,
	                                         .plans = server.plans };
	server.ended.done = ended;
	server.queue = rh_js_queue_ref(state->queue);
	return 0;
}

static int start(struct rh_js_state *state, napi_value *words, napi_value *ret_promise)
{
	pthread_t thread;

	if (prepare(state, words, ret_promise) < 0)
		return -1;
	if (pthread_create(&thread, NULL, serve_thread, NULL) != 0)
		return rh_js_throw(state, RH_ENOMEM, "no thread to serve");
	pthread_detach(thread);
	rh_js_queue_expect(server.queue);
	return 0;
}

/* Whether nobody served. */
static bool claim(struct rh_js_state *state)
{
	bool is_free;

	pthread_mutex_lock(&server.lock);
	is_free = server.state == NULL;
	if (is_free)
		server.state = state;
	pthread_mutex_unlock(&server.lock);
	return is_free;
}

napi_value rh_js_serve(napi_env env, napi_callback_info info)
{
	struct rh_js_state *state = rh_js_state(env);
	napi_value          words[4], promise;
	size_t              count = 4;

	if (napi_get_cb_info(env, info, &count, words, NULL, NULL) != napi_ok)
		return NULL;
	if (!claim(state)) {
		rh_js_throw(state, RH_EBUSY, "this process serves already");
		return NULL;
	}
	if (start(state, words, &promise) == 0)
		return promise;
	forget(env);
	return NULL;
}

/* Whether the thread is the one that serves, whose calls these are. */
static bool is_serving(napi_env env)
{
	return server.state == rh_js_state(env);
}

napi_value rh_js_running(napi_env env, napi_callback_info info)
{
	napi_value number = NULL;

	(void)info;
	napi_create_uint32(env, is_serving(env) && server.running ? server.running->number : 0,
	                   &number);
	return number;
}

napi_value rh_js_set_errno(napi_env env, napi_callback_info info)
{
	napi_value        words[2];
	size_t            count = 2;
	uint32_t          number = 0;
	struct rh_js_ask *ask;

	if (napi_get_cb_info(env, info, &count, words, NULL, NULL) != napi_ok ||
	    napi_get_value_uint32(env, words[1], &number) != napi_ok || !is_serving(env))
		return NULL;
	ask = server.running && (number == 0 || number == server.running->number)
	      ? server.running : find_ask(number);
	if (ask)
		napi_get_value_int32(env, words[0], &ask->err_no);
	return NULL;
}

napi_value rh_js_stop(napi_env env, napi_callback_info info)
{
	(void)env;
	(void)info;
	rh_serve_stop();
	return NULL;
}
