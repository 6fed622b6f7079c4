#include "http.h"

#include "http_request.h"
#include "listen.h"
#include "watch.h"

#include "../center.h"
#include "../change.h"

#include "../../base/clock.h"
#include "../../base/diag.h"
#include "../../base/failpoint.h"
#include "../../base/log.h"
#include "../../model/check.h"
#include "../../model/error.h"

#include <microhttpd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How many unwelcome writers a minute get an entry of their own in the audit, which
 * nobody shortens. */
#define REFUSALS_A_MINUTE 20u

#define GOODBYES 8 /* rounds in which streams may take their end */

struct rh_http {
	struct rh_center        *center;
	struct MHD_Daemon       *daemon;
	uv_poll_t                poll;
	uv_timer_t               timer;   /* the library's next timeout          */
	uv_timer_t               beat;    /* of watchers                         */
	uv_idle_t                idle;    /* runs while there is work left       */
	const char              *token;
	unsigned                 port;
	int                      handles;
	struct rh_http_request  *first;   /* of the turn                        */
	struct rh_http_request **last;
	struct rh_http_request  *parked;
	size_t                   bodies;  /* bytes of all bodies being read     */
	size_t                   replies; /* ... of all replies being sent      */
	uint64_t                 minute;  /* of the refusals counted            */
	unsigned                 refusals;
	unsigned                 strangers; /* connections that may not write   */
};

/* ---- who asks ---- */

static void on_connection(void *user, struct MHD_Connection *connection,
                          void **context, enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;

	struct rh_http   *http = user;
	struct rh_client *client = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (client && !client->is_writer)
			http->strangers--;
		free(client);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	client = calloc(1, sizeof *client);
	*context = client;
	if (!info || !client)
		return;
	rh_http_identify(client, info->connect_fd, http->token != NULL);
	/* Who only reads must not keep out who governs. */
	if (!client->is_writer && ++http->strangers > RH_STRANGERS_MAX)
		shutdown(info->connect_fd, SHUT_RDWR);
}

/* ---- replies ---- */

static void add_header(struct MHD_Response *response, const char *key,
                       const char *value)
{
	if (value && value[0])
		MHD_add_response_header(response, key, value);
}

static enum MHD_Result answer(struct rh_http *http, struct rh_http_request *own)
{
	struct rh_reply *reply = &own->request.reply;
	char             etag[32] = "";
	int              class = reply->status / 100;

