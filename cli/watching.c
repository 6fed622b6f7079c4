#include "watching.h"

#include "client.h"
#include "problem.h"
#include "show.h"
#include "stream.h"
#include "watch_line.h"

#include "../base/clock.h"
#include "../base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_GONE 410

/* What follows on a step. */
enum next {
	GO_ON,
	RESUME, /* the connection is lost               */
	AGAIN,  /* what was missed must be read first   */
	STOP,   /* Ctrl-C, or nobody reads              */
	FAIL,   /* told on err                          */
};

struct watching {
	struct rh_cli                  *cli;
	const struct rh_watching_order *order;
	struct rh_stream               *stream;
	int         stop;         /* ready when it is to end                       */
	json_int_t  revision;     /* all up to it was told; -1: not known yet      */
	char        store[64];    /* whose revisions these are, "" not known yet   */
	json_t     *open;         /* names told of whose state may have gone on    */
	uint64_t    heard_ns;     /* when the stream said something                */
	int         wait_ms;      /* before the next attempt                       */
	bool        is_away;      /* ... and that it is was told                   */
	char        why[200];     /* it does not serve now, "": it is not there    */
	bool        was_lost;     /* how things stand must be read                 */
	bool        must_reset;   /* and everything else too                       */
};

/* --- printing -------------------------------------------------------------------------
 */

static bool takes_name(const struct watching *watching, const char *name)
{
	const char *wanted = watching->order->name;

	return !wanted || (name && strcmp(name, wanted) == 0);
}

static void print(struct watching *watching, json_t *line)
{
	struct rh_cli *cli = watching->cli;

	if (watching->order->is_json) {
		json_dumpf(line, cli->out, JSON_COMPACT);
		fputc('\n', cli->out);
	} else {
		rh_watch_line_print(cli->out, line, cli->has_color);
	}
	fflush(cli->out);
}

/* line is stolen. */
static void print_own(struct watching *watching, json_t *line)
{
	if (watching->order->is_json)
		print(watching, line);
	json_decref(line);
}

static void print_standing(struct watching *watching, json_t *object)
{
	struct rh_cli *cli = watching->cli;

	if (watching->order->is_json)
		print_own(watching, json_pack("{s:s, s:I, s:O}", "type", "standing",
			"revision", (json_int_t)rh_show_number(object, "revision"),
			"object", object));
	else
		rh_watch_line_standing(cli->out, object, cli->has_color);
	fflush(cli->out);
}

static void note(const struct watching *watching, const char *text)
{
	fprintf(watching->cli->err, "rhodes watch: %s\n", text);
}

/* Nobody reads any more, or a signal came while nobody read: what is left to be written
 * is dropped. */
static enum next check_out(const struct watching *watching)
{
	FILE *out = watching->cli->out;

	if (!ferror(out))
		return GO_ON;
	if (errno != EPIPE && errno != EINTR) {
		rh_cli_fail(watching->cli, RH_EXIT_REFUSED, "cannot write: %s",
		            strerror(errno));
		return FAIL;
	}
	__fpurge(out);
	clearerr(out);
	return STOP;
}

/* --- waiting --------------------------------------------------------------------------
 */

/* Until something came; GO_ON also when the time is up. */
static enum next await(struct watching *watching, int timeout_ms)
{
	struct pollfd watched[] = {
		{ .fd = watching->stop, .events = POLLIN },
		{ .fd = fileno(watching->cli->out) }, /* its other end closes */
	};

	rh_stream_wait(watching->stream, watched, 2, timeout_ms);
	if (watched[0].revents || watched[1].revents & (POLLERR | POLLHUP))
		return STOP;
	return GO_ON;
}

/* The time until the next attempt, unless it is to be stopped. */
static enum next pause_for(struct watching *watching)
{
	struct pollfd watched[] = {
		{ .fd = watching->stop, .events = POLLIN },
		{ .fd = fileno(watching->cli->out) },
	};

	poll(watched, 2, watching->wait_ms);
	watching->wait_ms = watching->wait_ms * 2 < RH_WATCHING_MOST_MS
	                    ? watching->wait_ms * 2 : RH_WATCHING_MOST_MS;
	return watched[0].revents || watched[1].revents & (POLLERR | POLLHUP) ? STOP
	                                                                      : GO_ON;
}

