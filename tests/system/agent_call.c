/* Calls through two real agents: carried, waiting, lost, late, and lied about. */
#include "agent_kit.h"

#include "../../base/memory.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct kit_edge edges[] = {
	{ "file", "magic", "shm", RH_OK, NULL },
};

static struct kit_agent caller, callee;
static struct kit_peer  client, server;
static struct kit_page  page, served;
static uint32_t         edge;

static int set_up(void **state)
{
	int r = kit_open(state);

	if (r < 0)
		return r;
	kit_pair(&caller, &callee, edges, 1, &client);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	return 0;
}

static int tear_down(void **state)
{
	kit_page_close(&page);
	kit_detach(&client);
	return kit_close(state);
}

/* One call, so that the served page is there. */
static void join(void)
{
	struct rh_taken taken;
	struct rh_reply reply;
	int             slot;

	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	slot = kit_submit(&page, 1, "first", kit_deadline());
	kit_page_added(&server, &served);
	assert_true(served.attachment == client.attachment);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "ok");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
	assert_int_equal(reply.instance, server.instance);
}

static void calls_are_carried(void **unused)
{
	static char text[RH_PAYLOAD_ARENA_MAX + 1];
	static const size_t sizes[] = {
		0, 1, 63, 448, 449, 4096, 65536, 65537, RH_PAYLOAD_ARENA_MAX,
	};

	(void)unused;
	join();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct rh_request request = {
			.function = 77, .args_len = (uint32_t)sizes[i],
			.deadline = kit_deadline(),
		};
		struct rh_taken taken;
		struct rh_reply reply;
		unsigned char  *args;
		int             slot;

		memset(text, 'a' + (int)i, sizes[i]);
		text[sizes[i]] = 0;
		slot = rh_caller_reserve(&page.caller, request.args_len,
		                         request.args_len, &args);
		assert_true(slot >= 0);
		memcpy(args, text, sizes[i]);
		rh_caller_submit(&page.caller, slot, &request);
		kit_take(&served, &taken);
		assert_int_equal(taken.args_len, sizes[i]);
		assert_memory_equal(taken.args, text, sizes[i]);
		kit_answer(&served, &taken, RH_OK, text);
		kit_collect(&page, slot, &reply);
		assert_int_equal(reply.len, sizes[i]);
		assert_memory_equal(reply.bytes, text, sizes[i]);
	}
	assert_int_equal(kit_counters_edge(&caller, "magic")->calls,
	                 sizeof sizes / sizeof sizes[0] + 1);
	assert_int_equal(kit_counters_edge(&caller, "magic")->errors, 0);
}

static void many_calls_run_in_order_and_may_finish_in_any(void **unused)
{
	struct rh_taken taken[RH_PAGE_SLOTS];
	struct rh_reply reply;
	int             slots[RH_PAGE_SLOTS];
	char            text[2] = "a";

	(void)unused;
	join();
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < (int)RH_PAGE_SLOTS; i++) {
			text[0] = (char)('a' + i);
			slots[i] = kit_submit(&page, 5, text, kit_deadline());
			assert_true(slots[i] >= 0);
		}
		for (int i = 0; i < (int)RH_PAGE_SLOTS; i++) {
			kit_take(&served, &taken[i]);
			assert_int_equal(taken[i].args[0], 'a' + i);
		}
		for (int i = RH_PAGE_SLOTS - 1; i >= 0; i--) {
			text[0] = (char)('A' + i);
			kit_answer(&served, &taken[i], RH_OK, text);
		}
		for (int i = 0; i < (int)RH_PAGE_SLOTS; i++) {
			kit_collect(&page, slots[i], &reply);
			assert_int_equal(reply.bytes[0], 'A' + i);
		}
	}
}

/* A thread whose call takes long does not hold up another thread's. */
static void threads_have_lanes_of_their_own(void **unused)
{
	struct kit_page other, other_served;
	struct rh_taken slow;
	struct rh_reply reply;
	int             slot;

	(void)unused;
	join();
	slot = kit_submit(&page, 1, "slow", kit_deadline());
	kit_take(&served, &slow);
	assert_int_equal(kit_page_get(&client, edge, 0, &other), RH_OK);
	int fast = kit_submit(&other, 2, "fast", kit_deadline());
	kit_page_added(&server, &other_served);
	struct rh_taken taken;
	kit_take(&other_served, &taken);
	kit_answer(&other_served, &taken, RH_OK, "done");
	kit_collect(&other, fast, &reply);
	assert_int_equal(reply.status, RH_OK);
	kit_answer(&served, &slow, RH_OK, "at last");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.len, 7);
	/* The next thread gets the lane, and the page, of one that ended. */
	kit_page_close(&other);
	KIT_UNTIL(kit_counters(&caller)->pages == 1);
	assert_int_equal(kit_page_get(&client, edge, 0, &other), RH_OK);
	kit_echo(&other, &other_served, "again");
	kit_page_close(&other);
	kit_page_close(&other_served);
}

