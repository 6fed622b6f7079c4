/* Frames over real sockets: descriptors, truncation, lying heads, hang-ups.  Every
 * case ends with as many descriptors as it began with. */
#include "../support/scene.h"

#include "../../base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct both {
	int           a, b;
	int           before;
	unsigned char buffer[RH_FRAME_MAX];
};

static int set_up(void **state)
{
	struct both *both = calloc(1, sizeof *both);
	int          pair[2];

	both->before = scene_fds();
	if (rh_socket_pair(1, pair) < 0)
		return -1;
	both->a = pair[0];
	both->b = pair[1];
	*state = both;
	return 0;
}

/* Returns non-zero, which fails the case, when a descriptor leaked. */
static int tear_down(void **state)
{
	struct both *both = *state;
	int          leaked;

	if (both->a >= 0)
		close(both->a);
	if (both->b >= 0)
		close(both->b);
	leaked = scene_fds() - both->before;
	if (leaked)
		fprintf(stderr, "%d descriptors leaked\n", leaked);
	free(both);
	return leaked;
}

/* Sends raw bytes and raw descriptors, as a peer that does not use our code. */
static void send_raw(int fd, const void *bytes, size_t len, const int *fds, unsigned count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))] = { 0 };
	struct iovec  part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	}
	ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
	assert_int_equal(n, len);
}

static struct rh_frame_head good_head(uint32_t payload)
{
	return (struct rh_frame_head){
		.magic = RH_FRAME_MAGIC, .version = RH_WIRE_VERSION, .type = 9,
		.head_len = sizeof(struct rh_frame_head), .payload_len = payload,
		.request = 77,
	};
}

static void a_frame_arrives_with_records_and_descriptors(void **state)
{
	struct both            *both = *state;
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_frame         frame;
	struct stat             sent, got;
	int                     null = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint32_t                v = 0;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_EDGE, 5);
	int fds[2] = { null, both->a };
	assert_int_equal(rh_socket_send(both->a, 33, 0x1122334455667788ull, &writer, fds, 2),
	                 RH_OK);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.type, 33);
	assert_true(frame.request == 0x1122334455667788ull);
	assert_int_equal(rh_record_u32(&frame.records, RH_TAG_EDGE, &v), RH_OK);
	assert_int_equal(v, 5);
	assert_int_equal(frame.fd_count, 2);
	int got_null = rh_frame_take_fd(&frame, 0);
	assert_int_equal(fstat(null, &sent), 0);
	assert_int_equal(fstat(got_null, &got), 0);
	assert_true(sent.st_rdev == got.st_rdev);
	assert_true(fcntl(got_null, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(rh_frame_take_fd(&frame, 0), -1); /* taken already */
	assert_int_equal(rh_frame_take_fd(&frame, 2), -1); /* never there */
	rh_frame_drop(&frame);
	rh_frame_drop(&frame); /* twice is once */
	assert_int_equal(fcntl(got_null, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(got_null);
	close(null);
}

static void a_frame_without_records_is_a_head(void **state)
{
	struct both    *both = *state;
	struct rh_frame frame;

	assert_int_equal(rh_socket_send(both->a, 1, 2, NULL, NULL, 0), RH_OK);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.records.len, 0);
	assert_int_equal(frame.fd_count, 0);
	rh_frame_drop(&frame);
}

static void the_largest_frame_passes_and_a_larger_one_does_not(void **state)
{
	struct both            *both = *state;
	unsigned char          *bytes = calloc(1, RH_FRAME_MAX + 64);
	struct rh_record_writer writer;
	struct rh_frame         frame;
	size_t                  room = RH_FRAME_MAX - sizeof(struct rh_frame_head);

	rh_record_begin(&writer, bytes, RH_FRAME_MAX + 64);
	rh_record_put(&writer, 1, both->buffer, room - 8);
	assert_int_equal(rh_socket_send(both->a, 1, 2, &writer, NULL, 0), RH_OK);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.records.len, room);
	rh_frame_drop(&frame);
	rh_record_begin(&writer, bytes, RH_FRAME_MAX + 64);
	rh_record_put(&writer, 1, both->buffer, room - 7);
	assert_int_equal(rh_socket_send(both->a, 1, 2, &writer, NULL, 0), RH_EMSGSIZE);
	rh_record_begin(&writer, bytes, 4);
	rh_record_put_u32(&writer, 1, 1); /* fails */
	assert_int_equal(rh_socket_send(both->a, 1, 2, &writer, NULL, 0), RH_EMSGSIZE);
	assert_int_equal(rh_socket_send(both->a, 1, 2, NULL, (int[9]){ 0 }, 9), RH_EMSGSIZE);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_EAGAIN);
	free(bytes);
}

