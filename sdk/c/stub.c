/* stub - carries the call of a generated function.
 *
 * One attempt marshals the arguments straight into the page, waits, and stores
 * the reply.  An attempt that certainly did not run is repeated; one that may
 * have run is repeated when the function is idempotent.  Handles whose instance
 * is gone are revived first. */
#include "rhodes-language.h"
#include "rhodes-stub.h"

#include "context.h"
#include "event.h"
#include "flight.h"
#include "handle.h"
#include "language.h"
#include "misfit.h"
#include "rhodes.h"

#include "../../base/clock.h"
#include "../../base/site.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT        __attribute__((visibility("default")))
#define COMPLAINTS    10

/* Of rh_language_call. */
static _Thread_local __attribute__((tls_model("initial-exec"))) int language_errno;

struct invocation {
	struct rh_stub_library   *library;
	const struct rh_function *function;
	struct rh_callee         *callee;
	void *const              *args;
	void                     *ret;
	uint64_t                  deadline;
	struct rh_flight          flight;
	uint32_t                  instance;  /* that served, for new handles */
	struct rh_handle         *first;     /* first handle among arguments */
	struct rh_handle         *created;
	struct rh_handle_place    places[RH_PARAMS_MAX]; /* of those that go in */
	int                       is_broken; /* one of them is lost for good */
	int                       may_have_run; /* in some attempt           */
	int                       err_no;    /* of the function              */
	int                       is_shared; /* what is borrowed is the thread's */
	unsigned char            *log;       /* copy of the arguments        */
	uint32_t                  log_len;
};

static int is_handle_in(const struct rh_param *param)
{
	return param->kind == RH_KIND_HANDLE && param->direction == RH_IN &&
	       !(param->flags & RH_PARAM_POINTER);
}

/* The handle behind a pointer, which must be of that callee and type. */
static int find_handle(const struct invocation *in, const struct rh_param *param,
                       void *pointer, struct rh_handle **ret_handle)
{
	struct rh_handle *handle = pointer ? rh_handle_find(pointer) : NULL;

	if (pointer && (!handle || handle->callee != in->callee ||
	                handle->type != param->handle)) {
		rh_set_ran(0);
		return rh_fail(RH_EHANDLE, "%p is no handle of that type of %s", pointer,
		               in->library->interface->name);
	}
	*ret_handle = handle;
	return RH_OK;
}

static int to_id(void *user, const struct rh_param *param, void *pointer,
                 uint64_t *ret_id)
{
	struct invocation *in = user;
	struct rh_handle  *handle;
	int                r;

	if (is_handle_in(param)) {
		*ret_id = pointer ? in->places[param - in->function->params].id : 0;
		return RH_OK;
	}
	if ((r = find_handle(in, param, pointer, &handle)) < 0)
		return r;
	*ret_id = handle ? rh_handle_place(handle).id : 0;
	return RH_OK;
}

static int to_pointer(void *user, const struct rh_param *param, uint64_t id,
                      void **ret_pointer)
{
	struct invocation         *in = user;
	const struct rh_interface *interface = in->library->interface;
	struct rh_handle          *handle = NULL;

	if (!(param->flags & RH_PARAM_CREATES))
		handle = rh_handle_known(in->callee, param->handle, id, in->instance);
	if (!handle) {
		handle = rh_handle_create(in->callee, param->handle, id, in->instance,
		                          param->mirror_len > 0
		                          ? param->mirror_off + param->mirror_len : 0u);
		if (!handle)
			return rh_fail(RH_ENOSPC, "more than %u handles",
			               RH_HANDLES_PER_PEER);
		handle->is_replayable =
			(param->flags & RH_PARAM_CREATES) &&
			param->handle < interface->handle_count &&
			(interface->handles[param->handle].flags & RH_HANDLE_REPLAY);
		in->created = handle;
	}
	*ret_pointer = rh_handle_pointer(handle);
	return RH_OK;
}

