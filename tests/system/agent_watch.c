/* What an agent tells: steps to observers, counts and instances to the center. */
#include "agent_kit.h"

#include <poll.h>
#include <signal.h>
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
	struct rh_taken taken;
	struct rh_reply reply;
	int             slot, r = kit_open(state);

	if (r < 0)
		return r;
	kit_pair(&caller, &callee, edges, 1, &client);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	slot = kit_submit(&page, 1, "first", kit_deadline());
	kit_page_added(&server, &served);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	return 0;
}

static int observe(const char *resource, uint32_t count, const char *whom,
                   uint32_t flags)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	int                     fd = kit_connect(resource);

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_COUNT, count);
	if (whom)
		rh_record_put_text(&writer, RH_TAG_CALLEE, whom);
	if (flags)
		rh_record_put_u32(&writer, RH_TAG_FLAGS, flags);
	kit_send(fd, RH_FRAME_TRACE, 1, &writer, NULL, 0);
	return fd;
}

/* An observer counts from the call after the agent has read its request: knock on
 * the same door and hear the answer, and it has. */
static void knock(const char *resource)
{
	struct kit_peer peer;

	assert_int_equal(kit_attach(&peer, resource, RH_ROLE_CALLER), RH_OK);
	kit_detach(&peer);
}

static uint64_t expect_step(int fd, uint32_t step, const char *body)
{
	struct rh_record record;

	kit_expect(fd, RH_FRAME_STEP);
	assert_int_equal(kit_u32(RH_TAG_STEP), step);
	assert_true(kit_u64(RH_TAG_FUNCTION) == 77);
	assert_true(kit_u64(RH_TAG_TIME) <= rh_clock_ns());
	assert_int_equal(rh_record_find(&kit_frame.records, RH_TAG_BODY, &record), RH_OK);
	assert_int_equal(record.len, strlen(body));
	assert_memory_equal(record.bytes, body, record.len);
	return kit_u64(RH_TAG_CALL);
}

static void observers_see_each_step(void **unused)
{
	int      here = observe("file", 2, "magic", 0);
	int      there = observe("magic", 9, NULL, RH_PAGE_FLAG_TRACE);
	uint64_t call;

	(void)unused;
	knock("file");
	knock("magic");
	for (int i = 0; i < 4; i++)
		kit_echo(&page, &served, "hello");
	for (int i = 0; i < 2; i++) {
		call = expect_step(here, 3, "hello");
		assert_true(expect_step(here, 4, "hello") == call);
		assert_true(expect_step(here, 10, "hello") == call);
		assert_true(expect_step(here, 11, "hello") == call);
		assert_true(expect_step(there, 4, "hello") == call);
		assert_true(expect_step(there, 5, "hello") == call);
		assert_true(expect_step(there, 9, "hello") == call);
		assert_true(expect_step(there, 10, "hello") == call);
	}
	/* The third call was nobody's: the count is over, and so are the marks. */
	close(here);
	here = observe("file", 1, "magic", 0);
	knock("file");
	kit_echo(&page, &served, "more");
	expect_step(here, 3, "more");
	expect_step(there, 4, "more");
	close(here);
	close(there);
	kit_echo(&page, &served, "nobody looks");
}

static void an_observer_of_another_callee_sees_nothing(void **unused)
{
	static const uint32_t steps[] = { 3, 4, 10, 11 };
	int                   other = observe("file", 5, "nic", 0);
	int                   over = observe("file", 1, NULL, 0);
	int                   mine = observe("file", 2, NULL, 0);
	struct pollfd         look[2];

	(void)unused;
	knock("file");
	kit_echo(&page, &served, "x");
	kit_echo(&page, &served, "y");
	for (int i = 0; i < 4; i++)
		expect_step(over, steps[i], "x");
	for (int i = 0; i < 8; i++)
		expect_step(mine, steps[i % 4], i < 4 ? "x" : "y");
	look[0] = (struct pollfd){ .fd = other, .events = POLLIN };
	look[1] = (struct pollfd){ .fd = over, .events = POLLIN };
	assert_int_equal(poll(look, 2, 0), 0);
	close(mine);
	close(over);
	close(other);
}

