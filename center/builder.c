#include "builder.h"

#include "builder_child.h"
#include "foreman.h"

#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../rules/hook.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* FREE -> WAITING -> RUNNING -> DONE -> FREE, when its place is needed. */
enum state { FREE, WAITING, RUNNING, DONE };

struct job {
	enum state     state;
	struct rh_build_wanted wanted;
	uint64_t       number;    /* in the order of coming            */
	unsigned       losses;    /* builders that were killed over it */
	int            module_fd; /* until it ran                      */
	size_t         module_len;
	int            err;
	struct rh_diag diag;
	const void    *object;    /* mapped, or NULL                   */
	size_t         object_len;
};

struct rh_builder {
	int              socket;
	pid_t            child;
	int              is_dead;
	int              is_told;  /* of a jail that is not whole       */
	uint64_t         number;
	char             tools[65];
	uv_poll_t        poll;
	rh_builder_done *done;
	void            *user;
	struct job       jobs[RH_BUILDS_MAX];
};

int rh_builder_start(const char *state, struct rh_builder **ret_builder,
                     struct rh_diag *diag)
{
	struct rh_builder *builder = calloc(1, sizeof *builder);
	int                pair[2], parent = getpid();

	if (!builder)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for the builder");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(builder);
		return rh_diag_set(diag, RH_ENOMEM, "builder: %s", strerror(errno));
	}
	builder->child = fork();
	if (builder->child == 0)
		rh_builder_child(pair[1], parent, state);
	close(pair[1]);
	builder->socket = pair[0];
	if (builder->child < 0) {
		close(pair[0]);
		free(builder);
		return rh_diag_set(diag, RH_ENOMEM, "builder: %s", strerror(errno));
	}
	*ret_builder = builder;
	return RH_OK;
}

/* ---- jobs ---- */

static struct job *find(struct rh_builder *builder, const struct rh_build_wanted *wanted)
{
	for (size_t i = 0; i < RH_BUILDS_MAX; i++) {
		struct job *job = &builder->jobs[i];

		if (job->state != FREE && job->wanted.hook == wanted->hook &&
		    job->wanted.memory == wanted->memory &&
		    job->wanted.capabilities == wanted->capabilities &&
		    job->wanted.variant == wanted->variant &&
		    strcmp(job->wanted.sha256, wanted->sha256) == 0)
			return job;
	}
	return NULL;
}

/* The oldest in that state, or NULL. */
static struct job *oldest(struct rh_builder *builder, enum state state)
{
	struct job *found = NULL;

	for (size_t i = 0; i < RH_BUILDS_MAX; i++) {
		struct job *job = &builder->jobs[i];

		if (job->state == state && (!found || job->number < found->number))
			found = job;
	}
	return found;
}

static void clear(struct job *job)
{
	if (job->state == WAITING || job->state == RUNNING)
		close(job->module_fd);
	if (job->object)
		rh_memory_unmap(job->object, job->object_len);
	*job = (struct job){ .state = FREE };
}

static void end(struct job *job, int err, const char *why)
{
	close(job->module_fd);
	job->state = DONE;
	job->err = err;
	job->diag.code = err;
	snprintf(job->diag.text, sizeof job->diag.text, "%s", why);
}

static void give_up(struct rh_builder *builder)
{
	builder->is_dead = 1;
	rh_error("builder: its foreman ended; modules can be published again when the center "
	         "was started anew");
	for (size_t i = 0; i < RH_BUILDS_MAX; i++) {
		struct job *job = &builder->jobs[i];

		if (job->state == WAITING || job->state == RUNNING)
			end(job, RH_EIO, "who builds it ended: start the center anew");
	}
}

static void start_next(struct rh_builder *builder)
{
	struct job *job = oldest(builder, WAITING);

	if (!job || oldest(builder, RUNNING) || builder->is_dead)
		return;
	struct rh_build_order order = { .hook = (uint32_t)(job->wanted.hook - rh_hooks),
		.memory = job->wanted.memory, .capabilities = job->wanted.capabilities,
		.variant = job->wanted.variant, .len = job->module_len,
		.number = job->number };
	job->state = RUNNING;
	if (rh_builder_send(builder->socket, &order, sizeof order, job->module_fd) < 0)
		give_up(builder);
}

/* Before the first order, and after one of them was killed. */
static void clean_up(struct rh_builder *builder)
{
	struct rh_build_order order = { .len = 0 };

	(void)rh_builder_send(builder->socket, &order, sizeof order, -1);
}

/* ---- what the child says ---- */

