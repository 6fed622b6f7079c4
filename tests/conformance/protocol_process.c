/* The two sides of a channel as two processes, one of which may be killed at any
 * moment, over each protocol: protocol_process NAME. */
#include "flow.h"

#include "base/socket.h"
#include "protocols/msgqueue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* 1 while a queue of the pair has a name. */
static int has_names(const struct pair *pair)
{
	struct rh_queue_names names;
	int                   found = 0;

	assert_int_equal(rh_queue_names(&pair->config, &names, NULL), RH_OK);
	for (int i = 0; i < 2; i++) {
		mqd_t queue = mq_open(i ? names.reply : names.request, O_RDONLY);

		if (queue >= 0)
			mq_close(queue);
		found |= queue >= 0;
	}
	return found;
}

static void wait_for(pid_t child, int killed)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (killed)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		assert_int_equal(status, 0);
}

static void drop_offer(struct rh_offer *offer)
{
	for (uint32_t i = 0; i < offer->fd_count; i++)
		close(offer->fds[i]);
}

/* Runs the callee's side in a child; returns its pid. */
static pid_t fork_callee(struct pair *pair, struct rh_offer *offer, struct flow *flow)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child > 0) {
		drop_offer(offer);
		return child;
	}
	const char *wrong = pair_accept(pair, offer) < 0 ? pair->diag.text
	                                                 : flow_callee(flow);
	if (wrong)
		print_error("child: %s\n", wrong);
	_exit(wrong != NULL);
}

static void carries_calls_between_processes(void **unused)
{
	struct pair     pair;
	struct rh_offer offer;
	struct flow     flow = { .pair = &pair, .calls = 20000, .seed = 21 };

	(void)unused;
	message_body(0);
	pair_offer(&pair, &offer);
	pid_t       child = fork_callee(&pair, &offer, &flow);
	const char *wrong = flow_caller(&flow);

	if (wrong)
		fail_msg("caller: %s", wrong);
	wait_for(child, 0);
	pair_close(&pair);
	assert_false(has_names(&pair));
}

/* Submits and polls for as long as the channel lets it; never waits. */
static void use_alone(struct pair *pair, void *state, uint8_t kind)
{
	struct rh_msg_head head;
	const void        *body;
	int                r = RH_OK;

	for (uint64_t call = 0; call < 2000 && r == RH_OK; call++) {
		head = message(kind, call, 1000);
		r = pair->protocol->submit(state, &head, message_body(call));
	}
	for (r = 1; r == 1;) {
		r = pair->protocol->poll(state, &head, &body);
		if (r == 1)
			pair->protocol->release(state);
	}
	assert_true(r == RH_EAGAIN || r == RH_ELOST);
	pair->protocol->arm(state, BOTH);
}

/* A new channel of the same pair works. */
static void works_again(void)
{
	struct pair pair;
	struct flow flow = { .pair = &pair, .calls = 300, .seed = 5 };

	pair_open(&pair);
	flow_run(&flow);
	pair_close(&pair);
	assert_false(has_names(&pair));
}

static void outlives_a_killed_callee(void **unused)
{
	(void)unused;
	message_body(0);
	for (uint64_t round = 0; round < 20; round++) {
		int             before = count_fds();
		struct pair     pair;
		struct rh_offer offer;
		struct flow     endless = { .pair = &pair, .calls = UINT64_MAX, .seed = round,
		                            .len_max = 5000 };

		pair_offer(&pair, &offer);
		pid_t child = fork_callee(&pair, &offer, &endless);

		/* The callee checks lengths that depend on the seed. */
		struct flow some = endless;
		some.calls = 50 + round * 37;
		const char *wrong = flow_caller(&some);
		if (wrong)
			fail_msg("caller: %s", wrong);
		kill(child, SIGKILL);
		use_alone(&pair, pair.caller, RH_MSG_CALL);
		wait_for(child, 1);
		use_alone(&pair, pair.caller, RH_MSG_CALL);
		pair_close(&pair);
		assert_false(has_names(&pair));
		assert_int_equal(count_fds(), before);
	}
	works_again();
}

