#include "recording.h"

#include "stop.h"

#include "../base/diag.h"
#include "../base/dirs.h"
#include "../base/socket.h"
#include "../wire/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VISIBLE_MAX 65536u
#define STEP_CALL   3u
#define STEP_REPLY  10u
#define REPLIES_MS  2000 /* for replies of the last calls */
#define ANY         UINT32_MAX /* RH_FILTER_ANY, as the buffer has it before the call */

/* ---- a line ---- */

static void print_line(const struct rh_recorded *recorded, FILE *file)
{
	size_t room = sodium_base64_encoded_len(recorded->visible,
	                                        sodium_base64_VARIANT_ORIGINAL);
	char  *text = malloc(room);

	if (!text)
		return;
	sodium_bin2base64(text, room, recorded->bytes, recorded->visible,
	                  sodium_base64_VARIANT_ORIGINAL);
	fprintf(file, "{\"call\": \"%s\", \"now_ns\": %" PRIu64 ", \"function\": \"0x%016" PRIx64
	        "\", \"caller\": \"0x%" PRIx64 "\", \"length\": %" PRIu64 ", \"visible\": %zu, "
	        "\"chosen\": %u", recorded->step == STEP_CALL ? "rh_filter_before" :
	        "rh_filter_after", recorded->time_ns, recorded->function, recorded->attachment,
	        recorded->len, recorded->visible, ANY);
	if (recorded->step == STEP_REPLY) /* as a rule is told it: positive */
		fprintf(file, ", \"status\": %d", recorded->status < 0 ? -recorded->status : 0);
	fprintf(file, ", \"base64\": \"%s\"}\n", text);
	free(text);
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return true;
}

bool rh_recorded_write(const struct rh_recorded *recorded, int fd)
{
	off_t  begin = lseek(fd, 0, SEEK_CUR); /* -1: a pipe, where nothing is cut off */
	char  *text = NULL;
	size_t len = 0;
	FILE  *line = open_memstream(&text, &len);
	bool   is_written;

	if (!line)
		return false;
	print_line(recorded, line);
	fclose(line);
	is_written = write_all(fd, text, len);
	int why = errno;
	if (!is_written && begin >= 0 && ftruncate(fd, begin) == 0)
		lseek(fd, begin, SEEK_SET);
	errno = why;
	free(text);
	return is_written;
}

/* ---- frames ---- */

static int ask(int fd, const struct rh_recording *recording)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_COUNT, recording->wanted);
	rh_record_put_text(&writer, RH_TAG_CALLEE, recording->callee);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_TRACE_WHOLE);
	return rh_socket_send(fd, RH_FRAME_TRACE, 1, &writer, NULL, 0);
}

/* The first part of a call or reply names it. */
static int read_head(struct rh_recording *recording, const struct rh_frame *frame,
                     struct rh_recorded *recorded)
{
	const struct rh_record_reader *records = &frame->records;
	uint32_t                       left_out = 0;

	recorded->visible = 0;
	if (rh_record_u32(records, RH_TAG_STEP, &recorded->step) < 0 ||
	    rh_record_u64(records, RH_TAG_TIME, &recorded->time_ns) < 0 ||
	    rh_record_u64(records, RH_TAG_FUNCTION, &recorded->function) < 0 ||
	    rh_record_u64(records, RH_TAG_ATTACHMENT, &recorded->attachment) < 0 ||
	    rh_record_u64(records, RH_TAG_BYTES, &recorded->len) < 0 ||
	    rh_record_i32(records, RH_TAG_CODE, &recorded->status) < 0 ||
	    (recorded->step != STEP_CALL && recorded->step != STEP_REPLY))
		return RH_EPROTO;
	rh_record_u32(records, RH_TAG_COUNT, &left_out);
	recording->left_out += left_out;
	return RH_OK;
}

static int take(struct rh_recording *recording, const struct rh_recorded *recorded,
                struct rh_diag *diag)
{
	if (!rh_recorded_write(recorded, recording->fd)) {
		recording->is_full = true;
		return rh_diag_set(diag, RH_EIO, "%s", strerror(errno));
	}
	recording->calls += recorded->step == STEP_CALL;
	recording->replies += recorded->step == STEP_REPLY;
	return RH_OK;
}

