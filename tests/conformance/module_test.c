/* What only module has: a framing that may fail, in any way, and takes the channel with
 * it and nothing else. */
#include "pair.h"

#include "framing.h"

#include "base/memory.h"
#include "protocols/module/module.h"
#include "rules/hook.h"
#include "rules/rule.h"
#include "rules/wasm/build.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As in liar.c. */
enum how {
	HONEST, LOSES, TWICE, CHANGES, INVENTS, LATE, DAMAGED, LONG, GREEDY, SILENT, LOUD, MOST,
	BLIND, REFUSES, TRAPS, LOOPS,
};

static int liar; /* its object */
static int is_wasm;

static void choose(enum how how)
{
	static struct rh_rule_param param = { .name = "how" };
	static char                 text[8];
	struct rh_rule_source       source = {
		.hook = rh_hook_find("protocol"),
		.mode = is_wasm ? RH_RULE_WASM : RH_RULE_NATIVE, .object_fd = liar,
		.limits = { .time_us = 2000 }, .params = &param, .param_count = 1,
	};

	snprintf(text, sizeof text, "%d", how);
	param.value = text;
	framing_use(&source);
	framing_why[0] = 0;
}

/* Sends calls until one side says that it is over; returns how many came out.  More than
 * 100 calls: it did not notice. */
static uint64_t use(struct pair *pair, int *ret_submit, int *ret_poll, uint32_t len)
{
	struct rh_msg_head head;
	const void        *body;
	uint64_t           got = 0;

	*ret_submit = *ret_poll = RH_OK;
	for (uint64_t call = 0; call < 100 && *ret_submit == RH_OK; call++) {
		head = message(RH_MSG_CALL, call, len);
		*ret_submit = pair->protocol->submit(pair->caller, &head, message_body(call));
		while ((*ret_poll = pair->protocol->poll(pair->callee, &head, &body)) == 1) {
			assert_int_equal(head.call, got++); /* each once, in order */
			message_verify(&head, body);
			pair->protocol->release(pair->callee);
		}
		if (*ret_poll != RH_EAGAIN)
			break;
	}
	return got;
}

/* After so many good messages, at that side, and it says why. */
static void fails(enum how how, int is_sender, uint64_t good, const char *why)
{
	struct pair pair;
	int         submit, poll;

	choose(how);
	pair_open(&pair);
	assert_int_equal(use(&pair, &submit, &poll, 500), good);
	assert_int_equal(is_sender ? submit : poll, RH_ERULE);
	if (!strstr(framing_why, why))
		fail_msg("%d: \"%s\", not \"%s\"", how, framing_why, why);
	/* It stays so, nobody sleeps over it, and both can be closed. */
	void *state = is_sender ? pair.caller : pair.callee;
	struct rh_msg_head head = message(RH_MSG_CALL, 1, 1);
	const void        *body;
	assert_int_equal(pair.protocol->submit(state, &head, "1"), RH_ERULE);
	assert_int_equal(pair.protocol->poll(state, &head, &body), RH_ERULE);
	assert_int_equal(pair.protocol->arm(state, BOTH), RH_EAGAIN);
	pair_close(&pair);
}

static void a_receiver_that_lies_ends_the_channel(void **unused)
{
	(void)unused;
	fails(LOSES, 0, 2, "lost a message");
	fails(TWICE, 0, 3, "received one twice");
	fails(CHANGES, 0, 2, "not as it was sent");
	fails(INVENTS, 0, 2, "never sent");
	fails(LATE, 0, 2, "lost a message");
	fails(DAMAGED, 0, 2, "damaged: -1");
	fails(LONG, 0, 2, "a length that cannot be: 16385");
	fails(GREEDY, 0, 2, "used a number of bytes that cannot be: 70000");
	fails(BLIND, 0, 2, "lost a message");
}

static void a_sender_that_lies_ends_the_channel(void **unused)
{
	(void)unused;
	fails(SILENT, 1, 2, "rh_protocol_send said a number of bytes that cannot be: 0");
	fails(LOUD, 1, 2, "rh_protocol_send said a number of bytes that cannot be");
	fails(MOST, 1, 0, "rh_protocol_most said a number of bytes that cannot be: 70000");
}

static void a_trap_or_a_loop_ends_the_channel(void **unused)
{
	(void)unused;
	if (!is_wasm)
		skip();
	fails(TRAPS, 1, 2, "the rule was stopped in rh_protocol_send: it gave up");
	fails(LOOPS, 1, 2, "the rule was stopped in rh_protocol_send");
}

static void an_honest_one_goes_on(void **unused)
{
	struct pair pair;
	int         submit, poll;

	(void)unused;
	choose(HONEST);
	pair_open(&pair);
	assert_int_equal(use(&pair, &submit, &poll, 40000), 100);
	assert_int_equal(submit, RH_OK);
	assert_int_equal(poll, RH_EAGAIN);
	pair_close(&pair);
}