static void send_fds(struct kit_page *from, uint64_t call, const int *fds, unsigned n)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, call);
	kit_send(from->companion, RH_FRAME_FDS, 0, &writer, fds, n);
}

static void assert_same_file(int a, int b)
{
	struct stat left, right;

	assert_int_equal(fstat(a, &left), 0);
	assert_int_equal(fstat(b, &right), 0);
	assert_true(left.st_ino == right.st_ino && left.st_dev == right.st_dev);
}

static void descriptors_go_both_ways(void **unused)
{
	struct rh_request request = { .function = 9, .fds = 2 };
	struct rh_reply   reply = { .fds = 1 };
	struct rh_taken   taken;
	int               pair[2], slot, before_caller, before_callee;

	(void)unused;
	join();
	before_caller = kit_descriptors(caller.pid);
	before_callee = kit_descriptors(callee.pid);
	assert_int_equal(pipe(pair), 0);
	for (int i = 0; i < 40; i++) {
		send_fds(&page, page.caller.next, pair, 2);
		slot = kit_submit_request(&page, &request, "");
		kit_take(&served, &taken);
		assert_int_equal(taken.fds, 2);
		kit_expect(served.companion, RH_FRAME_FDS);
		assert_int_equal(kit_u64(RH_TAG_CALL), taken.sequence);
		assert_int_equal(kit_frame.fd_count, 2);
		assert_same_file(kit_frame.fds[1], pair[1]);
		send_fds(&served, taken.sequence, &kit_frame.fds[0], 1);
		rh_server_finish(&served.server, &taken, &reply);
		struct rh_reply got;
		kit_collect(&page, slot, &got);
		assert_int_equal(got.fds, 1);
		kit_expect(page.companion, RH_FRAME_FDS);
		assert_same_file(kit_frame.fds[0], pair[0]);
	}
	assert_int_equal(kit_descriptors(caller.pid), before_caller);
	assert_int_equal(kit_descriptors(callee.pid), before_callee);
	close(pair[0]);
	close(pair[1]);
}

static void large_payloads_travel_as_memfds(void **unused)
{
	enum { BYTES = 3 << 20 };
	struct rh_request request = {
		.function = 9, .fds = 1, .args_len = BYTES, .flags = RH_SLOT_ARGS_MEMFD,
	};
	struct rh_taken taken;
	struct rh_reply reply = { .fds = 1, .flags = RH_SLOT_REPLY_MEMFD, .len = BYTES };
	char           *bytes = calloc(1, BYTES);
	const void     *at;
	int             memfd, slot;

	(void)unused;
	join();
	bytes[BYTES - 1] = 'z';
	memfd = rh_memory_freeze(bytes, BYTES);
	send_fds(&page, page.caller.next, &memfd, 1);
	slot = kit_submit_request(&page, &request, NULL);
	kit_take(&served, &taken);
	assert_int_equal(taken.args_len, BYTES);
	assert_true(taken.flags & RH_SLOT_ARGS_MEMFD);
	kit_expect(served.companion, RH_FRAME_FDS);
	assert_int_equal(rh_memory_map_frozen(kit_frame.fds[0], BYTES, &at), RH_OK);
	assert_int_equal(((const char *)at)[BYTES - 1], 'z');
	rh_memory_unmap(at, BYTES);
	send_fds(&served, taken.sequence, &memfd, 1);
	rh_server_finish(&served.server, &taken, &reply);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.len, BYTES);
	assert_true(reply.flags & RH_SLOT_REPLY_MEMFD);
	kit_expect(page.companion, RH_FRAME_FDS);
	close(memfd);
	free(bytes);
}

