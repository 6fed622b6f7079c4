#include "../cli.h"
#include "../client.h"
#include "../output.h"
#include "../show.h"
#include "../table.h"
#include "../verb.h"

#include "../../base/plural.h"

#include <string.h>

#define WIDEST_ROW 40 /* more resources than that are listed as edges */

static bool is_plane(const char *plane)
{
	return strcmp(plane, "declared") == 0 || strcmp(plane, "allowed") == 0 ||
	       strcmp(plane, "observed") == 0;
}

/* A = {file, httpclient}, one line per type. */
static void print_sets(struct rh_cli *cli, const json_t *order)
{
	static const char sets[] = "ASDH";

	for (const char *set = sets; *set; set++) {
		const char *between = "";
		size_t      i;
		json_t     *item;

		fprintf(cli->out, "%c = {", *set);
		json_array_foreach(order, i, item) {
			const char *of = rh_show_text(item, "set");

			if (!of || of[0] != *set)
				continue;
			fputs(between, cli->out);
			rh_text_print(cli->out, rh_show_text(item, "name"), RH_PLAIN, 0);
			between = ", ";
		}
		fputs("}\n", cli->out);
	}
}

static void print_union(struct rh_cli *cli, const json_t *order)
{
	size_t  i;
	json_t *item;

	fputs("O = A u S u D u H = {", cli->out);
	json_array_foreach(order, i, item) {
		fputs(i ? ", " : "", cli->out);
		rh_text_print(cli->out, rh_show_text(item, "name"), RH_PLAIN, 0);
	}
	fputs("}\n\n", cli->out);
}

static int widest(const json_t *rows)
{
	int     width = 1;
	size_t  i, j;
	json_t *row, *cell;

	json_array_foreach(rows, i, row) {
		json_array_foreach(row, j, cell) {
			char text[24];
			int  n = snprintf(text, sizeof text, "%lld",
			                  (long long)json_integer_value(cell));

			width = n > width ? n : width;
		}
	}
	return width;
}

/* Brackets as in the papers, the caller's name behind its row. */
static void print_rows(struct rh_cli *cli, const json_t *order, const json_t *rows)
{
	int     width = widest(rows);
	size_t  i, j, count = json_array_size(rows);
	json_t *row, *cell;

	json_array_foreach(rows, i, row) {
		bool is_middle = i == count / 2;

		fputs(is_middle ? "M = [ " : "    [ ", cli->out);
		json_array_foreach(row, j, cell) {
			bool is_set = json_integer_value(cell) != 0;
			char text[32];

			snprintf(text, sizeof text, "%*lld", width,
			         (long long)json_integer_value(cell));
			rh_text_print(cli->out, text, is_set ? RH_GOOD : RH_DIM,
			              cli->has_color);
			fputc(' ', cli->out);
		}
		fputs("]  ", cli->out);
		rh_text_print(cli->out, rh_show_text(json_array_get(order, i), "name"),
		              RH_PLAIN, 0);
		fputc('\n', cli->out);
	}
}

static bool is_in_plane(const json_t *edge, const char *plane)
{
	const char *outcome = rh_show_text(edge, "outcome");

	if (strcmp(plane, "observed") == 0)
		return json_integer_value(json_object_get(edge, "observed")) > 0;
	if (strcmp(plane, "allowed") == 0)
		return outcome && strcmp(outcome, "allowed") == 0;
	return true;
}

static void print_edges(struct rh_cli *cli, const json_t *edges, const char *plane)
{
	static const char *const headings[] = {
		"CALLER", "CALLEE", "OUTCOME", "PROTOCOL", "+CALLS", "+ERRORS", NULL,
	};
	struct rh_table table;
	size_t          i;
	json_t         *edge;

	rh_table_init(&table, headings);
	json_array_foreach(edges, i, edge) {
		if (!is_in_plane(edge, plane))
			continue;
		rh_table_text(&table, rh_show_text(edge, "caller"));
		rh_table_text(&table, rh_show_text(edge, "callee"));
		rh_table_text(&table, rh_show_text(edge, "outcome"));
		rh_table_text(&table, rh_show_text(edge, "protocol"));
		rh_table_number(&table,
		                json_integer_value(json_object_get(edge, "observed")));
		rh_table_number(&table,
		                json_integer_value(json_object_get(edge, "errors")));
	}
	if (rh_table_rows(&table))
		rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
}