	RH_CHECK(reply->status >= 200 && class < 6);
	if (own->request.watcher) {
		struct rh_watcher *watcher = own->request.watcher;

		own->request.watcher = NULL;
		own->state = RH_HTTP_ANSWERED;
		return rh_watch_answer(http, own->connection, watcher);
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->body_bytes, reply->body, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	reply->body = NULL;
	if (reply->etag)
		snprintf(etag, sizeof etag, "\"%llu\"", (unsigned long long)reply->etag);
	add_header(response, "Content-Type", reply->content_type);
	add_header(response, "ETag", etag);
	add_header(response, "Allow", reply->allow);
	add_header(response, "Rhodes-Signature", reply->signature);
	add_header(response, "Rhodes-Public-Key", reply->public_key);
	add_header(response, "Content-Range", reply->range);
	add_header(response, "Cache-Control", "no-store");
	add_header(response, "X-Content-Type-Options", "nosniff");
	if (reply->status == 401)
		add_header(response, "WWW-Authenticate", "Bearer");
	http->center->counts.responses[class]++;
	enum MHD_Result result = MHD_queue_response(own->connection,
		(unsigned)reply->status, response);
	MHD_destroy_response(response);
	own->state = RH_HTTP_ANSWERED;
	return result;
}

/* ---- the turn ---- */

static int is_write(const struct rh_http_request *own)
{
	return own->request.route->flags & RH_ROUTE_WRITE;
}

static void log_write(const struct rh_http_request *own)
{
	const struct rh_request *request = &own->request;

	if (request->route->flags & RH_ROUTE_OFTEN && request->reply.status == 200)
		return;
	rh_info("api: %s %s%s%s status=%d uid=%u pid=%d",
	        rh_route_method_text(request->method), request->route->path,
	        request->name[0] ? " name=" : "", request->name, request->reply.status,
	        (unsigned)request->client->uid, (int)request->client->pid);
}

static void run_one(struct rh_http *http, struct rh_http_request *own)
{
	own->request.is_parked = 0;
	own->request.route->handler(http->center, &own->request);
	own->state = own->request.is_parked ? RH_HTTP_PARKED : RH_HTTP_READY;
	own->reply_bytes = own->request.reply.body_bytes;
	http->replies += own->reply_bytes;
}

static void run_writes(struct rh_http *http, struct rh_http_request *first)
{
	for (struct rh_http_request *own = first; own; own = own->next) {
		if (is_write(own))
			run_one(http, own);
	}
}

/* Those who govern first; the others as long as there is time in this turn, and room
 * for what they do not read; the rest waits. */
static void run_reads(struct rh_http *http, struct rh_http_request *first)
{
	uint64_t end = rh_clock_ns() + RH_READS_MS * RH_NS_PER_MS;

	for (struct rh_http_request *own = first; own; own = own->next) {
		if (own->state == RH_HTTP_WAITING && own->request.client->is_writer)
			run_one(http, own);
	}
	for (struct rh_http_request *own = first; own; own = own->next) {
		if (own->state == RH_HTTP_WAITING && rh_clock_ns() < end &&
		    http->replies < RH_REPLIES_MAX)
			run_one(http, own);
	}
}

/* Lets an answer go out, or puts the request into the next turn or aside. */
static void release(struct rh_http *http, struct rh_http_request *own)
{
	if (own->state == RH_HTTP_PARKED) {
		own->next = http->parked;
		http->parked = own;
		return;
	}
	if (own->state == RH_HTTP_WAITING) {
		own->next = NULL;
		*http->last = own;
		http->last = &own->next;
		return;
	}
	if (is_write(own)) {
		rh_failpoint("answering");
		log_write(own);
	}
	MHD_resume_connection(own->connection);
}

/* What was staged is not there: no write of this turn may say that it is. */
static void fail_writes(struct rh_http_request *first,
                        const struct rh_problem *problem)
{
	for (struct rh_http_request *own = first; own; own = own->next) {
		if (is_write(own) && own->state != RH_HTTP_PARKED)
			rh_reply_problem(&own->request.reply, problem);
	}
}

static void run_turn(struct rh_http *http)
{
	struct rh_http_request *first = http->first, *next;
	struct rh_problem       problem;

	http->first = NULL;
	http->last = &http->first;
	run_writes(http, first);
	if (rh_center_commit(http->center, &problem) != RH_OK) {
		rh_error("store: commit failed, its changes were undone: %s",
		         problem.detail);
		fail_writes(first, &problem);
	}
	run_reads(http, first);
	for (struct rh_http_request *own = first; own; own = next) {
		next = own->next;
		release(http, own);
	}
}

/* ---- requests ---- */

static void refuse(struct rh_http_request *own, const struct rh_problem *problem)
{
	char allow[sizeof own->request.reply.allow];

	memcpy(allow, own->request.reply.allow, sizeof allow);
	rh_reply_problem(&own->request.reply, problem);
	memcpy(own->request.reply.allow, allow, sizeof allow);
	own->state = RH_HTTP_REFUSED;
}

/* Somebody who may not write tries to: it is audited, but not without bound. */
static void audit_stranger(struct rh_http *http, const struct rh_request *request,
                           const struct rh_problem *problem)
{
	struct rh_change_options options = {
		.client = request->client,
		.verb = rh_route_method_text(request->method),
	};
	uint64_t minute = rh_clock_ns() / (60 * RH_NS_PER_S);

	if (minute != http->minute)
		http->refusals = 0;
	http->minute = minute;
	if (http->refusals++ < REFUSALS_A_MINUTE)
		rh_change_refused(http->center, problem->kind, problem->name, &options,
		                  problem);
	else
		http->center->counts.refusals++;
}

static int too_large(size_t max, struct rh_problem *problem)
{
	if (max == 0)
		return rh_problem_set(problem, RH_EMSGSIZE,
		                      "a request of this kind has no body");
	return rh_problem_set(problem, RH_EMSGSIZE, "the body is larger than %zu bytes",
	                      max);
}

/* Everything that the head alone decides. */
static int check_head(struct rh_http *http, struct rh_http_request *own,
                      const char *method, const char *path,
                      struct rh_problem *problem)
{
	struct rh_request *request = &own->request;
	int                err = RH_OK;