static void *keep(void *user, const void *bytes, size_t len)
{
	struct invocation *in = user;

	return rh_borrowed_keep(in->first && !in->is_shared ? &in->first->borrowed : NULL,
	                        in->function, bytes, len);
}

/* Brings every handle among the arguments back to life and notes where it stands. */
static int ready_handles(struct invocation *in)
{
	in->first = NULL;
	for (unsigned i = 0; i < in->function->param_count; i++) {
		const struct rh_param *param = &in->function->params[i];
		struct rh_handle      *handle;
		int                    r;

		if (!is_handle_in(param))
			continue;
		in->places[i].instance = 0;
		if ((r = find_handle(in, param, *(void **)in->args[i], &handle)) < 0)
			return r;
		if (!handle)
			continue;
		if (!in->first)
			in->first = handle;
		in->places[i] = rh_handle_place(handle);
		if (in->places[i].is_live)
			continue;
		if ((r = rh_handle_revive(handle, in->deadline, &in->is_broken)) < 0)
			return r;
		in->places[i] = rh_handle_place(handle);
	}
	return RH_OK;
}

/* All objects of a call stand in one instance, and it is the one that serves.  Those
 * that do not are of an instance that is gone. */
static int check_places(struct invocation *in, uint32_t *ret_instance)
{
	uint32_t latest = __atomic_load_n(&in->callee->instance, __ATOMIC_RELAXED);
	int      r = RH_OK;

	*ret_instance = 0;
	for (unsigned i = 0; i < in->function->param_count; i++) {
		struct rh_handle_place *place = &in->places[i];

		if (!is_handle_in(&in->function->params[i]) || place->instance == 0)
			continue;
		if (rh_handle_misplaced(in->callee, place, in->flight.page))
			r = RH_EGONE;
		else if (*ret_instance == 0 || place->instance == latest)
			*ret_instance = place->instance;
	}
	for (unsigned i = 0; r == RH_OK && i < in->function->param_count; i++) {
		uint32_t instance = is_handle_in(&in->function->params[i])
		                    ? in->places[i].instance : 0;

		if (instance == 0 || instance == *ret_instance)
			continue;
		rh_handles_lose(in->callee, instance);
		r = RH_EGONE;
	}
	return r;
}

static unsigned add_stdio(const struct invocation *in, struct rh_fd_list *fds)
{
	if (in->function->flags & RH_FUNCTION_STDIO) {
		fflush(stdout); /* what the program wrote comes first */
		for (int fd = 0; fd < 3; fd++)
			fds->fds[fds->count++] = fd;
		return fds->count;
	}
	for (unsigned i = 0; i < in->function->param_count; i++) {
		if ((in->function->params[i].flags & RH_PARAM_STDIN) &&
		    !*(void **)in->args[i]) {
			fds->fds[fds->count++] = 0;
			break;
		}
	}
	return fds->count;
}

static int wants_log(const struct invocation *in)
{
	return (in->function->flags & (RH_FUNCTION_STATE | RH_FUNCTION_CREATES)) ||
	       rh_marshal_created_cell(in->function) > 0;
}

static int pack(struct invocation *in, uint32_t len, struct rh_fd_list *fds,
                unsigned char *at)
{
	const struct rh_handle_map handles = { .user = in, .to_id = to_id };
	int r = rh_marshal_args(in->function, in->args, &handles, fds, at);

	if (r < 0 || !wants_log(in))
		return r;
	free(in->log);
	in->log = malloc(len);
	in->log_len = len;
	if (!in->log)
		return rh_fail(RH_ENOMEM, "no memory to remember the call");
	memcpy(in->log, at, len);
	return r;
}

