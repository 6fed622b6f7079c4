/* serve_call - one call in the callee: unpack, run, answer. */
#include "exception.h"
#include "serve.h"

#include "../../base/clock.h"
#include "../../base/discard.h"
#include "../../base/memory.h"
#include "../../base/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANDLER_REPLY_MAX RH_PAYLOAD_ARENA_MAX

struct run {
	struct rh_serve_thread   *thread;
	struct rh_serve_page     *page;
	const struct rh_taken    *taken;
	const struct rh_function *function;  /* NULL with a handler          */
	uint32_t                  index;
	const unsigned char      *args;
	const void               *mapped;    /* arguments in a memfd         */
	struct rh_fd_list         fds;       /* all that came with the call  */
	struct rh_fd_list         own_fds;   /* those of parameters          */
	unsigned                  stdio;     /* how many replace 0, 1, 2     */
	struct rh_values          values;
	struct rh_lending         lending;
	struct rh_reply           reply;
	struct rh_fd_list         out_fds;
	int                       acts;      /* file access is the caller's  */
	int                       has_run;   /* the function was called      */
};

static int handle_to_pointer(void *user, const struct rh_param *param, uint64_t id,
                             void **ret_pointer)
{
	struct run *run = user;

	return rh_serve_object_find(run->page->caller, param->handle, id, ret_pointer);
}

static int handle_to_id(void *user, const struct rh_param *param, void *pointer,
                        uint64_t *ret_id)
{
	struct run *run = user;
	int r = rh_serve_object_id(run->page->caller, param->handle, pointer, ret_id);

	if (r < 0 && (param->flags & RH_PARAM_CREATES)) /* nobody will have it */
		rh_serve_object_destroy(&run->thread->server->table, param->handle,
		                        pointer);
	return r;
}

/* Descriptors of the call: the arguments' memfd, then 0-2 or 0, then parameters. */
static int take_fds(struct run *run)
{
	const struct rh_taken *taken = run->taken;
	unsigned               first = 0;
	int                    r;

	if (taken->fds == 0)
		return RH_OK;
	r = rh_stash_take(&run->page->stash, run->page->companion, taken->sequence,
	                  taken->fds, rh_serve_context_receive, run->page, &run->fds);
	if (r < 0)
		return r;
	if (taken->flags & RH_SLOT_ARGS_MEMFD) {
		if (taken->args_len == 0)
			return RH_EPROTO;
		r = rh_memory_map_frozen(run->fds.fds[0], taken->args_len, &run->mapped);
		if (r < 0)
			return r;
		run->args = run->mapped;
		first = 1;
	}
	if (run->function && (run->function->flags & RH_FUNCTION_STDIO))
		run->stdio = 3;
	for (unsigned i = 0; run->function && !run->stdio &&
	     i < run->function->param_count; i++) {
		const struct rh_param *param = &run->function->params[i];
		uint64_t               mask;

		memcpy(&mask, run->args, taken->args_len < 8 ? 0 : sizeof mask);
		if (taken->args_len >= 8 && (param->flags & RH_PARAM_STDIN) &&
		    (mask >> i & 1))
			run->stdio = 1;
	}
	if (first + run->stdio > run->fds.count)
		return RH_EPROTO;
	for (unsigned i = first + run->stdio; i < run->fds.count; i++)
		run->own_fds.fds[run->own_fds.count++] = run->fds.fds[i];
	return RH_OK;
}

/* Puts the caller's descriptors 0-2 in place of ours.  process_lock is held. */
static int borrow_stdio(struct run *run, int saved[3])
{
	unsigned first = run->taken->flags & RH_SLOT_ARGS_MEMFD ? 1 : 0;

	for (unsigned i = 0; i < run->stdio; i++) {
		saved[i] = fcntl((int)i, F_DUPFD_CLOEXEC, 100);
		if (saved[i] < 0 || dup2(run->fds.fds[first + i], (int)i) < 0)
			return RH_EIO;
	}
	return RH_OK;
}

static void return_stdio(struct run *run, const int saved[3])
{
	if (run->stdio == 3) {
		fflush(stdout);
		fflush(stderr);
	}
	for (unsigned i = 0; i < run->stdio; i++) {
		if (saved[i] < 0)
			continue;
		dup2(saved[i], (int)i);
		close(saved[i]);
	}
}

static int uses_files(const struct rh_function *function)
{
	for (unsigned i = 0; i < function->param_count; i++) {
		if (function->params[i].kind == RH_KIND_PATH)
			return 1;
	}
	return (function->flags & RH_FUNCTION_UMASK) != 0;
}

static int invoke(struct run *run)
{
	int r;

	run->lending.scratch = &run->thread->scratch;
	errno = 0;
	r = rh_offer_run(&run->thread->server->table, run->index, run->values.args,
	                 run->values.ret, &run->lending);
	if (run->thread->server->table.invoke)
		run->values.mirrors = run->lending.mirrors;
	run->reply.err_no = errno;
	run->has_run = 1;
	return r;
}

