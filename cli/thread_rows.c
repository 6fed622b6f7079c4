#include "thread_rows.h"

#include "fiber_rows.h"
#include "thread_order.h"

#include "../agent/governed.h"
#include "../base/clock.h"
#include "../model/error.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a file of the thread holds: fewer bytes than that. */
#define FILE_MAX 8192u

static int read_file(const struct rh_thread_row *row, const char *name, char *text)
{
	char   path[80];
	FILE  *file;
	size_t n;

	snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)row->pid, (int)row->tid, name);
	file = fopen(path, "re");
	if (!file)
		return RH_ENOENT;
	n = fread(text, 1, FILE_MAX - 1, file);
	text[n] = '\0';
	fclose(file);
	return RH_OK;
}

/* The number behind "name", at the start of a line, and blanks and a colon; else -1. */
static double number_of(const char *text, const char *name)
{
	size_t      len = strlen(name);
	const char *at = text;

	while (at && strncmp(at, name, len) != 0)
		at = (at = strchr(at, '\n')) ? at + 1 : NULL;
	return at ? strtod(at + len + strspn(at + len, " \t:"), NULL) : -1;
}

/* It may be less than nothing, in milliseconds. */
static void put_vruntime(struct rh_thread_row *row, const char *text)
{
	row->has_vruntime = strstr(text, "\nse.vruntime") != NULL;
	row->vruntime_ns = number_of(text, "se.vruntime") * 1e6;
}

static void read_numbers(struct rh_thread_row *row)
{
	char text[FILE_MAX];

	row->deadline_ns = -1;
	if (read_file(row, "schedstat", text) == RH_OK)
		sscanf(text, "%lf %lf", &row->run_ns, &row->wait_ns);
	if (read_file(row, "status", text) == RH_OK)
		row->switches = (long long)(number_of(text, "voluntary_ctxt_switches") +
			number_of(text, "nonvoluntary_ctxt_switches"));
	if (read_file(row, "sched", text) < 0)
		return;
	if (row->attr.policy == RH_CLASS_DEADLINE)
		row->deadline_ns = number_of(text, "dl.deadline");
	else if (row->attr.policy == RH_CLASS_OTHER || row->attr.policy == RH_CLASS_BATCH)
		put_vruntime(row, text);
}

/* 0: it ended meanwhile. */
static int read_row(struct rh_thread_row *row, const struct rh_governed_process *process,
                    const struct rh_governed_thread *thread)
{
	*row = (struct rh_thread_row){
		.pid = process->pid, .tid = thread->tid, .err_no = thread->err_no,
	};
	if (rh_thread_stat(row->pid, row->tid, &row->stat) < 0 ||
	    rh_sched_get(row->tid, &row->attr) < 0)
		return 0;
	read_numbers(row);
	return 1;
}

static size_t read_process(struct rh_thread_row *rows,
                           const struct rh_governed_process *process)
{
	size_t count = 0;

	for (unsigned i = 0; i < process->count; i++)
		count += (size_t)read_row(&rows[count], process, &process->threads[i]);
	if (process->is_fiber)
		rh_fiber_rows_put(process->pid, rows, count);
	rh_thread_order_put(rows, count, (double)rh_clock_ns());
	return count;
}

static void read_rule(const char *path, char *rule, size_t cap)
{
	char  line[256] = "";
	FILE *file = fopen(path, "re");

	for (int i = 0; file && i < 2 && fgets(line, sizeof line, file); i++)
		;
	if (strncmp(line, "rule ", 5) == 0)
		snprintf(rule, cap, "%.*s", (int)strcspn(line + 5, "\n"), line + 5);
	if (file)
		fclose(file);
}

int rh_thread_rows_read(const struct rh_dirs *dirs, const char *resource,
                        struct rh_thread_rows *ret_rows)
{
	struct rh_thread_rows rows = { .rule = "" };
	struct rh_governed    set;
	char                  path[PATH_MAX];

	snprintf(path, sizeof path, "%s/agent/%s.governed", dirs->run, resource);
	read_rule(path, rows.rule, sizeof rows.rule);
	if (rows.rule[0] == '\0')
		return RH_ENOENT;
	rh_governed_init(&set);
	rh_governed_load(&set, path);
	rh_governed_look(&set, NULL, NULL);
	rows.at = calloc(set.threads + 1u, sizeof *rows.at);
	for (unsigned i = 0; rows.at && i < set.count; i++)
		rows.count += read_process(&rows.at[rows.count], set.at[i]);
	rh_governed_fini(&set);
	*ret_rows = rows;
	return rows.at ? RH_OK : RH_ENOMEM;
}

void rh_thread_rows_free(struct rh_thread_rows *rows)
{
	free(rows->at);
	*rows = (struct rh_thread_rows){ .count = 0 };
}
