#include "sched_page.h"

#include "text.h"

#include "../base/threads.h"
#include "../model/error.h"

#include <rhodes/hook/sched_layout.h>
#include <stdlib.h>
#include <string.h>

#define SEATS_MAX 1024u /* of all processes */

struct thread {
	pid_t    pid;
	uint32_t tid;
	char     name[16];
};

/* Busy: somebody runs there, or did until the next one is taken. */
struct seat {
	pid_t    pid;
	uint32_t index;
	bool     is_busy;
};

struct rh_sched_page {
	struct thread threads[RH_SCHED_PAGE_THREADS];
	unsigned      thread_count;
	struct seat   seats[SEATS_MAX];
	unsigned      seat_count;
	uint64_t      start_ns;
	uint64_t      start_vruntime; /* the first that was seen; 0: none */
};

struct rh_sched_page *rh_sched_page_create(void)
{
	return calloc(1, sizeof(struct rh_sched_page));
}

void rh_sched_page_destroy(struct rh_sched_page *page)
{
	free(page);
}

void rh_sched_page_headings(FILE *out, bool has_color)
{
	char text[96];

	snprintf(text, sizeof text, "%4s %10s  %-6s %-24s %4s  %s", "STEP", "AT", "THREAD",
	         "NAME", "SEAT", "WHAT");
	rh_text_print(out, text, RH_BOLD, has_color);
	fputc('\n', out);
}

/* ---- who it is about -------------------------------------------------------- */

/* From 1 on; 0: there are too many. */
static unsigned number_of(struct rh_sched_page *page, pid_t pid, uint32_t tid)
{
	struct rh_thread_stat stat = { .name = "" };
	struct thread        *next = &page->threads[page->thread_count];

	for (unsigned i = page->thread_count; i > 0; i--) {
		if (page->threads[i - 1].tid == tid && page->threads[i - 1].pid == pid)
			return i;
	}
	if (page->thread_count == RH_SCHED_PAGE_THREADS)
		return 0;
	rh_thread_stat(pid, (pid_t)tid, &stat);
	*next = (struct thread){ .pid = pid, .tid = tid };
	snprintf(next->name, sizeof next->name, "%.15s", stat.name);
	return ++page->thread_count;
}

static struct seat *seat_of(struct rh_sched_page *page, pid_t pid, uint32_t index)
{
	static struct seat other;
	struct seat       *next = &page->seats[page->seat_count];

	for (unsigned i = 0; i < page->seat_count; i++) {
		if (page->seats[i].index == index && page->seats[i].pid == pid)
			return &page->seats[i];
	}
	if (page->seat_count == SEATS_MAX)
		return &other;
	*next = (struct seat){ .pid = pid, .index = index };
	page->seat_count++;
	return next;
}

/* ---- steps ------------------------------------------------------------------ */

/* Who leaves has run there, also before the trace began. */
static void note_seat(struct seat *seat, const struct rh_stats_event *event)
{
	bool is_left = event->kind == RH_EVENT_WAIT ||
		       (event->kind == RH_EVENT_ENQUEUE &&
			(event->why == RH_SCHED_PREEMPT || event->why == RH_SCHED_YIELD));

	if (event->kind == RH_EVENT_IDLE)
		seat->is_busy = false;
	else if (is_left || event->kind == RH_EVENT_TICK || event->kind == RH_EVENT_SWITCH)
		seat->is_busy = true;
}

/* In the figure; 0: it is not there. */
static unsigned step_of(const struct seat *seat, const struct rh_stats_event *event,
                        unsigned number)
{
	bool is_first = number == 1;

	switch (event->kind) {
	case RH_EVENT_TICK:
		return 1;
	case RH_EVENT_START:
		return 2;
	case RH_EVENT_CONTEXT:
		return is_first ? 3 : 4;
	case RH_EVENT_ENQUEUE:
		return is_first ? 5 : 6;
	case RH_EVENT_IDLE:
		return 7;
	case RH_EVENT_PICK:
		return seat->is_busy ? 8 : 7;
	case RH_EVENT_SWITCH:
		return seat->is_busy ? 9 : 7;
	case RH_EVENT_END:
		return 8;
	default:
		return 0;
	}
}

/* ---- words ------------------------------------------------------------------ */

static const char *why_of(uint32_t why)
{
	static const char *const words[] = {
		[RH_SCHED_NEW] = "new", [RH_SCHED_WAKE] = "wake", [RH_SCHED_PREEMPT] = "preempt",
		[RH_SCHED_YIELD] = "yield", [RH_SCHED_SWAP] = "swap",
		[RH_SCHED_MIGRATE] = "migrate", [RH_SCHED_CHANGE] = "change",
	};

	return why < sizeof words / sizeof words[0] && words[why] ? words[why] : "?";
}

