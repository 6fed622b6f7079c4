#include "rule_agent.h"

#include "../../base/clock.h"
#include "../../base/memory.h"
#include "../../base/socket.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CONNECTIONS = 16, ASKERS = 300, LENT_MAX = 16, REVISIONS = 20000 };

struct asker {
	int      fd; /* -1: unused */
	uint64_t number;
	char     key[64];
};

struct rule {
	char     key[64];
	uint64_t revision;
	uint8_t  item[8192];
	size_t   bytes; /* 0: there is none */
	int      fd;
};

struct rule_agent {
	pthread_t       thread;
	pthread_mutex_t lock;
	pthread_cond_t  changed;
	int             is_old;
	int             listener, stop;
	int             connections[CONNECTIONS];
	struct asker    askers[ASKERS];
	unsigned        asker_count, attached;
	struct rule     rules[LENT_MAX];
	uint64_t        revision;
	struct said     said[REVISIONS];
	struct counted  counted[REVISIONS];
	unsigned char   buffer[RH_FRAME_MAX];
};

/* ---- sending, under the lock ---- */

static void send_rule(const struct asker *to, const struct rule *rule, uint64_t revision)
{
	static unsigned char    bytes[16384];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_REVISION, revision);
	if (rule && rule->bytes)
		rh_record_put(&writer, RH_TAG_CODE_ITEM, rule->item, rule->bytes);
	rh_socket_send(to->fd, RH_FRAME_RULE, to->number, &writer, rule ? &rule->fd : NULL,
	               rule && rule->fd >= 0 ? 1 : 0);
}

static struct rule *rule_of(struct rule_agent *agent, const char *key, int make)
{
	for (int i = 0; i < LENT_MAX; i++) {
		struct rule *rule = &agent->rules[i];

		if (!rule->key[0] && make) {
			snprintf(rule->key, sizeof rule->key, "%s", key);
			rule->fd = -1;
		}
		if (strcmp(rule->key, key) == 0)
			return rule;
	}
	return NULL;
}

/* ---- receiving, under the lock ---- */

static void attach(struct rule_agent *agent, int fd, const struct rh_frame *frame)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;
	int                     event = eventfd(0, EFD_CLOEXEC);

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, 1);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, "tested");
	rh_record_put_text(&writer, RH_TAG_SYSTEM, "test");
	rh_socket_send(fd, RH_FRAME_ATTACHED, frame->request, &writer, &event, 1);
	close(event);
	agent->attached++;
}

static void get(struct rule_agent *agent, int fd, const struct rh_frame *frame)
{
	struct asker *asker = agent->askers;
	struct rule  *rule;

	while (asker->fd >= 0)
		asker++;
	if (rh_record_text(&frame->records, RH_TAG_KEY, asker->key, sizeof asker->key) < 0)
		abort();
	asker->fd = fd;
	asker->number = frame->request;
	agent->asker_count++;
	rule = rule_of(agent, asker->key, 0);
	send_rule(asker, rule, rule ? rule->revision : 0);
}

static void put(struct rule_agent *agent, int fd, uint64_t number)
{
	for (int i = 0; i < ASKERS; i++) {
		struct asker *asker = &agent->askers[i];

		if (asker->fd == fd && (asker->number == number || !number)) {
			asker->fd = -1;
			agent->asker_count--;
		}
	}
}

static void state(struct rule_agent *agent, uint64_t revision,
                  const struct rh_frame *frame)
{
	struct said *said = &agent->said[revision];

	said->code = 0;
	said->text[0] = 0;
	rh_record_u32(&frame->records, RH_TAG_STATE, &said->state);
	rh_record_i32(&frame->records, RH_TAG_CODE, &said->code);
	rh_record_text(&frame->records, RH_TAG_TEXT, said->text, sizeof said->text);
}

static void count(struct rule_agent *agent, uint64_t revision,
                  const struct rh_frame *frame)
{
	struct rh_record_reader records = frame->records, one;
	struct counted         *counted = &agent->counted[revision];
	struct rh_record        record;
	uint64_t                value;
	int                     kind = 0;

	if (rh_record_u64(&records, RH_TAG_CALLS, &value) == RH_OK)
		counted->calls += value;
	if (rh_record_u64(&records, RH_TAG_TOOK, &value) == RH_OK)
		counted->took_ns += value;
	while (rh_record_next(&records, &record) > 0) {
		if (record.tag == RH_TAG_TEXT) {
			rh_record_copy_text(&record, counted->line, sizeof counted->line);
			counted->lines++;
		}
		if (record.tag != RH_TAG_ERRORS || kind == RH_FAILURES)
			continue;
		rh_record_read(&one, record.bytes - 8, 8 + record.len);
		if (rh_record_u64(&one, RH_TAG_ERRORS, &value) == RH_OK)
			counted->failures[kind++] += value;
	}
}

