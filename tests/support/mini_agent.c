#include "mini_agent.h"

#include "../../base/memory.h"
#include "../../base/socket.h"
#include "../../protocols/page/page.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECTIONS 64

struct mini_agent {
	pthread_t     thread;
	int           listener;
	int           stop;
	int           worker;      /* index of the latest worker, or -1   */
	int           count;
	int           fds[CONNECTIONS];
	uint64_t      last_page;
	/* One page under way: who asked, and what it gets when it is added. */
	int           asker;
	uint64_t      request;
	int           memory, event, companion;
	unsigned char buffer[RH_FRAME_MAX];
};

static void reply_attached(struct mini_agent *agent, int fd, uint64_t request)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int                     event = eventfd(0, EFD_CLOEXEC);

	(void)agent;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, (uint64_t)fd);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, "tested");
	rh_record_put_text(&writer, RH_TAG_SYSTEM, "test");
	rh_socket_send(fd, RH_FRAME_ATTACHED, request, &writer, &event, 1);
	close(event);
}

static void reply_u64(int fd, uint8_t type, uint64_t request, uint16_t tag,
                      uint64_t value)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	if (tag == RH_TAG_EDGE)
		rh_record_put_u32(&writer, tag, (uint32_t)value);
	else
		rh_record_put_u64(&writer, tag, value);
	rh_socket_send(fd, type, request, &writer, NULL, 0);
}

static void add_page(struct mini_agent *agent, int fd, uint64_t request)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int                     pair[2];
	void                   *at;

	rh_memory_create("page", RH_PAGE_BYTES, &agent->memory, &at);
	rh_page_format(at, ++agent->last_page, (uint64_t)fd, 1, RH_PAGE_FLAG_BIND);
	rh_memory_unmap(at, RH_PAGE_BYTES);
	rh_socket_pair(1, pair);
	agent->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	agent->asker = fd;
	agent->request = request;
	agent->companion = pair[0];
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, agent->last_page);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, (uint64_t)fd);
	rh_record_put_text(&writer, RH_TAG_CALLER, "tested");
	rh_record_put_u32(&writer, RH_TAG_UID, (uint32_t)getuid());
	rh_socket_send(agent->fds[agent->worker], RH_FRAME_PAGE_ADD, 7, &writer,
	               (int[]){ agent->memory, agent->event, pair[1] }, 3);
	close(pair[1]);
}

static void hand_page_out(struct mini_agent *agent)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PAGE, agent->last_page);
	rh_record_put_u32(&writer, RH_TAG_INSTANCE, (uint32_t)agent->last_page);
	rh_record_put_u32(&writer, RH_TAG_FLAGS, RH_PAGE_FLAG_BIND);
	rh_socket_send(agent->asker, RH_FRAME_PAGE, agent->request, &writer,
	               (int[]){ agent->memory, agent->event, agent->companion }, 3);
	close(agent->memory);
	close(agent->event);
	close(agent->companion);
}

static void on_frame(struct mini_agent *agent, int index, struct rh_frame *frame)
{
	int fd = agent->fds[index];

	switch (frame->type) {
	case RH_FRAME_ATTACH:
		reply_attached(agent, fd, frame->request);
		break;
	case RH_FRAME_OPEN:
		reply_u64(fd, RH_FRAME_OPENED, frame->request, RH_TAG_EDGE, 0);
		break;
	case RH_FRAME_SERVE:
		agent->worker = index;
		reply_u64(fd, RH_FRAME_SERVING, frame->request, RH_TAG_INSTANCE, 1);
		break;
	case RH_FRAME_PAGE_GET:
		if (agent->worker >= 0)
			add_page(agent, fd, frame->request);
		break;
	case RH_FRAME_PAGE_ADDED:
		hand_page_out(agent);
		break;
	}
}

static void drop(struct mini_agent *agent, int index)
{
	close(agent->fds[index]);
	agent->fds[index] = -1;
	if (agent->worker == index)
		agent->worker = -1;
}

static void *run(void *user)
{
	struct mini_agent *agent = user;
	struct pollfd      look[CONNECTIONS + 2];
	struct rh_frame    frame;

	for (;;) {
		look[0] = (struct pollfd){ .fd = agent->stop, .events = POLLIN };
		look[1] = (struct pollfd){ .fd = agent->listener, .events = POLLIN };
		for (int i = 0; i < agent->count; i++)
			look[i + 2] = (struct pollfd){ .fd = agent->fds[i], .events = POLLIN };
		if (poll(look, (nfds_t)agent->count + 2, -1) < 0 || look[0].revents)
			return NULL;
		for (int i = 0; i < agent->count; i++) {
			if (agent->fds[i] < 0 || !look[i + 2].revents)
				continue;
			int r = rh_socket_receive(agent->fds[i], agent->buffer, &frame);
			if (r == RH_OK) {
				on_frame(agent, i, &frame);
				rh_frame_drop(&frame);
			} else if (r != RH_EAGAIN) {
				drop(agent, i);
			}
		}
		if (look[1].revents && agent->count < CONNECTIONS) {
			int fd = rh_socket_accept(agent->listener);

			if (fd >= 0)
				agent->fds[agent->count++] = fd;
		}
	}
}

struct mini_agent *mini_agent_start(const char *path)
{
	struct mini_agent *agent = calloc(1, sizeof *agent);

	agent->worker = -1;
	agent->stop = eventfd(0, EFD_CLOEXEC);
	agent->listener = rh_socket_listen(path, NULL);
	pthread_create(&agent->thread, NULL, run, agent);
	return agent;
}

void mini_agent_stop(struct mini_agent *agent)
{
	uint64_t one = 1;

	if (write(agent->stop, &one, sizeof one) < 0)
		abort();
	pthread_join(agent->thread, NULL);
	for (int i = 0; i < agent->count; i++) {
		if (agent->fds[i] >= 0)
			close(agent->fds[i]);
	}
	close(agent->listener);
	close(agent->stop);
	free(agent);
}