/* The caller's side: offers, sends the offer, submits, and waits to be killed. */
static void be_caller(struct pair *pair, int socket_fd, int submits)
{
	struct rh_offer         offer;
	struct rh_record_writer writer;
	unsigned char           records[1024];

	pair_offer(pair, &offer);
	for (int call = 0; call < submits; call++)
		pair_send(pair, pair->caller, RH_MSG_CALL, (uint64_t)call, 600);
	rh_record_begin(&writer, records, sizeof records);
	rh_record_put(&writer, RH_TAG_OFFER, offer.bytes, offer.len);
	rh_socket_send(socket_fd, RH_FRAME_CHANNEL, 1, &writer, offer.fds, offer.fd_count);
	for (;;)
		pause();
}

static void receive_offer(int socket_fd, struct rh_offer *ret_offer)
{
	static unsigned char buffer[RH_FRAME_MAX];
	struct rh_frame      frame;
	struct rh_record     record;

	memset(ret_offer, 0, sizeof *ret_offer);
	assert_int_equal(rh_socket_receive(socket_fd, buffer, &frame), RH_OK);
	assert_int_equal(rh_record_find(&frame.records, RH_TAG_OFFER, &record), RH_OK);
	assert_true(record.len <= sizeof ret_offer->bytes);
	memcpy(ret_offer->bytes, record.bytes, record.len);
	ret_offer->len = record.len;
	ret_offer->fd_count = frame.fd_count;
	for (unsigned i = 0; i < frame.fd_count; i++)
		ret_offer->fds[i] = rh_frame_take_fd(&frame, i);
}

static pid_t fork_caller(struct pair *pair, int sockets[2], int submits)
{
	assert_int_equal(rh_socket_pair(0, sockets), RH_OK);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		be_caller(pair, sockets[1], submits);
	close(sockets[1]);
	return child;
}

static void outlives_a_killed_caller(void **unused)
{
	(void)unused;
	message_body(0);
	for (int round = 0; round < 10; round++) {
		int             before = count_fds(), sockets[2];
		struct pair     theirs, pair = { .protocol = traits.protocol };
		struct rh_offer offer;
		pid_t           child = fork_caller(&theirs, sockets, 4);

		receive_offer(sockets[0], &offer);
		close(sockets[0]);
		/* The names are of the child's system. */
		pair_config(&pair.config);
		static char system[32];
		snprintf(system, sizeof system, "test%d", (int)child);
		pair.config.system = system;
		pair.callee = pair_state(pair.protocol);
		pair.caller = pair_state(pair.protocol);
		assert_int_equal(pair_accept(&pair, &offer), RH_OK);
		for (uint64_t call = 0; call < 4; call++) {
			if (call == 2) {
				kill(child, SIGKILL);
				wait_for(child, 1);
			}
			pair_receive(&pair, pair.callee, RH_MSG_CALL, call, 600);
		}
		use_alone(&pair, pair.callee, RH_MSG_EVENT);
		pair_close(&pair);
		assert_false(has_names(&pair)); /* the survivor removed them */
		assert_int_equal(count_fds(), before);
	}
	works_again();
}

/* Killed before anybody joined: only the names are left, for the next to replace. */
static void replaces_what_a_killed_caller_left(void **unused)
{
	struct pair     theirs, pair = { .protocol = traits.protocol };
	struct rh_offer offer;
	int             sockets[2];
	static char     system[32];
	pid_t           child = fork_caller(&theirs, sockets, 3);

	(void)unused;
	receive_offer(sockets[0], &offer);
	close(sockets[0]);
	drop_offer(&offer);
	kill(child, SIGKILL);
	wait_for(child, 1);

	pair_config(&pair.config);
	snprintf(system, sizeof system, "test%d", (int)child);
	pair.config.system = system;
	assert_int_equal(has_names(&pair), strcmp(traits.protocol->name, "msgqueue") == 0);
	pair.caller = pair_state(pair.protocol);
	pair.callee = pair_state(pair.protocol);
	assert_int_equal(pair_offer_again(&pair, &offer), RH_OK);
	assert_int_equal(pair_accept(&pair, &offer), RH_OK);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 10);
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 0, 10); /* not the old ones */
	pair_close(&pair);
	assert_false(has_names(&pair));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_calls_between_processes),
		cmocka_unit_test(outlives_a_killed_callee),
		cmocka_unit_test(outlives_a_killed_caller),
		cmocka_unit_test(replaces_what_a_killed_caller_left),
	};
	const char *name = argc > 1 ? argv[1] : "";

	if (!traits_init(name) || traits.one_process || traits.is_lossy) {
		print_error("usage: protocol_process NAME\n");
		return 2;
	}
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