/* Each with a descriptor, which must not stay. */
static void a_lying_head_is_refused_and_its_descriptor_closed(void **state)
{
	struct both *both = *state;
	struct lie { const char *what; struct rh_frame_head head; size_t len; int code; };
	struct rh_frame_head good = good_head(8);
	struct lie lies[] = {
		{ "magic", good, 32, RH_EPROTO }, { "version", good, 32, RH_EVERSION },
		{ "short head", good, 32, RH_EPROTO }, { "long head", good, 32, RH_EPROTO },
		{ "small payload", good, 32, RH_EPROTO },
		{ "large payload", good, 32, RH_EPROTO },
		{ "huge payload", good, 32, RH_EPROTO },
		{ "cut head", good, 23, RH_EPROTO }, { "one byte", good, 1, RH_EPROTO },
	};

	lies[0].head.magic ^= 1;
	lies[1].head.version++;
	lies[2].head.head_len = 23;
	lies[3].head.head_len = 33;
	lies[4].head.payload_len = 7;
	lies[5].head.payload_len = 9;
	lies[6].head.payload_len = UINT32_MAX - 24 + 1;
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		unsigned char   bytes[32] = { 0 };
		struct rh_frame frame = { .type = 123 };
		int             fds = scene_fds();

		memcpy(bytes, &lies[i].head, sizeof lies[i].head);
		send_raw(both->a, bytes, lies[i].len, &both->a, 1);
		assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame),
		                 lies[i].code);
		assert_int_equal(frame.type, 123); /* untouched */
		assert_int_equal(scene_fds(), fds);
	}
	/* The socket still works. */
	struct rh_frame frame;
	assert_int_equal(rh_socket_send(both->a, 1, 2, NULL, NULL, 0), RH_OK);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
}

static void a_longer_head_is_skipped_over(void **state)
{
	struct both         *both = *state;
	unsigned char        bytes[24 + 16 + 12] = { 0 };
	struct rh_frame_head head = good_head(12);
	struct rh_frame      frame;
	uint32_t             v = 0;

	head.head_len = 24 + 16; /* of a newer peer */
	memcpy(bytes, &head, sizeof head);
	bytes[40] = 1;
	bytes[44] = 4;
	bytes[48] = 99;
	send_raw(both->a, bytes, sizeof bytes, NULL, 0);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
	assert_int_equal(rh_record_u32(&frame.records, 1, &v), RH_OK);
	assert_int_equal(v, 99);
}

static void a_packet_over_the_limit_is_refused(void **state)
{
	struct both         *both = *state;
	size_t               len = RH_FRAME_MAX + 1;
	unsigned char       *bytes = calloc(1, len);
	struct rh_frame_head head = good_head((uint32_t)(len - sizeof head));
	struct rh_frame      frame;

	memcpy(bytes, &head, sizeof head);
	send_raw(both->a, bytes, len, &both->a, 1);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_EPROTO);
	free(bytes);
}

/* Whatever the number sent, none is left behind: tear_down counts. */
static void any_number_of_descriptors_leaks_none(void **state)
{
	struct both         *both = *state;
	struct rh_frame_head head = good_head(0);
	int                  fds[64];

	for (unsigned i = 0; i < 64; i++)
		fds[i] = both->a;
	for (unsigned count = 0; count <= 64; count++) {
		struct rh_frame frame;
		int             r;

		send_raw(both->a, &head, sizeof head, fds, count);
		r = rh_socket_receive(both->b, both->buffer, &frame);
		if (count <= RH_FRAME_FDS_MAX) {
			assert_int_equal(r, RH_OK);
			assert_int_equal(frame.fd_count, count);
		}
		if (r == RH_OK)
			assert_true(frame.fd_count <= RH_FRAME_FDS_MAX);
		if (r == RH_OK)
			rh_frame_drop(&frame);
		assert_int_equal(scene_fds(), both->before + 2);
	}
}

