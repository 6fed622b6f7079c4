#include "http_request.h"

#include "../watcher.h"

#include "../../model/error.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *header(struct MHD_Connection *connection, const char *key)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
	                                                key);

	return value ? value : "";
}

static void copy_header(struct MHD_Connection *connection, const char *key,
                        char to[RH_HEADER_MAX])
{
	snprintf(to, RH_HEADER_MAX, "%s", header(connection, key));
}

static enum MHD_Result add_query(void *user, enum MHD_ValueKind kind,
                                 const char *key, const char *value)
{
	struct rh_http_request *own = user;

	(void)kind;
	if (own->request.query_count == RH_QUERY_MAX) {
		own->is_overfull = 1;
		return MHD_NO;
	}
	own->request.query[own->request.query_count++] = (struct rh_query){
		.key = key, .value = value ? value : "",
	};
	return MHD_YES;
}

struct rh_http_request *rh_http_request_create(struct MHD_Connection *connection,
                                               const char *path)
{
	struct rh_http_request         *own = calloc(1, sizeof *own);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
		MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (!own || !info || !info->socket_context) {
		free(own);
		return NULL;
	}
	own->connection = connection;
	own->request.path = path;
	own->request.client = info->socket_context;
	own->host = header(connection, "Host");
	own->authorization = header(connection, "Authorization");
	own->content_length = strtoull(header(connection, "Content-Length"), NULL, 10);
	own->is_polite = header(connection, "Expect")[0] != '\0';
	copy_header(connection, "If-Match", own->request.if_match);
	copy_header(connection, "If-None-Match", own->request.if_none_match);
	copy_header(connection, "Content-Type", own->request.content_type);
	copy_header(connection, "Accept", own->request.accept);
	copy_header(connection, "Last-Event-ID", own->request.last_event_id);
	copy_header(connection, "Range", own->request.range);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, own);
	return own;
}

void rh_http_request_destroy(struct rh_http_request *own)
{
	if (!own)
		return;
	free(own->request.body);
	rh_watcher_destroy(own->request.watcher);
	rh_reply_fini(&own->request.reply);
	free(own);
}

/* Room for the whole body when its length was told, else for twice as much. */
static int grow(struct rh_http_request *own, size_t need)
{
	size_t cap = own->content_length > need ? own->content_length : need * 2;

	if (cap > own->body_max)
		cap = own->body_max;
	char *body = realloc(own->request.body, cap + 1);
	if (!body)
		return RH_ENOMEM;
	own->request.body = body;
	own->body_cap = cap;
	return RH_OK;
}

int rh_http_request_append(struct rh_http_request *own, const char *bytes,
                           size_t len)
{
	size_t need = own->request.body_bytes + len;

	if (need > own->body_max)
		return RH_EMSGSIZE;
	if (need > own->body_cap && grow(own, need) != RH_OK)
		return RH_ENOMEM;
	memcpy(own->request.body + own->request.body_bytes, bytes, len);
	own->request.body_bytes = need;
	return RH_OK;
}