static void send_context(struct kit_page *from, uint32_t id, const char *env)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int                     root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_CONTEXT, id);
	rh_record_put_u32(&writer, RH_TAG_UMASK, 027);
	rh_record_put_text(&writer, RH_TAG_ENV, env);
	kit_send(from->companion, RH_FRAME_CONTEXT, 0, &writer, &root, 1);
	close(root);
}

static void call_with_context(uint32_t id)
{
	struct rh_request request = { .function = 4, .context = id };
	struct rh_taken   taken;
	struct rh_reply   reply;
	int               slot = kit_submit_request(&page, &request, "");

	kit_take(&served, &taken);
	assert_int_equal(taken.context, id);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
}

static void contexts_go_once_and_before_the_call(void **unused)
{
	char          text[32];
	struct pollfd look;

	(void)unused;
	join();
	send_context(&page, 3, "TZ=UTC");
	call_with_context(3);
	kit_expect(served.companion, RH_FRAME_CONTEXT);
	assert_int_equal(kit_u32(RH_TAG_CONTEXT), 3);
	assert_int_equal(kit_u32(RH_TAG_UMASK), 027);
	assert_int_equal(rh_record_text(&kit_frame.records, RH_TAG_ENV, text,
	                                sizeof text), RH_OK);
	assert_string_equal(text, "TZ=UTC");
	assert_int_equal(kit_frame.fd_count, 1);
	call_with_context(3);
	look = (struct pollfd){ .fd = served.companion, .events = POLLIN };
	assert_int_equal(poll(&look, 1, 0), 0); /* not again */
	send_context(&page, 4, "TZ=CET");
	call_with_context(4);
	kit_expect(served.companion, RH_FRAME_CONTEXT);
	assert_int_equal(kit_u32(RH_TAG_CONTEXT), 4);
}

/* ---- waiting and being late --------------------------------------------- */

static void a_call_waits_for_an_instance(void **unused)
{
	(void)unused;
	join(); /* which submits only after the instance is up */
	kit_detach(&server);
	KIT_UNTIL(kit_counters(&callee)->instances == 0);
	int slot = kit_submit(&page, 6, "wait", kit_deadline());
	struct rh_reply reply;
	struct rh_taken taken;
	KIT_UNTIL(kit_counters(&callee)->links == 1);
	assert_int_equal(rh_caller_collect(&page.caller, slot, &reply), RH_EAGAIN);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	kit_page_close(&served);
	kit_page_added(&server, &served);
	kit_take(&served, &taken);
	assert_int_equal(taken.function, 6);
	kit_answer(&served, &taken, RH_OK, "now");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
}

static void without_an_instance_the_deadline_says_so(void **unused)
{
	struct rh_reply reply;
	int             slot = kit_submit(&page, 6, "wait",
	                                  rh_clock_ns() + 50 * RH_NS_PER_MS);

	(void)unused;
	kit_collect(&page, slot, &reply);
	/* Told by the caller's agent or by the callee's: whoever was first. */
	assert_true(reply.status == RH_EDOWN || reply.status == RH_ETIMEDOUT);
	assert_true(reply.len > 0);
	join(); /* and it did not run: the first call to be served is this one */
}

/* Refused at once when it is late already, and for sure. */
static void a_late_call_never_leaves(void **unused)
{
	struct rh_reply reply;
	int             slot;

	(void)unused;
	join();
	slot = kit_submit(&page, 6, "late", 1);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_ETIMEDOUT);
	assert_true(reply.flags & RH_SLOT_SURE);
	assert_int_equal(rh_server_has_call(&served.server), 0);
}

/* It runs and is not answered in time: nobody knows whether it ran. */
static void a_call_that_takes_too_long_is_over(void **unused)
{
	struct rh_reply reply;
	struct rh_taken taken;
	int             slot;

	(void)unused;
	join();
	slot = kit_submit(&page, 6, "long", rh_clock_ns() + 100 * RH_NS_PER_MS);
	kit_take(&served, &taken);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_ETIMEDOUT);
	assert_false(reply.flags & RH_SLOT_SURE);
	kit_answer(&served, &taken, RH_OK, "too late");
	kit_echo(&page, &served, "the next one is not confused");
}

