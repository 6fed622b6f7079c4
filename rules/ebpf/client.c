#include "client.h"

#include "frame.h"

#include "../../base/diag.h"
#include "../../base/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rh_bpf_client {
	int           fd;
	uint64_t      requests;
	unsigned char in[RH_FRAME_MAX];
	unsigned char out[RH_FRAME_MAX];
};

int rh_bpf_connect(const char *path, struct rh_bpf_client **ret_client,
                   struct rh_diag *diag)
{
	int fd = rh_socket_connect(path, diag);

	if (fd == RH_ENOENT)
		return rh_diag_set(diag, RH_ENOSYS, "this node has no mode ebpf: rhodes-bpf does "
			"not listen on %.120s; `rhodes up` starts it when it is root", path);
	if (fd < 0)
		return fd;
	struct rh_bpf_client *client = calloc(1, sizeof *client);
	if (!client) {
		close(fd);
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	}
	client->fd = fd;
	*ret_client = client;
	return RH_OK;
}

void rh_bpf_disconnect(struct rh_bpf_client *client)
{
	if (!client)
		return;
	close(client->fd);
	free(client);
}

int rh_bpf_fd(const struct rh_bpf_client *client)
{
	return client->fd;
}

/* ---- asking ---- */

static struct rh_record_writer start(struct rh_bpf_client *client)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, client->out, sizeof client->out -
	                                      sizeof(struct rh_frame_head));
	return writer;
}

/* A socket that is full is one whose reader is busy: waits for it. */
static int send_frame(struct rh_bpf_client *client, uint8_t type,
                      const struct rh_record_writer *writer, int fd, struct rh_diag *diag)
{
	struct pollfd room = { .fd = client->fd, .events = POLLOUT };
	int           err;

	do {
		err = rh_socket_send(client->fd, type, ++client->requests, writer, &fd,
		                     fd >= 0);
	} while (err == RH_EAGAIN && poll(&room, 1, -1) >= 0);
	if (err == RH_EMSGSIZE)
		return rh_diag_set(diag, err, "the request is larger than a frame");
	return err ? rh_diag_set(diag, err, "rhodes-bpf cannot be asked: %s",
	                         rh_error_text(err)) : RH_OK;
}

/* The next frame; waits as long as it takes when wait_ms is -1. */
static int receive(struct rh_bpf_client *client, int wait_ms, struct rh_frame *ret_frame,
                   struct rh_diag *diag)
{
	struct pollfd look = { .fd = client->fd, .events = POLLIN };
	int           n, err;

	do {
		n = poll(&look, 1, wait_ms);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return RH_EAGAIN;
	err = rh_socket_receive(client->fd, client->in, ret_frame);
	if (err == RH_OK)
		rh_frame_drop(ret_frame); /* it sends none */
	return err ? rh_diag_set(diag, err, "rhodes-bpf does not answer: %s",
	                         rh_error_text(err)) : RH_OK;
}

static int take_refusal(const struct rh_frame *frame, struct rh_diag *diag)
{
	int32_t code = RH_EPROTO;
	char    text[RH_DIAG_MAX] = "it gave no reason";

	rh_record_i32(&frame->records, RH_BPF_TAG_CODE, &code);
	rh_record_text(&frame->records, RH_BPF_TAG_TEXT, text, sizeof text);
	return rh_diag_set(diag, code < 0 ? code : RH_EPROTO, "%s", text);
}

/* Sends and waits for the answer of that type. */
static int ask(struct rh_bpf_client *client, uint8_t type,
               const struct rh_record_writer *writer, uint8_t expected,
               struct rh_frame *ret_frame, struct rh_diag *diag)
{
	int err = send_frame(client, type, writer, -1, diag);