/* Runs the function in the caller's context.  What belongs to the whole process
 * (environment, descriptors 0-2) is used by one call at a time. */
static int run_in_context(struct run *run)
{
	struct rh_server *server = run->thread->server;
	int               saved[3] = { -1, -1, -1 };
	int               is_shared = run->taken->context != 0 || run->stdio > 0;
	int               r;

	if (is_shared)
		pthread_mutex_lock(&server->process_lock);
	r = rh_serve_context_apply(run->thread, run->page, run->taken->context);
	if (r == RH_OK && uses_files(run->function)) {
		r = rh_serve_act_as(&run->page->who);
		run->acts = 1; /* at least in part */
	}
	if (r == RH_OK && run->stdio > 0)
		r = borrow_stdio(run, saved);
	if (r == RH_OK)
		r = invoke(run);
	if (run->stdio > 0)
		return_stdio(run, saved);
	if (run->acts)
		rh_serve_act_as_self(&run->page->who);
	if (is_shared)
		pthread_mutex_unlock(&server->process_lock);
	return r;
}

/* Where len bytes of reply go: near, far, or memory for a memfd. */
static unsigned char *reply_room(struct run *run, uint32_t len)
{
	if (len <= RH_SLOT_INLINE_MAX)
		return run->taken->reply_near;
	if (len <= run->taken->reply_cap)
		return run->taken->reply_far;
	run->reply.flags |= RH_SLOT_REPLY_MEMFD;
	return rh_scratch_take(&run->thread->scratch, len);
}

static int send_fds(struct run *run, const unsigned char *bytes)
{
	struct rh_fd_list all = { 0 };
	int               memfd = -1, r;

	if (run->reply.flags & RH_SLOT_REPLY_MEMFD) {
		if ((memfd = rh_memory_freeze(bytes, run->reply.len)) < 0)
			return memfd;
		all.fds[all.count++] = memfd;
	}
	for (unsigned i = 0; i < run->out_fds.count && all.count < RH_CALL_FDS_MAX; i++)
		all.fds[all.count++] = run->out_fds.fds[i];
	run->reply.fds = (uint16_t)all.count;
	r = all.count > 0 ? rh_stash_send(run->page->companion, run->taken->sequence,
	                                  all.fds, all.count) : RH_OK;
	for (unsigned i = 0; i < all.count; i++)
		close(all.fds[i]);
	return r;
}

static int pack_reply(struct run *run)
{
	const struct rh_handle_map handles = { .user = run, .to_id = handle_to_id };
	int64_t        len = rh_marshal_reply_bytes(run->function, &run->values);
	unsigned char *at = len < 0 ? NULL : reply_room(run, (uint32_t)len);
	int            r = len < 0 ? (int)len : at ? RH_OK : RH_ENOMEM;

	if (at) {
		run->reply.len = (uint32_t)len;
		r = rh_marshal_reply(run->function, &run->values, &handles, &run->out_fds,
		                     at);
	}
	rh_marshal_reply_free(run->function, &run->values);
	return r < 0 ? r : send_fds(run, at);
}

/* Objects that the function freed are known no more. */
static void forget_destroyed(struct run *run)
{
	for (unsigned i = 0; i < run->function->param_count; i++) {
		const struct rh_param *param = &run->function->params[i];

		if (param->kind == RH_KIND_HANDLE && (param->flags & RH_PARAM_DESTROYS) &&
		    run->values.cells[i])
			rh_serve_object_forget(run->page->caller,
			                       (void *)(uintptr_t)run->values.cells[i]);
	}
}

static int run_function(struct run *run)
{
	const struct rh_handle_map handles = {
		.user = run, .to_pointer = handle_to_pointer,
	};
	int r = rh_unmarshal_args(run->function, run->args, run->taken->args_len,
	                          &handles, &run->own_fds, &run->thread->scratch,
	                          &run->values);

	if (r < 0 || (r = run_in_context(run)) < 0) {
		if (!run->has_run)
			run->reply.flags |= RH_SLOT_SURE;
		return r;
	}
	forget_destroyed(run);
	return pack_reply(run);
}

static int run_handler(struct run *run)
{
	const struct rh_offer_table *table = &run->thread->server->table;
	int            is_far = run->taken->reply_cap > RH_SLOT_INLINE_MAX;
	size_t         cap = is_far ? run->taken->reply_cap : RH_SLOT_INLINE_MAX;
	unsigned char *room = is_far ? run->taken->reply_far : run->taken->reply_near;
	size_t         len = 0;
	int            r;

	r = table->handler(table->user, run->index, run->args, run->taken->args_len,
	                   room, cap, &len);
	if (r < 0)
		return r;
	if (len > cap)
		return RH_EMSGSIZE;
	run->reply.len = (uint32_t)len;
	if (is_far && len <= RH_SLOT_INLINE_MAX)
		memcpy(run->taken->reply_near, room, len);
	return RH_OK;
}

