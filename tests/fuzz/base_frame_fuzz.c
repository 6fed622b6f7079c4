/* Frames: any packet, with any number of descriptors, through a real socket pair.  The
 * first byte says how many. */
#include "../../base/socket.h"
#include "../../model/check.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int           ends[2] = { -1, -1 };
static unsigned char buffer[RH_FRAME_MAX];

/* The lowest free descriptor: the same before and after when nothing leaks. */
static int lowest(void)
{
	int fd = dup(0);

	if (fd < 0)
		fd = dup(ends[0]);
	close(fd);
	return fd;
}

static void put(const uint8_t *data, size_t size, unsigned fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(20 * sizeof(int))] = { 0 };
	struct iovec  part = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fds > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned i = 0; i < fds; i++)
			memcpy(CMSG_DATA(head) + i * sizeof(int), &ends[0], sizeof(int));
	}
	ssize_t n = sendmsg(ends[0], &message, MSG_NOSIGNAL);
	RH_CHECK(n == (ssize_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_frame  frame = { .type = 123 };
	struct rh_record record;
	int              before, r;

	if (ends[0] < 0 && rh_socket_pair(1, ends) < 0)
		abort();
	if (size < 2)
		return 0;
	before = lowest();
	put(data + 1, size - 1, data[0] % 21);
	r = rh_socket_receive(ends[1], buffer, &frame);
	RH_CHECK(r == RH_OK || r == RH_EPROTO || r == RH_EVERSION);
	if (r != RH_OK) {
		RH_CHECK(frame.type == 123);
	} else {
		RH_CHECK(frame.fd_count <= RH_FRAME_FDS_MAX);
		RH_CHECK(frame.records.len <= size - 1);
		while (rh_record_next(&frame.records, &record) > 0)
			RH_CHECK(record.bytes + record.len <= buffer + size - 1);
		close(rh_frame_take_fd(&frame, 0));
		rh_frame_drop(&frame);
	}
	RH_CHECK(lowest() == before);
	return 0;
}