/* --- asking ---------------------------------------------------------------------------
 */

/* A center that stops or is away may come back; a refusal will be one again. */
static enum next judge_refusal(struct watching *watching)
{
	long    status = rh_stream_status(watching->stream);
	json_t *json = rh_stream_json(watching->stream);
	struct rh_problem problem;
	enum next next = FAIL;

	rh_problem_read(&problem, status, json);
	if (status == STATUS_GONE) {
		watching->must_reset = true;
		note(watching, problem.detail);
		next = AGAIN;
	} else if (status >= 500) {
		snprintf(watching->why, sizeof watching->why, "%s", problem.detail);
		next = RESUME;
	} else {
		rh_problem_print(&problem, watching->cli->err, "rhodes watch", NULL);
	}
	json_decref(json);
	return next;
}

static enum next judge_error(const struct watching *watching, int error)
{
	if (error == RH_OK || error == RH_EDOWN)
		return RESUME;
	rh_cli_fail(watching->cli, RH_EXIT_REFUSED, "reading from the center: %s",
	            rh_error_text(error));
	return FAIL;
}

static bool is_silent(uint64_t since_ns)
{
	return rh_clock_ns() - since_ns >= RH_WATCHING_SILENCE_MS * RH_NS_PER_MS;
}

/* Waits for the whole answer; GO_ON sets *ret_json, a new reference. */
static enum next get(struct watching *watching, const char *path, json_t **ret_json)
{
	uint64_t  begun_ns = rh_clock_ns();
	enum next next = GO_ON;
	int       error = RH_OK;

	if (rh_stream_begin(watching->stream, path) < 0)
		return RESUME;
	while (next == GO_ON && !rh_stream_is_over(watching->stream, &error)) {
		if (is_silent(begun_ns))
			return RESUME;
		next = await(watching, RH_WATCHING_SILENCE_MS);
	}
	if (next != GO_ON)
		return next;
	if (error != RH_OK)
		return judge_error(watching, error);
	if (rh_stream_status(watching->stream) >= 400)
		return judge_refusal(watching);
	*ret_json = rh_stream_json(watching->stream);
	return *ret_json ? GO_ON : RESUME;
}

/* --- how things stand -----------------------------------------------------------------
 */

typedef void visit_object(struct watching *watching, json_t *object);

/* Every object of a kind, in pages; *ret_revision is that of the first. */
static enum next walk_kind(struct watching *watching, const struct rh_kind *kind,
                           visit_object *visit, json_int_t *ret_revision)
{
	enum next next = GO_ON;
	char      path[300], after[80] = "";
	bool      is_first = true;

	while (next == GO_ON && (is_first || after[0])) {
		json_t     *page = NULL, *object;
		const char *more;
		size_t      i;

		rh_kind_path(kind, NULL, path, sizeof path);
		if (after[0]) {
			strcat(path, "?continue=");
			rh_http_escape(path, sizeof path, after);
		}
		next = get(watching, path, &page);
		if (next != GO_ON)
			return next;
		json_array_foreach(json_object_get(page, "items"), i, object) {
			if (takes_name(watching, rh_show_name(object)))
				visit(watching, object);
		}
		if (is_first)
			*ret_revision = rh_show_number(page, "revision");
		is_first = false;
		more = rh_show_text(json_object_get(page, "metadata"), "continue");
		snprintf(after, sizeof after, "%s", more ? more : "");
		json_decref(page);
		next = check_out(watching);
	}
	return next;
}

/* *ret_revision is the lowest that was read at. */
static enum next walk(struct watching *watching, visit_object *visit,
                      json_int_t *ret_revision)
{
	enum next next = GO_ON;

	*ret_revision = -1;
	for (const struct rh_kind *kind = rh_kinds; kind->plural && next == GO_ON; kind++) {
		json_int_t revision = 0;

		if (!kind->object ||
		    (watching->order->kind && watching->order->kind != kind))
			continue;
		next = walk_kind(watching, kind, visit, &revision);
		if (*ret_revision < 0 || revision < *ret_revision)
			*ret_revision = revision;
	}
	return next;
}