static void put_reason(struct run *run, int r)
{
	const char *name = run->function ? run->function->name : "the function";
	const char *interface = run->thread->server->interface_name;
	char       *text = (char *)run->taken->reply_near;
	int         n;

	if (r == RH_EFUNC)
		n = snprintf(text, RH_DIAG_MAX, "%s offers no function with id %016llx: the"
		             " caller was built for another version of the interface",
		             interface, (unsigned long long)run->taken->function);
	else
		n = snprintf(text, RH_DIAG_MAX, "%s of %s: %s", name, interface,
		             rh_error_text(r));
	run->reply.len = n < 0 ? 0 : n >= RH_DIAG_MAX ? RH_DIAG_MAX - 1 : (uint32_t)n;
	run->reply.flags &= (uint16_t)~RH_SLOT_REPLY_MEMFD;
}

/* Texts where a reply would stand; 0 without room for them. */
static int put_texts(struct run *run, const void *texts, uint32_t len)
{
	unsigned char *at = len > 0 ? reply_room(run, len) : NULL;

	if (!at)
		return 0;
	memcpy(at, texts, len);
	run->reply.len = len;
	return send_fds(run, at) == RH_OK;
}

/* Without room for an exception's texts the code alone tells. */
static void put_exception(struct run *run)
{
	uint32_t             len = 0;
	const unsigned char *texts = rh_exception_packed(&len);

	if (!put_texts(run, texts, len))
		put_reason(run, RH_ERAISED);
}

static void put_lines(const struct rh_interface *interface, FILE *out)
{
	char text[RH_TEXT_MAX];

	for (uint32_t i = 0; i < interface->function_count; i++) {
		if (rh_function_carried(&interface->functions[i], text, sizeof text) >= 0)
			fprintf(out, "%s\n", text);
	}
}

/* The reason, and behind its NUL a line for each function that there is: the caller finds
 * what became of the one that it means. */
static void put_functions(struct run *run)
{
	const struct rh_offer_table *table = &run->thread->server->table;
	char                        *texts = NULL;
	size_t                       len = 0;
	FILE                        *out;

	put_reason(run, RH_EFUNC);
	if (!table->interface || !(out = open_memstream(&texts, &len)))
		return;
	fprintf(out, "%.*s", (int)run->reply.len, (const char *)run->taken->reply_near);
	fputc('\0', out);
	put_lines(table->interface, out);
	if (fclose(out) == 0 && !put_texts(run, texts, (uint32_t)len))
		put_reason(run, RH_EFUNC);
	free(texts);
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter,
	                      memory_order_relaxed) + value, memory_order_relaxed);
}

static void count(const struct run *run)
{
	struct rh_page_counters *counters = &run->page->end.page.head->by_server;

	add(&counters->calls, 1);
	add(&counters->bytes_in, run->taken->args_len);
	add(&counters->bytes_out, run->reply.len);
	if (run->reply.status < 0)
		add(&counters->errors, 1);
}

static void clean_up(struct run *run)
{
	for (unsigned i = 0; i < run->fds.count; i++)
		rh_discard(run->fds.fds[i]);
	if (run->mapped)
		rh_memory_unmap(run->mapped, run->taken->args_len);
	rh_scratch_reset(&run->thread->scratch);
}

static int run_watched(struct run *run)
{
	int r;

	RH_SITE(serve_begin, run->taken->function, run->taken->args_len, run->index);
	r = run->function ? run_function(run) : run_handler(run);
	RH_SITE(serve_end, run->taken->function, (uint32_t)r, run->index);
	return r;
}

void rh_serve_call(struct rh_serve_thread *thread, struct rh_serve_page *page,
                   const struct rh_taken *taken)
{
	const struct rh_offer_table *table = &thread->server->table;
	struct run run;
	int        index = rh_offer_find(table, taken->function);
	int        r = index < 0 ? index : RH_OK;

	/* Not one initialiser for all: the values are large and set when used. */
	run.thread = thread;
	run.page = page;
	run.taken = taken;
	run.function = NULL;
	run.args = taken->args;
	run.mapped = NULL;
	run.fds.count = run.own_fds.count = run.out_fds.count = run.stdio = 0;
	run.acts = run.has_run = 0;
	run.reply = (struct rh_reply){ .instance = thread->server->instance };
	if (r == RH_OK) {
		run.index = (uint32_t)index;
		if (table->interface)
			run.function = &table->interface->functions[index];
		if (table->interface && !rh_offer_runs(table, run.index))
			r = RH_ENOCARRY;
	}
	if (r == RH_OK && taken->fds > 0)
		r = take_fds(&run);
	if (r < 0)
		run.reply.flags |= RH_SLOT_SURE;
	else
		r = run_watched(&run);
	run.reply.status = r < 0 ? r : RH_OK;
	if (r == RH_ERAISED)
		put_exception(&run);
	else if (index < 0)
		put_functions(&run);
	else if (r < 0)
		put_reason(&run, r);
	rh_server_finish(&page->end, taken, &run.reply);
	count(&run); /* the caller need not wait for it */
	clean_up(&run);
}
