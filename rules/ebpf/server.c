#include "server.h"

#include "frame.h"
#include "held.h"
#include "loading.h"

#include "../../base/clock.h"
#include "../../base/diag.h"
#include "../../base/log.h"
#include "../../base/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOADS_MAX   4u
#define POLLED_MAX  (2u + RH_BPF_CLIENTS_MAX + LOADS_MAX)

struct client {
	uint64_t id;
	int      fd;
	pid_t    pid;
	int      is_loading;
};

struct rh_bpf_server {
	int                   listener;
	uid_t                 uid;
	unsigned              grace_ms;
	struct rh_bpf_machine machine;
	uint64_t              ids;
	unsigned              client_count;
	struct client         clients[RH_BPF_CLIENTS_MAX];
	struct rh_bpf_loading loads[LOADS_MAX];
	struct rh_bpf_table   table;
	struct rh_bpf_order   order;  /* that is being read */
	unsigned char         in[RH_FRAME_MAX];
	unsigned char         out[RH_FRAME_MAX];
};

/* ---- answers ---- */

static struct rh_record_writer start(struct rh_bpf_server *server)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, server->out, sizeof server->out -
	                                      sizeof(struct rh_frame_head));
	return writer;
}

static int answer(struct client *client, uint64_t request, uint8_t type,
                  const struct rh_record_writer *writer)
{
	return rh_socket_send(client->fd, type, request, writer, NULL, 0);
}

static int refuse(struct rh_bpf_server *server, struct client *client, uint64_t request,
                  int code, const char *text, const char *log)
{
	struct rh_record_writer writer = start(server);

	rh_record_put_i32(&writer, RH_BPF_TAG_CODE, code);
	rh_record_put_text(&writer, RH_BPF_TAG_TEXT, text);
	if (log && log[0])
		rh_record_put_text(&writer, RH_BPF_TAG_LOG, log);
	return answer(client, request, RH_BPF_REFUSED, &writer);
}

static int say_loaded(struct rh_bpf_server *server, struct client *client,
                      uint64_t request, const struct rh_bpf_rule *rule, uint32_t kept)
{
	struct rh_record_writer writer = start(server);

	rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, rule->handle);
	rh_record_put_u32(&writer, RH_BPF_TAG_COUNT, kept);
	return answer(client, request, RH_BPF_LOADED, &writer);
}

/* ---- loading ---- */

static struct rh_bpf_loading *free_load(struct rh_bpf_server *server)
{
	for (unsigned i = 0; i < LOADS_MAX; i++) {
		if (server->loads[i].client == 0)
			return &server->loads[i];
	}
	return NULL;
}

static void own(struct rh_bpf_rule *rule, const struct client *client)
{
	rule->owner = client->id;
	rule->pid = client->pid;
}

/* May the client have a rule of that name, and is it the one that runs? */
static int judge(struct rh_bpf_server *server, const struct client *client,
                 const struct rh_bpf_rule *former, struct rh_diag *diag)
{
	if (former && former->owner != 0 && former->owner != client->id)
		return rh_diag_set(diag, RH_EEXIST, "a rule %.100s is loaded by process %d",
		                   former->name, (int)former->pid);
	if (!former && server->table.count == RH_BPF_RULES_MAX)
		return rh_diag_set(diag, RH_ENOSPC, "%u rules of eBPF are loaded on this node, "
		                   "the limit", RH_BPF_RULES_MAX);
	return RH_OK;
}

static int begin_load(struct rh_bpf_server *server, struct client *client,
                      const struct rh_frame *frame, struct rh_diag *diag)
{
	struct rh_bpf_loading *load = free_load(server);
	const struct rh_bpf_rule *former = rh_bpf_table_find(&server->table,
	                                                     server->order.name);
	int err = load ? rh_bpf_loading_init(load, &server->machine, &server->order, former,
	                                     diag) : RH_EAGAIN;

	if (err)
		return err;
	load->client = client->id;
	load->request = frame->request;
	client->is_loading = 1;
	return RH_OK;
}

static int on_load(struct rh_bpf_server *server, struct client *client,
                   struct rh_frame *frame)
{
	struct rh_diag diag = { 0 };
	int            err = rh_bpf_order_init(&server->order, frame, &diag);

