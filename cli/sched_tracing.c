#include "sched_tracing.h"

#include "sched_page.h"
#include "stop.h"

#include "../agent/governed.h"
#include "../base/clock.h"
#include "../base/fiber_block.h"
#include "../base/socket.h"
#include "../wire/frame.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_MS    20
#define BEGIN_NS   RH_NS_PER_S /* programs have that long to begin */
#define LOOK_NS    (200 * RH_NS_PER_MS) /* for programs that came */
#define EVENTS_MAX 512u                 /* that are read at a time */

struct program {
	pid_t                 pid;
	struct rh_fiber_block block;
	uint64_t              next;
	uint64_t              lost;
	bool                  is_there;
	bool                  is_another; /* that the process became    */
};

struct rh_sched_tracing {
	const struct rh_dirs *dirs;
	const char           *resource;
	struct program        programs[RH_SCHED_TRACING_MAX];
	unsigned              count;
	unsigned              others;    /* that the kernel schedules  */
	bool                  is_denied; /* it may not look at one     */
	uint64_t              since_ns;  /* it began                   */
	uint64_t              looked_ns;
	int                   fd;        /* of the agent               */
	struct rh_sched_page *page;
};

struct rh_sched_tracing *rh_sched_tracing_create(const struct rh_dirs *dirs,
                                                 const char *resource)
{
	struct rh_sched_tracing *tracing = calloc(1, sizeof *tracing);

	if (!tracing)
		return NULL;
	tracing->dirs = dirs;
	tracing->resource = resource;
	tracing->fd = -1;
	tracing->since_ns = rh_clock_ns();
	tracing->page = rh_sched_page_create();
	if (tracing->page)
		return tracing;
	free(tracing);
	return NULL;
}

void rh_sched_tracing_destroy(struct rh_sched_tracing *tracing)
{
	if (!tracing)
		return;
	for (unsigned i = 0; i < tracing->count; i++)
		rh_fiber_block_close(&tracing->programs[i].block);
	if (tracing->fd >= 0)
		close(tracing->fd);
	rh_sched_page_destroy(tracing->page);
	free(tracing);
}

/* ---- programs --------------------------------------------------------------- */

static struct program *find(struct rh_sched_tracing *tracing, pid_t pid)
{
	for (unsigned i = 0; i < tracing->count; i++) {
		if (tracing->programs[i].pid == pid)
			return &tracing->programs[i];
	}
	return NULL;
}

/* One that comes later is read from its beginning.  A program that becomes another keeps its
 * number, but not its block: what it wrote there is still read, and until the other one has
 * a block it is not gone. */
static void add(struct rh_sched_tracing *tracing, pid_t pid, uint64_t next)
{
	struct program *program = &tracing->programs[tracing->count];
	struct program *known = find(tracing, pid);
	int             r;

	if (tracing->count == RH_SCHED_TRACING_MAX)
		return;
	*program = (struct program){ .pid = pid, .next = next, .is_there = true };
	r = rh_fiber_block_open(pid, 0, &program->block);
	tracing->is_denied |= r == RH_EACCES;
	if (r == RH_OK && known && rh_fiber_block_is_same(&known->block, &program->block)) {
		known->is_there = true;
		rh_fiber_block_close(&program->block);
		return;
	}
	if (r != RH_OK && known)
		known->is_there = true;
	program->is_another = known != NULL;
	tracing->count += r == RH_OK;
}

static void see(struct rh_sched_tracing *tracing, const struct rh_governed_process *process,
                uint64_t next)
{
	if (!process->is_fiber)
		tracing->others++;
	else
		add(tracing, process->pid, next);
}

static void drop_ended(struct rh_sched_tracing *tracing)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < tracing->count; i++) {
		if (tracing->programs[i].is_there)
			tracing->programs[kept++] = tracing->programs[i];
		else
			rh_fiber_block_close(&tracing->programs[i].block);
	}
	tracing->count = kept;
}

static void look(struct rh_sched_tracing *tracing, uint64_t next)
{
	struct rh_governed set;
	char               path[PATH_MAX];

	snprintf(path, sizeof path, "%s/agent/%s.governed", tracing->dirs->run,
	         tracing->resource);
	rh_governed_init(&set);
	rh_governed_load(&set, path);
	rh_governed_look(&set, NULL, NULL);
	tracing->others = 0;
	for (unsigned i = 0; i < tracing->count; i++)
		tracing->programs[i].is_there = false;
	for (unsigned i = 0; i < set.count; i++)
		see(tracing, set.at[i], next);
	rh_governed_fini(&set);
	tracing->looked_ns = rh_clock_ns();
}

/* ---- the agent -------------------------------------------------------------- */

static int ask(int fd)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_COUNT, 0);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_TRACE_SCHED);
	return rh_socket_send(fd, RH_FRAME_TRACE, 1, &writer, NULL, 0);
}

/* Where events are when it begins is known before any is written. */
static void begin_reading(struct rh_sched_tracing *tracing)
{
	struct rh_stats_event unused;

	look(tracing, 0);
	for (unsigned i = 0; i < tracing->count; i++) {
		struct program *program = &tracing->programs[i];

		rh_fiber_block_events(&program->block, &program->next, &unused, 0,
		                      &program->lost);
	}
}