static bool is_open(const json_t *object)
{
	const json_t *condition = rh_show_condition(object, "Active");
	const char   *status = rh_show_text(condition, "status");

	return status && strcmp(status, "True") != 0;
}

static void remember(struct watching *watching, const char *name)
{
	if (name)
		json_object_set_new(watching->open, name, json_true());
}

/* What is as it was told needs no line. */
static void stand(struct watching *watching, json_t *object)
{
	const char *name = rh_show_name(object);
	bool        is_now_open = is_open(object);

	if (!is_now_open && !(name && json_object_get(watching->open, name)))
		return;
	print_standing(watching, object);
	if (name && !is_now_open)
		json_object_del(watching->open, name);
	else
		remember(watching, name);
}

static void put(struct watching *watching, json_t *object)
{
	json_t *line = json_pack("{s:s, s:I, s:O}", "type", "put", "revision",
		(json_int_t)rh_show_number(object, "revision"), "object", object);

	print(watching, line);
	json_decref(line);
	if (is_open(object)) {
		print_standing(watching, object);
		remember(watching, rh_show_name(object));
	}
}

/* Everything there is, as if it had just been put. */
static enum next reset(struct watching *watching)
{
	json_int_t revision = 0;
	enum next  next;

	if (watching->revision > 0)
		note(watching, "all there is follows; what is not among it is gone");
	print_own(watching, json_pack("{s:s, s:I, s:s}", "type", "reset", "revision",
		watching->revision < 0 ? 0 : watching->revision, "detail",
		"forget everything: all there is follows"));
	json_object_clear(watching->open);
	next = walk(watching, put, &revision);
	if (next != GO_ON)
		return next;
	watching->must_reset = watching->was_lost = false;
	watching->revision = revision;
	return GO_ON;
}

/* --- beginning, and beginning again ---------------------------------------------------
 */

/* Where the center is, and whether it is still the one that was followed. */
static enum next look(struct watching *watching)
{
	json_t     *system = NULL;
	enum next   next = get(watching, "/apis/v1/system", &system);
	const char *store;
	json_int_t  head;

	if (next != GO_ON)
		return next;
	store = rh_show_text(system, "storeId");
	head = json_integer_value(json_object_get(system, "revision"));
	if (watching->store[0] && (!store || strcmp(store, watching->store) != 0 ||
	                           head < watching->revision)) {
		note(watching, "the center has another store than before");
		watching->must_reset = true;
	}
	snprintf(watching->store, sizeof watching->store, "%s", store ? store : "");
	if (watching->revision < 0)
		watching->revision = head;
	json_decref(system);
	return GO_ON;
}

/* The connection is there again. */
static enum next catch_up(struct watching *watching)
{
	json_int_t ignored;
	enum next  next;

	if (watching->must_reset)
		return reset(watching);
	if (!watching->was_lost)
		return GO_ON;
	print_own(watching, json_pack("{s:s, s:I}", "type", "resumed", "revision",
	                              watching->revision));
	next = walk(watching, stand, &ignored);
	watching->was_lost = next != GO_ON;
	return next;
}

static void stream_path(const struct watching *watching, char *path, size_t cap)
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
static enum next judge_end(struct watching *watching, const json_t *line)
{
	json_int_t status = json_integer_value(json_object_get(line, "status"));

	if (status != STATUS_GONE)
		return RESUME;
	note(watching, rh_show_text(line, "detail"));
	watching->must_reset = true;
	return AGAIN;
}

static enum next take(struct watching *watching, json_t *line)
{
	const char   *type = rh_show_text(line, "type");
	const json_t *object = json_object_get(line, "object");
	const char   *name = object ? rh_show_name(object) : rh_show_text(line, "name");
	bool          is_bookmark = type && strcmp(type, "bookmark") == 0;

	if (type && strcmp(type, "error") == 0)
		return judge_end(watching, line);
	if (object || is_bookmark)
		watching->revision = json_integer_value(json_object_get(line, "revision"));
	if (type && strcmp(type, "delete") == 0)
		json_object_del(watching->open, name ? name : "");
	else if (!is_bookmark)
		remember(watching, name);
	print(watching, line);
	if (type && strcmp(type, "missed") == 0) {
		watching->was_lost = true;
		return AGAIN;
	}
	return check_out(watching);
}

