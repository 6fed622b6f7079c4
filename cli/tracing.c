#include "tracing.h"

#include "stop.h"
#include "text.h"
#include "values.h"

#include "../base/diag.h"
#include "../base/dirs.h"
#include "../base/plural.h"
#include "../base/socket.h"
#include "../wire/page.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS_MAX 12 /* that agents tell of one call */
#define STEP_LAST 11u
#define GRACE_MS  100 /* for the word of a callee's agent that was busy */

struct call {
	uint64_t               id;
	uint32_t               count;      /* 0: the place is free */
	struct rh_tracing_step steps[STEPS_MAX];
};

struct callee {
	char  name[RH_NAME_MAX + 1];
	char *text;
	int   fd;
};

struct rh_tracing {
	char          caller[RH_NAME_MAX + 1];
	const char   *only;
	int           fd;            /* the agent of the caller */
	struct callee callees[RH_TRACING_CALLEES_MAX];
	size_t        callee_count;
	uint32_t      left;          /* calls to print; 0: no end */
	struct call   calls[RH_TRACING_CALLS_MAX];
	size_t        next;          /* place to free when all are taken */
};

struct rh_tracing *rh_tracing_create(const char *caller)
{
	struct rh_tracing *tracing = calloc(1, sizeof *tracing);

	if (tracing) {
		tracing->fd = -1;
		snprintf(tracing->caller, sizeof tracing->caller, "%s", caller);
	}
	return tracing;
}

void rh_tracing_destroy(struct rh_tracing *tracing)
{
	if (!tracing)
		return;
	for (size_t i = 0; i < tracing->callee_count; i++) {
		free(tracing->callees[i].text);
		if (tracing->callees[i].fd >= 0)
			close(tracing->callees[i].fd);
	}
	if (tracing->fd >= 0)
		close(tracing->fd);
	free(tracing);
}

int rh_tracing_add_callee(struct rh_tracing *tracing, const char *name, const char *text)
{
	struct callee *callee = &tracing->callees[tracing->callee_count];

	if (tracing->callee_count == RH_TRACING_CALLEES_MAX)
		return RH_ENOSPC;
	*callee = (struct callee){ .fd = -1, .text = strdup(text ? text : "") };
	if (!callee->text)
		return RH_ENOMEM;
	snprintf(callee->name, sizeof callee->name, "%s", name);
	tracing->callee_count++;
	return RH_OK;
}

void rh_tracing_limit_to(struct rh_tracing *tracing, const char *callee)
{
	tracing->only = callee;
}

/* --- printing -------------------------------------------------------------------------
 */

static const char *line_of(const struct rh_tracing *tracing, const char *callee,
                           uint64_t function)
{
	for (size_t i = 0; i < tracing->callee_count; i++) {
		const char *line = tracing->callees[i].text;

		if (strcmp(tracing->callees[i].name, callee) != 0)
			continue;
		for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
			if (*line != '#' && rh_values_hash(line) == function)
				return line;
		}
	}
	return NULL;
}

struct page {
	FILE    *out;
	bool     has_color;
	uint64_t start_ns;
	uint64_t last_ns;
};

static void print_number(const struct page *page, unsigned step)
{
	char text[16];

	snprintf(text, sizeof text, "%4u ", step);
	rh_text_print(page->out, text, RH_BOLD, page->has_color);
}

/* A step inside a process: nobody told its time.  Leaves the line open. */
static FILE *inside(const struct page *page, unsigned step, const char *who)
{
	print_number(page, step);
	fprintf(page->out, "%10s ", "");
	rh_text_print(page->out, who, RH_PLAIN, 0);
	return page->out;
}

static void print_step(struct page *page, const struct rh_tracing_step *step)
{
	char when[32] = "";

	/* An agent that was busy tells later than it did; then the time says nothing. */
	if (step->time_ns >= page->last_ns)
		rh_text_duration((double)(step->time_ns - page->start_ns), when,
		                 sizeof when);
	if (step->time_ns > page->last_ns)
		page->last_ns = step->time_ns;
	print_number(page, step->step);
	fprintf(page->out, "%10s ", when);
	rh_text_print(page->out, step->text, RH_PLAIN, 0);
	fputc('\n', page->out);
}