/* It stands in the slot of the late one, and is under way when the late answer comes. */
static void a_late_answer_is_for_nobody(void **unused)
{
	_Atomic uint32_t *agent_took = &page.caller.page.head->by_server.taken;
	struct rh_reply   reply;
	struct rh_taken   late, taken;
	int               slot;

	(void)unused;
	join();
	slot = kit_submit(&page, 6, "long", rh_clock_ns() + 100 * RH_NS_PER_MS);
	kit_take(&served, &late);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_ETIMEDOUT);
	for (unsigned i = 1; i < RH_PAGE_SLOTS; i++)
		kit_echo(&page, &served, "round the ring");
	assert_int_equal(kit_submit(&page, 6, "mine", kit_deadline()), slot);
	KIT_UNTIL(atomic_load(agent_took) == page.caller.next);
	kit_answer(&served, &late, RH_OK, "too late");
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "in time");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.len, 7);
	assert_memory_equal(reply.bytes, "in time", 7);
}

/* Without a link nothing is taken, so cancelling is certain; and what is late is
 * answered by the agent itself. */
static void without_a_link_calls_stay_the_callers(void **unused)
{
	struct rh_reply reply;
	int             first, second;

	(void)unused;
	join();
	kit_agent_kill(&callee, SIGKILL);
	KIT_UNTIL(kit_counters_edge(&caller, "magic")->waiting == 1);
	first = kit_submit(&page, 6, "one", rh_clock_ns() + 100 * RH_NS_PER_MS);
	second = kit_submit(&page, 6, "two", kit_deadline());
	kit_collect(&page, first, &reply);
	assert_int_equal(reply.status, RH_ETIMEDOUT);
	assert_true(reply.flags & RH_SLOT_SURE);
	assert_int_equal(rh_caller_abandon(&page.caller, second, 0), RH_OK);
}

/* ---- loss --------------------------------------------------------------- */

static void an_agent_that_dies_loses_what_it_had(void **unused)
{
	struct rh_reply reply;
	struct rh_taken taken;
	int             slot, waiting;

	(void)unused;
	join();
	slot = kit_submit(&page, 6, "gone", kit_deadline());
	kit_take(&served, &taken);
	kit_agent_kill(&callee, SIGKILL);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_ELOST);
	assert_false(reply.flags & RH_SLOT_SURE);
	/* The next call waits until the agent and an instance are back. */
	waiting = kit_submit(&page, 6, "later", kit_deadline());
	kit_agent_start(&callee, "magic");
	kit_apply(&callee, 1, "bytes", edges, 1);
	kit_detach(&server);
	kit_page_close(&served);
	uint32_t before = server.instance;
	assert_int_equal(kit_serve(&server, "magic", "bytes", before), RH_OK);
	assert_int_equal(server.instance, before); /* handles stay valid */
	kit_page_added(&server, &served);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "back");
	kit_collect(&page, waiting, &reply);
	assert_int_equal(reply.status, RH_OK);
	assert_int_equal(kit_counters_edge(&caller, "magic")->lost, 1);
}

/* Of three calls one is finished, one runs, one waits when the instance goes. */
static void an_instance_that_dies_loses_only_what_ran(void **unused)
{
	struct kit_peer second;
	struct kit_page second_page;
	struct rh_taken taken[2];
	struct rh_reply reply;
	int             slots[3];

	(void)unused;
	join();
	for (int i = 0; i < 3; i++)
		slots[i] = kit_submit(&page, (uint64_t)i + 1, "x", kit_deadline());
	kit_take(&served, &taken[0]);
	kit_take(&served, &taken[1]);
	KIT_UNTIL(rh_server_has_call(&served.server));
	kit_answer(&served, &taken[0], RH_OK, "done");
	assert_int_equal(kit_serve(&second, "magic", "bytes", 0), RH_OK);
	assert_true(second.instance != server.instance);
	kit_detach(&server);
	kit_collect(&page, slots[0], &reply);
	assert_int_equal(reply.status, RH_OK);
	kit_collect(&page, slots[1], &reply);
	assert_int_equal(reply.status, RH_ELOST);
	assert_false(reply.flags & RH_SLOT_SURE);
	kit_page_added(&second, &second_page);
	kit_take(&second_page, &taken[0]);
	assert_int_equal(taken[0].function, 3);
	kit_answer(&second_page, &taken[0], RH_OK, "elsewhere");
	kit_collect(&page, slots[2], &reply);
	assert_int_equal(reply.status, RH_OK);
	assert_int_equal(reply.instance, second.instance);
}

