/* Any bytes as an offer, with descriptors that are partly what they should be:
 * refused with RH_EPROTO, or a channel that works, and nothing left open.
 *
 *   byte 0      protocol; byte 1: the length of the offer's bytes, / 2
 *   6 bytes     kind of each descriptor; 0 the right one, 1 none further
 *   rest        laid over the bytes of a true offer by exclusive or */
#include "../../model/check.h"
#include "../../protocols/protocol.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "shm", "msgqueue", "semaphore", "bind", "null" };

static int other_fd(uint8_t kind)
{
	int fd;

	switch (kind % 5) {
	case 0: return eventfd(0, EFD_CLOEXEC);
	case 1: return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 2: return -1;
	case 3:
		fd = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);
		RH_CHECK(fd >= 0);
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
		return fd;
	default: return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
}

static void bend(struct rh_offer *offer, const uint8_t *data, size_t size)
{
	uint32_t true_count = offer->fd_count;

	offer->len = data[1] == 0 ? offer->len : data[1] * 2u % (RH_OFFER_BYTES_MAX + 1);
	for (uint32_t i = 0; i < RH_OFFER_FDS_MAX; i++) {
		uint8_t kind = data[2 + i];

		if (kind == 0 && i < true_count)
			continue;
		if (i < true_count)
			close(offer->fds[i]);
		offer->fds[i] = -1;
		if (kind == 1 || (kind == 0 && i >= true_count)) {
			for (uint32_t rest = i + 1; rest < true_count; rest++) {
				close(offer->fds[rest]);
				offer->fds[rest] = -1;
			}
			offer->fd_count = i;
			break;
		}
		offer->fds[i] = other_fd(kind);
		offer->fd_count = i + 1 > offer->fd_count ? i + 1 : offer->fd_count;
	}
	for (size_t i = 8; i < size && i - 8 < RH_OFFER_BYTES_MAX; i++)
		offer->bytes[i - 8] ^= data[i];
}

static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

static void use(const struct rh_protocol *protocol, void *callee)
{
	struct rh_msg_head head;
	const void        *body;
	int                r = protocol->poll(callee, &head, &body);

	RH_CHECK(r == 1 || r == RH_EAGAIN || r == RH_EPROTO || r == RH_ELOST);
	if (r == 1)
		protocol->release(callee);
	r = protocol->arm(callee, RH_WANTS_MESSAGE | RH_WANTS_ROOM);
	RH_CHECK(r == RH_OK || r == RH_EAGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_channel_config config = {
		.system = "fuzz", .caller = "a", .callee = "b", .id = 1,
	};
	struct rh_diag  diag = { 0 };
	struct rh_offer offer;
	char            system[32] = "fuzz";

	if (size < 8)
		return 0;
	/* Two fuzzers at once must not share queues. */
	for (int pid = getpid(), i = 4; pid > 0; pid /= 10)
		system[i++] = (char)('0' + pid % 10);
	config.system = system;

	const struct rh_protocol *protocol = rh_protocol_find(names[data[0] % 5]);
	size_t bytes = (protocol->state_bytes + 63u) & ~63u;
	void  *caller = aligned_alloc(64, bytes), *callee = aligned_alloc(64, bytes);
	RH_CHECK(caller && callee);
	memset(caller, 0, bytes);
	memset(callee, 0, bytes);
	int before = next_fd();
	RH_CHECK(protocol->offer(caller, &config, &offer, &diag) == RH_OK);
	bend(&offer, data, size);
	int r = protocol->accept(callee, &config, &offer, &diag);
	RH_CHECK(r == RH_OK || (r == RH_EPROTO && diag.text[0]) ||
	         (r == RH_EVERSION && diag.text[0]));
	if (r == RH_OK)
		use(protocol, callee);
	protocol->close(callee);
	protocol->close(caller);
	RH_CHECK(next_fd() == before);
	free(caller);
	free(callee);
	return 0;
}