	if (err)
		return refuse(server, client, frame->request, err, diag.text, NULL);
	struct rh_bpf_rule *former = rh_bpf_table_find(&server->table, server->order.name);
	err = judge(server, client, former, &diag);
	if (!err && former && memcmp(former->print, server->order.print,
	                             sizeof former->print) == 0) {
		/* What it asks for runs: an agent came back. */
		own(former, client);
		rh_bpf_order_fini(&server->order);
		return say_loaded(server, client, frame->request, former, former->map_count);
	}
	if (!err)
		err = begin_load(server, client, frame, &diag);
	rh_bpf_order_fini(&server->order);
	return err ? refuse(server, client, frame->request, err, diag.text, NULL) : RH_OK;
}

static struct client *client_of(struct rh_bpf_server *server, uint64_t id)
{
	for (unsigned i = 0; i < server->client_count; i++) {
		if (server->clients[i].id == id)
			return &server->clients[i];
	}
	return NULL;
}

static void drop(struct rh_bpf_server *server, struct client *client);

/* The child is done, or was stopped. */
static void end_load(struct rh_bpf_server *server, struct rh_bpf_loading *load, int err)
{
	struct client      *client = client_of(server, load->client);
	struct rh_bpf_rule *rule = load->rule;
	int                 sent = RH_OK;

	if (!err) {
		own(rule, client);
		err = rh_bpf_table_put(&server->table, rule);
		if (err)
			rh_diag_set(&load->diag, err, "too many rules of eBPF are loaded");
		else
			load->rule = NULL;
	}
	if (err) {
		rh_info_often("refused a rule: pid=%d: %s", (int)client->pid, load->diag.text);
		sent = refuse(server, client, load->request, err, load->diag.text, load->log);
	} else {
		rh_info_often("attached %s links=%u pid=%d", rule->name, rule->link_count,
		              (int)client->pid);
		sent = say_loaded(server, client, load->request, rule, load->handed);
	}
	client->is_loading = 0;
	rh_bpf_loading_fini(load);
	if (sent)
		drop(server, client);
}

static void on_child(struct rh_bpf_server *server, struct rh_bpf_loading *load)
{
	int err = rh_bpf_loading_read(load, server->in);

	if (err != RH_EAGAIN)
		end_load(server, load, err);
}

static void stop_late(struct rh_bpf_server *server, uint64_t now_ns)
{
	for (unsigned i = 0; i < LOADS_MAX; i++) {
		struct rh_bpf_loading *load = &server->loads[i];

		if (load->client && load->deadline_ns <= now_ns)
			end_load(server, load, rh_diag_set(&load->diag, RH_ETIMEDOUT,
				"it was not loaded within %u s", RH_BPF_LOAD_MS / 1000));
	}
}

/* ---- the other requests ---- */

static struct rh_bpf_rule *rule_of(struct rh_bpf_server *server,
                                   const struct client *client,
                                   const struct rh_frame *frame)
{
	uint64_t            handle = 0;
	struct rh_bpf_rule *rule;

	rh_record_u64(&frame->records, RH_BPF_TAG_HANDLE, &handle);
	rule = rh_bpf_table_handle(&server->table, handle);
	if (frame->type == RH_BPF_MAPS || frame->type == RH_BPF_READ ||
	    frame->type == RH_BPF_RUNS)
		return rule; /* who may ask may look */
	return rule && rule->owner == client->id ? rule : NULL;
}

static const struct rh_bpf_its_map *map_of(const struct rh_bpf_rule *rule,
                                           const struct rh_frame *frame)
{
	char name[RH_BPF_NAME_MAX + 1];

	if (rh_record_text(&frame->records, RH_BPF_TAG_NAME, name, sizeof name) < 0)
		return NULL;
	return rh_bpf_rule_map(rule, name);
}

static int on_unload(struct rh_bpf_server *server, struct client *client,
                     struct rh_bpf_rule *rule, const struct rh_frame *frame)
{
	rh_info_often("detached %s", rule->name);
	rh_bpf_table_drop(&server->table, rule);
	return answer(client, frame->request, RH_BPF_UNLOADED, NULL);
}

static int on_maps(struct rh_bpf_server *server, struct client *client,
                   struct rh_bpf_rule *rule, const struct rh_frame *frame)
{
	struct rh_record_writer writer = start(server);

	for (unsigned i = 0; i < rule->map_count; i++)
		rh_bpf_map_put(&rule->maps[i], &writer);
	return answer(client, frame->request, RH_BPF_MAP_LIST, &writer);
}

static int on_runs(struct rh_bpf_server *server, struct client *client,
                   struct rh_bpf_rule *rule, const struct rh_frame *frame)
{
	struct rh_record_writer writer = start(server);

