#include "push_page.h"

#include "text.h"

#include "../base/plural.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS_MAX 64u

/* Steps that belong together: of a revision, or of a resource that subscribes. */
struct chain {
	uint64_t revision;
	char     resource[64];
	uint64_t start_ns;     /* 0: the place is free */
};

struct line {
	struct rh_push_step step;
	uint64_t            start_ns;          /* of its chain          */
};

struct rh_push_page {
	struct line  lines[RH_PUSH_PAGE_MAX];
	unsigned     count;
	struct chain chains[CHAINS_MAX];
	unsigned     next;                     /* place to be taken     */
	struct chain last;                     /* of the line before    */
};

struct rh_push_page *rh_push_page_create(void)
{
	return calloc(1, sizeof(struct rh_push_page));
}

void rh_push_page_destroy(struct rh_push_page *page)
{
	free(page);
}

bool rh_push_page_is_empty(const struct rh_push_page *page)
{
	return page->count == 0;
}

bool rh_push_page_is_full(const struct rh_push_page *page)
{
	return page->count >= RH_PUSH_PAGE_MAX / 2;
}

int rh_push_page_add(struct rh_push_page *page, const struct rh_push_step *step)
{
	if (page->count == RH_PUSH_PAGE_MAX)
		return RH_ENOSPC;
	page->lines[page->count++].step = *step;
	return RH_OK;
}

/* --- chains ---------------------------------------------------------------------------
 */

static uint64_t began(const struct rh_push_step *step)
{
	return step->time_ns - step->took_ns;
}

static struct chain chain_of(const struct rh_push_step *step)
{
	struct chain chain = { .start_ns = began(step) };

	if (step->process == RH_PUSH_PUBLISHING)
		chain.revision = step->revision;
	else
		memcpy(chain.resource, step->resource, sizeof chain.resource);
	return chain;
}

static bool is_same(const struct chain *a, const struct chain *b)
{
	return a->revision == b->revision && strcmp(a->resource, b->resource) == 0;
}

/* When its chain began.  A subscription begins anew with its first step that is heard;
 * what is heard of a change whose beginning was not begins with that. */
static uint64_t start_of(struct rh_push_page *page, const struct rh_push_step *step)
{
	struct chain  chain = chain_of(step);
	struct chain *found = NULL;
	bool          is_first = step->step == 1;

	for (unsigned i = 0; i < CHAINS_MAX && !found; i++) {
		if (page->chains[i].start_ns && is_same(&page->chains[i], &chain))
			found = &page->chains[i];
	}
	if (found && !is_first)
		return found->start_ns;
	if (!found) {
		found = &page->chains[page->next];
		page->next = (page->next + 1) % CHAINS_MAX;
	}
	*found = chain;
	return chain.start_ns;
}

/* --- printing -------------------------------------------------------------------------
 */

static const char *const names[RH_PUSH_PROCESSES] = {
	[RH_PUSH_SUBSCRIBING] = "subscribe", [RH_PUSH_PUBLISHING] = "publish",
};

void rh_push_page_headings(FILE *out, bool has_color)
{
	char line[120];

	snprintf(line, sizeof line, "%-11s  %8s  %8s  %-16s  %8s  %7s  %s", "STEP", "AT",
	         "TOOK", "SUBSCRIBER", "REVISION", "BYTES", "WHAT");
	rh_text_print(out, line, RH_BOLD, has_color);
	fputc('\n', out);
}

static const char *number(uint64_t value, char *text, size_t cap)
{
	if (value)
		snprintf(text, cap, "%llu", (unsigned long long)value);
	else
		snprintf(text, cap, "-");
	return text;
}

static const char *duration(uint64_t ns, char *text, size_t cap)
{
	if (ns)
		return rh_text_duration((double)ns, text, cap);
	snprintf(text, cap, "-");
	return text;
}

/* "app -> lib: ", "app: ", or nothing. */
static void print_key(FILE *out, const struct rh_push_step *step)
{
	if (!step->caller[0])
		return;
	rh_text_print(out, step->caller, RH_PLAIN, false);
	if (step->callee[0]) {
		fputs(" -> ", out);
		rh_text_print(out, step->callee, RH_PLAIN, false);
	}
	fputs(": ", out);
}

static void print_line(struct rh_push_page *page, const struct line *line, FILE *out,
                       bool has_color)
{
	const struct rh_push_step *step = &line->step;
	struct chain               chain = chain_of(step);
	uint64_t at_ns = began(step) > line->start_ns ? began(step) - line->start_ns : 0;
	char         at[24], took[24], revision[24], bytes[24], head[32], who[64];

	if (page->last.start_ns && !is_same(&page->last, &chain))
		fputc('\n', out);
	page->last = chain;
	if (step->missed)
		fprintf(out, "(too many to be told: %u step%s before this)\n", step->missed,
		        rh_plural(step->missed));
	snprintf(head, sizeof head, "%-9s %u", names[step->process], step->step);
	rh_text_print(out, head, RH_BOLD, has_color);
	fprintf(out, "  %8s  %8s  %-16s  %8s  %7s  ",
	        rh_text_duration((double)at_ns, at, sizeof at),
	        duration(step->took_ns, took, sizeof took),
	        rh_text_clean(step->resource[0] ? step->resource : "-", who, sizeof who),
	        number(step->revision, revision, sizeof revision),
	        number(step->bytes, bytes, sizeof bytes));
	print_key(out, step);
	rh_text_print(out, step->text, RH_PLAIN, false);
	fputc('\n', out);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = began(&((const struct line *)a)->step);
	uint64_t y = began(&((const struct line *)b)->step);

	return x < y ? -1 : x > y;
}

/* What belongs together stands together. */
static int by_chain(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return by_time(a, b);
}

unsigned rh_push_page_print(struct rh_push_page *page, FILE *out, bool has_color)
{
	unsigned count = page->count;

	qsort(page->lines, count, sizeof page->lines[0], by_time);
	for (unsigned i = 0; i < count; i++)
		page->lines[i].start_ns = start_of(page, &page->lines[i].step);
	qsort(page->lines, count, sizeof page->lines[0], by_chain);
	for (unsigned i = 0; i < count; i++)
		print_line(page, &page->lines[i], out, has_color);
	if (count)
		fflush(out);
	page->count = 0;
	return count;
}