static int unpack(struct invocation *in)
{
	const struct rh_handle_map handles = { .user = in, .to_pointer = to_pointer };
	const struct rh_keeper     keeper = { .user = in, .keep = keep };
	struct rh_reply           *reply = &in->flight.reply;
	int r;

	in->instance = rh_flight_instance(&in->flight);
	__atomic_store_n(&in->callee->instance, in->instance, __ATOMIC_RELAXED);
	r = rh_unmarshal_reply(in->function, reply->bytes, reply->len, &handles,
	                       &in->flight.reply_fds, &keeper, in->args, in->ret);
	if (r == RH_EPROTO)
		rh_fail(r, "%s answered %s with something else", in->callee->name,
		        in->function->name);
	if (r < 0)
		rh_set_ran(1);
	in->err_no = reply->err_no;
	return r;
}

static void remember(struct invocation *in)
{
	struct rh_handle *handle = in->created ? in->created : in->first;

	if (in->log && handle &&
	    (in->created || (in->function->flags & RH_FUNCTION_STATE)))
		rh_handle_remember(handle, in->function, in->args, in->log, in->log_len);
	for (unsigned i = 0; i < in->function->param_count; i++) {
		if (in->function->params[i].flags & RH_PARAM_DESTROYS)
			rh_handle_destroy(rh_handle_find(*(void **)in->args[i]));
	}
}

/* Sends and waits; the flight has been begun. */
static int fly(struct invocation *in, uint32_t bytes, struct rh_request *request,
               unsigned char *at)
{
	struct rh_fd_list fds = { 0 };
	int               r = check_places(in, &request->instance);

	if (r < 0)
		return r;
	add_stdio(in, &fds);
	if ((r = pack(in, bytes, &fds, at)) < 0)
		return r;
	r = rh_context_send(in->flight.page, in->function, &request->context);
	if (r == RH_ELOST) {
		rh_thread_page_lost(in->flight.page);
		return RH_EGONE;
	}
	if (r < 0 || (r = rh_flight_go(&in->flight, request, &fds)) < 0 ||
	    (r = rh_flight_finish(&in->flight)) < 0)
		return r == RH_EFUNC ? rh_misfit_tell(in->library, in->function, in->callee->name,
		                                      &in->flight.reply) : r;
	return unpack(in);
}

static int attempt(struct invocation *in)
{
	struct rh_request request = { .function = in->function->hash };
	unsigned char    *at;
	int64_t           bytes;
	int               r = ready_handles(in);

	rh_set_ran(0); /* whatever was made again for it */
	if (r < 0)
		return r;
	bytes = rh_marshal_args_bytes(in->function, in->args);
	if (bytes < 0)
		return rh_fail((int)bytes, "a text or buffer of %s is over %u bytes, or all"
		               " are over %u", in->function->name, RH_BYTES_MAX, RH_PAYLOAD_MAX);
	request.args_len = (uint32_t)bytes;
	r = rh_flight_begin(&in->flight, in->callee, (uint32_t)bytes,
	                    rh_marshal_reply_hint(in->function, in->args),
	                    in->deadline, &at);
	if (r < 0)
		return r == RH_EAGAIN ? rh_fail(RH_EBUSY, "too many calls of %s that were"
		                                " given up still run", in->callee->name) : r;
	r = fly(in, (uint32_t)bytes, &request, at);
	if (r == RH_EGONE || r == RH_ELOST)
		rh_handles_gone(in->callee, &in->flight, request.instance);
	rh_flight_end(&in->flight);
	return r;
}

static int can_repeat(const struct invocation *in, int r)
{
	if (r == RH_EGONE)
		return 1;
	return r == RH_ELOST && !in->is_broken && (in->function->flags & RH_FUNCTION_IDEMPOTENT);
}

static size_t ret_bytes(const struct rh_function *function)
{
	return function->ret.kind == RH_KIND_STRING || function->ret.kind == RH_KIND_PATH ||
	       function->ret.kind == RH_KIND_BYTES ? sizeof(void *) : function->ret.size;
}