static void refuse(int fd, uint64_t request)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, RH_EPROTO);
	rh_socket_send(fd, RH_FRAME_ERROR, request, &writer, NULL, 0);
}

static void on_frame(struct rule_agent *agent, int fd, const struct rh_frame *frame)
{
	uint64_t revision = 0;

	rh_record_u64(&frame->records, RH_TAG_REVISION, &revision);
	if (revision >= REVISIONS)
		revision = 0;
	if (frame->type == RH_FRAME_ATTACH)
		attach(agent, fd, frame);
	else if (agent->is_old)
		refuse(fd, frame->request);
	else if (frame->type == RH_FRAME_RULE_GET)
		get(agent, fd, frame);
	else if (frame->type == RH_FRAME_RULE_PUT)
		put(agent, fd, frame->request);
	else if (frame->type == RH_FRAME_RULE_STATE)
		state(agent, revision, frame);
	else if (frame->type == RH_FRAME_RULE_COUNTS)
		count(agent, revision, frame);
	pthread_cond_broadcast(&agent->changed);
}

static void receive(struct rule_agent *agent, int *fd)
{
	struct rh_frame frame;
	int             r = rh_socket_receive(*fd, agent->buffer, &frame);

	if (r == RH_EAGAIN)
		return;
	if (r < 0) {
		put(agent, *fd, 0);
		close(*fd);
		*fd = -1;
		pthread_cond_broadcast(&agent->changed);
		return;
	}
	on_frame(agent, *fd, &frame);
	rh_frame_drop(&frame);
}

static void accept_one(struct rule_agent *agent)
{
	int fd = rh_socket_accept(agent->listener);

	for (int i = 0; i < CONNECTIONS && fd >= 0; i++) {
		if (agent->connections[i] < 0) {
			agent->connections[i] = fd;
			return;
		}
	}
	if (fd >= 0)
		close(fd);
}

static void *run(void *user)
{
	struct rule_agent *agent = user;
	struct pollfd      looks[CONNECTIONS + 2];

	for (;;) {
		for (int i = 0; i < CONNECTIONS; i++)
			looks[i] = (struct pollfd){ agent->connections[i], POLLIN, 0 };
		looks[CONNECTIONS] = (struct pollfd){ agent->listener, POLLIN, 0 };
		looks[CONNECTIONS + 1] = (struct pollfd){ agent->stop, POLLIN, 0 };
		poll(looks, CONNECTIONS + 2, -1);
		if (looks[CONNECTIONS + 1].revents)
			return NULL;
		pthread_mutex_lock(&agent->lock);
		for (int i = 0; i < CONNECTIONS; i++) {
			if (looks[i].revents)
				receive(agent, &agent->connections[i]);
		}
		if (looks[CONNECTIONS].revents)
			accept_one(agent);
		pthread_mutex_unlock(&agent->lock);
	}
}

/* ---- for the test ---- */

struct rule_agent *rule_agent_create(const char *path, int is_old)
{
	struct rule_agent *agent = calloc(1, sizeof *agent);
	struct rh_diag     diag;

	if (!agent || (agent->listener = rh_socket_listen(path, &diag)) < 0)
		abort();
	agent->is_old = is_old;
	agent->stop = eventfd(0, EFD_CLOEXEC);
	for (int i = 0; i < CONNECTIONS; i++)
		agent->connections[i] = -1;
	for (int i = 0; i < ASKERS; i++)
		agent->askers[i].fd = -1;
	pthread_mutex_init(&agent->lock, NULL);
	pthread_cond_init(&agent->changed, NULL);
	return agent;
}

void rule_agent_open(struct rule_agent *agent)
{
	if (pthread_create(&agent->thread, NULL, run, agent) != 0)
		abort();
}

struct rule_agent *rule_agent_start(const char *path, int is_old)
{
	struct rule_agent *agent = rule_agent_create(path, is_old);

	rule_agent_open(agent);
	return agent;
}

void rule_agent_stop(struct rule_agent *agent)
{
	eventfd_write(agent->stop, 1);
	pthread_join(agent->thread, NULL);
	for (int i = 0; i < CONNECTIONS; i++) {
		if (agent->connections[i] >= 0)
			close(agent->connections[i]);
	}
	for (int i = 0; i < LENT_MAX; i++) {
		if (agent->rules[i].key[0] && agent->rules[i].fd >= 0)
			close(agent->rules[i].fd);
	}
	close(agent->listener);
	close(agent->stop);
	free(agent);
}