static void print_function(FILE *out, const char *line, uint64_t function)
{
	char name[128];

	if (line)
		snprintf(name, sizeof name, "%.*s", (int)strcspn(line, ",\n"), line);
	else
		snprintf(name, sizeof name, "function %016llx",
		         (unsigned long long)function);
	rh_text_print(out, name, RH_PLAIN, 0);
}

/* 1 and 2: before the agent of the caller reads. */
static void print_calling(const struct page *page, const struct rh_tracing_step *first,
                          const char *line)
{
	FILE *out = inside(page, 1, first->caller);

	fputs(" calls ", out);
	print_function(out, line, first->function);
	fputc('\n', out);
	inside(page, 2, "its interceptor takes out callee, function and parameters: ");
	if (line)
		rh_values_print_args(out, line, first->body, first->body_len);
	else
		fprintf(out, "%u byte%s", first->body_len, rh_plural(first->body_len));
	fputc('\n', out);
}

/* 6, 7 and 8: between the words of the callee's agent. */
static void print_serving(const struct page *page, const struct rh_tracing_step *before,
                          const char *line)
{
	FILE *out = inside(page, 6, before->callee);

	fputs(" reads the call from the page\n", out);
	fputs(" calls ", inside(page, 7, before->callee));
	print_function(out, line, before->function);
	fputs(" by its skeleton\n", out);
	fputs(" puts the result on the page\n", inside(page, 8, before->callee));
}

/* 12, 13 and 14: behind the last word of the caller's agent. */
static void print_returning(const struct page *page, const struct rh_tracing_step *last,
                            const char *line)
{
	FILE *out = inside(page, 12, last->caller);

	fputs(" reads the reply from the page\n", out);
	inside(page, 13, "its interceptor takes out the result: ");
	if (line && last->body_len)
		rh_values_print_reply(out, line, last->body, last->body_len);
	else
		fprintf(out, "%u byte%s", last->body_len, rh_plural(last->body_len));
	fputc('\n', out);
	fputs(" has the result\n", inside(page, 14, last->caller));
}

/* The order of the figure: 3 and 4 at the caller's agent, 4 to 10 at the callee's,
 * 10 and 11 at the caller's. */
static int rank(const struct rh_tracing_step *step)
{
	if (step->is_of_callee)
		return 100 + (int)step->step;
	return step->step < 9 ? (int)step->step : 200 + (int)step->step;
}

static int by_rank(const void *a, const void *b)
{
	return rank(a) - rank(b);
}

static void print_call(const struct rh_tracing *tracing, struct call *call, FILE *out,
                       bool has_color)
{
	struct rh_tracing_step *steps = call->steps;
	struct page             page = { .out = out, .has_color = has_color };
	const char             *line;
	bool                    is_served = false;

	qsort(steps, call->count, sizeof *steps, by_rank);
	page.start_ns = page.last_ns = steps[0].time_ns;
	line = line_of(tracing, steps[0].callee, steps[0].function);
	fprintf(out, "%s -> %s\n", steps[0].caller, steps[0].callee);
	print_calling(&page, &steps[0], line);
	for (uint32_t i = 0; i < call->count; i++) {
		if (!is_served && steps[i].step >= 9) {
			is_served = true;
			print_serving(&page, &steps[i], line);
		}
		print_step(&page, &steps[i]);
	}
	if (steps[call->count - 1].step == STEP_LAST)
		print_returning(&page, &steps[call->count - 1], line);
	fputc('\n', out);
	fflush(out);
	call->count = 0;
}

/* --- taking ----------------------------------------------------------------------------
 */

static struct call *place_of(struct rh_tracing *tracing,
                             const struct rh_tracing_step *step)
{
	struct call *empty = NULL;

	for (size_t i = 0; i < RH_TRACING_CALLS_MAX; i++) {
		struct call *call = &tracing->calls[i];

		if (call->count && call->id == step->call &&
		    strcmp(call->steps[0].callee, step->callee) == 0)
			return call;
		if (!call->count && !empty)
			empty = call;
	}
	if (!empty) { /* the oldest place gives way */
		empty = &tracing->calls[tracing->next];
		tracing->next = (tracing->next + 1) % RH_TRACING_CALLS_MAX;
	}
	return empty;
}

