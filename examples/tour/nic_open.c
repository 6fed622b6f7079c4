#include "nic_open.h"

#include "packet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAP_NAME  "rhtap"
#define TAP_QUEUE 500u /* frames that TAP queues: the kernel's txqueuelen, or less */
#define VETH_NAME "rhnic"
#define VETH_PEER "rhpeer"

static int fail(char *why, const char *what)
{
	int saved = errno;

	snprintf(why, NIC_WHY_BYTES, "%s: %s", what, strerror(saved));
	errno = saved;
	return -1;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return -1;
	ssize_t done = write(fd, text, len);
	close(fd);
	return done == (ssize_t)len ? 0 : -1;
}

/* Without privilege a user namespace of one's own is the way to a network namespace. */
static int enter_fresh(char *why)
{
	char map[64];
	unsigned uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return fail(why, "no fresh network namespace");
	snprintf(map, sizeof map, "0 %u 1", uid);
	if (write_file("/proc/self/uid_map", map) < 0)
		return fail(why, "/proc/self/uid_map");
	snprintf(map, sizeof map, "0 %u 1", gid);
	if (write_file("/proc/self/setgroups", "deny") < 0 ||
	    write_file("/proc/self/gid_map", map) < 0)
		return fail(why, "/proc/self/gid_map");
	return 0;
}

static int enter_namespace(char *why)
{
	const char *where = getenv("TOUR_NETNS");

	if (!where || !*where || strcmp(where, "new") == 0)
		return enter_fresh(why);
	if (strcmp(where, "here") == 0)
		return 0;
	int fd = open(where, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(why, where);
	int result = setns(fd, CLONE_NEWNET);
	if (result < 0)
		fail(why, where);
	close(fd);
	return result;
}

/* No address, no IPv6, and so no frame but those that the programs send. */
static int bring_up(const char *name)
{
	char path[96];
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	write_file(path, "1"); /* absent where the kernel has no IPv6 */
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	int result = ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP | IFF_NOARP;
	if (result == 0)
		result = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return result;
}

static int open_tap(char *why)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fail(why, "/dev/net/tun");
	snprintf(request.ifr_name, sizeof request.ifr_name, TAP_NAME);
	if (ioctl(fd, TUNSETIFF, &request) == 0 && bring_up(TAP_NAME) == 0)
		return fd;
	fail(why, "TAP device " TAP_NAME);
	close(fd);
	return -1;
}

/* A veth pair is made by a netlink message; ip is the ordinary client of that. */
static void make_veth(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("ip", "ip", "link", "add", VETH_NAME, "type", "veth", "peer", "name",
		       VETH_PEER, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int open_veth(char *why, uint32_t *ret_window)
{
	if (bring_up(VETH_NAME) < 0) {
		make_veth();
		if (bring_up(VETH_NAME) < 0)
			return fail(why, "veth device " VETH_NAME);
	}
	if (bring_up(VETH_PEER) < 0)
		return fail(why, "veth device " VETH_PEER);
	int fd = packet_open(VETH_NAME, SOCK_CLOEXEC, ret_window);
	return fd < 0 ? fail(why, "packet socket on " VETH_NAME) : fd;
}

int nic_open(char name[32], uint32_t *ret_window, char why[NIC_WHY_BYTES])
{
	const char *kind = getenv("TOUR_NIC");
	int fd = -1;

	if (enter_namespace(why) < 0)
		return -1;
	if (!kind || strcmp(kind, "veth") != 0)
		fd = open_tap(why);
	if (fd >= 0) {
		snprintf(name, 32, "tap " TAP_NAME);
		*ret_window = TAP_QUEUE;
		return fd;
	}
	if (kind && strcmp(kind, "tap") == 0)
		return -1;
	snprintf(name, 32, "veth " VETH_NAME);
	return open_veth(why, ret_window);
}