	if (!err)
		err = receive(client, -1, ret_frame, diag);
	if (err)
		return err;
	if (ret_frame->type == RH_BPF_REFUSED && ret_frame->request == client->requests)
		return take_refusal(ret_frame, diag);
	if (ret_frame->type != expected || ret_frame->request != client->requests)
		return rh_diag_set(diag, RH_EPROTO, "rhodes-bpf answered something else");
	return RH_OK;
}

/* ---- loading ---- */

static void put_pair(struct rh_record_writer *writer, uint16_t tag, const char *name,
                     const char *text)
{
	size_t place = rh_record_open(writer, tag);

	rh_record_put_text(writer, RH_BPF_TAG_NAME, name);
	rh_record_put_text(writer, RH_BPF_TAG_TEXT, text);
	rh_record_close(writer, place);
}

int rh_bpf_send_load(struct rh_bpf_client *client, const struct rh_bpf_source *source,
                     uint64_t *ret_request, struct rh_diag *diag)
{
	struct rh_record_writer writer = start(client);

	rh_record_put_text(&writer, RH_BPF_TAG_NAME, source->name);
	rh_record_put(&writer, RH_BPF_TAG_HASH, source->sha256, 32);
	for (unsigned i = 0; i < source->attach_count; i++)
		put_pair(&writer, RH_BPF_TAG_POINT, source->attach[i].program,
		         source->attach[i].point);
	for (unsigned i = 0; i < source->param_count; i++)
		put_pair(&writer, RH_BPF_TAG_PARAM, source->params[i].name,
		         source->params[i].value);
	for (unsigned i = 0; i < source->keep_count; i++)
		rh_record_put_text(&writer, RH_BPF_TAG_KEEP, source->keep[i]);
	if (source->memory_bytes)
		rh_record_put_u64(&writer, RH_BPF_TAG_BYTES, source->memory_bytes);
	int err = send_frame(client, RH_BPF_LOAD, &writer, source->object_fd, diag);
	if (!err)
		*ret_request = client->requests;
	return err;
}

int rh_bpf_send_unload(struct rh_bpf_client *client, uint64_t handle)
{
	struct rh_record_writer writer = start(client);

	rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, handle);
	return send_frame(client, RH_BPF_UNLOAD, &writer, -1, NULL);
}

static void take_runs(const struct rh_frame *frame, rh_bpf_runs_visit *visit, void *user)
{
	struct rh_record_reader reader = frame->records, inner;
	struct rh_record        record;

	while (rh_record_next(&reader, &record) == 1) {
		struct rh_bpf_runs runs = { 0 };
		char program[RH_BPF_NAME_MAX + 1] = "", point[RH_BPF_POINT_MAX + 2] = "";

		if (record.tag != RH_BPF_TAG_PROGRAM)
			continue;
		rh_record_read(&inner, record.bytes, record.len);
		rh_record_text(&inner, RH_BPF_TAG_NAME, program, sizeof program);
		rh_record_text(&inner, RH_BPF_TAG_TEXT, point, sizeof point);
		rh_record_u64(&inner, RH_BPF_TAG_CALLS, &runs.calls);
		rh_record_u64(&inner, RH_BPF_TAG_TOOK, &runs.ns);
		rh_record_u64(&inner, RH_BPF_TAG_MISSED, &runs.missed);
		visit(user, program, point, &runs);
	}
}

static void add_runs(void *user, const char *program, const char *point,
                     const struct rh_bpf_runs *runs)
{
	struct rh_bpf_runs *sum = user;

	(void)program, (void)point;
	sum->calls += runs->calls;
	sum->ns += runs->ns;
	sum->missed += runs->missed;
}

static int take_answer(const struct rh_frame *frame, struct rh_bpf_answer *answer)
{
	const struct rh_record_reader *records = &frame->records;

	*answer = (struct rh_bpf_answer){ .request = frame->request };
	if (frame->type == RH_BPF_REFUSED) {
		answer->code = take_refusal(frame, &answer->diag);
		rh_record_text(records, RH_BPF_TAG_LOG, answer->log, sizeof answer->log);
		return RH_OK;
	}
	if (frame->type == RH_BPF_UNLOADED)
		return RH_OK;
	if (frame->type == RH_BPF_RAN) {
		answer->is_runs = 1;
		take_runs(frame, add_runs, &answer->runs);
		return RH_OK;
	}
	if (frame->type != RH_BPF_LOADED ||
	    rh_record_u64(records, RH_BPF_TAG_HANDLE, &answer->handle) < 0 ||
	    rh_record_u32(records, RH_BPF_TAG_COUNT, &answer->kept) < 0)
		return RH_EPROTO;
	return RH_OK;
}