	rh_bpf_rule_put_runs(rule, &writer);
	return answer(client, frame->request, RH_BPF_RAN, &writer);
}

static int on_entries(struct rh_bpf_server *server, struct client *client,
                      struct rh_bpf_rule *rule, const struct rh_frame *frame)
{
	const struct rh_bpf_its_map *map = map_of(rule, frame);
	struct rh_record_writer      writer = start(server);
	struct rh_diag               diag = { 0 };
	int                          err;

	if (!map)
		return refuse(server, client, frame->request, RH_ENOENT,
		              "the rule has no map of that name", NULL);
	err = frame->type == RH_BPF_READ
	      ? rh_bpf_map_read(map, &frame->records, &writer, &diag)
	      : rh_bpf_map_write(map, &frame->records, &diag);
	if (err)
		return refuse(server, client, frame->request, err, diag.text, NULL);
	return answer(client, frame->request, frame->type == RH_BPF_READ ? RH_BPF_ENTRIES
	              : RH_BPF_WRITTEN, &writer);
}

static int on_list(struct rh_bpf_server *server, struct client *client,
                   const struct rh_frame *frame)
{
	struct rh_record_writer writer = start(server);

	for (unsigned i = 0; i < server->table.count; i++) {
		const struct rh_bpf_rule *rule = server->table.rules[i];
		size_t                    place = rh_record_open(&writer, RH_BPF_TAG_RULE);

		rh_record_put_text(&writer, RH_BPF_TAG_NAME, rule->name);
		rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, rule->handle);
		rh_record_put(&writer, RH_BPF_TAG_HASH, rule->sha256, sizeof rule->sha256);
		rh_record_put_u32(&writer, RH_BPF_TAG_COUNT, rule->link_count);
		rh_record_put_u32(&writer, RH_BPF_TAG_PID, (uint32_t)rule->pid);
		rh_record_close(&writer, place);
	}
	return answer(client, frame->request, RH_BPF_RULES, &writer);
}

static int on_rule(struct rh_bpf_server *server, struct client *client,
                   const struct rh_frame *frame)
{
	struct rh_bpf_rule *rule = rule_of(server, client, frame);

	if (!rule)
		return refuse(server, client, frame->request, RH_ENOENT,
		              "this client has no rule of that handle", NULL);
	if (frame->type == RH_BPF_UNLOAD)
		return on_unload(server, client, rule, frame);
	if (frame->type == RH_BPF_MAPS)
		return on_maps(server, client, rule, frame);
	if (frame->type == RH_BPF_RUNS)
		return on_runs(server, client, rule, frame);
	return on_entries(server, client, rule, frame);
}

static int on_frame(struct rh_bpf_server *server, struct client *client,
                    struct rh_frame *frame)
{
	switch (frame->type) {
	case RH_BPF_LOAD:
		return on_load(server, client, frame);
	case RH_BPF_UNLOAD:
	case RH_BPF_MAPS:
	case RH_BPF_RUNS:
	case RH_BPF_READ:
	case RH_BPF_WRITE:
		return on_rule(server, client, frame);
	case RH_BPF_LIST:
		return on_list(server, client, frame);
	default:
		return RH_EPROTO;
	}
}

/* ---- clients ---- */

static void drop(struct rh_bpf_server *server, struct client *client)
{
	uint64_t id = client->id;

	close(client->fd);
	*client = server->clients[--server->client_count];
	for (unsigned i = 0; i < LOADS_MAX; i++) {
		if (server->loads[i].client == id)
			rh_bpf_loading_fini(&server->loads[i]);
	}
	rh_bpf_table_orphan(&server->table, id, rh_clock_ns() +
	                    server->grace_ms * RH_NS_PER_MS);
}

static void on_client(struct rh_bpf_server *server, struct client *client)
{
	struct rh_frame frame;
	int             err = rh_socket_receive(client->fd, server->in, &frame);

	if (err == RH_EAGAIN)
		return;
	if (!err) {
		err = on_frame(server, client, &frame);
		rh_frame_drop(&frame);
	}
	if (!err)
		return;
	if (err != RH_ELOST)
		rh_warn_often("dropped a client: pid=%d: %s", (int)client->pid,
		              rh_error_text(err));
	drop(server, client);
}

static void on_listener(struct rh_bpf_server *server)
{
	struct ucred cred;
	socklen_t    len = sizeof cred;
	int          fd = rh_socket_accept(server->listener);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    (cred.uid != 0 && cred.uid != server->uid) ||
	    server->client_count == RH_BPF_CLIENTS_MAX) {
		rh_warn_often("refused a client: pid=%d uid=%u", (int)cred.pid, cred.uid);
		close(fd);
		return;
	}
	server->clients[server->client_count++] = (struct client){
		.id = ++server->ids, .fd = fd, .pid = cred.pid,
	};
}

