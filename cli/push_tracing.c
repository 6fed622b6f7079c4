#include "push_tracing.h"

#include "away.h"
#include "push_page.h"
#include "stop.h"

#include "../base/diag.h"
#include "../base/dirs.h"
#include "../base/socket.h"
#include "../wire/frame.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIET_MS 60  /* so long for the others to tell of the same */
#define AGAIN_MS 20 /* between two attempts to reach the center   */

struct heard {
	char resource[RH_NAME_MAX + 1];
	int  fd;
};

struct rh_push_tracing {
	const struct rh_dirs *dirs;
	const char           *only;
	int                   fd;        /* the center, or -1 */
	struct heard          agents[RH_PUSH_AGENTS_MAX];
	size_t                agent_count;
	struct rh_push_page  *page;
	uint32_t              left;      /* steps to print; 0: no end */
};

struct rh_push_tracing *rh_push_tracing_create(const struct rh_dirs *dirs,
                                               const char *only)
{
	struct rh_push_tracing *tracing = calloc(1, sizeof *tracing);

	if (!tracing)
		return NULL;
	tracing->dirs = dirs;
	tracing->only = only;
	tracing->fd = -1;
	tracing->page = rh_push_page_create();
	if (tracing->page)
		return tracing;
	free(tracing);
	return NULL;
}

void rh_push_tracing_destroy(struct rh_push_tracing *tracing)
{
	if (!tracing)
		return;
	for (size_t i = 0; i < tracing->agent_count; i++) {
		if (tracing->agents[i].fd >= 0)
			close(tracing->agents[i].fd);
	}
	if (tracing->fd >= 0)
		close(tracing->fd);
	rh_push_page_destroy(tracing->page);
	free(tracing);
}

/* A socket of which everything that is there is read at once. */
static int connect_to(const char *path, struct rh_diag *diag)
{
	int fd = rh_socket_connect(path, diag);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* --- whom to listen to ----------------------------------------------------------------
 */

static int ask_center(int fd, const char *only)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	if (only)
		rh_record_put_text(&writer, RH_TAG_RESOURCE, only);
	return rh_socket_send(fd, RH_FRAME_TRACE, 1, &writer, NULL, 0);
}

static int ask_agent(int fd)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_COUNT, UINT32_MAX);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_TRACE_PUSH);
	return rh_socket_send(fd, RH_FRAME_TRACE, 1, &writer, NULL, 0);
}

/* The center hangs up on others, sooner or later. */
static bool may_look(int fd)
{
	struct ucred center = { .uid = 0 };
	socklen_t    len = sizeof center;

	return geteuid() == 0 ||
	       (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &center, &len) == 0 &&
	        center.uid == geteuid());
}

int rh_push_tracing_start(struct rh_push_tracing *tracing, struct rh_diag *diag)
{
	char path[RH_SOCKET_PATH_MAX + 1];
	int  r = rh_dirs_socket(tracing->dirs, "link.sock", path, diag);

	if (r < 0)
		return r;
	r = connect_to(path, diag);
	if (r < 0)
		return r == RH_EACCES
		       ? rh_diag_set(diag, r, "only root and the user of the center may "
		                     "see how rules are pushed")
		       : rh_away_explain(tracing->dirs, diag);
	if (!may_look(r) || ask_center(r, tracing->only) < 0) {
		close(r);
		return rh_diag_set(diag, RH_EACCES, "the center hung up: only root and its "
		                   "user may see how rules are pushed");
	}
	tracing->fd = r;
	return RH_OK;
}

/* The place of the agent, a free one, or NULL when all are taken. */
static struct heard *place_of(struct rh_push_tracing *tracing, const char *resource)
{
	struct heard *place = NULL;

	for (size_t i = 0; i < tracing->agent_count; i++) {
		if (strcmp(tracing->agents[i].resource, resource) == 0)
			return &tracing->agents[i];
		if (tracing->agents[i].fd < 0)
			place = &tracing->agents[i];
	}
	if (!place && tracing->agent_count < RH_PUSH_AGENTS_MAX)
		place = &tracing->agents[tracing->agent_count++];
	if (place) {
		snprintf(place->resource, sizeof place->resource, "%s", resource);
		place->fd = -1;
	}
	return place;
}

void rh_push_tracing_add(struct rh_push_tracing *tracing, const char *resource)
{
	char          path[RH_SOCKET_PATH_MAX + 1];
	struct heard *place;

	if (tracing->only && strcmp(tracing->only, resource) != 0)
		return;
	place = place_of(tracing, resource);
	if (!place || place->fd >= 0 ||
	    rh_dirs_agent(tracing->dirs, resource, path, NULL) < 0)
		return;
	place->fd = connect_to(path, NULL);
	if (place->fd >= 0 && ask_agent(place->fd) < 0) {
		close(place->fd);
		place->fd = -1;
	}
}

/* --- hearing --------------------------------------------------------------------------
 */

static void print(struct rh_push_tracing *tracing, FILE *out, bool has_color,
                  bool *is_enough)
{
	unsigned printed = rh_push_page_print(tracing->page, out, has_color);

	if (tracing->left == 0)
		return;
	*is_enough = printed >= tracing->left;
	tracing->left -= *is_enough ? 0 : printed;
}

/* What an agent did before it could be heard is known from what came of it. */
static void make_up(struct rh_push_tracing *tracing, const struct rh_push_step *kept)
{
	struct rh_push_step step = {
		.process = RH_PUSH_SUBSCRIBING, .revision = kept->revision,
		.bytes = kept->bytes, .time_ns = kept->time_ns - kept->took_ns - 2,
	};

	memcpy(step.resource, kept->resource, sizeof step.resource);
	step.step = 1;
	snprintf(step.text, sizeof step.text, "its agent put together what it watches, and "
	         "who listens (not heard: it began just now)");
	rh_push_page_add(tracing->page, &step);
	step.step = 2;
	step.time_ns++;
	snprintf(step.text, sizeof step.text, "its agent asked the center for it (not "
	         "heard)");
	rh_push_page_add(tracing->page, &step);
}