int rh_bpf_take(struct rh_bpf_client *client, struct rh_bpf_answer *ret_answer)
{
	struct rh_frame frame;
	int             err = receive(client, 0, &frame, NULL);

	return err ? err : take_answer(&frame, ret_answer);
}

int rh_bpf_load(struct rh_bpf_client *client, const struct rh_bpf_source *source,
                struct rh_bpf_answer *ret_answer)
{
	struct rh_frame frame;
	uint64_t        request;

	*ret_answer = (struct rh_bpf_answer){ .code = RH_OK };
	int err = rh_bpf_send_load(client, source, &request, &ret_answer->diag);
	if (!err)
		err = receive(client, -1, &frame, &ret_answer->diag);
	if (!err && (frame.request != request || take_answer(&frame, ret_answer) < 0))
		err = rh_diag_set(&ret_answer->diag, RH_EPROTO,
		                  "rhodes-bpf answered something else");
	if (err)
		ret_answer->code = err;
	return ret_answer->code;
}

int rh_bpf_send_runs(struct rh_bpf_client *client, uint64_t handle,
                     uint64_t *ret_request)
{
	struct rh_record_writer writer = start(client);

	rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, handle);
	int err = send_frame(client, RH_BPF_RUNS, &writer, -1, NULL);
	*ret_request = client->requests;
	return err;
}

int rh_bpf_runs(struct rh_bpf_client *client, uint64_t handle, rh_bpf_runs_visit *visit,
                void *user, struct rh_diag *diag)
{
	struct rh_record_writer writer = start(client);
	struct rh_frame         frame;

	rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, handle);
	int err = ask(client, RH_BPF_RUNS, &writer, RH_BPF_RAN, &frame, diag);
	if (!err)
		take_runs(&frame, visit, user);
	return err;
}

int rh_bpf_unload(struct rh_bpf_client *client, uint64_t handle, struct rh_diag *diag)
{
	struct rh_record_writer writer = start(client);
	struct rh_frame         frame;

	rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, handle);
	return ask(client, RH_BPF_UNLOAD, &writer, RH_BPF_UNLOADED, &frame, diag);
}

/* ---- maps ---- */

static int take_map(const struct rh_record *record, struct rh_bpf_map *map)
{
	struct rh_record_reader inner;

	rh_record_read(&inner, record->bytes, record->len);
	if (rh_record_text(&inner, RH_BPF_TAG_NAME, map->name, sizeof map->name) < 0 ||
	    rh_record_text(&inner, RH_BPF_TAG_TYPE, map->type, sizeof map->type) < 0 ||
	    rh_record_u32(&inner, RH_BPF_TAG_KEY_BYTES, &map->key_bytes) < 0 ||
	    rh_record_u32(&inner, RH_BPF_TAG_VALUE_BYTES, &map->value_bytes) < 0 ||
	    rh_record_u32(&inner, RH_BPF_TAG_COUNT, &map->entries_max) < 0)
		return RH_EPROTO;
	return RH_OK;
}

int rh_bpf_maps(struct rh_bpf_client *client, uint64_t handle, rh_bpf_map_visit *visit,
                void *user, struct rh_diag *diag)
{
	struct rh_record_writer writer = start(client);
	struct rh_frame         frame;
	struct rh_record        record;
	struct rh_bpf_map       map;

	rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, handle);
	int err = ask(client, RH_BPF_MAPS, &writer, RH_BPF_MAP_LIST, &frame, diag);
	while (!err && rh_record_next(&frame.records, &record) == 1) {
		if (record.tag == RH_BPF_TAG_MAP && take_map(&record, &map) == RH_OK)
			visit(user, &map);
	}
	return err;
}

