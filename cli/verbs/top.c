#include "../cli.h"
#include "../output.h"
#include "../samples.h"
#include "../table.h"
#include "../verb.h"
#include "top_threads.h"

#include <poll.h>
#include <unistd.h>

#define INTERVAL_S 2

static int sample(struct rh_cli *cli, struct rh_samples *ret_samples)
{
	int r = rh_samples_read(cli->dirs.run, ret_samples);

	if (r == RH_EDOWN)
		return rh_cli_fail(cli, RH_EXIT_DOWN, "no agent of the system \"%s\" runs"
		                   " here", cli->dirs.system);
	return r < 0 ? rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", rh_error_text(r))
	             : RH_EXIT_OK;
}

/* --- one table -----------------------------------------------------------------------
 */

static void add_count(struct rh_table *table, double count)
{
	char text[32];

	rh_table_text(table, rh_text_count(count, text, sizeof text));
}

static void add_latency(struct rh_table *table, const struct rh_edge_sample *edge,
                        double share)
{
	double ns = rh_sample_latency(edge, share);
	char   text[32];

	rh_table_text(table, ns > 0 ? rh_text_duration(ns, text, sizeof text) : "");
}

/* seconds is 0 for totals. */
static void print_table(struct rh_cli *cli, const struct rh_samples *samples,
                        double seconds)
{
	static const char *const totals[] = {
		"CALLER", "CALLEE", "PROTOCOL", "+CALLS", "+ERRORS", "+LOST", "+REFUSED",
		"+EVENTS", "+BYTES IN", "+BYTES OUT", "+P50", "+P99", NULL,
	};
	static const char *const rates[] = {
		"CALLER", "CALLEE", "PROTOCOL", "+CALLS/s", "+ERRORS/s", "+LOST/s",
		"+REFUSED/s", "+EVENTS/s", "+BYTES IN/s", "+BYTES OUT/s", "+P50", "+P99",
		NULL,
	};
	double          per = seconds > 0 ? seconds : 1;
	struct rh_table table;

	rh_table_init(&table, seconds > 0 ? rates : totals);
	for (size_t i = 0; i < samples->count; i++) {
		const struct rh_edge_sample *edge = &samples->edges[i];

		rh_table_text(&table, edge->caller);
		rh_table_text(&table, edge->callee);
		rh_table_text(&table, edge->protocol);
		add_count(&table, (double)edge->calls / per);
		add_count(&table, (double)edge->errors / per);
		add_count(&table, (double)edge->lost / per);
		add_count(&table, (double)edge->refused / per);
		add_count(&table, (double)edge->events / per);
		add_count(&table, (double)edge->bytes_in / per);
		add_count(&table, (double)edge->bytes_out / per);
		add_latency(&table, edge, 0.50);
		add_latency(&table, edge, 0.99);
	}
	if (rh_table_rows(&table) == 0)
		fputs("no edge has been used yet\n", cli->out);
	else
		rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

static int print_json(struct rh_cli *cli, enum rh_format format,
                      const struct rh_samples *samples)
{
	json_t *items = json_array();
	int     result;

	for (size_t i = 0; i < samples->count; i++) {
		const struct rh_edge_sample *edge = &samples->edges[i];

		json_array_append_new(items,
		                      json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, "
		                                "s:I, s:I, s:I, s:f, s:f}",
		                                "caller", edge->caller, "callee",
		                                edge->callee, "protocol", edge->protocol,
		                                "calls", (json_int_t)edge->calls,
		                                "errors", (json_int_t)edge->errors,
		                                "lost", (json_int_t)edge->lost, "refused",
		                                (json_int_t)edge->refused, "events",
		                                (json_int_t)edge->events, "bytesIn",
		                                (json_int_t)edge->bytes_in, "bytesOut",
		                                (json_int_t)edge->bytes_out, "p50Ns",
		                                rh_sample_latency(edge, 0.50), "p99Ns",
		                                rh_sample_latency(edge, 0.99)));
	}
	result = rh_output_value(cli, format, items);
	json_decref(items);
	return result;
}

static int print_once(struct rh_cli *cli, enum rh_format format)
{
	struct rh_samples samples;
	int               result = sample(cli, &samples);

	if (result != RH_EXIT_OK)
		return result;
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		result = print_json(cli, format, &samples);
	else
		print_table(cli, &samples, 0);
	rh_samples_free(&samples);
	return result;
}

/* --- again and again
 * -------------------------------------------------------------------- */

static int show_difference(struct rh_cli *cli, const struct rh_samples *before,
                           const struct rh_samples *now)
{
	struct rh_samples between;
	bool              is_screen = isatty(fileno(cli->out));

	if (rh_samples_between(before, now, &between) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	fputs(is_screen ? "\033[H\033[J" : "", cli->out);
	print_table(cli, &between, (double)(now->time_ns - before->time_ns) / 1e9);
	fputs(is_screen ? "" : "\n", cli->out);
	fflush(cli->out);
	rh_samples_free(&between);
	return ferror(cli->out) ? RH_EXIT_REFUSED : RH_EXIT_OK;
}

static int watch(struct rh_cli *cli, long interval_s)
{
	struct rh_samples before = { 0 }, now;
	int               result = sample(cli, &before);

	while (result == RH_EXIT_OK) {
		poll(NULL, 0, (int)interval_s * 1000);
		result = sample(cli, &now);
		if (result != RH_EXIT_OK)
			break;
		result = show_difference(cli, &before, &now);
		rh_samples_free(&before);
		before = now;
	}
	rh_samples_free(&before);
	return result;
}

int rh_verb_top(struct rh_cli *cli)
{
	long           interval_s = INTERVAL_S;
	struct rh_diag diag = { 0 };
	enum rh_format format;
	const char    *threads = rh_args_value(&cli->args, "threads");
	bool           is_once;

	if (rh_args_number(&cli->args, "interval", 1, 3600, &interval_s, &diag) ==
	    RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	is_once = rh_args_has(&cli->args, "once") ||
	          (format != RH_FORMAT_TABLE && !(threads && format == RH_FORMAT_WIDE));
	if (threads)
		return rh_top_threads(cli, threads, format, is_once ? 0 : interval_s);
	if (is_once)
		return print_once(cli, format);
	return watch(cli, interval_s);
}