/* What orders it, as far as its rule has it: vruntime by how far it is from the first. */
static void print_keys(struct rh_sched_page *page, const struct rh_stats_event *event,
                       FILE *out)
{
	uint64_t from = page->start_vruntime ? page->start_vruntime : event->value;
	bool     is_less = event->value < from;
	char     text[32];

	page->start_vruntime = from;
	if (event->value)
		fprintf(out, ", vruntime %c%s", is_less ? '-' : '+', rh_text_duration((double)
		        (is_less ? from - event->value : event->value - from), text,
		        sizeof text));
	if (event->deadline > event->time)
		fprintf(out, ", due in %s", rh_text_duration((double)(event->deadline -
		        event->time), text, sizeof text));
	else if (event->deadline)
		fprintf(out, ", overdue for %s", rh_text_duration((double)(event->time -
		        event->deadline), text, sizeof text));
}

static void print_pick(struct rh_sched_page *page, const struct rh_stats_event *event,
                       FILE *out)
{
	fprintf(out, "pick_next: it is first %s", event->why ? "by the rule"
	                                                     : "come, without a rule");
	print_keys(page, event, out);
	fprintf(out, "; %llu wait", (unsigned long long)event->other);
}

static void print_wake(struct rh_sched_page *page, pid_t pid,
                       const struct rh_stats_event *event, FILE *out)
{
	if (event->other)
		fprintf(out, "wakeup by T%u", number_of(page, pid, (uint32_t)event->other));
	else
		fputs("wakeup", out);
}

static void print_what(struct rh_sched_page *page, pid_t pid,
                       const struct rh_stats_event *event, FILE *out)
{
	unsigned long long other = event->other, value = event->value;

	switch (event->kind) {
	case RH_EVENT_START:
		fputs("it is handed over", out);
		return;
	case RH_EVENT_CONTEXT:
		fprintf(out, "its stack (%#llx) and its TCB (%#llx) are taken over", value, other);
		return;
	case RH_EVENT_WAKE:
		print_wake(page, pid, event, out);
		return;
	case RH_EVENT_ENQUEUE:
		fprintf(out, "enqueue(%s)", why_of(event->why));
		print_keys(page, event, out);
		return;
	case RH_EVENT_MOVE:
		fprintf(out, "dequeue(migrate) from seat %llu", other);
		return;
	case RH_EVENT_IDLE:
		fputs("the processor is idle", out);
		return;
	case RH_EVENT_PICK:
		print_pick(page, event, out);
		return;
	case RH_EVENT_SWITCH:
		fprintf(out, "switch: carrier %llu runs it", other);
		return;
	case RH_EVENT_TICK:
		fputs(event->why ? "tick: it has run enough" : "tick: it goes on", out);
		return;
	case RH_EVENT_WAIT:
		fputs(event->why ? "dequeue: it sleeps in the kernel" : "dequeue: it waits", out);
		return;
	case RH_EVENT_END:
		fputs("it is done: its stack and its TCB are given back", out);
		return;
	case RH_EVENT_RULE:
		fputs("another rule orders this seat", out);
		return;
	default:
		fprintf(out, "event %u, which this version does not know", event->kind);
	}
}

/* ---- lines ------------------------------------------------------------------ */

static void print_thread(const struct rh_sched_page *page, unsigned number, uint32_t tid,
                         FILE *out)
{
	char text[40] = "", name[48];

	if (number)
		snprintf(text, sizeof text, "T%u", number);
	fprintf(out, "  %-6s ", tid ? text : "");
	text[0] = '\0';
	if (tid)
		snprintf(text, sizeof text, "%s/%u", number ? page->threads[number - 1].name : "",
		         tid);
	fprintf(out, "%-24s ", rh_text_clean(text, name, sizeof name));
}

void rh_sched_page_print(struct rh_sched_page *page, pid_t pid,
                         const struct rh_stats_event *event, FILE *out, bool has_color)
{
	unsigned     number = event->tid ? number_of(page, pid, event->tid) : 0;
	struct seat *seat = seat_of(page, pid, event->seat);
	unsigned     step = step_of(seat, event, number);
	char         text[32];

	note_seat(seat, event);
	if (page->start_ns == 0)
		page->start_ns = event->time;
	snprintf(text, sizeof text, "%4u", step);
	if (step)
		rh_text_print(out, text, RH_BOLD, has_color);
	else
		fputs("    ", out);
	fprintf(out, " %10s", event->time < page->start_ns ? "" : rh_text_duration((double)
	        (event->time - page->start_ns), text, sizeof text));
	print_thread(page, number, event->tid, out);
	if (event->seat == RH_STATS_NO_SEAT)
		fputs("   -  ", out);
	else
		fprintf(out, "%4u  ", event->seat);
	print_what(page, pid, event, out);
	fputc('\n', out);
}