static void a_call_for_an_instance_that_is_gone_did_not_run(void **unused)
{
	struct rh_request request = { .function = 1, .instance = 0x1234567 };
	struct rh_reply   reply;
	int               slot;

	(void)unused;
	join();
	if (request.instance == server.instance)
		request.instance++;
	slot = kit_submit_request(&page, &request, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_EGONE);
	assert_true(reply.flags & RH_SLOT_SURE);
	request.instance = server.instance;
	slot = kit_submit_request(&page, &request, "");
	struct rh_taken taken;
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
}

/* ---- lies --------------------------------------------------------------- */

static void expect_refusal(struct rh_request *request, int status)
{
	struct rh_reply reply;
	int             slot = kit_submit_request(&page, request, "x");

	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, status);
	assert_true(reply.flags & RH_SLOT_SURE);
	assert_int_equal(rh_server_has_call(&served.server), 0);
}

static void a_lying_caller_harms_only_its_calls(void **unused)
{
	struct rh_request no_fds = { .function = 1, .fds = 3 };
	struct rh_request no_context = { .function = 1, .context = 99 };
	struct rh_request no_memfd = {
		.function = 1, .flags = RH_SLOT_ARGS_MEMFD, .args_len = 10,
	};
	struct rh_request not_an_event = { .function = 1, .flags = RH_SLOT_EVENT };
	struct rh_request too_large = {
		.function = 1, .args_len = 1, .flags = RH_SLOT_ARGS_MEMFD, .fds = 1,
	};
	int               null;

	(void)unused;
	join();
	expect_refusal(&no_fds, RH_EPROTO);
	expect_refusal(&no_context, RH_EPROTO);
	expect_refusal(&no_memfd, RH_EPROTO);
	expect_refusal(&not_an_event, RH_EINVAL);
	null = open("/dev/null", O_RDONLY);
	send_fds(&page, page.caller.next, &null, 1); /* no memfd at all */
	expect_refusal(&too_large, RH_EPROTO);
	close(null);
	kit_echo(&page, &served, "still there");
}

/* Offsets, lengths and counts beyond the page, straight into the slot. */
static void a_lying_slot_is_refused(void **unused)
{
	static const struct {
		uint32_t args_off, args_len, reply_off, reply_cap;
	} lies[] = {
		{ 0, 8, 16384, 64 }, { 12288, 0xffffffff, 16384, 64 },
		{ RH_PAGE_BYTES - 4, 8, 16384, 64 }, { 0xfffffff0, 32, 16384, 64 },
		{ 12288, 8, 0, 64 }, { 12288, 8, 16384, 0xffffffff },
		{ 12288, 8, RH_PAGE_BYTES, 1 },
	};

	(void)unused;
	join();
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		struct rh_slot_request *out;
		struct rh_reply         reply;
		unsigned char          *args;
		uint64_t                one = 1;
		int slot = rh_caller_reserve(&page.caller, 8, 0, &args);

		out = &page.caller.page.slots[slot].request;
		*out = (struct rh_slot_request){
			.args_off = lies[i].args_off, .args_len = lies[i].args_len,
			.reply_off = lies[i].reply_off, .reply_cap = lies[i].reply_cap,
		};
		atomic_store(&out->word, RH_SLOT_WORD(page.caller.sequences[slot],
		                                      RH_SLOT_SUBMITTED));
		assert_int_equal(write(client.event, &one, sizeof one), sizeof one);
		kit_collect(&page, slot, &reply);
		assert_int_equal(reply.status, RH_EPROTO);
	}
	kit_echo(&page, &served, "still there");
}

/* The caller gave 512 bytes at the very end of its page. */
static void a_reply_over_its_room_is_not_passed_on(void **unused)
{
	enum { ROOM = 512 };
	static char             large[5000];
	struct rh_slot_request *out;
	struct rh_taken         taken;
	struct rh_reply         reply;
	unsigned char          *args;
	uint64_t                one = 1;
	int                     slot;

	(void)unused;
	join();
	slot = rh_caller_reserve(&page.caller, 0, 0, &args);
	out = &page.caller.page.slots[slot].request;
	*out = (struct rh_slot_request){
		.args_off = RH_PAGE_ARENA_OFF, .reply_off = RH_PAGE_BYTES - ROOM,
		.reply_cap = ROOM,
	};
	atomic_store(&out->word, RH_SLOT_WORD(page.caller.sequences[slot],
	                                      RH_SLOT_SUBMITTED));
	assert_int_equal(write(client.event, &one, sizeof one), sizeof one);
	kit_take(&served, &taken);
	memset(large, 'x', sizeof large - 1);
	kit_answer(&served, &taken, RH_OK, large);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_EMSGSIZE);
	assert_false(reply.flags & RH_SLOT_SURE);
	kit_echo(&page, &served, "still there");
}