static void observers_are_bounded(void **unused)
{
	int fds[17], last;

	(void)unused;
	for (int i = 0; i < 16; i++) {
		fds[i] = observe("file", 1, NULL, 0);
		knock("file");
	}
	last = observe("file", 1, NULL, 0);
	kit_expect(last, RH_FRAME_ERROR);
	assert_int_equal(kit_receive(last), RH_ELOST);
	for (int i = 0; i < 16; i++)
		close(fds[i]);
	knock("file");
	last = kit_connect("file");
	kit_send(last, RH_FRAME_TRACE, 1, NULL, NULL, 0); /* no count */
	kit_expect(last, RH_FRAME_ERROR);
}

/* Reads frames of that type until one satisfies; others pass. */
static void expect_count(struct kit_agent *agent, uint64_t calls, uint64_t errors)
{
	struct rh_record        record;
	struct rh_record_reader item;
	uint64_t                got = 0, failed = 0;

	do {
		kit_receive(agent->center);
		if (kit_frame.type != RH_FRAME_STATS)
			continue;
		assert_int_equal(rh_record_find(&kit_frame.records, RH_TAG_COUNT_ITEM,
		                                &record), RH_OK);
		rh_record_read(&item, record.bytes, record.len);
		assert_int_equal(rh_record_u64(&item, RH_TAG_CALLS, &got), RH_OK);
		assert_int_equal(rh_record_u64(&item, RH_TAG_ERRORS, &failed), RH_OK);
		assert_true(got <= calls);
	} while (got < calls || failed < errors);
	assert_int_equal(failed, errors);
}

static void the_center_hears_the_counts(void **unused)
{
	struct rh_taken taken;
	struct rh_reply reply;
	int             slot;

	(void)unused;
	for (int i = 0; i < 20; i++)
		kit_echo(&page, &served, "x");
	slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_EFUNC, "no");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_EFUNC);
	expect_count(&caller, 22, 1); /* the first one and these */
	/* Told again, from the beginning, to a center that came back. */
	close(caller.center);
	kit_center_accept(&caller);
	kit_apply(&caller, 2, "", edges, 1);
	expect_count(&caller, 22, 1);
}

static void expect_instances(struct kit_agent *agent, unsigned count, uint64_t id)
{
	struct rh_record_reader reader, item;
	struct rh_record        record;
	unsigned                seen;
	uint64_t                instance = 0;
	uint32_t                pid = 0;

	do {
		kit_receive(agent->center);
		seen = 0;
		reader = kit_frame.records;
		while (kit_frame.type == RH_FRAME_INSTANCES &&
		       rh_record_next(&reader, &record) > 0) {
			rh_record_read(&item, record.bytes, record.len);
			rh_record_u64(&item, RH_TAG_INSTANCE, &instance);
			rh_record_u32(&item, RH_TAG_PID, &pid);
			seen += record.tag == RH_TAG_INSTANCE_ITEM;
		}
	} while (kit_frame.type != RH_FRAME_INSTANCES || seen != count);
	if (count > 0) {
		assert_true(instance == id);
		assert_int_equal(pid, getpid());
	}
}

static void the_center_hears_of_instances(void **unused)
{
	struct kit_peer second;

	(void)unused;
	expect_instances(&callee, 1, server.instance);
	assert_int_equal(kit_serve(&second, "magic", "bytes", server.instance), RH_OK);
	assert_true(second.instance != server.instance); /* taken */
	expect_instances(&callee, 2, second.instance);
	kit_detach(&server);
	expect_instances(&callee, 1, second.instance);
	kit_detach(&second);
	expect_instances(&callee, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(observers_see_each_step),
		TEST(an_observer_of_another_callee_sees_nothing),
		TEST(observers_are_bounded),
		TEST(the_center_hears_the_counts),
		TEST(the_center_hears_of_instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