/* What it was at is begun anew, unless that is what ends them. */
static void lose(struct rh_builder *builder)
{
	struct job *job = oldest(builder, RUNNING);

	rh_warn("builder: it was killed, another one goes on");
	clean_up(builder);
	if (job && ++job->losses < RH_BUILD_LOSSES)
		job->state = WAITING;
	else if (job)
		end(job, RH_EIO, "what builds it was killed each time");
}

static void take_outcome(struct rh_builder *builder, struct rh_build_outcome *outcome,
                         int fd)
{
	struct job *job = oldest(builder, RUNNING);

	if (!job || job->number != outcome->number)
		return; /* of one that was killed after it had answered */
	if (outcome->err == RH_ENOENT) /* a tool is not there */
		outcome->err = RH_ENOSYS;
	outcome->tools[64] = outcome->why[sizeof outcome->why - 1] = '\0';
	if (!outcome->err && (fd < 0 || rh_memory_map_frozen(fd, outcome->len,
	                                                     &job->object) < 0)) {
		outcome->err = RH_EIO;
		snprintf(outcome->why, sizeof outcome->why, "its object cannot be read");
	}
	job->object_len = outcome->len;
	rh_failpoint("build-taken");
	memcpy(builder->tools, outcome->tools, sizeof builder->tools);
	if (!outcome->err && !outcome->is_confined && !builder->is_told) {
		builder->is_told = 1;
		rh_warn("builder: the kernel lacks Landlock or seccomp: what builds modules is "
		        "confined by limits and its user only");
	}
	end(job, outcome->err, outcome->why);
	rh_info("builder: module %.16s... %s%s", job->wanted.sha256, job->err ? "refused: " :
	        outcome->is_kept ? "was built before" : "built", job->err ? job->diag.text : "");
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct rh_builder      *builder = poll->data;
	struct rh_build_outcome outcome;
	int                     fd = -1;

	(void)events;
	if (status < 0 ||
	    rh_builder_receive(builder->socket, &outcome, sizeof outcome, &fd) != 1) {
		uv_poll_stop(poll);
		give_up(builder);
	} else if (outcome.number == 0) {
		lose(builder);
	} else {
		take_outcome(builder, &outcome, fd);
	}
	if (fd >= 0)
		close(fd);
	start_next(builder);
	builder->done(builder->user);
}

int rh_builder_open(struct rh_builder *builder, uv_loop_t *loop, rh_builder_done *done,
                    void *user)
{
	builder->done = done;
	builder->user = user;
	builder->poll.data = builder;
	if (uv_poll_init(loop, &builder->poll, builder->socket) < 0)
		return RH_EIO;
	uv_poll_start(&builder->poll, UV_READABLE, on_readable);
	clean_up(builder);
	return RH_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct rh_builder *builder = handle->data;

	for (size_t i = 0; i < RH_BUILDS_MAX; i++)
		clear(&builder->jobs[i]);
	close(builder->socket);
	kill(builder->child, RH_FOREMAN_END); /* it may be in the middle of a build */
	while (waitpid(builder->child, NULL, 0) < 0 && errno == EINTR)
		;
	free(builder);
}

void rh_builder_close(struct rh_builder *builder)
{
	if (builder)
		uv_close((uv_handle_t *)&builder->poll, on_closed);
}

/* ---- for who publishes ---- */

int rh_builder_take(struct rh_builder *builder, const struct rh_build_wanted *wanted,
                    struct rh_built_object *ret_object, struct rh_diag *diag)
{
	struct job *job = find(builder, wanted);

	if (!job)
		return RH_ENOENT;
	if (job->state != DONE)
		return RH_EAGAIN;
	if (job->err) {
		int err = job->err;

		*diag = job->diag;
		clear(job); /* another try may do better */
		return err;
	}
	*ret_object = (struct rh_built_object){
		.bytes = job->object, .len = job->object_len, .tools = builder->tools,
	};
	return RH_OK;
}

int rh_builder_submit(struct rh_builder *builder, const struct rh_build_wanted *wanted,
                      const void *bytes, size_t len)
{
	struct job *job = oldest(builder, FREE);

	if (builder->is_dead)
		return RH_EIO;
	if (!job)
		job = oldest(builder, DONE);
	if (!job)
		return RH_ENOSPC;
	clear(job);
	int fd = rh_memory_freeze(bytes, len);
	if (fd < 0)
		return fd;
	*job = (struct job){ .state = WAITING, .wanted = *wanted,
		.number = ++builder->number, .module_fd = fd, .module_len = len };
	start_next(builder);
	return RH_OK;
}