	if (http->token)
		err = rh_http_check_tcp(own, http->token, http->port, problem);
	if (!err && own->is_overfull)
		err = rh_problem_set(problem, RH_EINVAL, "more than %u query parameters",
		                     RH_QUERY_MAX);
	if (!err)
		err = rh_route_find(request, method, path, request->reply.allow, problem);
	if (!err)
		err = rh_route_check(request, problem);
	if (err == RH_EPERM && request->route)
		audit_stranger(http, request, problem);
	if (err)
		return err;
	own->body_max = rh_route_body_max(request->route);
	if (own->content_length > own->body_max)
		return too_large(own->body_max, problem);
	if (http->bodies > RH_BODIES_MAX)
		return rh_problem_set(problem, RH_EAGAIN, "too many bodies at once");
	return RH_OK;
}

static enum MHD_Result begin(struct rh_http *http, struct MHD_Connection *connection,
                             const char *method, const char *path, void **context)
{
	struct rh_problem       problem;
	struct rh_http_request *own = rh_http_request_create(connection, path);

	http->center->counts.requests++;
	if (!own)
		return MHD_NO;
	*context = own;
	if (check_head(http, own, method, path, &problem) == RH_OK)
		return MHD_YES;
	refuse(own, &problem);
	/* Who asked first, or has too much to say, is answered at once. */
	if (own->is_polite || own->content_length > RH_DISCARD_MAX)
		return answer(http, own);
	return MHD_YES;
}

static enum MHD_Result take_body(struct rh_http *http, struct rh_http_request *own,
                                 const char *bytes, size_t *len)
{
	struct rh_problem problem;
	size_t            count = *len, before = own->body_cap;

	*len = 0;
	if (own->state == RH_HTTP_REFUSED) {
		own->discarded += count;
		return own->discarded > RH_DISCARD_MAX ? MHD_NO : MHD_YES;
	}
	int err = rh_http_request_append(own, bytes, count);
	http->bodies += own->body_cap - before;
	if (err == RH_EMSGSIZE)
		too_large(own->body_max, &problem);
	else if (err)
		rh_problem_set(&problem, err, "the center is out of memory");
	if (err)
		refuse(own, &problem);
	return MHD_YES;
}

static enum MHD_Result end(struct rh_http *http, struct rh_http_request *own)
{
	own->state = RH_HTTP_WAITING;
	*http->last = own;
	http->last = &own->next;
	MHD_suspend_connection(own->connection);
	return MHD_YES;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *bytes,
                                  size_t *len, void **context)
{
	struct rh_http         *http = user;
	struct rh_http_request *own = *context;

	(void)version;
	if (!own)
		return begin(http, connection, method, path, context);
	if (*len > 0)
		return take_body(http, own, bytes, len);
	if (own->state == RH_HTTP_READING)
		return end(http, own);
	return answer(http, own);
}

static void on_completed(void *user, struct MHD_Connection *connection,
                         void **context, enum MHD_RequestTerminationCode code)
{
	struct rh_http         *http = user;
	struct rh_http_request *own = *context;

	(void)connection;
	(void)code;
	if (!own)
		return;
	/* Suspended ones do not end. */
	RH_CHECK(own->state != RH_HTTP_WAITING && own->state != RH_HTTP_PARKED);
	if (own->state == RH_HTTP_ANSWERED && is_write(own))
		rh_failpoint("answered");
	http->bodies -= own->body_cap;
	http->replies -= own->reply_bytes;
	rh_http_request_destroy(own);
	*context = NULL;
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

static void on_idle(uv_idle_t *idle);

/* Whether another turn would get on: strangers that wait for room do not. */
static int can_go_on(const struct rh_http *http)
{
	if (http->first && http->replies < RH_REPLIES_MAX)
		return 1;
	for (struct rh_http_request *own = http->first; own; own = own->next) {
		if (own->request.client->is_writer)
			return 1;
	}
	return http->center->staged != 0;
}

/* Runs the library, the turn, and the library again for the answers.  What came in
 * meanwhile waits for the next round of the loop, so that agents, signals and the
 * other listener get theirs.  (By an idle handle: a timer of 0 ms that arms itself
 * anew would be run for ever without a look at the sockets.) */
static void run(struct rh_http *http)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;

	MHD_run(http->daemon);
	if (http->first || http->center->staged) {
		run_turn(http);
		MHD_run(http->daemon);
	}
	int is_timed = MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES;
	if (can_go_on(http) || (is_timed && timeout_ms == 0))
		uv_idle_start(&http->idle, on_idle);
	else
		uv_idle_stop(&http->idle);
	if (is_timed && timeout_ms > 0)
		uv_timer_start(&http->timer, on_timer, timeout_ms, 0);
	else
		uv_timer_stop(&http->timer);
}

static void on_idle(uv_idle_t *idle)
{
	run(idle->data);
}

static void on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

static void on_beat(uv_timer_t *timer)
{
	struct rh_http *http = timer->data;

	rh_watch_beat(http->center);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run(poll->data);
}

__attribute__((format(printf, 2, 0)))
static void on_log(void *user, const char *format, va_list args)
{
	char text[256];

	(void)user;
	vsnprintf(text, sizeof text, format, args);
	text[strcspn(text, "\n")] = '\0';
	rh_debug("http: %s", text);
}

/* Puts what is parked into the next turn. */
static void unpark(struct rh_http *http)
{
	while (http->parked) {
		struct rh_http_request *own = http->parked;

		http->parked = own->next;
		own->next = NULL;
		own->state = RH_HTTP_WAITING;
		*http->last = own;
		http->last = &own->next;
	}
}

void rh_http_unpark(struct rh_http *http)
{
	if (!http || !http->parked)
		return;
	unpark(http);
	rh_http_kick(http);
}

void rh_http_kick(struct rh_http *http)
{
	if (!uv_is_closing((uv_handle_t *)&http->idle))
		uv_idle_start(&http->idle, on_idle);
}

/* ---- opening and closing ---- */

/* "%00" would end the text for all who read it: what stands behind it would count for
 * nothing, and another object be meant.  In its place stands what is in no name. */
static size_t unescape(void *user, struct MHD_Connection *connection, char *text)
{
	size_t len = MHD_http_unescape(text);

	(void)user;
	(void)connection;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0')
			text[i] = '\1';
	}
	return len;
}