static bool has_step(const struct call *call, uint32_t number, bool is_of_callee)
{
	for (uint32_t i = 0; i < call->count; i++) {
		if (call->steps[i].step == number &&
		    call->steps[i].is_of_callee == is_of_callee)
			return true;
	}
	return false;
}

/* Nothing more will be told: the caller's agent is done, and the callee's is, or
 * nobody listens to it. */
static bool is_over(const struct rh_tracing *tracing, const struct call *call)
{
	bool is_heard = false;

	if (!has_step(call, STEP_LAST, false))
		return false;
	for (size_t i = 0; i < tracing->callee_count; i++)
		is_heard = is_heard || (tracing->callees[i].fd >= 0 &&
		           strcmp(tracing->callees[i].name, call->steps[0].callee) == 0);
	return !is_heard || has_step(call, STEP_LAST - 1, true);
}

unsigned rh_tracing_flush(struct rh_tracing *tracing, FILE *out, bool has_color)
{
	unsigned printed = 0;

	for (size_t i = 0; i < RH_TRACING_CALLS_MAX; i++) {
		struct call *call = &tracing->calls[i];

		if (!call->count || !has_step(call, STEP_LAST, false))
			continue;
		print_call(tracing, call, out, has_color);
		printed++;
	}
	return printed;
}

unsigned rh_tracing_take(struct rh_tracing *tracing, const struct rh_tracing_step *step,
                         FILE *out, bool has_color)
{
	struct call *call;
	unsigned     printed = 0;

	/* A callee's agent tells of other callers' traced calls too. */
	if (strcmp(step->caller, tracing->caller) != 0 ||
	    (tracing->only && strcmp(step->callee, tracing->only) != 0))
		return 0;
	call = place_of(tracing, step);
	if (call->count && (call->id != step->call || call->count == STEPS_MAX)) {
		print_call(tracing, call, out, has_color);
		printed++;
	}
	call->id = step->call;
	call->steps[call->count++] = *step;
	if (is_over(tracing, call)) {
		print_call(tracing, call, out, has_color);
		printed++;
	}
	return printed;
}

/* --- listening
 * -------------------------------------------------------------------------- */

static int ask(int fd, uint32_t count, const char *callee, uint32_t flags)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_COUNT, count);
	if (callee)
		rh_record_put_text(&writer, RH_TAG_CALLEE, callee);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, flags);
	return rh_socket_send(fd, RH_FRAME_TRACE, 1, &writer, NULL, 0);
}

static int listen_to(const struct rh_dirs *dirs, const char *name, struct rh_diag *diag)
{
	char path[RH_SOCKET_PATH_MAX + 1];
	int  r = rh_dirs_agent(dirs, name, path, diag);

	return r < 0 ? r : rh_socket_connect(path, diag);
}

int rh_tracing_start(struct rh_tracing *tracing, const struct rh_dirs *dirs,
                     uint32_t count, struct rh_diag *diag)
{
	int r = RH_OK;

	/* The callees first: from its first call on both ends are heard. */
	for (size_t i = 0; i < tracing->callee_count; i++) {
		struct callee *callee = &tracing->callees[i];

		callee->fd = listen_to(dirs, callee->name, NULL);
		if (callee->fd < 0)
			callee->fd = -1;
		else
			ask(callee->fd, UINT32_MAX, NULL, RH_PAGE_FLAG_TRACE);
	}
	tracing->left = count;
	tracing->fd = listen_to(dirs, tracing->caller, diag);
	if (tracing->fd < 0) {
		tracing->fd = -1;
		return rh_diag_set(diag, RH_EDETACHED, "the agent of %s does not run",
		                   tracing->caller);
	}
	r = ask(tracing->fd, count ? count : UINT32_MAX, tracing->only, 0);
	return r < 0 ? rh_diag_set(diag, r, "the agent of %s hung up", tracing->caller)
	             : RH_OK;
}