/* A destructor whose object went with its instance has nothing left to do. */
static int is_moot(struct invocation *in, int r)
{
	if (r != RH_ELOST && r != RH_EGONE && r != RH_EHANDLE)
		return 0;
	for (unsigned i = 0; i < in->function->param_count; i++) {
		struct rh_handle *handle;

		if (!(in->function->params[i].flags & RH_PARAM_DESTROYS))
			continue;
		handle = rh_handle_find(*(void **)in->args[i]);
		if (handle && !rh_handle_place(handle).is_live)
			return 1;
	}
	return 0;
}

/* What the program is told is about the call, whose last attempt is one of several. */
static int gave_up(const struct invocation *in, int r)
{
	rh_set_ran(in->may_have_run);
	return r;
}

static int carry(struct invocation *in)
{
	int r;

	for (;;) {
		RH_SITE(call_begin, in->function->hash, in->function->name, in->callee->name);
		r = attempt(in);
		RH_SITE(call_end, in->function->hash, (uint32_t)r, in->callee->name);
		if (r == RH_OK || is_moot(in, r))
			break;
		in->may_have_run |= rh_last_ran();
		if (!can_repeat(in, r))
			return gave_up(in, r);
		if (in->deadline == 0)
			in->deadline = rh_deadline(0);
		if (rh_clock_ns() >= in->deadline)
			return gave_up(in, r);
	}
	if (r < 0 && in->ret && in->function->ret.kind != RH_KIND_VOID)
		memset(in->ret, 0, ret_bytes(in->function));
	remember(in);
	return RH_OK;
}

/* What a failed call returns to a program that knows nothing of Rhodes. */
static void store_failure(const struct rh_function *function, void *ret)
{
	static const double nan64 = __builtin_nan("");
	static const float  nan32 = __builtin_nanf("");
	int64_t             value = -1;

	if (!ret || function->ret.kind == RH_KIND_VOID)
		return;
	if (function->on_error == RH_ON_ERROR_RETURN)
		value = function->error_value;
	switch (function->ret.kind) {
	case RH_KIND_INT:
	case RH_KIND_UINT:
	case RH_KIND_FD:
		memcpy(ret, &value, function->ret.size);
		return;
	case RH_KIND_FLOAT:
		if (function->ret.size == sizeof nan64)
			memcpy(ret, &nan64, sizeof nan64);
		else
			memcpy(ret, &nan32, sizeof nan32);
		return;
	case RH_KIND_STRUCT:
		memset(ret, 0, function->ret.size);
		return;
	default:
		memset(ret, 0, sizeof(void *));
	}
}

static int failure_errno(const struct rh_function *function, int r)
{
	if (function->error_errno != 0)
		return function->error_errno;
	if (r == RH_ETIMEDOUT)
		return ETIMEDOUT;
	return r > -134 ? -r : EIO; /* Linux's own numbers are kept */
}

/* What a program has that was linked with other tables than `rhodes run` found: once. */
static void show_difference(int r)
{
	static _Atomic int is_shown;

	if (r == RH_EINTERFACE && !atomic_exchange(&is_shown, 1))
		fprintf(stderr, "rhodes: - what the program was built for, + what there is:\n%s",
		        rh_language_difference());
}

static void fail(struct rh_stub_library *library, const struct rh_function *function,
                 void *ret, int r)
{
	static _Atomic int complaints;
	int nth = complaints++;

	if (nth < COMPLAINTS || function->on_error == RH_ON_ERROR_ABORT)
		fprintf(stderr, "rhodes: %s of %s failed: %s%s\n", function->name,
		        library->interface->name, rh_last_error(),
		        nth == COMPLAINTS - 1 ? " (further failures are not printed)" : "");
	show_difference(r);
	if (function->on_error == RH_ON_ERROR_ABORT)
		abort();
	store_failure(function, ret);
	errno = failure_errno(function, r);
}