/* With credentials on, the room for eight descriptors is still there. */
static void the_sender_is_named_and_eight_descriptors_fit(void **state)
{
	struct both         *both = *state;
	struct rh_frame_head head = good_head(0);
	struct rh_frame      frame;
	int                  fds[9], on = 1;

	for (unsigned i = 0; i < 9; i++)
		fds[i] = both->a;
	setsockopt(both->b, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	send_raw(both->a, &head, sizeof head, fds, 8);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.fd_count, 8);
	assert_int_equal(frame.sender, getpid());
	rh_frame_drop(&frame);
	send_raw(both->a, &head, sizeof head, fds, 9);
	int r = rh_socket_receive(both->b, both->buffer, &frame);
	if (r == RH_OK) /* the padding of the control part may hold it */
		rh_frame_drop(&frame);
}

static int send_as_child(void *user)
{
	struct both *both = user;

	return rh_socket_send(both->a, 3, 0, NULL, NULL, 0) == RH_OK ? 0 : 1;
}

static void a_frame_of_a_forked_child_names_the_child(void **state)
{
	struct both    *both = *state;
	struct rh_frame frame;
	int             on = 1;
	pid_t           child;

	setsockopt(both->b, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	child = scene_fork(send_as_child, both);
	assert_int_equal(scene_wait(child), 0);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.sender, child);
}

static void a_full_socket_says_again_and_a_closed_one_lost(void **state)
{
	struct both            *both = *state;
	struct rh_record_writer writer;
	struct rh_frame         frame;
	int                     sent = 0, received = 0, r;

	rh_record_begin(&writer, both->buffer, 32768);
	rh_record_put(&writer, 1, both->buffer + 32768, 16000);
	while ((r = rh_socket_send(both->a, 1, 2, &writer, NULL, 0)) == RH_OK)
		sent++;
	assert_int_equal(r, RH_EAGAIN);
	assert_true(sent > 0);
	close(both->a);
	both->a = -1;
	while ((r = rh_socket_receive(both->b, both->buffer, &frame)) == RH_OK)
		received++;
	assert_int_equal(received, sent); /* what was sent before the end counts */
	assert_int_equal(r, RH_ELOST);
	assert_int_equal(rh_socket_send(both->b, 1, 2, NULL, NULL, 0), RH_ELOST);
}

static void a_path_that_does_not_fit_is_named(void **state)
{
	struct rh_diag diag;
	char           path[200];

	(void)state;
	memset(path, 'x', sizeof path);
	path[0] = '/';
	for (size_t len = 90; len < sizeof path; len++) {
		struct sockaddr_un address;
		int                fits = len < sizeof address.sun_path;

		path[len] = 0;
		int r = rh_socket_connect(path, &diag);
		assert_int_equal(r, fits ? RH_ENOENT : RH_EMSGSIZE);
		assert_non_null(strstr(diag.text, "/xxxx"));
		path[len] = 'x';
	}
	path[107] = 0;
	assert_int_equal(rh_socket_listen(path, &diag), RH_EMSGSIZE);
}

