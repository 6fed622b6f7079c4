#include "link.h"

#include "../../base/socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int say_hello(int fd)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_SUPERVISOR);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, "");
	rh_record_put_u32(&writer, RH_TAG_PID, (uint32_t)getpid());
	rh_record_put_u64(&writer, RH_TAG_REVISION, 0);
	return rh_socket_send(fd, RH_FRAME_HELLO, 0, &writer, NULL, 0);
}

static void drop_parts(struct rh_link *link)
{
	free(link->parts);
	link->parts = NULL;
	link->parts_len = 0;
}

int rh_link_part(struct rh_link *link, const void *bytes, size_t len, int is_last,
                 json_t **ret_plan)
{
	char   *parts;
	json_t *plan;

	if (len > RH_LINK_PLAN_MAX - link->parts_len) {
		drop_parts(link);
		return RH_EMSGSIZE;
	}
	parts = realloc(link->parts, link->parts_len + len + 1);
	if (!parts) {
		drop_parts(link);
		return RH_ENOMEM;
	}
	memcpy(parts + link->parts_len, bytes, len);
	link->parts = parts;
	link->parts_len += len;
	if (!is_last)
		return 0;
	plan = json_loadb(link->parts, link->parts_len, JSON_REJECT_DUPLICATES, NULL);
	drop_parts(link);
	if (!plan)
		return RH_EPROTO;
	*ret_plan = plan;
	return 1;
}

static void lose(struct rh_link *link, const char *reason)
{
	rh_link_close(link);
	link->on_lost(link->user, reason);
}

static int take_plan(struct rh_link *link, const struct rh_frame *frame)
{
	struct rh_record part;
	uint32_t         is_last = 0;
	json_t          *plan = NULL;
	int              r = rh_record_find(&frame->records, RH_TAG_JSON, &part);

	if (r < 0)
		return r;
	rh_record_u32(&frame->records, RH_TAG_LAST, &is_last);
	r = rh_link_part(link, part.bytes, part.len, is_last != 0, &plan);
	if (r == 1)
		link->on_plan(link->user, plan);
	json_decref(plan);
	return r;
}

static void on_frame(void *user)
{
	static unsigned char buffer[RH_FRAME_MAX];
	struct rh_link      *link = user;
	struct rh_frame      frame;
	char                 text[RH_DIAG_MAX] = "the center refused the supervisor";
	int                  r = rh_socket_receive(link->fd, buffer, &frame);

	if (r == RH_EAGAIN)
		return;
	if (r < 0) {
		lose(link, r == RH_ELOST ? "it hung up" : rh_error_text(r));
		return;
	}
	if (frame.type == RH_FRAME_PLAN)
		r = take_plan(link, &frame);
	if (frame.type == RH_FRAME_ERROR)
		rh_record_text(&frame.records, RH_TAG_TEXT, text, sizeof text);
	rh_frame_drop(&frame);
	if (frame.type == RH_FRAME_ERROR)
		lose(link, text);
	else if (r < 0)
		lose(link, "the center sent a plan that cannot be read");
}

int rh_link_open(struct rh_link *link, uv_loop_t *loop, const char *path,
                 struct rh_diag *diag)
{
	int fd = rh_socket_connect(path, diag);
	int r;

	if (fd < 0)
		return fd;
	r = say_hello(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	link->fd = fd;
	link->poll = rh_poll_open(loop, fd, on_frame, link);
	if (!link->poll) {
		rh_link_close(link);
		return RH_ENOMEM;
	}
	return RH_OK;
}

void rh_link_close(struct rh_link *link)
{
	rh_poll_close(link->poll);
	link->poll = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	drop_parts(link);
}