static struct MHD_Daemon *start(struct rh_http *http, int listen_fd)
{
	/* The logger comes first: options report to it. */
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, on_request, http,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, RH_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)RH_CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, RH_IDLE_S,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_END);
}

int rh_http_open(struct rh_center *center, uv_loop_t *loop, int listen_fd,
                 const char *token, unsigned port, struct rh_http **ret_http,
                 struct rh_diag *diag)
{
	struct rh_http                *http = calloc(1, sizeof *http);
	const union MHD_DaemonInfo *info;

	if (!http)
		return rh_diag_set(diag, RH_ENOMEM, "no memory");
	http->center = center;
	http->token = token;
	http->port = port;
	http->last = &http->first;
	http->daemon = start(http, listen_fd);
	info = http->daemon ? MHD_get_daemon_info(http->daemon,
	                                          MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info || uv_poll_init(loop, &http->poll, info->epoll_fd) < 0) {
		if (http->daemon)
			MHD_stop_daemon(http->daemon);
		free(http);
		return rh_diag_set(diag, RH_EIO, "the HTTP server does not start");
	}
	uv_timer_init(loop, &http->timer);
	uv_timer_init(loop, &http->beat);
	uv_idle_init(loop, &http->idle);
	http->poll.data = http->timer.data = http->beat.data = http->idle.data = http;
	http->handles = 4;
	uv_timer_start(&http->beat, on_beat, RH_WATCH_BEAT_MS, RH_WATCH_BEAT_MS);
	uv_poll_start(&http->poll, UV_READABLE, on_readable);
	*ret_http = http;
	return RH_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct rh_http *http = handle->data;

	if (--http->handles > 0)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}

/* The library may not be stopped while requests are suspended. */
static void send_away(struct rh_http *http)
{
	struct rh_http_request *own, *next;
	struct rh_problem       problem;

	unpark(http);
	own = http->first;
	http->first = NULL;
	http->last = &http->first;
	rh_problem_set(&problem, RH_EAGAIN, "the center is stopping");
	for (; own; own = next) {
		next = own->next;
		rh_reply_problem(&own->request.reply, &problem);
		own->state = RH_HTTP_READY;
		MHD_resume_connection(own->connection);
	}
}

void rh_http_close(struct rh_http *http)
{
	if (!http)
		return;
	send_away(http);
	rh_watchers_end(&http->center->watchers);
	/* The last line, the end of the stream, and what ends the answer. */
	for (int i = 0; i < GOODBYES && http->center->watchers.count > 0; i++)
		MHD_run(http->daemon);
	MHD_run(http->daemon);
	send_away(http); /* what came in with that; nothing runs any more */
	uv_close((uv_handle_t *)&http->poll, on_closed);
	uv_close((uv_handle_t *)&http->timer, on_closed);
	uv_close((uv_handle_t *)&http->beat, on_closed);
	uv_close((uv_handle_t *)&http->idle, on_closed);
}
