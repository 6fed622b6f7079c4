#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (16 << 20)
/* What the kernel reckons for a frame of 1514 bytes is less, with whatever device. */
#define FRAME_COST   4096
#define WINDOW_MAX   512u

/* Root gets what it asks for; others as much as the system allows them. */
static uint32_t make_room(int fd)
{
	int bytes = BUFFER_BYTES;
	socklen_t size = sizeof bytes;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
	uint32_t window = (uint32_t)bytes / FRAME_COST;
	return window < WINDOW_MAX ? window : WINDOW_MAX;
}

int packet_open(const char *interface, int type, uint32_t *ret_window)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
	                               .sll_protocol = htons(ETH_P_ALL),
	                               .sll_ifindex = (int)if_nametoindex(interface) };
	int one = 1;

	if (address.sll_ifindex == 0)
		return -1;
	/* Protocol 0: nothing arrives before it is bound to the interface. */
	int fd = socket(AF_PACKET, SOCK_RAW | type, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	*ret_window = make_room(fd);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