static void a_new_listener_takes_the_place_of_a_dead_one(void **state)
{
	struct both    *both = *state;
	struct rh_diag  diag;
	char            dir[SCENE_PATH], path[SCENE_PATH + 8];
	struct rh_frame frame;
	struct stat     st;

	scene_dir(dir);
	snprintf(path, sizeof path, "%s/s", dir);
	assert_int_equal(rh_socket_connect(path, &diag), RH_ENOENT);
	int first = rh_socket_listen(path, &diag);
	assert_true(first >= 0);
	close(first);
	assert_int_equal(rh_socket_connect(path, &diag), RH_ENOENT); /* refused */
	int second = rh_socket_listen(path, &diag);
	assert_true(second >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(rh_socket_accept(second), RH_EAGAIN);
	int client = rh_socket_connect(path, &diag);
	assert_true(client >= 0);
	int server = rh_socket_accept(second);
	assert_true(server >= 0);
	assert_int_equal(rh_socket_send(client, 8, 0, NULL, NULL, 0), RH_OK);
	assert_int_equal(rh_socket_receive(server, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.sender, getpid());
	close(client);
	close(server);
	/* Known from the first moment on, not only from some time after accept. */
	client = rh_socket_connect(path, &diag);
	server = accept(second, NULL, NULL);
	assert_int_equal(rh_socket_send(client, 8, 0, NULL, NULL, 0), RH_OK);
	assert_int_equal(rh_socket_receive(server, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.sender, getpid());
	close(client);
	close(server);
	close(second);
	scene_remove(dir);
}

/* Whoever closes it last may have to wait for as long as the sender likes. */
static void a_stranger_hands_over_no_descriptor(void **state)
{
	struct both    *both = *state;
	struct rh_diag  diag;
	char            dir[SCENE_PATH], path[SCENE_PATH + 8];
	struct rh_frame frame;
	int             on = 1;

	if (setsockopt(both->a, SOL_SOCKET, 83, &on, sizeof on) < 0) {
		print_message("this kernel lets descriptors through to everybody\n");
		skip();
	}
	scene_dir(dir);
	snprintf(path, sizeof path, "%s/s", dir);
	int listener = rh_socket_listen(path, &diag);
	int client = rh_socket_connect(path, &diag);
	/* Neither before it is accepted nor after. */
	assert_int_equal(rh_socket_send(client, 8, 0, NULL, &listener, 1), RH_EIO);
	assert_int_equal(errno, EPERM);
	int server = rh_socket_accept(listener);
	assert_int_equal(rh_socket_send(client, 8, 0, NULL, &listener, 1), RH_EIO);
	assert_int_equal(rh_socket_send(client, 8, 0, NULL, NULL, 0), RH_OK);
	assert_int_equal(rh_socket_receive(server, both->buffer, &frame), RH_OK);
	rh_socket_pass_fds(server, 1);
	assert_int_equal(rh_socket_send(client, 8, 0, NULL, &listener, 1), RH_OK);
	assert_int_equal(rh_socket_receive(server, both->buffer, &frame), RH_OK);
	assert_int_equal(frame.fd_count, 1);
	rh_frame_drop(&frame);
	close(client);
	close(server);
	close(listener);
	scene_remove(dir);
}

/* What a refusal says when these records are sent with it. */
static int refused(struct both *both, const struct rh_record_writer *writer,
                   struct rh_diag *diag)
{
	struct rh_frame frame;
	int             code;

	assert_int_equal(rh_socket_send(both->a, RH_FRAME_ERROR, 1, writer, NULL, 0), RH_OK);
	assert_int_equal(rh_socket_receive(both->b, both->buffer, &frame), RH_OK);
	code = rh_frame_refusal(&frame, "it is refused", diag);
	assert_int_equal(diag->code, code);
	rh_frame_drop(&frame);
	return code;
}

static void a_refusal_has_a_code_and_a_reason(void **state)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct rh_diag          diag;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, RH_EACCES);
	rh_record_put_text(&writer, RH_TAG_TEXT, "not yours");
	assert_int_equal(refused(*state, &writer, &diag), RH_EACCES);
	assert_string_equal(diag.text, "not yours");
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, 7); /* no code is above 0 */
	assert_int_equal(refused(*state, &writer, &diag), RH_EPROTO);
	assert_string_equal(diag.text, "it is refused");
	assert_int_equal(refused(*state, NULL, &diag), RH_EPROTO);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_frame_arrives_with_records_and_descriptors),
		CASE(a_frame_without_records_is_a_head),
		CASE(the_largest_frame_passes_and_a_larger_one_does_not),
		CASE(a_lying_head_is_refused_and_its_descriptor_closed),
		CASE(a_longer_head_is_skipped_over),
		CASE(a_packet_over_the_limit_is_refused),
		CASE(any_number_of_descriptors_leaks_none),
		CASE(the_sender_is_named_and_eight_descriptors_fit),
		CASE(a_frame_of_a_forked_child_names_the_child),
		CASE(a_full_socket_says_again_and_a_closed_one_lost),
		CASE(a_path_that_does_not_fit_is_named),
		CASE(a_new_listener_takes_the_place_of_a_dead_one),
		CASE(a_stranger_hands_over_no_descriptor),
		CASE(a_refusal_has_a_code_and_a_reason),
	};

	return cmocka_run_group_tests_name("base_socket", tests, NULL, NULL);
}