/* The rule has one place for bytes: those that it was shown and has not used are shown
 * again after it made others there. */
static void a_send_between_two_messages_harms_neither(void **unused)
{
	struct pair pair;

	(void)unused;
	choose(HONEST);
	pair_open(&pair);
	for (uint64_t call = 0; call < 5; call++)
		pair_send(&pair, pair.caller, RH_MSG_CALL, call, 100);
	for (uint64_t call = 0; call < 5; call++) {
		pair_receive(&pair, pair.callee, RH_MSG_CALL, call, 100);
		pair_send(&pair, pair.callee, RH_MSG_REPLY, call, 9000);
		pair_receive(&pair, pair.caller, RH_MSG_REPLY, call, 9000);
	}
	pair_close(&pair);
}

/* Another rule, or another version of it, at the other end. */
static void refuses_another_rule_at_the_other_end(void **unused)
{
	struct rh_framing framing;
	struct rh_offer   offer;
	struct pair       pair;
	int               before;

	(void)unused;
	choose(HONEST);
	before = count_fds();
	pair_offer(&pair, &offer);
	framing = *framing_load(1);
	framing.id++;
	pair.config.framing = &framing;
	assert_int_equal(pair.protocol->accept(pair.callee, &pair.config, &offer, &pair.diag),
	                 RH_EPROTO);
	assert_non_null(strstr(pair.diag.text, "another rule"));
	pair_close(&pair);
	assert_int_equal(count_fds(), before);
}

static void says_that_there_is_no_rule(void **unused)
{
	struct rh_offer offer;
	struct pair     pair = { .protocol = traits.protocol };

	(void)unused;
	pair_config(&pair.config);
	pair.caller = pair_state(pair.protocol);
	assert_int_equal(pair.protocol->offer(pair.caller, &pair.config, &offer, &pair.diag),
	                 RH_ENOSYS);
	assert_non_null(strstr(pair.diag.text, "has no rule for its protocol"));
	free(pair.caller);
}

/* The memory of a channel as its ends share it. */
static struct rh_module_memory *open_watched(struct pair *pair)
{
	struct rh_offer          offer;
	struct rh_module_memory *memory;

	pair_offer(pair, &offer);
	memory = mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE, MAP_SHARED, offer.fds[0], 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(pair_accept(pair, &offer), RH_OK);
	return memory;
}

static void crc_refuses_what_is_damaged(void **unused)
{
	struct rh_module_memory *memory;
	struct rh_msg_head       head;
	const void              *body;
	struct pair              pair;

	(void)unused;
	for (uint32_t at = 0; at < 8 + 8 + 64 + 300; at += 7) {
		assert_true(framing_choose("module-crc"));
		memory = open_watched(&pair);
		pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 300);
		memory->ways[0].bytes[at] ^= 0x10;
		assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), RH_ERULE);
		munmap(memory, sizeof *memory);
		pair_close(&pair);
	}
}

static void lines_are_readable(void **unused)
{
	struct rh_module_memory *memory;
	struct pair              pair;
	unsigned char           *line;

	(void)unused;
	assert_true(framing_choose("module-lines"));
	memory = open_watched(&pair);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 3);
	line = memory->ways[0].bytes;
	assert_int_equal(strspn((char *)line, "0123456789abcdef"), 2 * (8 + 64 + 3));
	assert_int_equal(line[2 * (8 + 64 + 3)], '\n');
	munmap(memory, sizeof *memory);
	pair_close(&pair);
}

/* ---- what the test is made of ---- */

static int object_of(const char *path)
{
	static unsigned char bytes[1 << 20];
	int                  fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t              len = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	struct rh_build      build = {
		.hook = rh_hook_find("protocol"), .module = bytes, .module_bytes = (size_t)len,
	};
	struct rh_built      built = { .fd = -1 };
	struct rh_diag       diag = { 0 };

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return -1;
	if (!is_wasm)
		return rh_memory_freeze(bytes, (size_t)len);
	if (rh_build_run(&build, &built, &diag) < 0)
		print_error("%s\n", diag.text);
	return built.fd;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receiver_that_lies_ends_the_channel),
		cmocka_unit_test(a_sender_that_lies_ends_the_channel),
		cmocka_unit_test(a_trap_or_a_loop_ends_the_channel),
		cmocka_unit_test(an_honest_one_goes_on),
		cmocka_unit_test(a_send_between_two_messages_harms_neither),
		cmocka_unit_test(refuses_another_rule_at_the_other_end),
		cmocka_unit_test(says_that_there_is_no_rule),
		cmocka_unit_test(crc_refuses_what_is_damaged),
		cmocka_unit_test(lines_are_readable),
	};

	if (argc != 2) {
		print_error("usage: module_test LIAR\n");
		return 2;
	}
	is_wasm = strstr(argv[1], ".wasm") != NULL;
	liar = object_of(argv[1]);
	traits_init("module");
	return liar < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
