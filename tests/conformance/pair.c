#include "pair.h"

#include "framing.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct traits traits;

int traits_init(const char *name)
{
	int has_framing = strncmp(name, "module-", strlen("module-")) == 0;

	if (has_framing && !framing_choose(name))
		return 0;
	traits = (struct traits){
		.protocol = rh_protocol_find(has_framing ? "module" : name),
		.has_framing = has_framing,
		.only_calls = strcmp(name, "bind") == 0,
		.one_process = strcmp(name, "null") == 0,
		.is_lossy = strcmp(name, "lossy") == 0,
	};
	return traits.protocol != NULL;
}

void *pair_state(const struct rh_protocol *protocol)
{
	size_t bytes = ((size_t)protocol->state_bytes + 63) & ~(size_t)63;
	void  *state = aligned_alloc(64, bytes);

	assert_non_null(state);
	memset(state, 0, bytes);
	return state;
}

void pair_config(struct rh_channel_config *config)
{
	static char system[32];

	snprintf(system, sizeof system, "test%d", (int)getpid());
	*config = (struct rh_channel_config){
		.system = system, .caller = "httpclient", .callee = "net_driver", .id = 1,
	};
}

void pair_offer(struct pair *pair, struct rh_offer *ret_offer)
{
	memset(pair, 0, sizeof *pair);
	pair->protocol = traits.protocol;
	pair_config(&pair->config);
	pair->caller = pair_state(pair->protocol);
	pair->callee = pair_state(pair->protocol);
	int r = pair_offer_again(pair, ret_offer);
	if (r < 0)
		print_error("offer: %s\n", pair->diag.text);
	assert_int_equal(r, RH_OK);
}

int pair_offer_again(struct pair *pair, struct rh_offer *ret_offer)
{
	pair->config.framing = framing_load(0);
	return pair->protocol->offer(pair->caller, &pair->config, ret_offer, &pair->diag);
}

int pair_accept(struct pair *pair, struct rh_offer *offer)
{
	pair->config.framing = framing_load(1);
	return pair->protocol->accept(pair->callee, &pair->config, offer, &pair->diag);
}

void pair_open(struct pair *pair)
{
	struct rh_offer offer;

	pair_offer(pair, &offer);
	int r = pair_accept(pair, &offer);
	if (r < 0)
		print_error("accept: %s\n", pair->diag.text);
	assert_int_equal(r, RH_OK);
}

void pair_close(struct pair *pair)
{
	pair->protocol->close(pair->caller);
	pair->protocol->close(pair->callee);
	free(pair->caller);
	free(pair->callee);
}

struct rh_msg_head message(uint8_t kind, uint64_t call, uint32_t len)
{
	return (struct rh_msg_head){
		.kind = kind, .version = RH_WIRE_VERSION, .len = len, .call = call,
		.function = call * 3, .attachment = 7, .deadline = call + 1,
		.status = -(int32_t)(call % 100), .context = 5, .reply_cap = len,
	};
}

const void *message_body(uint64_t call)
{
	static unsigned char pattern[RH_PAYLOAD_ARENA_MAX + 512];

	if (pattern[1] == 0) {
		uint64_t seed = 42;

		for (size_t i = 0; i < sizeof pattern; i++)
			pattern[i] = (unsigned char)(number_random(&seed) | 1);
	}
	return pattern + call % 509;
}

void message_verify(const struct rh_msg_head *head, const void *body)
{
	if (head->len > 0)
		assert_memory_equal(body, message_body(head->call), head->len);
}

enum { LOSSY_TRIES = 1000 };

void pair_send(struct pair *pair, void *state, uint8_t kind, uint64_t call,
               uint32_t len)
{
	struct rh_msg_head head = message(kind, call, len);
	int tries = traits.is_lossy ? LOSSY_TRIES : 1, r = RH_EAGAIN;

	while (r == RH_EAGAIN && tries-- > 0)
		r = pair->protocol->submit(state, &head, message_body(call));
	assert_int_equal(r, RH_OK);
}

void pair_receive(struct pair *pair, void *state, uint8_t kind, uint64_t call,
                  uint32_t len)
{
	void *other = state == pair->caller ? pair->callee : pair->caller;
	int   tries = traits.is_lossy ? LOSSY_TRIES : 1, r = RH_EAGAIN;
	struct rh_msg_head head;
	const void        *body;

	while (r == RH_EAGAIN && tries-- > 0) {
		r = pair->protocol->poll(state, &head, &body);
		if (r == RH_EAGAIN) /* what the other side delays leaves when it arms */
			pair->protocol->arm(other, MESSAGE);
	}
	assert_int_equal(r, 1);
	assert_int_equal(head.kind, kind);
	assert_int_equal(head.call, call);
	assert_int_equal(head.len, len);
	message_verify(&head, body);
	pair->protocol->release(state);
}

int pair_is_ready(struct pair *pair, void *state, int wants, int timeout_ms)
{
	struct rh_watch_set set;
	struct pollfd       polls[RH_WATCH_MAX];

	pair->protocol->watch(state, wants, &set);
	assert_in_range(set.count, 1, RH_WATCH_MAX);
	for (uint32_t i = 0; i < set.count; i++)
		polls[i] = (struct pollfd){ .fd = set.fds[i], .events = set.events[i] };
	return poll(polls, set.count, timeout_ms) > 0;
}

uint64_t number_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

uint32_t size_random(uint64_t *seed)
{
	uint64_t draw = number_random(seed) % 1000;
	uint64_t size = number_random(seed);

	if (draw < 2)
		return (uint32_t)(size % (RH_PAYLOAD_ARENA_MAX + 1));
	if (draw < 50)
		return (uint32_t)(size % 20000);
	return (uint32_t)(size % 600);
}

int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int  count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}
