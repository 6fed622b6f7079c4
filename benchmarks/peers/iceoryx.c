/* iceoryx - request and response through loaned chunks, with a wait set ("iceoryx")
 * or polling ("iceoryx-poll") on both sides; RouDi of its own for each run, because
 * a peer that ended by a signal stays registered there.
 *
 * One lane: the C binding's runtime is one per process. */
#include "../harness/machine.h"
#include "broker.h"

#include <iceoryx_binding_c/api.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAYLOAD_MAX (1u << 20) /* of the default pools */

static pid_t                broker;
static iox_client_storage_t client_room;
static iox_server_storage_t server_room;
static iox_ws_storage_t     wait_room;
static iox_client_t         client;
static iox_server_t         server;
static iox_ws_t             wait_set;

static void make(struct bench_run *run)
{
	char *argv[] = { (char[]){ "iox-roudi" }, (char[]){ "-l" },
	                 (char[]){ "off" }, NULL };

	if (run->lanes != 1)
		bench_fail("iceoryx: one lane only");
	broker = bench_broker_start(run, argv, "ready");
}

static void pause_or_wait(struct bench_run *run)
{
	iox_notification_info_t events[4];
	uint64_t                missed;

	(void)run;
	if (wait_set)
		iox_ws_wait(wait_set, events, 4, &missed);
	else
		bench_relax();
}

static int is_polling(const struct bench_run *run)
{
	return strcmp(run->transport, "iceoryx-poll") == 0;
}

static void enter(const char *what)
{
	char name[48];

	snprintf(name, sizeof name, "bench-%s-%d", what, (int)getpid());
	iox_set_loglevel(Iceoryx_LogLevel_Off);
	iox_runtime_init(name);
}

/* A runtime that ends by a signal leaves a socket and a lock file behind. */
static void remove_files(const char *what, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/tmp/bench-%s-%d", what, (int)pid);
	unlink(path);
	snprintf(path, sizeof path, "/tmp/bench-%s-%d.lock", what, (int)pid);
	unlink(path);
}

static void answer(const void *bytes)
{
	const uint64_t *words = bytes;
	void           *out;
	uint64_t        sum;

	/* The length travels in the first word after the payload's header. */
	sum = bench_sum((const unsigned char *)bytes + 64, words[0]);
	if (iox_server_loan_response(server, (void *)(uintptr_t)bytes, &out, 8) !=
	    AllocationResult_SUCCESS)
		bench_fail("iceoryx: no chunk for the response");
	memcpy(out, &sum, sizeof sum);
	iox_server_send(server, out);
	iox_server_release_request(server, bytes);
}

static void serve(struct bench_run *run, unsigned lane)
{
	iox_server_options_t options;

	(void)lane;
	enter("server");
	iox_server_options_init(&options);
	server = iox_server_init(&server_room, "Bench", "rr", "call", &options);
	if (!is_polling(run)) {
		wait_set = iox_ws_init(&wait_room);
		iox_ws_attach_server_state(wait_set, server, ServerState_HAS_REQUEST, 1,
		                           NULL);
	}
	for (;;) {
		const void *bytes;

		while (iox_server_take_request(server, &bytes) !=
		       ServerRequestResult_SUCCESS)
			pause_or_wait(run);
		answer(bytes);
	}
}

static void join(struct bench_run *run)
{
	uint64_t             until = bench_now() + 10000000000u;
	iox_client_options_t options;

	enter("client");
	iox_client_options_init(&options);
	client = iox_client_init(&client_room, "Bench", "rr", "call", &options);
	if (!is_polling(run)) {
		wait_set = iox_ws_init(&wait_room);
		iox_ws_attach_client_state(wait_set, client, ClientState_HAS_RESPONSE, 1,
		                           NULL);
	}
	while (iox_client_get_connection_state(client) != ConnectionState_CONNECTED) {
		if (bench_now() > until)
			bench_fail("iceoryx: no connection");
		usleep(1000);
	}
	bench_place_process(getpid(), run->place, 0); /* threads of the runtime too */
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	const void *in;
	void       *out;
	uint64_t    sum, head = len;

	(void)lane;
	if (iox_client_loan_request(client, &out, (uint32_t)(len + 64)) !=
	    AllocationResult_SUCCESS)
		bench_fail("iceoryx: no chunk of %zu bytes", len);
	memcpy(out, &head, sizeof head);
	memcpy((unsigned char *)out + 64, bytes, len);
	iox_client_send(client, out);
	while (iox_client_take_response(client, &in) != ChunkReceiveResult_SUCCESS)
		pause_or_wait(run);
	memcpy(&sum, in, sizeof sum);
	iox_client_release_response(client, in);
	return sum;
}

static void end(struct bench_run *run)
{
	bench_broker_stop(broker);
	remove_files("client", getpid());
	remove_files("server", run->pids[1]); /* after RouDi */
}

int main(int argc, char **argv)
{
	static const struct bench_transport list[] = {
		{ .name = "iceoryx", .size_max = PAYLOAD_MAX, .make = make,
		  .serve = serve, .join = join, .call = call, .end = end },
		{ .name = "iceoryx-poll", .size_max = PAYLOAD_MAX, .is_spinning = 1,
		  .make = make, .serve = serve, .join = join, .call = call, .end = end },
		{ 0 },
	};

	return bench_main(argc, argv, list);
}
