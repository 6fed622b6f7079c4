#include "rule.h"

#include "client.h"
#include "output.h"
#include "rule_runs.h"
#include "stop.h"
#include "table.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define INTERVAL_S 2

static bool is_for_programs(enum rh_format format)
{
	return format == RH_FORMAT_JSON || format == RH_FORMAT_YAML;
}

/* Of one rule, or of all with NULL. */
static void path_of(const char *rule, char path[320])
{
	if (!rule) {
		snprintf(path, 320, "/apis/v1/runs");
		return;
	}
	snprintf(path, 320, "/apis/v1/rules/");
	rh_http_escape(path, 300, rule);
	snprintf(path + strlen(path), 320 - strlen(path), "/runs");
}

static int sample(struct rh_cli *cli, const char *rule, struct rh_rule_runs *ret_runs)
{
	char    path[320];
	json_t *answer = NULL;

	path_of(rule, path);
	int result = rh_client_get(cli, path, &answer);
	if (result != RH_EXIT_OK)
		return result;
	int r = rh_rule_runs_read(answer, ret_runs);
	json_decref(answer);
	return r < 0 ? rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory") : RH_EXIT_OK;
}

/* ---- a table ---- */

static void add_cost(struct rh_table *table, const struct rh_rule_run *run)
{
	char text[32] = "";

	if (run->calls && !run->ns)
		snprintf(text, sizeof text, "-"); /* none of so few was timed */
	else if (run->calls)
		snprintf(text, sizeof text, "%.1f", (double)run->ns / (double)run->calls);
	rh_table_text(table, text);
}

static void add_row(struct rh_table *table, const struct rh_rule_run *now,
                    const struct rh_rule_run *shown, double seconds)
{
	char count[32], failures[160];

	rh_table_text(table, now->rule);
	rh_table_text(table, now->agent);
	rh_table_text(table, now->where);
	rh_table_number(table, (long long)now->revision);
	rh_table_cell(table, now->is_away ? "away" : "running",
	              now->is_away ? RH_BAD : RH_GOOD);
	rh_table_text(table, rh_text_count((double)shown->calls / seconds, count,
	                                   sizeof count));
	add_cost(table, shown);
	rh_table_cell(table, rh_rule_run_failures(shown, failures, sizeof failures), RH_BAD);
	rh_table_number(table, (long long)now->instances);
	rh_table_number(table, (long long)shown->differences);
}

/* before NULL: totals. */
static void print_table(struct rh_cli *cli, const struct rh_rule_runs *before,
                        const struct rh_rule_runs *now)
{
	static const char *const totals[] = {
		"RULE", "AGENT", "WHERE", "+REVISION", "STATE", "+CALLS", "+NS A CALL",
		"FAILURES", "+INSTANCES", "+DIFFERENCES", NULL,
	};
	static const char *const rates[] = {
		"RULE", "AGENT", "WHERE", "+REVISION", "STATE", "+CALLS/s", "+NS A CALL",
		"FAILURES", "+INSTANCES", "+DIFFERENCES", NULL,
	};
	double          seconds = before ? (double)(now->time_ns - before->time_ns) / 1e9 : 1;
	struct rh_table table;

	rh_table_init(&table, before ? rates : totals);
	for (size_t i = 0; i < now->count; i++) {
		struct rh_rule_run shown = before ? rh_rule_run_since(before, &now->items[i])
		                                  : now->items[i];

		add_row(&table, &now->items[i], &shown, seconds);
	}
	if (rh_table_rows(&table) == 0)
		fputs("no rule of code runs anywhere; `rhodes rollout status RULE` tells why\n",
		      cli->out);
	else
		rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
	if (now->left_out)
		fprintf(cli->out, "and %llu more; name a rule to see all of it\n",
		        (unsigned long long)now->left_out);
}

/* ---- once ---- */

static int print_once(struct rh_cli *cli, const char *rule, enum rh_format format)
{
	struct rh_rule_runs runs;
	char                path[320];
	json_t             *answer = NULL;
	int                 result;

	if (is_for_programs(format)) {
		path_of(rule, path);
		result = rh_client_get(cli, path, &answer);
		if (result == RH_EXIT_OK)
			result = rh_output_value(cli, format, answer);
		json_decref(answer);
		return result;
	}
	result = sample(cli, rule, &runs);
	if (result != RH_EXIT_OK)
		return result;
	print_table(cli, NULL, &runs);
	rh_rule_runs_fini(&runs);
	return rh_args_has(&cli->args, "maps") ? rh_rule_attached(cli, rule) : RH_EXIT_OK;
}

/* ---- again and again ---- */

static int watch(struct rh_cli *cli, const char *rule, long interval_s)
{
	struct pollfd       stop = { .fd = rh_stop_open(), .events = POLLIN };
	struct rh_rule_runs before, now;
	int                 result = sample(cli, rule, &before);
	bool                is_screen = isatty(fileno(cli->out));

	if (result != RH_EXIT_OK)
		return result;
	while (poll(&stop, 1, (int)interval_s * 1000) == 0 && !ferror(cli->out)) {
		result = sample(cli, rule, &now);
		if (result != RH_EXIT_OK)
			break;
		fputs(is_screen ? "\033[H\033[J" : "", cli->out);
		print_table(cli, &before, &now);
		fputs(is_screen ? "" : "\n", cli->out);
		fflush(cli->out);
		rh_rule_runs_fini(&before);
		before = now;
	}
	rh_rule_runs_fini(&before);
	if (stop.fd >= 0)
		close(stop.fd);
	return result;
}

int rh_rule_top(struct rh_cli *cli, const char *rule)
{
	long           interval_s = INTERVAL_S;
	struct rh_diag diag = { 0 };
	enum rh_format format;

	if (rh_args_number(&cli->args, "interval", 1, 3600, &interval_s, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	if (rh_args_has(&cli->args, "maps") && !rule)
		return rh_cli_usage(cli, "--maps: of which rule?");
	if (rh_args_has(&cli->args, "once") || rh_args_has(&cli->args, "maps") || is_for_programs(format))
		return print_once(cli, rule, format);
	return watch(cli, rule, interval_s);
}