static int read_step(const struct rh_frame *frame, struct rh_tracing_step *step)
{
	const struct rh_record_reader *records = &frame->records;
	struct rh_record               body;

	memset(step, 0, offsetof(struct rh_tracing_step, body));
	if (rh_record_u32(records, RH_TAG_STEP, &step->step) < 0 ||
	    rh_record_u64(records, RH_TAG_TIME, &step->time_ns) < 0 ||
	    rh_record_u64(records, RH_TAG_CALL, &step->call) < 0 ||
	    rh_record_u64(records, RH_TAG_FUNCTION, &step->function) < 0 ||
	    rh_record_text(records, RH_TAG_CALLER, step->caller, sizeof step->caller) <
	            0 ||
	    rh_record_text(records, RH_TAG_CALLEE, step->callee, sizeof step->callee) <
	            0 ||
	    rh_record_text(records, RH_TAG_TEXT, step->text, sizeof step->text) < 0)
		return RH_EPROTO;
	if (rh_record_find(records, RH_TAG_BODY, &body) == RH_OK) {
		step->body_len = body.len < sizeof step->body
		                         ? body.len
		                         : (uint32_t)sizeof step->body;
		memcpy(step->body, body.bytes, step->body_len);
	}
	return RH_OK;
}

/* 1 when that was enough. */
static int count_down(struct rh_tracing *tracing, unsigned printed)
{
	if (tracing->left == 0)
		return 0;
	if (printed >= tracing->left)
		return 1;
	tracing->left -= printed;
	return 0;
}

/* One frame of an agent; 1 when enough calls were printed. */
static int hear(struct rh_tracing *tracing, int fd, FILE *out, bool has_color,
                struct rh_diag *diag)
{
	static unsigned char          buffer[RH_FRAME_MAX];
	static struct rh_tracing_step step;
	struct rh_frame frame;
	unsigned        printed;
	int             r = rh_socket_receive(fd, buffer, &frame);

	if (r < 0)
		return r;
	if (frame.type == RH_FRAME_ERROR) {
		r = rh_frame_refusal(&frame, "the agent refuses to be traced", diag);
	} else if (frame.type == RH_FRAME_STEP &&
	           (r = read_step(&frame, &step)) == RH_OK) {
		step.is_of_callee = fd != tracing->fd;
		printed = rh_tracing_take(tracing, &step, out, has_color);
		r = count_down(tracing, printed);
	}
	rh_frame_drop(&frame);
	return r;
}

/* What came of an agent: the caller's is needed, a callee's is not. */
static int judge(struct rh_tracing *tracing, size_t i, int r, struct rh_diag *diag)
{
	if (r >= 0 || r == RH_EAGAIN || r == RH_EPROTO)
		return r == 1;
	if (i == 0)
		return r == RH_ELOST ? rh_diag_set(diag, r, "the agent of %s is gone",
		                                   tracing->caller)
		                     : r;
	close(tracing->callees[i - 1].fd);
	tracing->callees[i - 1].fd = -1;
	return 0;
}

/* Some call waits for the last word of its callee's agent. */
static bool has_ended(const struct rh_tracing *tracing)
{
	for (size_t i = 0; i < RH_TRACING_CALLS_MAX; i++) {
		if (tracing->calls[i].count &&
		    has_step(&tracing->calls[i], STEP_LAST, false))
			return true;
	}
	return false;
}

int rh_tracing_run(struct rh_tracing *tracing, FILE *out, bool has_color,
                   struct rh_diag *diag)
{
	struct pollfd ready[RH_TRACING_CALLEES_MAX + 2];
	size_t        count = tracing->callee_count + 1;
	int           stop = rh_stop_open(), r = 0, n;

	while (r == 0 && !ferror(out)) {
		ready[0] = (struct pollfd){ .fd = tracing->fd, .events = POLLIN };
		for (size_t i = 1; i < count; i++)
			ready[i] = (struct pollfd){ .fd = tracing->callees[i - 1].fd,
			                            .events = POLLIN };
		ready[count] = (struct pollfd){ .fd = stop, .events = POLLIN };
		n = poll(ready, count + 1, has_ended(tracing) ? GRACE_MS : -1);
		if (n == 0)
			r = count_down(tracing,
			               rh_tracing_flush(tracing, out, has_color));
		if (n <= 0)
			continue;
		/* The callees' words first: a call ends with the caller's agent. */
		for (size_t i = count; i > 0 && r == 0; i--) {
			if (ready[i - 1].revents)
				r = judge(tracing, i - 1,
				          hear(tracing, ready[i - 1].fd, out, has_color,
				               diag),
				          diag);
		}
		if (ready[count].revents)
			break;
	}
	if (stop >= 0)
		close(stop);
	return r < 0 ? r : RH_OK;
}
