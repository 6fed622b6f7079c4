/* What the other side of a channel may do without hurting this one, over each
 * protocol with shared memory: protocol_hostile NAME. */
#include "pair.h"

#include "protocols/shm/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Offers that are not what they say. */

static void refuse(struct pair *pair, struct rh_offer *offer, int fds_before)
{
	pair->diag.text[0] = 0;
	assert_int_equal(pair_accept(pair, offer), RH_EPROTO);
	assert_true(strlen(pair->diag.text) > 10);
	pair_close(pair);
	assert_int_equal(count_fds(), fds_before);
}

static void refuses_an_offer_with_any_other_byte(void **unused)
{
	int             before = count_fds();
	struct pair     pair;
	struct rh_offer offer;

	(void)unused;
	for (uint32_t i = 0; i < 32; i++) {
		pair_offer(&pair, &offer);
		assert_int_equal(offer.len, 32);
		offer.bytes[i] ^= 0x40;
		refuse(&pair, &offer, before);
	}
	for (uint32_t len = 0; len <= RH_OFFER_BYTES_MAX; len += 31) {
		pair_offer(&pair, &offer);
		offer.len = len;
		refuse(&pair, &offer, before);
	}
}

static int make_memfd(off_t bytes, int seals)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Everything a descriptor should not be. */
static int wrong_fd(int kind, off_t bytes)
{
	int pair[2];

	switch (kind) {
	case 0: return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1: return make_memfd(bytes, 0);
	case 2: return make_memfd(bytes - 4096, F_SEAL_GROW | F_SEAL_SHRINK);
	case 3: return make_memfd(bytes + 4096, F_SEAL_GROW | F_SEAL_SHRINK);
	case 4: return make_memfd(bytes, F_SEAL_GROW);
	case 5: return epoll_create1(EPOLL_CLOEXEC);
	case 6: return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	case 7: return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 8:
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		close(pair[1]);
		return pair[0];
	case 9:
		assert_int_equal(pipe(pair), 0);
		close(pair[0]);
		return pair[1];
	default: return -1;
	}
}

static void refuses_descriptors_of_any_other_kind(void **unused)
{
	int             before = count_fds();
	struct pair     pair;
	struct rh_offer offer;
	struct stat     st;
	uint32_t        count = 1;

	(void)unused;
	for (uint32_t i = 0; i < count; i++) {
		for (int kind = 0; kind < 11; kind++) {
			pair_offer(&pair, &offer);
			count = offer.fd_count;
			assert_int_equal(fstat(offer.fds[0], &st), 0);
			close(offer.fds[i]);
			offer.fds[i] = wrong_fd(kind, st.st_size);
			refuse(&pair, &offer, before);
		}
	}
}

