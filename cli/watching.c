#include "watching.h"

#include "away.h"
#include "client.h"
#include "show.h"
#include "stop.h"
#include "watch_line.h"
#include "watching_own.h"

#include "../base/clock.h"
#include "../base/diag.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* --- beginning, and beginning again ---------------------------------------------------
 */

/* Where the center is, and whether it is still the one that was followed. */
static enum rh_next look(struct rh_watching *watching)
{
	json_t      *system = NULL;
	enum rh_next next = rh_watching_get(watching, "/apis/v1/system", &system);
	const char  *store;
	json_int_t   head;

	if (next != RH_NEXT_GO_ON)
		return next;
	store = rh_show_text(system, "storeId");
	head = json_integer_value(json_object_get(system, "revision"));
	if (watching->store[0] && (!store || strcmp(store, watching->store) != 0 ||
	                           head < watching->revision)) {
		rh_watching_note(watching, "the center has another store than before");
		watching->must_reset = true;
	}
	if (!watching->store[0] && !watching->order->is_json)
		rh_watch_line_headings(watching->cli->out, watching->cli->has_color);
	fflush(watching->cli->out);
	snprintf(watching->store, sizeof watching->store, "%s", store ? store : "");
	if (watching->revision < 0)
		watching->revision = head;
	json_decref(system);
	return RH_NEXT_GO_ON;
}

/* The connection is there again. */
static enum rh_next catch_up(struct rh_watching *watching)
{
	enum rh_next next;

	if (watching->must_reset)
		return rh_watching_reset(watching);
	if (!watching->was_lost)
		return RH_NEXT_GO_ON;
	rh_watching_print_own(watching, json_pack("{s:s, s:I}", "type", "resumed",
		"revision", watching->revision));
	next = rh_watching_make_up(watching);
	watching->was_lost = next != RH_NEXT_GO_ON;
	return next;
}

static void stream_path(const struct rh_watching *watching, char *path, size_t cap)
{
	const struct rh_watching_order *order = watching->order;
	size_t                          used;

	if (order->kind)
		rh_kind_path(order->kind, NULL, path, cap);
	else
		snprintf(path, cap, "/apis/v1/events");
	used = strlen(path);
	snprintf(path + used, cap - used, "?%sfromRevision=%lld",
	         order->kind ? "watch=true&" : "", (long long)watching->revision);
	if (order->name) {
		used = strlen(path);
		snprintf(path + used, cap - used, "&name=");
		rh_http_escape(path, cap, order->name);
	}
}

/* --- following ------------------------------------------------------------------------
 */

/* What the last line of a stream means. */
static enum rh_next judge_end(struct rh_watching *watching, const json_t *line)
{
	json_int_t status = json_integer_value(json_object_get(line, "status"));

	if (status != RH_STATUS_GONE)
		return RH_NEXT_RESUME;
	rh_watching_note(watching, rh_show_text(line, "detail"));
	watching->must_reset = true;
	return RH_NEXT_AGAIN;
}

static enum rh_next take(struct rh_watching *watching, json_t *line)
{
	const char   *type = rh_show_text(line, "type");
	const json_t *object = json_object_get(line, "object");
	const char   *name = object ? rh_show_name(object) : rh_show_text(line, "name");
	bool          is_bookmark = type && strcmp(type, "bookmark") == 0;

	if (type && strcmp(type, "error") == 0)
		return judge_end(watching, line);
	if (object || is_bookmark)
		watching->revision = json_integer_value(
			json_object_get(line, "revision"));
	if (type && strcmp(type, "delete") == 0)
		json_object_del(watching->open, name ? name : "");
	else if (!is_bookmark)
		rh_watching_remember(watching, name);
	rh_watching_print(watching, line);
	if (type && strcmp(type, "missed") == 0) {
		watching->was_lost = true;
		return RH_NEXT_AGAIN;
	}
	return rh_watching_check_out(watching);
}

static enum rh_next take_lines(struct rh_watching *watching)
{
	enum rh_next next = RH_NEXT_GO_ON;
	char        *text;

