/* peer - the other end of the link: counts every frame that comes out of the nic, and
 * sends frames in.
 *
 *   peer --interface NAME [--expect N] [--send N] [--stall-after N --stall-ms N]
 *
 * Prints a line "ready" once it listens.  It ends when its standard input ends: it reads
 * what is still queued and prints one line of JSON.  With --stall-after it stops reading
 * once for a while, so that the sender meets a receiver that has no room. */
#include "credit.h"
#include "packet.h"
#include "wire_frame.h"

#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 2048u
#define RETELL_MS 100 /* of silence; then the limit is told again */

struct options {
	const char *interface;
	uint32_t    expect;
	uint32_t    send;
	uint32_t    stall_after;
	uint32_t    stall_ms;
};

struct peer {
	struct options options;
	int            fd;
	struct credit  credit;
	uint8_t       *seen; /* how often each number came, up to 255 */
	uint32_t       received;
	uint32_t       distinct;
	uint32_t       twice;
	uint32_t       damaged;
	uint32_t       disorder;
	long           last;
	uint32_t       sent;
	uint32_t       waits; /* times that sending had to wait for credit */
	bool           is_waiting;
};

static const uint8_t own_mac[6] = { 0x02, 'R', 'H', 0, 0, 2 };
static const uint8_t nic_mac[6] = { 0x02, 'R', 'H', 0, 0, 1 };

static void tell(struct peer *peer)
{
	uint8_t frame[CREDIT_FRAME_BYTES];

	credit_write(&peer->credit, nic_mac, own_mac, frame);
	if (write(peer->fd, frame, sizeof frame) < 0 && errno != ENETDOWN)
		perror("peer: telling the nic");
}

static void stall(struct peer *peer)
{
	struct timespec pause = { peer->options.stall_ms / 1000,
	                          peer->options.stall_ms % 1000 * 1000000L };

	if (peer->options.stall_ms && peer->received == peer->options.stall_after)
		nanosleep(&pause, NULL);
}

static void count(struct peer *peer, const uint8_t *frame, size_t len)
{
	long number = wire_request(frame, len);

	peer->received++;
	if (number < 0 || number >= peer->options.expect) {
		peer->damaged++;
	} else {
		if (peer->seen[number] == 0)
			peer->distinct++;
		else
			peer->twice++;
		if (peer->seen[number] < UINT8_MAX)
			peer->seen[number]++;
		if (number != peer->last + 1)
			peer->disorder++;
		peer->last = number;
	}
	credit_receive(&peer->credit);
	stall(peer);
	if (credit_is_due(&peer->credit))
		tell(peer);
}

static void send_more(struct peer *peer)
{
	uint8_t frame[WIRE_FRAME_MAX];

	while (peer->sent < peer->options.send) {
		if (!credit_take(&peer->credit)) {
			peer->waits += !peer->is_waiting;
			peer->is_waiting = true;
			return;
		}
		peer->is_waiting = false;
		size_t len = wire_response(frame, nic_mac, own_mac, peer->sent);
		if (write(peer->fd, frame, len) != (ssize_t)len) {
			credit_untake(&peer->credit);
			return;
		}
		peer->sent++;
	}
}

/* Deals with at most that many queued frames; how many there were. */
static int drain(struct peer *peer, int most)
{
	uint8_t frame[FRAME_MAX];
	int done = 0;

	for (; done < most; done++) {
		ssize_t len = recv(peer->fd, frame, sizeof frame, 0);

		if (len < 0)
			break;
		if (len < ETH_HLEN || memcmp(frame, own_mac, 6) != 0)
			continue;
		if (!credit_is_control(frame, (size_t)len))
			count(peer, frame, (size_t)len);
		else if (credit_read(&peer->credit, frame, (size_t)len) & CREDIT_ANSWER)
			tell(peer);
	}
	return done;
}

static void report(const struct peer *peer)
{
	struct tpacket_stats drops = { 0 };
	socklen_t size = sizeof drops;

	getsockopt(peer->fd, SOL_PACKET, PACKET_STATISTICS, &drops, &size);
	printf("{\"expected\": %u, \"received\": %u, \"lost\": %u, \"twice\": %u, "
	       "\"damaged\": %u, \"disorder\": %u, \"dropped\": %u, \"sent\": %u, "
	       "\"waits\": %u}\n",
	       peer->options.expect, peer->received, peer->options.expect - peer->distinct,
	       peer->twice, peer->damaged, peer->disorder, drops.tp_drops, peer->sent,
	       peer->waits);
}

/* Until standard input ends, and then until nothing is queued.
 *
 * A link that has just come up drops what is sent for a moment, as the kernel looks at its
 * carrier when it has time; with it a limit that the nic waits for. */
static void run(struct peer *peer)
{
	struct pollfd polled[2] = { { .fd = peer->fd, .events = POLLIN },
	                            { .fd = STDIN_FILENO, .events = POLLIN } };
	char byte;
	int  ready;

	while ((ready = poll(polled, 2, RETELL_MS)) >= 0 || errno == EINTR) {
		if (ready == 0)
			tell(peer);
		drain(peer, 64);
		send_more(peer);
		if (polled[1].revents && read(STDIN_FILENO, &byte, 1) <= 0)
			break;
	}
	while (drain(peer, 64) > 0)
		;
}

static uint32_t number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value > 100000000) {
		fprintf(stderr, "peer: not a number: %s\n", text);
		exit(2);
	}
	return (uint32_t)value;
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "interface", required_argument, NULL, 'i' },
		{ "expect", required_argument, NULL, 'e' },
		{ "send", required_argument, NULL, 's' },
		{ "stall-after", required_argument, NULL, 'a' },
		{ "stall-ms", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (c) {
		case 'i': options->interface = optarg; break;
		case 'e': options->expect = number(optarg); break;
		case 's': options->send = number(optarg); break;
		case 'a': options->stall_after = number(optarg); break;
		case 'm': options->stall_ms = number(optarg); break;
		default: exit(2);
		}
	}
	if (!options->interface) {
		fprintf(stderr, "peer: --interface is missing\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct peer peer = { .last = -1 };
	uint32_t window;

	parse(&peer.options, argc, argv);
	peer.seen = calloc(peer.options.expect + 1, 1);
	peer.fd = packet_open(peer.options.interface, SOCK_CLOEXEC | SOCK_NONBLOCK, &window);
	if (!peer.seen || peer.fd < 0) {
		fprintf(stderr, "peer: %s: %s\n", peer.options.interface, strerror(errno));
		return 1;
	}
	credit_init(&peer.credit, (uint32_t)time(NULL) ^ (uint32_t)getpid() << 16,
	            CREDIT_UNBOUNDED, window);
	puts("ready");
	fflush(stdout);
	tell(&peer);
	run(&peer);
	report(&peer);
	free(peer.seen);
	return 0;
}