static void refuses_too_few_or_too_many_descriptors(void **unused)
{
	int             before = count_fds();
	struct pair     pair;
	struct rh_offer offer;

	(void)unused;
	pair_offer(&pair, &offer);
	close(offer.fds[--offer.fd_count]);
	refuse(&pair, &offer, before);

	pair_offer(&pair, &offer);
	if (offer.fd_count < RH_OFFER_FDS_MAX)
		offer.fds[offer.fd_count++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	refuse(&pair, &offer, before);

	pair_offer(&pair, &offer);
	for (uint32_t i = 0; i < offer.fd_count; i++)
		close(offer.fds[i]);
	offer.fd_count = 0;
	refuse(&pair, &offer, before);
}

/* Junk in the shared memory. */

struct victim {
	struct pair        pair;
	volatile uint32_t *words;
	size_t             count;
	uintptr_t          ranges[8][2]; /* where a lent body may lie */
	int                range_count;
};

static void find_ranges(struct victim *victim)
{
	FILE         *maps = fopen("/proc/self/maps", "re");
	char          line[512];
	unsigned long from, to;

	assert_non_null(maps);
	victim->range_count = 0;
	while (fgets(line, sizeof line, maps)) {
		if (!strstr(line, "/memfd:rhodes-") ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		assert_in_range(victim->range_count, 0, 5);
		victim->ranges[victim->range_count][0] = from;
		victim->ranges[victim->range_count++][1] = to;
	}
	fclose(maps);
	for (int i = 0; i < 2; i++) { /* msgqueue lends from its state */
		uintptr_t state = (uintptr_t)(i ? victim->pair.caller : victim->pair.callee);

		victim->ranges[victim->range_count][0] = state;
		victim->ranges[victim->range_count++][1] =
			state + victim->pair.protocol->state_bytes;
	}
}

static int is_inside(const struct victim *victim, const void *body, uint32_t len)
{
	uintptr_t at = (uintptr_t)body;

	for (int i = 0; i < victim->range_count; i++) {
		if (at >= victim->ranges[i][0] && at <= victim->ranges[i][1] &&
		    len <= victim->ranges[i][1] - at)
			return 1;
	}
	return 0;
}

/* Some messages of each kind wait in each direction. */
static void victim_open(struct victim *victim)
{
	struct rh_offer offer;
	struct stat     st;

	pair_offer(&victim->pair, &offer);
	assert_int_equal(fstat(offer.fds[0], &st), 0);
	victim->count = (size_t)st.st_size / 4;
	victim->words = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	                     offer.fds[0], 0);
	assert_ptr_not_equal(victim->words, MAP_FAILED);
	assert_int_equal(pair_accept(&victim->pair, &offer), RH_OK);
	if (!traits.has_framing) /* those lend from memory of their own */
		find_ranges(victim);
	for (uint64_t call = 0; call < 4; call++) {
		uint32_t len = call % 2 ? 3000 : 40;

		pair_send(&victim->pair, victim->pair.caller, RH_MSG_CALL, call, len);
		if (!traits.only_calls)
			pair_send(&victim->pair, victim->pair.callee, RH_MSG_EVENT, call, len);
	}
}

static void victim_close(struct victim *victim)
{
	munmap((void *)(uintptr_t)victim->words, victim->count * 4);
	pair_close(&victim->pair);
}

static uint64_t touch(const void *body, uint32_t len)
{
	const volatile unsigned char *bytes = body;
	uint64_t                      sum = 0;

	for (uint32_t i = 0; i < len; i += 61)
		sum += bytes[i];
	return len > 0 ? sum + bytes[len - 1] : sum;
}

/* What a framing makes of junk is its failure. */
static int is_broken(int r)
{
	return r == RH_EPROTO || (traits.has_framing && r == RH_ERULE);
}

/* Uses one side; 1 while the channel holds, 0 when it says that it is broken. */
static int use(struct victim *victim, void *state)
{
	const struct rh_protocol *protocol = victim->pair.protocol;
	struct rh_msg_head        head;
	const void               *body;
	int                       r = 1;

	for (int i = 0; i < 3 && r == 1; i++) {
		r = protocol->poll(state, &head, &body);
		if (r != 1)
			break;
		assert_in_range(head.kind, 1, RH_MSG_KINDS - 1);
		assert_int_equal(head.version, RH_WIRE_VERSION);
		assert_true(head.len <= RH_PAYLOAD_ARENA_MAX);
		assert_true(traits.has_framing || is_inside(victim, body, head.len));
		touch(body, head.len);
		protocol->release(state);
		if (traits.only_calls && state == victim->pair.callee) {
			struct rh_msg_head reply = message(RH_MSG_REPLY, head.call, 700);

			r = protocol->submit(state, &reply, message_body(1));
			assert_true(r == RH_OK || r == RH_ELOST || r == RH_EMSGSIZE);
			r = 1;
		}
	}
	assert_true(r == 1 || r == RH_EAGAIN || r == RH_ELOST || is_broken(r));
	if (r == RH_ELOST || is_broken(r))
		return 0;
	for (uint32_t len = 30; len <= 3000 && !traits.only_calls; len += 2970) {
		struct rh_msg_head next = message(RH_MSG_EVENT, len, len);

		r = protocol->submit(state, &next, message_body(len));
		assert_true(r == RH_OK || r == RH_EAGAIN || r == RH_ELOST || is_broken(r));
		if (r == RH_ELOST || is_broken(r))
			return 0;
	}
	for (int wants = MESSAGE; wants <= BOTH; wants++) {
		r = protocol->arm(state, wants);
		assert_true(r == RH_OK || r == RH_EAGAIN);
	}
	return 1;
}

static const uint32_t values[] = {
	0, 1, 2, 0x80, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 0x00400000, 0x00ffffc0,
};

enum { VALUES = sizeof values / sizeof values[0] };

/* Bytes of a ring before its bodies; the other layouts steer with less. */
enum { STEERING = offsetof(struct rh_ring_memory, arena) };

/* The next word worth overwriting: all that steers and some of the bodies.  A file
 * has 4096 bytes of lines and then two rings, or ways, or a page. */
static size_t next_word(const struct victim *victim, size_t word, size_t slots)
{
	size_t bytes = (word + 1) * 4;
	size_t second = 4096 + (victim->count * 4 - 7936) / 2;
	size_t start = bytes < second ? 4096 : second;

	if (bytes < start + STEERING - (RH_RING_SLOTS - slots) * RH_RING_SLOT_BYTES)
		return bytes < 4096 && bytes >= 1024 ? word + 16 : word + 1;
	return bytes < second && bytes + 409640 >= second ? second / 4 : word + 102410;
}

/* A fresh channel for every word that steers one, and every value. */
static void survives_junk_in_a_fresh_channel(void **unused)
{
	struct victim victim;
	size_t        count = 1;

	(void)unused;
	for (size_t word = 0; word < count; word = next_word(&victim, word, 3)) {
		for (int i = 0; i < VALUES; i++) {
			victim_open(&victim);
			count = victim.count;
			victim.words[word] = values[i];
			if (use(&victim, victim.pair.callee))
				use(&victim, victim.pair.caller);
			victim_close(&victim);
		}
	}
}

/* One channel, until it breaks, while every word is overwritten in turn. */
static void survives_junk_in_every_word(void **unused)
{
	struct victim victim;
	uint64_t      seed = 3;

	(void)unused;
	victim_open(&victim);
	for (size_t word = 0; word < victim.count;
	     word = next_word(&victim, word, RH_RING_SLOTS)) {
		uint64_t draw = number_random(&seed);

		victim.words[word] = draw % 4 ? values[draw % VALUES]
		                              : victim.words[word] + (uint32_t)(draw % 7);
		if (use(&victim, victim.pair.callee) && use(&victim, victim.pair.caller))
			continue;
		victim_close(&victim);
		victim_open(&victim);
	}
	victim_close(&victim);
}

struct scribbler {
	struct victim   *victim;
	_Atomic int      stop;
	uint64_t         seed;
};

/* Writes steering words all the time: between a check and a use, too. */
static void *scribble(void *argument)
{
	struct scribbler *scribbler = argument;
	uint64_t          seed = scribbler->seed;

	while (!scribbler->stop) {
		uint64_t draw = number_random(&seed);
		size_t   word = draw % 8 ? (4096 + 128) / 4 + number_random(&seed) % 1024
		                         : number_random(&seed) % (scribbler->victim->count);

		if (draw % 64 == 1)
			word = number_random(&seed) % 48; /* the lines of the sides */
		scribbler->victim->words[word] = values[number_random(&seed) % VALUES];
	}
	return NULL;
}

static void survives_bytes_that_change_while_it_reads(void **unused)
{
	(void)unused;
	for (uint64_t round = 0; round < 400; round++) {
		struct victim    victim;
		struct scribbler scribbler = { .victim = &victim, .seed = round };
		pthread_t        thread;

		victim_open(&victim);
		assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
		for (int i = 0; i < 200; i++) {
			if (!use(&victim, victim.pair.callee) ||
			    !use(&victim, victim.pair.caller))
				break;
		}
		scribbler.stop = 1;
		pthread_join(thread, NULL);
		victim_close(&victim);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_an_offer_with_any_other_byte),
		cmocka_unit_test(refuses_descriptors_of_any_other_kind),
		cmocka_unit_test(refuses_too_few_or_too_many_descriptors),
		cmocka_unit_test(survives_junk_in_a_fresh_channel),
		cmocka_unit_test(survives_junk_in_every_word),
		cmocka_unit_test(survives_bytes_that_change_while_it_reads),
	};
	const char *name = argc > 1 ? argv[1] : "";

	if (!traits_init(name) || traits.one_process || traits.is_lossy) {
		print_error("usage: protocol_hostile NAME\n");
		return 2;
	}
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