static void drop(int *fd)
{
	close(*fd);
	*fd = -1;
}

static bool is_gone(int fd)
{
	struct pollfd look = { .fd = fd };

	return poll(&look, 1, 0) > 0 && look.revents & (POLLHUP | POLLERR);
}

/* An agent that ended may not have been missed yet when the next one subscribes. */
static bool is_heard(struct rh_push_tracing *tracing, const char *resource)
{
	for (size_t i = 0; i < tracing->agent_count; i++) {
		struct heard *agent = &tracing->agents[i];

		if (strcmp(agent->resource, resource) != 0)
			continue;
		if (agent->fd >= 0 && is_gone(agent->fd))
			drop(&agent->fd);
		return agent->fd >= 0;
	}
	return false;
}

/* An agent that subscribes may be one that came just now. */
static void take(struct rh_push_tracing *tracing, const struct rh_push_step *step,
                 bool is_of_center)
{
	if (is_of_center && step->process == RH_PUSH_SUBSCRIBING && step->step == 3 &&
	    !is_heard(tracing, step->resource)) {
		make_up(tracing, step);
		rh_push_tracing_add(tracing, step->resource);
	}
	rh_push_page_add(tracing->page, step);
}

/* All frames that are there.  RH_EAGAIN: no more now; else it is over. */
static int hear(struct rh_push_tracing *tracing, int fd, struct rh_diag *diag)
{
	static unsigned char buffer[RH_FRAME_MAX];
	struct rh_push_step  step;
	struct rh_frame      frame;
	bool                 is_of_center = fd == tracing->fd;
	int                  r = RH_OK;

	while (r == RH_OK && !rh_push_page_is_full(tracing->page)) {
		r = rh_socket_receive(fd, buffer, &frame);
		if (r < 0)
			return r;
		if (frame.type == RH_FRAME_ERROR)
			r = rh_frame_refusal(&frame,
			                     "the center refuses to be looked at", diag);
		else if (frame.type == RH_FRAME_PUSH_STEP &&
		         rh_push_step_read(&frame.records, &step) == RH_OK)
			take(tracing, &step, is_of_center);
		rh_frame_drop(&frame);
	}
	return r == RH_OK ? RH_EAGAIN : r;
}

/* Agents first: the last words of one come before the center's of the next.  RH_OK, or a
 * negative code: the center does not want us. */
static int hear_all(struct rh_push_tracing *tracing, const struct pollfd *ready,
                    struct rh_diag *diag)
{
	int r;

	for (size_t i = 0; i < tracing->agent_count; i++) {
		struct heard *agent = &tracing->agents[i];

		if (!ready[i + 1].revents || agent->fd != ready[i + 1].fd)
			continue;
		if (hear(tracing, agent->fd, NULL) != RH_EAGAIN)
			drop(&agent->fd);
	}
	r = ready[0].revents ? hear(tracing, tracing->fd, diag) : RH_EAGAIN;
	if (r == RH_ELOST)
		drop(&tracing->fd);
	return r < 0 && r != RH_EAGAIN && r != RH_ELOST ? r : RH_OK;
}

/* Fills in what to wait for; returns how many. */
static size_t fill(const struct rh_push_tracing *tracing, struct pollfd *ready, int stop,
                   FILE *out)
{
	size_t count = 0;

	ready[count++] = (struct pollfd){ .fd = tracing->fd, .events = POLLIN };
	for (size_t i = 0; i < tracing->agent_count; i++)
		ready[count++] = (struct pollfd){ .fd = tracing->agents[i].fd,
		                                  .events = POLLIN };
	ready[count++] = (struct pollfd){ .fd = stop, .events = POLLIN };
	ready[count++] = (struct pollfd){ .fd = fileno(out) };
	return count;
}

static void come_back(struct rh_push_tracing *tracing)
{
	static bool is_told;

	if (tracing->fd >= 0)
		return;
	if (!is_told)
		fprintf(stderr, "rhodes trace: the center is away; waiting for it\n");
	is_told = rh_push_tracing_start(tracing, NULL) < 0;
	if (!is_told)
		fprintf(stderr, "rhodes trace: the center is back\n");
}

int rh_push_tracing_run(struct rh_push_tracing *tracing, uint32_t count, FILE *out,
                        bool has_color, struct rh_diag *diag)
{
	struct pollfd ready[RH_PUSH_AGENTS_MAX + 3];
	int           stop = rh_stop_open(), r = RH_OK;
	bool          is_enough = false;

	signal(SIGPIPE, SIG_IGN);
	tracing->left = count;
	while (r == RH_OK && !is_enough && !ferror(out)) {
		bool   has_some = !rh_push_page_is_empty(tracing->page);
		size_t watched = fill(tracing, ready, stop, out);
		int    n = poll(ready, watched, has_some ? QUIET_MS
		                : tracing->fd < 0 ? AGAIN_MS : -1);

		if (n < 0 || ready[watched - 2].revents ||
		    ready[watched - 1].revents & (POLLERR | POLLHUP))
			break;
		if (n > 0)
			r = hear_all(tracing, ready, diag);
		if (n == 0 || rh_push_page_is_full(tracing->page))
			print(tracing, out, has_color, &is_enough);
		if (n == 0)
			come_back(tracing);
	}
	print(tracing, out, has_color, &is_enough);
	close(stop);
	return r;
}
