/* Messages between threads, as hackbench sends them: in each group every sender writes to
 * every receiver.
 *
 *   bench-messages pipe|socket|queue GROUPS MS
 *
 * Messages of 100 bytes, for MS milliseconds and until the last one has arrived; `queue` is a
 * ring in memory with a mutex and two conditions.  Pipes and sockets hold a page or little
 * more, so that most messages find somebody waiting. */
#include "program.h"

#include "../rules/figure.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS_MAX 16u
#define MEMBERS    5u  /* senders, and as many receivers, of a group */
#define BYTES      100u
#define ROOM       40u /* messages in a queue */
#define LAST       0xff /* no other byte of a message is that */

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t  has_room, has_message;
	unsigned        head, tail;
	unsigned char   slots[ROOM][BYTES];
};

struct channel { /* of a receiver */
	int          ends[2]; /* to read from, to write to; not of a queue */
	struct queue queue;
	pthread_t    receiver;
	uint64_t     count; /* of messages */
};

struct sender {
	struct group *group;
	pthread_t     thread;
	uint64_t      count;
};

struct group {
	struct channel channels[MEMBERS];
	struct sender  senders[MEMBERS];
};

static struct group groups[GROUPS_MAX];
static uint64_t     until_ns;
static int          is_queue;

static void put(struct queue *queue, const unsigned char *message)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->head - queue->tail == ROOM)
		pthread_cond_wait(&queue->has_room, &queue->lock);
	memcpy(queue->slots[queue->head++ % ROOM], message, BYTES);
	pthread_cond_signal(&queue->has_message);
	pthread_mutex_unlock(&queue->lock);
}

static size_t get(struct queue *queue, unsigned char *message)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->head == queue->tail)
		pthread_cond_wait(&queue->has_message, &queue->lock);
	memcpy(message, queue->slots[queue->tail++ % ROOM], BYTES);
	pthread_cond_signal(&queue->has_room);
	pthread_mutex_unlock(&queue->lock);
	return BYTES;
}

static void give(struct channel *channel, const unsigned char *message)
{
	if (is_queue)
		put(&channel->queue, message);
	else if (write(channel->ends[1], message, BYTES) != BYTES)
		die("a message cannot be written");
}

static size_t take(struct channel *channel, unsigned char *message)
{
	ssize_t bytes;

	if (is_queue)
		return get(&channel->queue, message);
	bytes = read(channel->ends[0], message, BYTES);
	if (bytes <= 0)
		die("a message cannot be read");
	return (size_t)bytes;
}

static void give_all(struct sender *sender, const unsigned char *message)
{
	for (unsigned to = 0; to < MEMBERS; to++, sender->count++)
		give(&sender->group->channels[to], message);
}

static void *send_all(void *user)
{
	struct sender *sender = user;
	unsigned char  message[BYTES] = { 0 };

	while (clock_of(CLOCK_MONOTONIC) < until_ns)
		give_all(sender, message);
	memset(message, LAST, sizeof message);
	give_all(sender, message);
	return NULL;
}

/* Messages of a stream may come in parts; the bytes are counted. */
static void *receive_all(void *user)
{
	struct channel *channel = user;
	unsigned char   message[BYTES];
	uint64_t        bytes = 0;

	for (unsigned last = 0; last < MEMBERS * BYTES;) {
		size_t got = take(channel, message);

		for (size_t i = 0; i < got; i++)
			last += message[i] == LAST;
		bytes += got;
	}
	channel->count = bytes / BYTES;
	return NULL;
}

static void open_channel(struct channel *channel, const char *kind)
{
	const int page = 4096;

	pthread_mutex_init(&channel->queue.lock, NULL);
	pthread_cond_init(&channel->queue.has_room, NULL);
	pthread_cond_init(&channel->queue.has_message, NULL);
	if (strcmp(kind, "pipe") == 0 &&
	    (pipe(channel->ends) < 0 || fcntl(channel->ends[1], F_SETPIPE_SZ, page) < 0))
		die("a pipe cannot be opened");
	if (strcmp(kind, "socket") == 0 &&
	    (socketpair(AF_UNIX, SOCK_STREAM, 0, channel->ends) < 0 ||
	     setsockopt(channel->ends[1], SOL_SOCKET, SO_SNDBUF, &page, sizeof page) < 0))
		die("a socket cannot be opened");
}

static void start(struct group *group)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		group->channels[i].receiver = start_thread(receive_all, &group->channels[i]);
	for (unsigned i = 0; i < MEMBERS; i++) {
		group->senders[i].group = group;
		group->senders[i].thread = start_thread(send_all, &group->senders[i]);
	}
}

/* How many messages were received, which is as many as were sent. */
static uint64_t finish(struct group *group)
{
	uint64_t sent = 0, received = 0;

	for (unsigned i = 0; i < MEMBERS; i++) {
		pthread_join(group->senders[i].thread, NULL);
		pthread_join(group->channels[i].receiver, NULL);
		sent += group->senders[i].count;
		received += group->channels[i].count;
	}
	if (sent != received)
		die("messages were lost, or came twice");
	return received;
}

int main(int argc, char **argv)
{
	unsigned groups_count;
	uint64_t from, count = 0;

	if (argc != 4)
		die("usage: bench-messages pipe|socket|queue GROUPS MS");
	is_queue = strcmp(argv[1], "queue") == 0;
	groups_count = number_of(argv[2], GROUPS_MAX);
	for (unsigned i = 0; i < groups_count * MEMBERS; i++)
		open_channel(&groups[i / MEMBERS].channels[i % MEMBERS], argv[1]);
	await_carrier();
	from = clock_of(CLOCK_MONOTONIC);
	until_ns = from + number_of(argv[3], 100000) * 1000000ull;
	for (unsigned i = 0; i < groups_count; i++)
		start(&groups[i]);
	for (unsigned i = 0; i < groups_count; i++)
		count += finish(&groups[i]);
	from = clock_of(CLOCK_MONOTONIC) - from;
	printf("{\"us\": %.4f, \"messages\": %llu}\n", (double)from / 1e3 / (double)count,
	       (unsigned long long)count);
	return 0;
}
