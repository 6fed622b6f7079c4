#include "watch.h"

#include "handlers.h"
#include "http.h"

#include "../center.h"
#include "../store/store.h"
#include "../watcher.h"

#include "../../base/clock.h"
#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 16384

/* ---- the answer ---- */

static void wake(struct rh_watcher *watcher)
{
	watcher->wake = NULL; /* once, until it is suspended again */
	MHD_resume_connection(watcher->connection);
	rh_http_kick(watcher->server);
}

static int is_due(const struct rh_watcher *watcher)
{
	return rh_clock_ns() - watcher->said_ns >= RH_WATCH_BEAT_MS * RH_NS_PER_MS;
}

static ssize_t on_read(void *user, uint64_t at, char *bytes, size_t max)
{
	struct rh_watcher *watcher = user;
	size_t             len = rh_watcher_fill(watcher, is_due(watcher));

	(void)at;
	if (len == 0 && watcher->is_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (len == 0) {
		watcher->wake = wake;
		MHD_suspend_connection(watcher->connection);
		return 0;
	}
	if (len > max)
		len = max;
	memcpy(bytes, watcher->bytes, len);
	rh_watcher_take(watcher, len);
	return (ssize_t)len;
}

static void on_free(void *user)
{
	rh_watcher_destroy(user);
}

enum MHD_Result rh_watch_answer(struct rh_http *http, struct MHD_Connection *connection,
                                struct rh_watcher *watcher)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, watcher, on_free);

	if (!response) {
		rh_watcher_destroy(watcher);
		return MHD_NO;
	}
	watcher->connection = connection;
	watcher->server = http;
	MHD_add_response_header(response, "Content-Type", watcher->is_sse
	                        ? "text/event-stream" : "application/x-ndjson");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	watcher->center->counts.responses[2]++;
	enum MHD_Result result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

void rh_watch_beat(struct rh_center *center)
{
	for (unsigned i = 0; i < center->watchers.count; i++) {
		struct rh_watcher *watcher = center->watchers.at[i];

		if (watcher->wake && is_due(watcher))
			watcher->wake(watcher);
	}
}

/* ---- the request ---- */

/* Where to begin: fromRevision (0: from nothing, which is never too old), or what the
 * browser saw last, or now. */
static int read_start(const struct rh_center *center, const struct rh_request *request,
                      uint64_t *ret_revision, struct rh_problem *problem)
{
	uint64_t             head = rh_center_revision(center), from = head;
	const char          *text = rh_request_query(request, "fromRevision");
	struct rh_store_info info;

	if (text && strcmp(text, "0") == 0)
		from = 0; /* everything there is */
	else if (rh_request_number(request, "fromRevision", INT64_MAX, &from, problem))
		return problem->code;
	if (request->last_event_id[0])
		from = strtoull(request->last_event_id, NULL, 10);
	rh_store_info(center->store, &info);
	if (from > head)
		return rh_problem_set(problem, RH_EINVAL, "revision %llu is not reached yet, "
			"the store is at %llu: was it another store?",
			(unsigned long long)from, (unsigned long long)head);
	if (from > 0 && from < info.compacted) {
		rh_problem_set(problem, RH_ESTALE, "what changed since revision %llu is no "
			"longer known, only since %llu: get the list, then watch from its "
			"revision", (unsigned long long)from,
			(unsigned long long)info.compacted);
		problem->status = 410;
		problem->revision = head;
		return RH_ESTALE;
	}
	*ret_revision = from;
	return RH_OK;
}

static unsigned kinds_of(const struct rh_request *request)
{
	enum rh_object_kind kind = request->route->kind;

	return kind < RH_OBJECT_KINDS ? 1u << kind : (1u << RH_OBJECT_KINDS) - 1;
}

void rh_api_watch(struct rh_center *center, struct rh_request *request)
{
	const char       *name = rh_request_query(request, "name");
	struct rh_problem problem;
	uint64_t          revision = 0;
	int err = read_start(center, request, &revision, &problem);

	if (!err && name && strlen(name) > RH_OBJECT_NAME_MAX)
		err = rh_problem_set(&problem, RH_EINVAL, "the name is too long");
	if (!err) {
		err = rh_watcher_create(center, kinds_of(request), revision,
		                        !request->client->is_writer, &request->watcher);
		if (err)
			rh_problem_set(&problem, RH_EAGAIN, "%u clients watch already, that "
			               "is the limit", request->client->is_writer
			               ? RH_WATCHERS_MAX : RH_WATCHING_STRANGERS);
	}
	if (err) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	request->watcher->is_sse = strstr(request->accept, "text/event-stream") != NULL;
	request->watcher->said_ns = rh_clock_ns();
	if (name)
		memcpy(request->watcher->name, name, strlen(name) + 1);
	request->reply.status = 200;
}
