#include "top_threads.h"

#include "../cli.h"
#include "../output.h"
#include "../table.h"
#include "../thread_order.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_rows(struct rh_cli *cli, const char *resource, struct rh_thread_rows *rows)
{
	int r = rh_thread_rows_read(&cli->dirs, resource, rows);

	if (r == RH_ENOENT)
		return rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "the agent of %s knows of no process"
		                   " in the system \"%s\"", resource, cli->dirs.system);
	return r < 0 ? rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", rh_error_text(r))
	             : RH_EXIT_OK;
}

/* "nice 5", "priority 10", "2ms in 20ms", and under `fiber` "slice 3ms". */
static const char *says(const struct rh_thread_row *row, char *text, size_t cap)
{
	const struct rh_sched_attr *attr = &row->attr;
	char                        runtime[32], period[32];

	if (attr->policy == RH_CLASS_DEADLINE)
		snprintf(text, cap, "%s in %s",
		         rh_text_duration((double)attr->runtime_ns, runtime, sizeof runtime),
		         rh_text_duration((double)attr->period_ns, period, sizeof period));
	else if (row->policy[0] && attr->runtime_ns)
		snprintf(text, cap, "nice %d, slice %s", (int)attr->nice,
		         rh_text_duration((double)attr->runtime_ns, runtime, sizeof runtime));
	else if (attr->policy == RH_CLASS_FIFO || attr->policy == RH_CLASS_RR)
		snprintf(text, cap, "priority %u", (unsigned)attr->priority);
	else
		snprintf(text, cap, "nice %d", (int)attr->nice);
	return text;
}

/* What orders it: a class of the kernel, or, under `fiber`, a policy or a rule. */
static const char *class_of(const struct rh_thread_row *row)
{
	return row->policy[0] ? row->policy : rh_sched_class_text(row->attr.policy);
}

static void add_duration(struct rh_table *table, double ns)
{
	char text[32];

	rh_table_text(table, ns > 0 ? rh_text_duration(ns, text, sizeof text) : "");
}

static const char *carrier_of(const struct rh_thread_row *row)
{
	return row->is_fiber ? "fiber" : row->is_runtime ? "runtime" :
	       row->is_evicted ? "host (evicted)" : "host";
}

static void add_row(struct rh_table *table, const struct rh_thread_row *row)
{
	char        text[64];
	const char *refused = row->err_no ? strerrorname_np(row->err_no) : row->why;

	rh_table_number(table, row->pid);
	rh_table_number(table, row->tid);
	rh_table_text(table, row->stat.name);
	snprintf(text, sizeof text, "%c", row->stat.state);
	rh_table_text(table, text);
	rh_table_text(table, class_of(row));
	rh_table_text(table, says(row, text, sizeof text));
	rh_table_text(table, rh_thread_order_text(row, text));
	add_duration(table, row->run_ns);
	add_duration(table, row->wait_ns);
	rh_table_number(table, row->switches);
	rh_table_number(table, row->stat.cpu);
	rh_table_text(table, carrier_of(row));
	rh_table_cell(table, refused, *refused ? RH_BAD : RH_PLAIN);
}

/* Once for each program, whose rows are one after the other. */
static void print_decisions(struct rh_cli *cli, const struct rh_thread_rows *rows)
{
	pid_t last = 0;

	for (size_t i = 0; i < rows->count; i++) {
		const struct rh_thread_row *row = &rows->at[i];
		const struct rh_decisions  *made = &row->decisions;
		char                        all[32], ruled[32];

		if (!row->is_fiber || row->pid == last)
			continue;
		last = row->pid;
		fprintf(cli->out, "process %d: %s decisions, %s by the rule, %llu first come first "
		        "served; the rule failed %llu time%s\n", (int)row->pid,
		        rh_text_count((double)made->all, all, sizeof all),
		        rh_text_count((double)(made->all - made->unruled), ruled, sizeof ruled),
		        (unsigned long long)made->unruled, (unsigned long long)made->failures,
		        made->failures == 1 ? "" : "s");
	}
}