/* Tells the entries of one answer; the last key in key.  Returns how many. */
static int take_entries(struct rh_frame *frame, rh_bpf_entry_visit *visit, void *user,
                        unsigned char *key, size_t *key_bytes)
{
	struct rh_record record, k, v;
	int              count = 0;

	while (rh_record_next(&frame->records, &record) == 1) {
		struct rh_record_reader inner;

		rh_record_read(&inner, record.bytes, record.len);
		if (record.tag != RH_BPF_TAG_ENTRY ||
		    rh_record_find(&inner, RH_BPF_TAG_KEY, &k) < 0 ||
		    rh_record_find(&inner, RH_BPF_TAG_VALUE, &v) < 0 ||
		    k.len > RH_BPF_KEY_MAX)
			continue;
		visit(user, k.bytes, k.len, v.bytes, v.len);
		memcpy(key, k.bytes, k.len);
		*key_bytes = k.len;
		count++;
	}
	return count;
}

int rh_bpf_read(struct rh_bpf_client *client, uint64_t handle, const char *map,
                rh_bpf_entry_visit *visit, void *user, struct rh_diag *diag)
{
	unsigned char key[RH_BPF_KEY_MAX];
	size_t        key_bytes = 0;
	uint32_t      last = 0;
	int           err = RH_OK;

	while (!err && !last) {
		struct rh_record_writer writer = start(client);
		struct rh_frame         frame;

		rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, handle);
		rh_record_put_text(&writer, RH_BPF_TAG_NAME, map);
		if (key_bytes)
			rh_record_put(&writer, RH_BPF_TAG_KEY, key, key_bytes);
		err = ask(client, RH_BPF_READ, &writer, RH_BPF_ENTRIES, &frame, diag);
		if (err)
			break;
		if (rh_record_u32(&frame.records, RH_BPF_TAG_LAST, &last) < 0 ||
		    (take_entries(&frame, visit, user, key, &key_bytes) == 0 && !last))
			err = rh_diag_set(diag, RH_EPROTO, "rhodes-bpf answered something else");
	}
	return err;
}

int rh_bpf_write(struct rh_bpf_client *client, uint64_t handle, const char *map,
                 const void *key, size_t key_bytes, const void *value,
                 size_t value_bytes, struct rh_diag *diag)
{
	struct rh_record_writer writer = start(client);
	struct rh_frame         frame;

	rh_record_put_u64(&writer, RH_BPF_TAG_HANDLE, handle);
	rh_record_put_text(&writer, RH_BPF_TAG_NAME, map);
	size_t place = rh_record_open(&writer, RH_BPF_TAG_ENTRY);
	rh_record_put(&writer, RH_BPF_TAG_KEY, key, key_bytes);
	if (value)
		rh_record_put(&writer, RH_BPF_TAG_VALUE, value, value_bytes);
	rh_record_close(&writer, place);
	return ask(client, RH_BPF_WRITE, &writer, RH_BPF_WRITTEN, &frame, diag);
}

/* ---- rules ---- */

static int take_held(const struct rh_record *record, struct rh_bpf_held *held)
{
	struct rh_record_reader inner;
	struct rh_record        hash;

	rh_record_read(&inner, record->bytes, record->len);
	if (rh_record_text(&inner, RH_BPF_TAG_NAME, held->name, sizeof held->name) < 0 ||
	    rh_record_u64(&inner, RH_BPF_TAG_HANDLE, &held->handle) < 0 ||
	    rh_record_u32(&inner, RH_BPF_TAG_COUNT, &held->links) < 0 ||
	    rh_record_u32(&inner, RH_BPF_TAG_PID, &held->pid) < 0 ||
	    rh_record_find(&inner, RH_BPF_TAG_HASH, &hash) < 0 || hash.len != 32)
		return RH_EPROTO;
	memcpy(held->sha256, hash.bytes, 32);
	return RH_OK;
}

int rh_bpf_list(struct rh_bpf_client *client, rh_bpf_held_visit *visit, void *user,
                struct rh_diag *diag)
{
	struct rh_frame    frame;
	struct rh_record   record;
	struct rh_bpf_held held;
	int err = ask(client, RH_BPF_LIST, NULL, RH_BPF_RULES, &frame, diag);

	while (!err && rh_record_next(&frame.records, &record) == 1) {
		if (record.tag == RH_BPF_TAG_RULE && take_held(&record, &held) == RH_OK)
			visit(user, &held);
	}
	return err;
}