static int callee_of(struct rh_stub_library *library, struct rh_callee **ret_callee)
{
	struct rh_callee *callee = __atomic_load_n((struct rh_callee **)&library->state[0],
	                                           __ATOMIC_ACQUIRE);
	int               r;

	if (!callee) {
		if (library->abi != RH_STUB_ABI ||
		    library->interface->abi != RH_INTERFACE_ABI)
			return rh_fail(RH_EVERSION, "the shadow library of %s was made for"
			               " another version of librhodes",
			               library->interface->name);
		r = rh_session_callee(library->interface->name, 1, &callee);
		if (r < 0)
			return r;
		__atomic_store_n((struct rh_callee **)&library->state[0], callee,
		                 __ATOMIC_RELEASE);
	}
	*ret_callee = callee;
	return RH_OK;
}

/* At the first call: the tables that the program was linked with, beside those of the
 * callee.  Without those there is nothing to compare. */
static int agree(const struct invocation *in)
{
	struct rh_callee **agreed = (struct rh_callee **)&in->library->state[1];
	struct rh_opened   opened;
	char              *there = NULL;
	int                r;

	if (__atomic_load_n(agreed, __ATOMIC_ACQUIRE))
		return RH_OK;
	if ((r = rh_session_open(in->callee, rh_deadline(0), &opened)) < 0)
		return r;
	if (rh_language_lines(in->callee->name, &there) == RH_OK)
		r = rh_language_agree(in->library->interface, there, in->callee->name);
	free(there);
	if (r < 0)
		return r;
	__atomic_store_n(agreed, in->callee, __ATOMIC_RELEASE);
	return RH_OK;
}

/* The call, as far as every caller wants it. */
static int invoke(struct invocation *in)
{
	int before = errno;
	int r = callee_of(in->library, &in->callee);

	rh_set_ran(0);
	if (r == RH_OK && (in->function->flags & RH_FUNCTION_NOCARRY))
		r = rh_fail(RH_ENOCARRY, "%s cannot be carried to another process: %s",
		            in->function->name,
		            in->function->reason ? in->function->reason : "see the side file");
	if (r == RH_OK)
		r = agree(in);
	errno = before;
	if (r == RH_OK && (in->function->flags & RH_FUNCTION_EVENT))
		r = rh_event_pull(in->callee, in->function, in->args, in->ret);
	else if (r == RH_OK)
		r = carry(in);
	free(in->log);
	return r;
}

EXPORT int rh_language_call(struct rh_stub_library *library, unsigned index,
                            void *const *args, void *ret)
{
	struct invocation in = {
		.library = library, .args = args, .ret = ret,
		.function = &library->interface->functions[index], .is_shared = 1,
	};
	int before = errno;
	int r = in.function->flags & RH_FUNCTION_LOCAL
	        ? rh_fail(RH_ENOCARRY, "%s runs in the real library itself, which only C"
	                  " can call: %s", in.function->name,
	                  in.function->reason ? in.function->reason : "see the side file")
	        : invoke(&in);

	language_errno = r == RH_OK ? in.err_no : 0;
	errno = language_errno != 0 ? language_errno : before;
	return r;
}

EXPORT int rh_language_errno(void)
{
	return language_errno;
}

EXPORT int rh_stub_invoke(struct rh_stub_library *library, unsigned index,
                          void *const *args, void *ret)
{
	struct invocation in = {
		.library = library, .args = args, .ret = ret,
		.function = &library->interface->functions[index],
	};
	int before = errno;
	int r = invoke(&in);

	if (r == RH_EAGAIN && (in.function->flags & RH_FUNCTION_EVENT)) {
		store_failure(in.function, ret); /* no event is no fault */
		errno = EAGAIN;
	} else if (r < 0) {
		fail(library, in.function, ret, r);
	} else if (in.err_no != 0) {
		errno = in.err_no;
	} else {
		errno = before;
	}
	return r;
}