static int get_edges(struct rh_cli *cli, json_t **ret_edges)
{
	return rh_client_list(cli, "/apis/v1/matrix", "edges", ret_edges);
}

/* Seen by `rhodes observe` between resources that declare no reference. */
static void print_undeclared(struct rh_cli *cli, const json_t *matrix)
{
	const json_t *pairs = json_object_get(matrix, "undeclared");
	size_t        i;
	json_t       *pair;

	if (json_array_size(pairs) > 0)
		fputs("\nseen, but not declared:\n", cli->out);
	json_array_foreach(pairs, i, pair) {
		fprintf(cli->out, "%s -> %s  %lld\n", rh_show_text(pair, "caller"),
		        rh_show_text(pair, "callee"),
		        (long long)json_integer_value(json_object_get(pair, "calls")));
	}
}

/* `rhodes observe`, and what it enforces. */
static void print_observer(struct rh_cli *cli, const json_t *matrix)
{
	const json_t *observer = json_object_get(matrix, "observer");
	const char   *state = observer ? rh_show_text(observer, "state") : NULL;
	size_t        i;
	json_t       *its;

	if (!state)
		return;
	fprintf(cli->out, "\nrhodes observe (pid %lld) ",
	        (long long)json_integer_value(json_object_get(observer, "pid")));
	if (strcmp(state, "observing") == 0)
		fputs("looks on\n", cli->out);
	else
		fprintf(cli->out, "tells nothing since %.1f s\n",
		        (double)json_integer_value(json_object_get(observer, "toldMs")) / 1e3);
	json_array_foreach(json_object_get(observer, "enforced"), i, its) {
		long long gaps = json_integer_value(json_object_get(its, "gaps"));

		fprintf(cli->out, "%s in %s connects only where it may%s", rh_show_text(its,
		        "resource"), rh_show_text(its, "cgroup"),
		        json_is_true(json_object_get(its, "strict")) ? ", and nowhere else" : "");
		if (gaps)
			fprintf(cli->out, "; was free %lld time%s, last for at most %.1f s", gaps,
			        rh_plural((unsigned long long)gaps), (double)json_integer_value(
			        json_object_get(its, "gapMs")) / 1e3);
		fputc('\n', cli->out);
	}
}

static int print_matrix(struct rh_cli *cli, const json_t *matrix, const char *plane)
{
	const json_t *order = json_object_get(matrix, "order");
	const json_t *rows = json_object_get(json_object_get(matrix, "planes"), plane);
	json_t       *edges = NULL;
	int           result = RH_EXIT_OK;

	if (order && json_array_size(order) <= WIDEST_ROW) {
		print_sets(cli, order);
		print_union(cli, order);
		print_rows(cli, order, rows);
		fprintf(cli->out, "\nplane %s at revision %lld\n", plane,
		        (long long)json_integer_value(
				json_object_get(matrix, "revision")));
	}
	result = get_edges(cli, &edges);
	if (result == RH_EXIT_OK && json_array_size(edges)) {
		fputs(order && json_array_size(order) <= WIDEST_ROW ? "\n" : "",
		      cli->out);
		print_edges(cli, edges, plane);
	}
	json_decref(edges);
	if (strcmp(plane, "observed") == 0) {
		print_undeclared(cli, matrix);
		print_observer(cli, matrix);
	}
	return result;
}

int rh_verb_matrix(struct rh_cli *cli)
{
	const char    *plane = rh_args_value(&cli->args, "plane");
	enum rh_format format;
	json_t        *matrix = NULL;
	int            result;

	if (!plane)
		plane = "allowed";
	if (!is_plane(plane))
		return rh_cli_usage(cli, "the planes are declared, allowed and observed");
	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	result = rh_client_get(cli, "/apis/v1/matrix", &matrix);
	if (result != RH_EXIT_OK)
		return result;
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		result = rh_output_value(cli, format, matrix);
	else
		result = print_matrix(cli, matrix, plane);
	json_decref(matrix);
	return result;
}