static void a_lying_instance_harms_only_its_calls(void **unused)
{
	struct rh_taken taken;
	struct rh_reply reply;
	struct rh_slot_answer *out;
	int             slot;

	(void)unused;
	join();
	slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_take(&served, &taken);
	out = &served.server.page.slots[taken.slot].answer;
	out->status = RH_OK;
	out->len = 100;
	out->off = RH_PAGE_BYTES - 1;
	atomic_store(&out->word, RH_SLOT_WORD(taken.sequence, RH_SLOT_DONE));
	uint64_t one = 1;
	assert_int_equal(write(served.event, &one, sizeof one), sizeof one);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_EPROTO);
	assert_false(reply.flags & RH_SLOT_SURE);
	/* Descriptors that were never sent. */
	slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_take(&served, &taken);
	reply = (struct rh_reply){ .fds = 2 };
	rh_server_finish(&served.server, &taken, &reply);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_EPROTO);
	/* A positive status. */
	slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_take(&served, &taken);
	kit_answer(&served, &taken, 5, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_EPROTO);
	kit_echo(&page, &served, "still there");
	assert_int_equal(kit_counters(&callee)->malformed, 3);
}

/* The instance lives but gives one page up: another is made. */
static void a_page_that_is_given_up_is_replaced(void **unused)
{
	struct kit_page again;

	(void)unused;
	join();
	kit_page_close(&served);
	int slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_expect(server.fd, RH_FRAME_PAGE_DROP);
	kit_page_added(&server, &again);
	struct rh_taken taken;
	struct rh_reply reply;
	kit_take(&again, &taken);
	kit_answer(&again, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
}

/* More calls wait than the callee's agent keeps: the rest stays where it was, and
 * all of them run in the end. */
static void a_flood_without_an_instance_is_held_back(void **unused)
{
	enum { PAGES = 24 };
	static struct kit_page pages[PAGES], far[PAGES];
	struct rh_taken taken;
	struct rh_reply reply;

	(void)unused;
	for (int i = 0; i < PAGES; i++) {
		assert_int_equal(kit_page_get(&client, edge, 0, &pages[i]), RH_OK);
		for (int k = 0; k < (int)RH_PAGE_SLOTS; k++)
			assert_int_equal(kit_submit(&pages[i], 1, "x", kit_deadline()),
			                 k);
	}
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	for (int i = 0; i < PAGES; i++)
		kit_page_added(&server, &far[i]);
	for (int i = 0; i < PAGES; i++) {
		for (int k = 0; k < (int)RH_PAGE_SLOTS; k++) {
			kit_take(&far[i], &taken);
			kit_answer(&far[i], &taken, RH_OK, "");
		}
	}
	for (int i = 0; i < PAGES; i++) {
		for (int k = 0; k < (int)RH_PAGE_SLOTS; k++) {
			kit_collect(&pages[i], k, &reply);
			assert_int_equal(reply.status, RH_OK);
		}
		kit_page_close(&pages[i]);
		kit_page_close(&far[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls_are_carried),
		TEST(many_calls_run_in_order_and_may_finish_in_any),
		TEST(threads_have_lanes_of_their_own),
		TEST(descriptors_go_both_ways),
		TEST(large_payloads_travel_as_memfds),
		TEST(contexts_go_once_and_before_the_call),
		TEST(a_call_waits_for_an_instance),
		TEST(without_an_instance_the_deadline_says_so),
		TEST(a_late_call_never_leaves),
		TEST(a_call_that_takes_too_long_is_over),
		TEST(a_late_answer_is_for_nobody),
		TEST(without_a_link_calls_stay_the_callers),
		TEST(an_agent_that_dies_loses_what_it_had),
		TEST(an_instance_that_dies_loses_only_what_ran),
		TEST(a_call_for_an_instance_that_is_gone_did_not_run),
		TEST(a_lying_caller_harms_only_its_calls),
		TEST(a_lying_slot_is_refused),
		TEST(a_reply_over_its_room_is_not_passed_on),
		TEST(a_lying_instance_harms_only_its_calls),
		TEST(a_page_that_is_given_up_is_replaced),
		TEST(a_flood_without_an_instance_is_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
