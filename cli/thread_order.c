#include "thread_order.h"

#include "text.h"

#include <stdio.h>

/* Is it ordered by a deadline, and not by how long it ran? */
static bool is_due(const struct rh_thread_row *row)
{
	return row->attr.policy == RH_CLASS_DEADLINE && row->deadline_ns > 0;
}

static bool has_vruntime(const struct rh_thread_row *row)
{
	return row->has_vruntime && !is_due(row);
}

static bool are_of_one_queue(const struct rh_thread_row *a, const struct rh_thread_row *b)
{
	return a->is_fiber == b->is_fiber && a->stat.cpu == b->stat.cpu;
}

static double ahead_of_least(const struct rh_thread_row *rows, size_t count, size_t which)
{
	double least = rows[which].vruntime_ns;

	for (size_t i = 0; i < count; i++)
		if (has_vruntime(&rows[i]) && are_of_one_queue(&rows[i], &rows[which]) &&
		    rows[i].vruntime_ns < least)
			least = rows[i].vruntime_ns;
	return rows[which].vruntime_ns - least;
}

/* Nobody tells what time it is by the clock of the kernel's deadlines. */
static double first_deadline(const struct rh_thread_row *rows, size_t count, size_t which)
{
	double first = rows[which].deadline_ns;

	for (size_t i = 0; i < count; i++)
		if (is_due(&rows[i]) && !rows[i].is_fiber && rows[i].deadline_ns < first)
			first = rows[i].deadline_ns;
	return first;
}

void rh_thread_order_put(struct rh_thread_row *rows, size_t count, double now_ns)
{
	for (size_t i = 0; i < count; i++) {
		struct rh_thread_row *row = &rows[i];

		row->order = RH_ORDER_UNTOLD;
		if (has_vruntime(row)) {
			row->order = RH_ORDER_AHEAD;
			row->order_ns = ahead_of_least(rows, count, i);
		} else if (is_due(row) && row->is_fiber) {
			row->order = RH_ORDER_DUE;
			row->order_ns = row->deadline_ns - now_ns;
		} else if (is_due(row)) {
			row->order = RH_ORDER_AHEAD;
			row->order_ns = row->deadline_ns - first_deadline(rows, count, i);
		}
	}
}

const char *rh_thread_order_text(const struct rh_thread_row *row,
                                 char                        text[RH_THREAD_ORDER_TEXT])
{
	double ns = row->order_ns;
	bool   is_past = ns < 0;
	char   duration[32];

	rh_text_duration(is_past ? -ns : ns, duration, sizeof duration);
	if (row->order == RH_ORDER_UNTOLD)
		text[0] = '\0';
	else
		snprintf(text, RH_THREAD_ORDER_TEXT, "%s%s%s",
		         row->order == RH_ORDER_AHEAD ? "+" : is_past ? "" : "in ", duration,
		         row->order == RH_ORDER_DUE && is_past ? " ago" : "");
	return text;
}