/* ---- the loop ---- */

struct polled {
	struct pollfd fds[POLLED_MAX];
	uint64_t      ids[POLLED_MAX]; /* of clients, or who waits for a load */
	unsigned      count;
};

static void add(struct polled *polled, int fd, short events, uint64_t id)
{
	polled->fds[polled->count] = (struct pollfd){ .fd = fd, .events = events };
	polled->ids[polled->count++] = id;
}

/* One that loads is only looked at for its end; while all places are taken, nobody is
 * asked what else is to be loaded. */
static void collect(struct rh_bpf_server *server, int stop_fd, struct polled *polled)
{
	int has_room = free_load(server) != NULL;

	polled->count = 0;
	add(polled, stop_fd, POLLIN, 0);
	add(polled, server->listener, POLLIN, 0);
	for (unsigned i = 0; i < LOADS_MAX; i++)
		add(polled, server->loads[i].client ? server->loads[i].fd : -1, POLLIN,
		    server->loads[i].client);
	for (unsigned i = 0; i < server->client_count; i++) {
		const struct client *client = &server->clients[i];

		add(polled, client->fd, client->is_loading || !has_room ? 0 : POLLIN,
		    client->id);
	}
}

static int wait_ms(const struct rh_bpf_server *server, uint64_t next_ns, uint64_t now_ns)
{
	for (unsigned i = 0; i < LOADS_MAX; i++) {
		if (server->loads[i].client && server->loads[i].deadline_ns < next_ns)
			next_ns = server->loads[i].deadline_ns;
	}
	if (next_ns == UINT64_MAX)
		return -1;
	return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / RH_NS_PER_MS) + 1;
}

/* Clients move in their table when one is dropped: they are found by their ids. */
static void dispatch(struct rh_bpf_server *server, const struct polled *polled)
{
	for (unsigned i = 2; i < 2 + LOADS_MAX; i++) {
		struct rh_bpf_loading *load = &server->loads[i - 2];

		if (polled->fds[i].revents && load->client && load->client == polled->ids[i])
			on_child(server, load);
	}
	for (unsigned i = 2 + LOADS_MAX; i < polled->count; i++) {
		struct client *client = polled->fds[i].revents
		                        ? client_of(server, polled->ids[i]) : NULL;

		if (!client)
			continue;
		if (polled->fds[i].revents & POLLIN)
			on_client(server, client);
		else
			drop(server, client);
	}
	if (polled->fds[1].revents)
		on_listener(server);
}

int rh_bpf_server_turn(struct rh_bpf_server *server, int stop_fd, int is_patient)
{
	static struct polled polled;
	uint64_t             now = rh_clock_ns();

	stop_late(server, now);
	uint64_t next = rh_bpf_table_expire(&server->table, now);
	collect(server, stop_fd, &polled);
	if (poll(polled.fds, polled.count, is_patient ? wait_ms(server, next, now) : 0) < 0) {
		if (errno == EINTR)
			return 1;
		rh_error("poll: %s", strerror(errno));
		return 0;
	}
	if (polled.fds[0].revents)
		return 0;
	dispatch(server, &polled);
	return 1;
}

void rh_bpf_server_run(struct rh_bpf_server *server, int stop_fd)
{
	while (rh_bpf_server_turn(server, stop_fd, 1))
		;
}

struct rh_bpf_server *rh_bpf_server_create(int listener, uid_t uid, unsigned grace_ms,
                                           const struct rh_bpf_machine *machine)
{
	struct rh_bpf_server *server = calloc(1, sizeof *server);

	if (!server)
		return NULL;
	server->listener = listener;
	server->uid = uid;
	server->grace_ms = grace_ms;
	server->machine = *machine;
	for (unsigned i = 0; i < LOADS_MAX; i++)
		server->loads[i].fd = -1;
	return server;
}

void rh_bpf_server_destroy(struct rh_bpf_server *server)
{
	if (!server)
		return;
	for (unsigned i = 0; i < LOADS_MAX; i++)
		rh_bpf_loading_fini(&server->loads[i]);
	while (server->client_count > 0)
		drop(server, &server->clients[0]);
	while (server->table.count > 0)
		rh_bpf_table_drop(&server->table, server->table.rules[0]);
	close(server->listener);
	free(server);
}
