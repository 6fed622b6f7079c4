/* Threads that send each other messages:
 *
 *   fiber_messages KIND GROUPS COUNT
 *
 * In each of GROUPS five senders send COUNT numbers to each of five receivers in turn, which
 * look that those of each sender come once and in order, whatever parts they come in; KIND is
 * what they go by. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS  16
#define MEMBERS 5 /* senders, and as many receivers */
#define ROOM    40u

struct message {
	uint64_t sender, number;
};

struct queue { /* in memory */
	pthread_mutex_t lock;
	pthread_cond_t  has_room, has_message;
	unsigned        head, tail;
	struct message  slots[ROOM];
};

struct way { /* to a receiver */
	struct queue queue;
	int          ends[2]; /* otherwise: to read from, to write to */
};

struct kind {
	const char *name;
	void (*open)(struct way *way);
	void (*send)(struct way *way, const struct message *message);
	void (*receive)(struct way *way, struct message *ret);
};

struct member {
	struct group *group;
	unsigned      index;
	pthread_t     sender, receiver;
};

struct group {
	struct member members[MEMBERS];
	struct way    ways[MEMBERS];
};

static const struct kind *kind;
static uint64_t           count;

static void check(int is_right, const char *what)
{
	if (is_right)
		return;
	perror(what);
	abort();
}

/* ---- in memory ---- */

static void open_queue(struct way *way)
{
	pthread_mutex_init(&way->queue.lock, NULL);
	pthread_cond_init(&way->queue.has_room, NULL);
	pthread_cond_init(&way->queue.has_message, NULL);
}

static void send_queue(struct way *way, const struct message *message)
{
	struct queue *queue = &way->queue;

	pthread_mutex_lock(&queue->lock);
	while (queue->head - queue->tail == ROOM)
		pthread_cond_wait(&queue->has_room, &queue->lock);
	queue->slots[queue->head++ % ROOM] = *message;
	pthread_cond_signal(&queue->has_message);
	pthread_mutex_unlock(&queue->lock);
}

static void receive_queue(struct way *way, struct message *ret)
{
	struct queue *queue = &way->queue;

	pthread_mutex_lock(&queue->lock);
	while (queue->head == queue->tail)
		pthread_cond_wait(&queue->has_message, &queue->lock);
	*ret = queue->slots[queue->tail++ % ROOM];
	pthread_cond_signal(&queue->has_room);
	pthread_mutex_unlock(&queue->lock);
}

/* ---- by descriptors ---- */

static void open_pipe(struct way *way)
{
	const int page = 4096;

	check(pipe(way->ends) == 0, "pipe");
	check(fcntl(way->ends[1], F_SETPIPE_SZ, page) > 0, "F_SETPIPE_SZ");
}

static void open_socket(struct way *way)
{
	const int page = 4096;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, way->ends) == 0, "socketpair");
	check(setsockopt(way->ends[1], SOL_SOCKET, SO_SNDBUF, &page, sizeof page) == 0,
	      "SO_SNDBUF");
}

static void send_bytes(struct way *way, const struct message *message)
{
	check(write(way->ends[1], message, sizeof *message) == sizeof *message, "write");
}

/* A stream comes in parts. */
static void receive_bytes(struct way *way, struct message *ret)
{
	char  *at = (char *)ret;
	size_t left = sizeof *ret;

	while (left > 0) {
		ssize_t got = read(way->ends[0], at, left);

		check(got > 0, "read");
		at += got;
		left -= (size_t)got;
	}
}

static const struct kind kinds[] = {
	{ "pipe", open_pipe, send_bytes, receive_bytes },
	{ "socket", open_socket, send_bytes, receive_bytes },
	{ "queue", open_queue, send_queue, receive_queue },
};

/* ---- threads ---- */

static void *send_all(void *user)
{
	const struct member *own = user;
	struct message       message = {.sender = own->index};

	for (message.number = 1; message.number <= count; message.number++)
		for (unsigned to = 0; to < MEMBERS; to++)
			kind->send(&own->group->ways[to], &message);
	return NULL;
}

static void *receive_all(void *user)
{
	const struct member *own = user;
	uint64_t             last[MEMBERS] = {0};
	struct message       message;

	for (uint64_t left = count * MEMBERS; left > 0; left--) {
		kind->receive(&own->group->ways[own->index], &message);
		check(message.sender < MEMBERS && message.number == ++last[message.sender],
		      "a message is another one");
	}
	return NULL;
}

static void start(struct group *group)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct member *member = &group->members[i];

		*member = (struct member){.group = group, .index = i};
		kind->open(&group->ways[i]);
		check(!pthread_create(&member->receiver, NULL, receive_all, member), "create");
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		check(!pthread_create(&group->members[i].sender, NULL, send_all,
		                      &group->members[i]), "create");
}

static void finish(struct group *group)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		check(!pthread_join(group->members[i].sender, NULL), "join");
		check(!pthread_join(group->members[i].receiver, NULL), "join");
	}
}

int main(int argc, char **argv)
{
	static struct group groups[GROUPS];
	int                 group_count = argc == 4 ? atoi(argv[2]) : 0;

	for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, argv[1]) == 0)
			kind = &kinds[i];
	if (!kind || group_count < 1 || group_count > GROUPS)
		return 2;
	count = strtoull(argv[3], NULL, 10);
	for (int i = 0; i < group_count; i++)
		start(&groups[i]);
	for (int i = 0; i < group_count; i++)
		finish(&groups[i]);
	printf("%s: %d groups, %llu numbers\n", kind->name, group_count,
	       (unsigned long long)count);
	return 0;
}