int rh_sched_tracing_start(struct rh_sched_tracing *tracing, struct rh_diag *diag)
{
	char path[RH_SOCKET_PATH_MAX + 1];
	int  r = rh_dirs_agent(tracing->dirs, tracing->resource, path, diag);

	if (r < 0)
		return r;
	tracing->fd = rh_socket_connect(path, NULL);
	if (tracing->fd < 0)
		return rh_diag_set(diag, RH_EDETACHED, "the agent of %s does not run",
		                   tracing->resource);
	begin_reading(tracing);
	if (tracing->count == 0 && tracing->others)
		return rh_diag_set(diag, RH_ENOSYS, "the kernel schedules the threads of %s "
			"(carrier host), and does not say why it decides: programs that "
			"`rhodes run --carrier fiber` starts are traced", tracing->resource);
	r = ask(tracing->fd);
	return r < 0 ? rh_diag_set(diag, r, "the agent of %s hung up", tracing->resource)
	             : RH_OK;
}

/* Says nothing unless it does not want us. */
static int hear(struct rh_sched_tracing *tracing, struct rh_diag *diag)
{
	static unsigned char buffer[RH_FRAME_MAX];
	struct rh_frame      frame;
	int                  r = rh_socket_receive(tracing->fd, buffer, &frame);

	if (r < 0)
		return r == RH_EAGAIN ? RH_OK : rh_diag_set(diag, RH_ELOST,
			"the agent of %s is gone", tracing->resource);
	if (frame.type == RH_FRAME_ERROR)
		r = rh_frame_refusal(&frame, "the agent refuses to be traced", diag);
	rh_frame_drop(&frame);
	return r;
}

static bool are_traced(const struct rh_sched_tracing *tracing)
{
	for (unsigned i = 0; i < tracing->count; i++) {
		if (!rh_fiber_block_is_traced(&tracing->programs[i].block))
			return false;
	}
	return true;
}

/* From the headings on nothing that happens is missed. */
static int await_programs(struct rh_sched_tracing *tracing, struct rh_diag *diag)
{
	struct pollfd ready = { .fd = tracing->fd, .events = POLLIN };
	uint64_t      until = rh_clock_ns() + BEGIN_NS;
	int           r = RH_OK;

	while (r == RH_OK && !are_traced(tracing) && rh_clock_ns() < until) {
		if (poll(&ready, 1, 1) > 0)
			r = hear(tracing, diag);
	}
	return r;
}

/* ---- events ----------------------------------------------------------------- */

static void tell_lost(struct program *program, FILE *out)
{
	if (program->lost)
		fprintf(out, "(%llu event%s of process %d came too fast, and %s lost)\n",
		        (unsigned long long)program->lost,
		        program->lost == 1 ? "" : "s", (int)program->pid,
		        program->lost == 1 ? "is" : "are");
	program->lost = 0;
}

/* Returns how many were printed, at most most. */
static uint32_t print_some(struct rh_sched_tracing *tracing, struct program *program,
                           uint32_t most, FILE *out, bool has_color)
{
	static struct rh_stats_event events[EVENTS_MAX];
	uint32_t                     printed = 0;
	int n = rh_fiber_block_events(&program->block, &program->next, events, EVENTS_MAX,
	                              &program->lost);

	tell_lost(program, out);
	if (program->is_another)
		fprintf(out, "(process %d became another program)\n", (int)program->pid);
	program->is_another = false;
	for (int i = 0; i < n && printed < most; i++) {
		if (events[i].time < tracing->since_ns)
			continue; /* of a trace of before */
		rh_sched_page_print(tracing->page, program->pid, &events[i], out, has_color);
		printed++;
	}
	return printed;
}

/* True: that was enough. */
static bool print_all(struct rh_sched_tracing *tracing, uint32_t *left, FILE *out,
                      bool has_color)
{
	for (unsigned i = 0; i < tracing->count; i++) {
		uint32_t most = *left ? *left : UINT32_MAX;
		uint32_t n = print_some(tracing, &tracing->programs[i], most, out, has_color);

		if (*left && n == *left)
			return true;
		*left -= *left ? n : 0;
	}
	fflush(out);
	return false;
}

/* What it cannot show, once. */
static void note(struct rh_sched_tracing *tracing, FILE *err)
{
	if (tracing->is_denied)
		fputs("rhodes trace: note: a program does not let this user look at it\n", err);
	tracing->is_denied = false;
}

int rh_sched_tracing_run(struct rh_sched_tracing *tracing, uint32_t count, FILE *out,
                         FILE *err, bool has_color, struct rh_diag *diag)
{
	struct pollfd ready[2] = { { .fd = tracing->fd, .events = POLLIN },
	                           { .fd = rh_stop_open(), .events = POLLIN } };
	int           r = await_programs(tracing, diag);

	if (tracing->count == 0)
		fprintf(err, "rhodes trace: note: no program of %s runs under fiber yet;"
		        " waiting for one\n", tracing->resource);
	rh_sched_page_headings(out, has_color);
	fflush(out);
	while (r == RH_OK && !ferror(out) && !ready[1].revents) {
		poll(ready, 2, READ_MS);
		if (ready[0].revents)
			r = hear(tracing, diag);
		if (rh_clock_ns() - tracing->looked_ns > LOOK_NS)
			look(tracing, 1);
		note(tracing, err);
		if (print_all(tracing, &count, out, has_color))
			break;
		drop_ended(tracing);
	}
	if (ready[1].fd >= 0)
		close(ready[1].fd);
	return r;
}