	while (next == RH_NEXT_GO_ON && (text = rh_stream_line(watching->stream))) {
		json_t *line = json_loads(text, 0, NULL);

		watching->wait_ms = RH_WATCHING_FIRST_MS; /* it is well again */
		watching->heard_ns = rh_clock_ns();
		next = line ? take(watching, line) : RH_NEXT_RESUME;
		json_decref(line);
	}
	return next;
}

static void tell_back(struct rh_watching *watching)
{
	if (!watching->is_away)
		return;
	fprintf(watching->cli->err, "rhodes watch: the center is back; going on from "
	        "revision %lld\n", (long long)watching->revision);
	watching->is_away = false;
}

static enum rh_next follow(struct rh_watching *watching)
{
	char         path[400];
	enum rh_next next = RH_NEXT_GO_ON;
	int          error = RH_OK;

	watching->heard_ns = rh_clock_ns();
	stream_path(watching, path, sizeof path);
	if (rh_stream_begin(watching->stream, path) < 0)
		return RH_NEXT_RESUME;
	while (next == RH_NEXT_GO_ON && !rh_stream_is_over(watching->stream, &error)) {
		next = rh_watching_await(watching, RH_WATCHING_SILENCE_MS);
		if (rh_stream_status(watching->stream) == 200)
			tell_back(watching);
		if (next == RH_NEXT_GO_ON && rh_stream_status(watching->stream) < 400)
			next = take_lines(watching);
		if (rh_watching_is_silent(watching->heard_ns))
			return next == RH_NEXT_GO_ON ? RH_NEXT_RESUME : next;
	}
	if (next != RH_NEXT_GO_ON)
		return next;
	if (rh_stream_status(watching->stream) >= 400)
		return rh_watching_judge_refusal(watching);
	return rh_watching_judge_error(watching, error);
}

/* One connection, from its beginning to its end. */
static enum rh_next attempt(struct rh_watching *watching)
{
	enum rh_next next = look(watching);

	if (next == RH_NEXT_GO_ON)
		next = catch_up(watching);
	return next == RH_NEXT_GO_ON ? follow(watching) : next;
}

static enum rh_next lose(struct rh_watching *watching)
{
	if (!watching->is_away)
		fprintf(watching->cli->err, "rhodes watch: the center of \"%s\" %s%s; "
		        "waiting for it at revision %lld\n", watching->cli->dirs.system,
		        watching->why[0] ? "does not serve us now: " : "is away",
		        watching->why, (long long)watching->revision);
	watching->is_away = true;
	watching->why[0] = '\0';
	watching->was_lost = true;
	return rh_watching_pause(watching);
}

static int loop(struct rh_watching *watching)
{
	enum rh_next   next = RH_NEXT_GO_ON;
	struct rh_diag diag = { 0 };

	while (next != RH_NEXT_STOP && next != RH_NEXT_FAIL) {
		next = attempt(watching);
		if (next == RH_NEXT_RESUME && !watching->store[0]) {
			rh_away_explain(&watching->cli->dirs, &diag);
			return rh_cli_fail(watching->cli, RH_EXIT_DOWN, "%s", diag.text);
		}
		if (next == RH_NEXT_RESUME)
			next = lose(watching);
	}
	return next == RH_NEXT_STOP ? RH_EXIT_OK : RH_EXIT_REFUSED;
}

int rh_watching_run(struct rh_cli *cli, const struct rh_watching_order *order)
{
	struct rh_watching watching = {
		.cli = cli, .order = order, .revision = order->from,
		.wait_ms = RH_WATCHING_FIRST_MS, .must_reset = order->from == 0,
	};
	struct rh_diag     diag = { 0 };
	int                result = rh_stream_create(&cli->dirs, &watching.stream, &diag);

	if (result < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(result), "%s", diag.text);
	signal(SIGPIPE, SIG_IGN); /* noticed by rh_watching_check_out */
	watching.stop = rh_stop_open_unblocked();
	watching.open = json_object();
	result = loop(&watching);
	json_decref(watching.open);
	close(watching.stop);
	rh_stream_destroy(watching.stream);
	return result;
}