static int read_recorded(struct rh_recording *recording, const struct rh_frame *frame,
                         struct rh_recorded *recorded, struct rh_diag *diag)
{
	struct rh_record body;
	uint32_t         offset, is_last;
	int              r = RH_OK;

	if (rh_record_u32(&frame->records, RH_TAG_OFFSET, &offset) < 0 ||
	    rh_record_u32(&frame->records, RH_TAG_LAST, &is_last) < 0 ||
	    rh_record_find(&frame->records, RH_TAG_BODY, &body) < 0)
		return RH_EPROTO;
	if (offset == 0)
		r = read_head(recording, frame, recorded);
	if (r < 0 || offset != recorded->visible || body.len > VISIBLE_MAX - offset)
		return RH_EPROTO;
	memcpy(recorded->bytes + offset, body.bytes, body.len);
	recorded->visible += body.len;
	return is_last ? take(recording, recorded, diag) : RH_OK;
}

static int hear(struct rh_recording *recording, int fd, struct rh_recorded *recorded,
                struct rh_diag *diag)
{
	static unsigned char buffer[RH_FRAME_MAX];
	struct rh_frame      frame;
	int                  r = rh_socket_receive(fd, buffer, &frame);

	if (r == RH_EAGAIN)
		return RH_OK;
	if (r < 0)
		return rh_diag_set(diag, r, "the agent of %s is gone", recording->caller);
	if (frame.type == RH_FRAME_ERROR)
		r = rh_frame_refusal(&frame, "the agent refuses to be traced", diag);
	else if (frame.type == RH_FRAME_RECORDED)
		r = read_recorded(recording, &frame, recorded, diag);
	rh_frame_drop(&frame);
	if (r == RH_EPROTO)
		rh_diag_set(diag, r, "the agent of %s said what is not understood: is it of "
		            "another version?", recording->caller);
	return r;
}

/* ---- until the end ---- */

static int wait_ms(const struct rh_recording *recording)
{
	return recording->calls < recording->wanted ? -1 : REPLIES_MS;
}

static bool is_done(const struct rh_recording *recording)
{
	return recording->calls >= recording->wanted &&
	       recording->replies >= recording->calls;
}

static int listen_until_done(struct rh_recording *recording, int fd,
                             struct rh_recorded *recorded, struct rh_diag *diag)
{
	int           stop = rh_stop_open(), r = RH_OK, n;
	struct pollfd ready[2] = {
		{ .fd = fd, .events = POLLIN }, { .fd = stop, .events = POLLIN },
	};

	while (r == RH_OK && !is_done(recording)) {
		n = poll(ready, 2, wait_ms(recording));
		if (n == 0)
			break; /* a call that is lost has no reply */
		if (n > 0 && ready[1].revents) {
			recording->is_stopped = true;
			break;
		}
		if (n > 0 && ready[0].revents)
			r = hear(recording, fd, recorded, diag);
	}
	if (stop >= 0)
		close(stop);
	return r;
}

int rh_recording_run(struct rh_recording *recording, const struct rh_dirs *dirs,
                     struct rh_diag *diag)
{
	struct rh_recorded recorded = { .bytes = malloc(VISIBLE_MAX) };
	char               path[RH_SOCKET_PATH_MAX + 1];
	int                r = rh_dirs_agent(dirs, recording->caller, path, diag), fd;

	if (!recorded.bytes)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	fd = r < 0 ? r : rh_socket_connect(path, NULL);
	if (fd < 0)
		r = rh_diag_set(diag, RH_EDETACHED, "the agent of %s does not run",
		                recording->caller);
	if (r == RH_OK)
		r = ask(fd, recording);
	if (r == RH_OK)
		r = listen_until_done(recording, fd, &recorded, diag);
	if (fd >= 0)
		close(fd);
	free(recorded.bytes);
	return r;
}