static enum next take_lines(struct watching *watching)
{
	enum next next = GO_ON;
	char     *text;

	while (next == GO_ON && (text = rh_stream_line(watching->stream))) {
		json_t *line = json_loads(text, 0, NULL);

		watching->wait_ms = RH_WATCHING_FIRST_MS; /* it is well again */
		watching->heard_ns = rh_clock_ns();
		next = line ? take(watching, line) : RESUME;
		json_decref(line);
	}
	return next;
}

static void tell_back(struct watching *watching)
{
	if (!watching->is_away)
		return;
	fprintf(watching->cli->err, "rhodes watch: the center is back; going on from "
	        "revision %lld\n", (long long)watching->revision);
	watching->is_away = false;
}

static enum next follow(struct watching *watching)
{
	char      path[400];
	enum next next = GO_ON;
	int       error = RH_OK;

	watching->heard_ns = rh_clock_ns();
	stream_path(watching, path, sizeof path);
	if (rh_stream_begin(watching->stream, path) < 0)
		return RESUME;
	while (next == GO_ON && !rh_stream_is_over(watching->stream, &error)) {
		next = await(watching, RH_WATCHING_SILENCE_MS);
		if (rh_stream_status(watching->stream) == 200)
			tell_back(watching);
		if (next == GO_ON && rh_stream_status(watching->stream) < 400)
			next = take_lines(watching);
		if (is_silent(watching->heard_ns))
			return next == GO_ON ? RESUME : next;
	}
	if (next != GO_ON)
		return next;
	if (rh_stream_status(watching->stream) >= 400)
		return judge_refusal(watching);
	return judge_error(watching, error);
}

/* One connection, from its beginning to its end. */
static enum next attempt(struct watching *watching)
{
	enum next next = look(watching);

	if (next == GO_ON)
		next = catch_up(watching);
	return next == GO_ON ? follow(watching) : next;
}

static enum next lose(struct watching *watching)
{
	if (!watching->is_away)
		fprintf(watching->cli->err, "rhodes watch: the center of \"%s\" %s%s; "
		        "waiting for it at revision %lld\n", watching->cli->dirs.system,
		        watching->why[0] ? "does not serve us now: " : "is away",
		        watching->why, (long long)watching->revision);
	watching->is_away = true;
	watching->why[0] = '\0';
	watching->was_lost = true;
	return pause_for(watching);
}

static int loop(struct watching *watching)
{
	enum next next = GO_ON;

	while (next != STOP && next != FAIL) {
		next = attempt(watching);
		if (next == RESUME && !watching->store[0])
			return rh_cli_fail(watching->cli, RH_EXIT_DOWN, "no system \"%s\" is "
			                   "running here; `rhodes up` starts one",
			                   watching->cli->dirs.system);
		if (next == RESUME)
			next = lose(watching);
	}
	return next == STOP ? RH_EXIT_OK : RH_EXIT_REFUSED;
}

static int stop_writer;

static void on_stop(int number)
{
	char byte = (char)number;

	if (write(stop_writer, &byte, 1) < 0)
		return; /* it was asked to stop before */
}

/* What becomes readable at SIGINT and SIGTERM.  They are not blocked: one of them also
 * ends a write that waits for somebody to read. */
static int stop_signals(void)
{
	struct sigaction action = { .sa_handler = on_stop };
	int              ends[2];

	signal(SIGPIPE, SIG_IGN); /* noticed by check_out */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	stop_writer = ends[1];
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return ends[0];
}

int rh_watching_run(struct rh_cli *cli, const struct rh_watching_order *order)
{
	struct watching watching = {
		.cli = cli, .order = order, .revision = order->from,
		.wait_ms = RH_WATCHING_FIRST_MS, .must_reset = order->from == 0,
	};
	struct rh_diag  diag = { 0 };
	int             result = rh_stream_create(&cli->dirs, &watching.stream, &diag);

	if (result < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(result), "%s", diag.text);
	watching.stop = stop_signals();
	watching.open = json_object();
	if (!order->is_json)
		rh_watch_line_headings(cli->out, cli->has_color);
	fflush(cli->out);
	result = loop(&watching);
	json_decref(watching.open);
	close(watching.stop);
	rh_stream_destroy(watching.stream);
	return result;
}
