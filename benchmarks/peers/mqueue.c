/* mqueue - two POSIX message queues, one each way.
 *
 * Messages above 8 KiB need a limit that only root may raise, so larger payloads
 * are left out. */
#include "../harness/machine.h"
#include "peers.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#define PAYLOAD_MAX 8192u

static mqd_t there[BENCH_LANES_MAX];
static mqd_t back[BENCH_LANES_MAX];

static mqd_t make_one(unsigned lane, char way, size_t bytes)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = (long)bytes };
	char           name[64];
	mqd_t          queue;

	snprintf(name, sizeof name, "/bench-%d-%u%c", (int)getpid(), lane, way);
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (queue < 0)
		bench_die("mq_open");
	mq_unlink(name); /* the descriptors stay */
	return queue;
}

static void make(struct bench_run *run)
{
	for (unsigned i = 0; i < run->lanes; i++) {
		there[i] = make_one(i, 'a', run->size_max);
		back[i] = make_one(i, 'b', sizeof(uint64_t));
	}
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	uint64_t sum;

	(void)run;
	if (mq_send(there[lane], bytes, len, 0))
		bench_die("mq_send");
	if (mq_receive(back[lane], (char *)&sum, sizeof sum, NULL) != sizeof sum)
		bench_die("mq_receive");
	return sum;
}

static void serve(struct bench_run *run, unsigned lane)
{
	char *bytes = (char *)bench_payload(run->size_max);

	for (;;) {
		ssize_t  len = mq_receive(there[lane], bytes, run->size_max, NULL);
		uint64_t sum;

		if (len < 0)
			return;
		sum = bench_sum(bytes, (size_t)len);
		if (mq_send(back[lane], (const char *)&sum, sizeof sum, 0))
			return;
	}
}

const struct bench_transport bench_mqueue = {
	.name = "posix-queue", .size_max = PAYLOAD_MAX,
	.make = make, .serve = serve, .call = call,
};