static void describe(struct rule *rule, const struct lent *lent)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, rule->item, sizeof rule->item);
	rh_record_put_text(&writer, RH_TAG_RULE, lent->name);
	rh_record_put_u64(&writer, RH_TAG_REVISION, rule->revision);
	rh_record_put_text(&writer, RH_TAG_HOOK, lent->hook);
	rh_record_put_text(&writer, RH_TAG_MODE, lent->mode);
	if (lent->policy)
		rh_record_put_text(&writer, RH_TAG_POLICY, lent->policy);
	for (int i = 0; i < 4 && lent->params[i]; i++)
		rh_record_put_text(&writer, RH_TAG_ENV, lent->params[i]);
	rule->bytes = writer.used;
	rule->fd = lent->object_fd < 0 ? -1 : dup(lent->object_fd);
}

uint64_t rule_agent_lend(struct rule_agent *agent, const char *key,
                         const struct lent *lent)
{
	struct rule *rule;
	uint64_t     revision;

	pthread_mutex_lock(&agent->lock);
	rule = rule_of(agent, key, 1);
	if (rule->fd >= 0)
		close(rule->fd);
	rule->fd = -1;
	rule->bytes = 0;
	revision = rule->revision = ++agent->revision;
	if (lent)
		describe(rule, lent);
	for (int i = 0; i < ASKERS; i++) {
		if (agent->askers[i].fd >= 0 && strcmp(agent->askers[i].key, key) == 0)
			send_rule(&agent->askers[i], rule, revision);
	}
	pthread_mutex_unlock(&agent->lock);
	return revision;
}

void rule_agent_send(struct rule_agent *agent, const char *key, uint8_t type,
                     const void *records, size_t len, int fd)
{
	struct rh_record_writer writer = {
		(unsigned char *)(uintptr_t)records, len, len, 0,
	};
	int                     sent = 0;

	pthread_mutex_lock(&agent->lock);
	while (!sent) {
		for (int i = 0; i < ASKERS; i++) {
			struct asker *to = &agent->askers[i];

			if (to->fd < 0 || strcmp(to->key, key) != 0)
				continue;
			while (rh_socket_send(to->fd, type, to->number, &writer, &fd,
			                      fd >= 0) == RH_EAGAIN) {
				pthread_mutex_unlock(&agent->lock);
				sched_yield();
				pthread_mutex_lock(&agent->lock);
			}
			sent++;
		}
		if (!sent)
			pthread_cond_wait(&agent->changed, &agent->lock);
	}
	pthread_mutex_unlock(&agent->lock);
}

struct said rule_agent_await(struct rule_agent *agent, uint64_t revision)
{
	struct said said;

	pthread_mutex_lock(&agent->lock);
	while (!agent->said[revision].state)
		pthread_cond_wait(&agent->changed, &agent->lock);
	said = agent->said[revision];
	pthread_mutex_unlock(&agent->lock);
	return said;
}

static struct counted sum(const struct rule_agent *agent)
{
	struct counted all = { 0 };

	for (int i = 0; i < REVISIONS; i++) {
		all.calls += agent->counted[i].calls;
		all.took_ns += agent->counted[i].took_ns;
		for (int kind = 0; kind < RH_FAILURES; kind++)
			all.failures[kind] += agent->counted[i].failures[kind];
	}
	return all;
}

struct counted rule_agent_counted(struct rule_agent *agent, uint64_t revision,
                                  uint64_t calls)
{
	struct counted counted;

	pthread_mutex_lock(&agent->lock);
	while ((counted = revision ? agent->counted[revision] : sum(agent)).calls < calls)
		pthread_cond_wait(&agent->changed, &agent->lock);
	pthread_mutex_unlock(&agent->lock);
	return counted;
}

void rule_agent_await_askers(struct rule_agent *agent, unsigned n)
{
	pthread_mutex_lock(&agent->lock);
	while (agent->asker_count != n)
		pthread_cond_wait(&agent->changed, &agent->lock);
	pthread_mutex_unlock(&agent->lock);
}

void rule_agent_await_attached(struct rule_agent *agent, unsigned n)
{
	pthread_mutex_lock(&agent->lock);
	while (agent->attached < n)
		pthread_cond_wait(&agent->changed, &agent->lock);
	pthread_mutex_unlock(&agent->lock);
}