/* is_wide: the runtime's own threads, too. */
static void print_table(struct rh_cli *cli, const struct rh_thread_rows *rows, bool is_wide)
{
	static const char *const headings[] = {
		"+PID", "+TID", "NAME", "STATE", "CLASS", "SAYS", "+VRUNTIME/DUE", "+RUN",
		"+WAIT", "+SWITCHES", "+CPU", "CARRIER", "REFUSED", NULL,
	};
	struct rh_table table;

	fputs("rule: ", cli->out);
	rh_text_print(cli->out, rows->rule[0] == '-' ? "none" : rows->rule, RH_BOLD,
	              cli->has_color);
	fputc('\n', cli->out);
	print_decisions(cli, rows);
	rh_table_init(&table, headings);
	for (size_t i = 0; i < rows->count; i++) {
		if (is_wide || !rows->at[i].is_runtime)
			add_row(&table, &rows->at[i]);
	}
	if (rh_table_rows(&table) == 0)
		fputs("no thread runs\n", cli->out);
	else
		rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

static json_t *row_json(const struct rh_thread_row *row)
{
	const struct rh_sched_attr *attr = &row->attr;
	char                        state[2] = { row->stat.state, '\0' };
	json_t *json = json_pack("{s:i, s:i, s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:f, s:f, "
		"s:I, s:i, s:s}", "pid", (int)row->pid, "tid", (int)row->tid, "name",
		row->stat.name, "state", state, "class", class_of(row),
		"nice", (int)attr->nice, "priority", (int)attr->priority,
		attr->policy == RH_CLASS_DEADLINE ? "runtimeNs" : "sliceNs",
		(json_int_t)attr->runtime_ns, "deadlineNs", (json_int_t)attr->deadline_ns,
		"periodNs", (json_int_t)attr->period_ns, "runNs", row->run_ns, "waitNs",
		row->wait_ns, "switches", (json_int_t)row->switches, "cpu", row->stat.cpu,
		"carrier", row->is_fiber ? "fiber" : row->is_runtime ? "runtime" : "host");

	if (row->has_vruntime)
		json_object_set_new(json, "vruntimeNs", json_real(row->vruntime_ns));
	if (row->deadline_ns > 0)
		json_object_set_new(json, "dueNs", json_real(row->deadline_ns));
	if (row->order != RH_ORDER_UNTOLD)
		json_object_set_new(json, row->order == RH_ORDER_DUE ? "dueInNs" : "aheadNs",
		                    json_real(row->order_ns));
	if (row->is_fiber)
		json_object_set_new(json, "program", json_pack("{s:I, s:I, s:I}", "decisions",
			(json_int_t)row->decisions.all, "byRule",
			(json_int_t)(row->decisions.all - row->decisions.unruled),
			"failures", (json_int_t)row->decisions.failures));
	if (row->is_evicted)
		json_object_set_new(json, "evicted", json_string(row->why));
	if (row->err_no)
		json_object_set_new(json, "refused", json_string(strerrorname_np(row->err_no)));
	return json;
}

static int print_json(struct rh_cli *cli, enum rh_format format,
                      const struct rh_thread_rows *rows)
{
	json_t *items = json_array();
	int     result;

	for (size_t i = 0; i < rows->count; i++)
		json_array_append_new(items, row_json(&rows->at[i]));
	result = rh_output_value(cli, format, items);
	json_decref(items);
	return result;
}

static int show(struct rh_cli *cli, const char *resource, enum rh_format format)
{
	struct rh_thread_rows rows = { .count = 0 };
	int                   result = read_rows(cli, resource, &rows);

	if (result == RH_EXIT_OK && (format == RH_FORMAT_TABLE || format == RH_FORMAT_WIDE))
		print_table(cli, &rows, format == RH_FORMAT_WIDE);
	else if (result == RH_EXIT_OK)
		result = print_json(cli, format, &rows);
	rh_thread_rows_free(&rows);
	return result;
}

int rh_top_threads(struct rh_cli *cli, const char *resource, enum rh_format format,
                   long interval_s)
{
	int result;

	do {
		fputs(interval_s && isatty(fileno(cli->out)) ? "\033[H\033[J" : "", cli->out);
		result = show(cli, resource, format);
		fflush(cli->out);
	} while (interval_s && result == RH_EXIT_OK && !ferror(cli->out) &&
	         poll(NULL, 0, (int)interval_s * 1000) == 0);
	return result;
}
