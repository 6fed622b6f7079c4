/* The center changes its mind: verdicts, references and protocols, while calls run. */
#include "agent_kit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct kit_edge by_shm[] = {
	{ "file", "magic", "shm", RH_OK, NULL },
	{ "file", "disk", "shm", RH_EPENDING, NULL },
	{ "file", "app", "shm", RH_ELAYER, NULL },
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
	kit_pair(&caller, &callee, by_shm, 3, &client);
	return 0;
}

static void join(void)
{
	struct rh_taken taken;
	struct rh_reply reply;
	int             slot;

	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	slot = kit_submit(&page, 1, "first", kit_deadline());
	kit_page_added(&server, &served);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
}

static int open_interface(const char *interface)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_INTERFACE, interface);
	return kit_ask(&client, RH_FRAME_OPEN, &writer, RH_FRAME_OPENED);
}

static void opening_says_why_not(void **unused)
{
	static const struct kit_edge two[] = {
		{ "file", "magic", "shm", RH_OK, NULL },
		{ "file", "other", "shm", RH_OK, NULL },
	};
	uint32_t index;

	(void)unused;
	assert_int_equal(kit_open_edge(&client, "nic", &index), RH_ENOEDGE);
	assert_non_null(strstr(kit_text, "nic"));
	assert_non_null(strstr(kit_text, "app, disk, magic"));
	assert_int_equal(kit_open_edge(&client, "disk", &index), RH_EPENDING);
	assert_non_null(strstr(kit_text, "disk is not registered"));
	assert_int_equal(kit_open_edge(&client, "app", &index), RH_ELAYER);
	assert_non_null(strstr(kit_text, "rule hierarchy"));
	assert_int_equal(kit_open_edge(&client, "magic", &index), RH_OK);
	assert_int_equal(open_interface("bytes"), RH_OK); /* the allowed one */
	assert_int_equal(kit_u32(RH_TAG_EDGE), index);
	assert_int_equal(open_interface("words"), RH_ENOEDGE);
	assert_int_equal(kit_counters_edge(&caller, "app")->refused, 1);
	kit_apply(&caller, 2, "", two, 2);
	assert_int_equal(open_interface("bytes"), RH_EINVAL);
	assert_non_null(strstr(kit_text, "magic"));
	assert_non_null(strstr(kit_text, "other"));
}

static int call_status(void)
{
	struct rh_reply reply;
	int             slot = kit_submit(&page, 1, "x", kit_deadline());

	kit_collect(&page, slot, &reply);
	snprintf(kit_text, sizeof kit_text, "%.*s", (int)reply.len,
	         (const char *)reply.bytes);
	assert_true(reply.status == RH_OK || (reply.flags & RH_SLOT_SURE));
	return reply.status;
}

static void a_verdict_counts_for_the_next_call(void **unused)
{
	static const struct kit_edge refused[] = {
		{ "file", "magic", "shm", RH_ELAYER, "file may not: rule x, revision 9" },
	};
	uint32_t index;

	(void)unused;
	join();
	kit_apply(&caller, 2, "", refused, 1);
	assert_int_equal(call_status(), RH_ELAYER);
	assert_string_equal(kit_text, "file may not: rule x, revision 9");
	assert_int_equal(kit_page_get(&client, edge, 0, &served), RH_ELAYER);
	kit_apply(&caller, 3, "", NULL, 0);
	assert_int_equal(call_status(), RH_EREVOKED);
	assert_int_equal(kit_open_edge(&client, "magic", &index), RH_EREVOKED);
	/* Back again: the same edge, and the page goes on. */
	kit_apply(&caller, 4, "", by_shm, 3);
	assert_int_equal(kit_open_edge(&client, "magic", &index), RH_OK);
	assert_int_equal(index, edge);
	kit_echo(&page, &served, "as before");
}

/* Only the callee's agent knows yet: it does not let the call through. */
static void the_callees_agent_judges_too(void **unused)
{
	static const struct kit_edge refused[] = {
		{ "file", "magic", "shm", RH_ELAYER, NULL },
	};

	(void)unused;
	join();
	kit_apply(&callee, 2, "bytes", refused, 1);
	assert_int_equal(call_status(), RH_ELAYER);
	assert_non_null(strstr(kit_text, "file may not call magic"));
	kit_apply(&callee, 3, "bytes", by_shm, 3);
	kit_echo(&page, &served, "as before");
}

/* The callee's agent is told of the edge after the caller's. */
static void a_link_waits_until_both_know_the_edge(void **unused)
{
	struct rh_reply reply;
	struct rh_taken taken;

	(void)unused;
	kit_apply(&callee, 2, "bytes", NULL, 0);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	int slot = kit_submit(&page, 1, "x", kit_deadline());
	KIT_UNTIL(kit_counters(&callee)->refused > 0);
	kit_apply(&callee, 3, "bytes", by_shm, 3);
	kit_page_added(&server, &served);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
}

static void use(const char *protocol, uint64_t revision)
{
	const struct kit_edge with[] = { { "file", "magic", protocol, RH_OK, NULL } };

	kit_apply(&callee, revision, "bytes", with, 1);
	kit_apply(&caller, revision, "", with, 1);
}

/* Calls are under way while the channel is replaced: none is lost. */
static void another_protocol_loses_no_call(void **unused)
{
	static const char *const protocols[] = { "semaphore", "msgqueue", "shm" };
	struct rh_taken taken;
	struct rh_reply reply;
	int             slots[8];

	(void)unused;
	join();
	for (uint64_t round = 0; round < 9; round++) {
		for (int i = 0; i < 4; i++)
			slots[i] = kit_submit(&page, (uint64_t)i, "x", kit_deadline());
		use(protocols[round % 3], round + 2);
		for (int i = 4; i < 8; i++)
			slots[i] = kit_submit(&page, (uint64_t)i, "x", kit_deadline());
		for (int i = 0; i < 8; i++) {
			kit_take(&served, &taken);
			assert_int_equal(taken.function, i);
			kit_answer(&served, &taken, RH_OK, "");
		}
		for (int i = 0; i < 8; i++) {
			kit_collect(&page, slots[i], &reply);
			assert_int_equal(reply.status, RH_OK);
		}
		/* The answers may be here before the agents have changed over. */
		KIT_UNTIL(strcmp(kit_counters_edge(&caller, "magic")->protocol,
		                 protocols[round % 3]) == 0);
	}
	assert_int_equal(kit_counters_edge(&caller, "magic")->errors, 0);
}

/* The call that held the change up is over by its deadline, not by an answer. */
static void a_late_call_does_not_hold_the_protocol(void **unused)
{
	struct rh_taken taken;
	struct rh_reply reply;
	int             slot;

	(void)unused;
	join();
	slot = kit_submit(&page, 1, "long", rh_clock_ns() + 100 * RH_NS_PER_MS);
	kit_take(&served, &taken);
	use("semaphore", 2);
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_ETIMEDOUT);
	kit_echo(&page, &served, "by the semaphore");
	assert_string_equal(kit_counters_edge(&caller, "magic")->protocol, "semaphore");
}

static void an_unknown_protocol_is_explained(void **unused)
{
	struct rh_reply reply;
	int             slot;

	(void)unused;
	use("pigeons", 2);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_ENOSYS);
	assert_true(reply.flags & RH_SLOT_SURE);
	assert_true(reply.len > 0);
	use("shm", 3);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_page_added(&server, &served);
	struct rh_taken taken;
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
}

/* From the agents' path to a binding: who has a page is asked to come again. */
static void bind_retires_the_agents_pages(void **unused)
{
	struct kit_page bound;

	(void)unused;
	join();
	assert_true(rh_caller_claim(&page.caller));
	use("bind", 2);
	KIT_UNTIL(atomic_load(&page.caller.page.head->server.life) == RH_PAGE_RETIRED);
	kit_echo(&page, &served, "still carried");
	kit_page_ask(&client, edge, 0, kit_deadline());
	kit_page_added(&server, &served);
	assert_int_equal(kit_page_take(&client, &bound), RH_OK);
	assert_int_equal(bound.flags, RH_PAGE_FLAG_BIND);
	kit_echo(&bound, &served, "directly");
	assert_int_equal(kit_counters(&caller)->pages, 1);
	kit_page_put(&client, &page);
	KIT_UNTIL(kit_counters(&caller)->pages == 0);
}

/* A page in which there is nothing is gone when the rule is active. */
static void bind_takes_the_agents_empty_pages(void **unused)
{
	(void)unused;
	join();
	use("bind", 2);
	KIT_UNTIL(kit_counters(&caller)->pages == 0);
	assert_int_equal(atomic_load(&page.caller.page.head->server.life),
	                 RH_PAGE_RETIRED);
}

/* Junk in the place of an item: its sender is not believed any more, and all stays
 * as it was. */
static void a_malformed_item_ends_the_connection(void **unused)
{
	unsigned char           bytes[64];
	struct rh_record_writer items;

	(void)unused;
	join();
	rh_record_begin(&items, bytes, sizeof bytes);
	rh_record_put(&items, RH_TAG_ITEM, "junk", 4);
	kit_push(&caller, RH_FRAME_SNAP_BEGIN, 2, NULL);
	kit_push(&caller, RH_FRAME_SNAP_ITEM, 2, &items);
	KIT_UNTIL(kit_counters(&caller)->malformed == 1);
	close(caller.center);
	kit_center_accept(&caller);
	assert_int_equal(kit_u64(RH_TAG_REVISION), 1); /* what it has, as it says */
	assert_int_equal(kit_counters(&caller)->revision, 1);
	kit_echo(&page, &served, "as before");
}

/* Reads frames of the center's end until a RESULT tells of the edge; its state. */
static uint64_t instead; /* revision of what is in force in the place of what was rejected */

static uint32_t await_result(struct kit_agent *agent, uint64_t revision, int32_t *ret_code)
{
	for (;;) {
		struct rh_record_reader item;
		struct rh_record        record;
		uint32_t                state = 0;

		assert_true(kit_receive(agent->center) > 0);
		if (kit_frame.type != RH_FRAME_RESULT ||
		    kit_u64(RH_TAG_REVISION) != revision ||
		    rh_record_find(&kit_frame.records, RH_TAG_RESULT_ITEM, &record) < 0)
			continue;
		rh_record_read(&item, record.bytes, record.len);
		assert_int_equal(rh_record_u32(&item, RH_TAG_STATE, &state), RH_OK);
		(void)rh_record_i32(&item, RH_TAG_CODE, ret_code);
		(void)rh_record_text(&item, RH_TAG_TEXT, kit_text, sizeof kit_text);
		instead = 0;
		(void)rh_record_u64(&item, RH_TAG_PREV, &instead);
		return state;
	}
}

static void put_senseless(struct rh_record_writer *items, const char *to)
{
	size_t item = rh_record_open(items, RH_TAG_ITEM);

	rh_record_put_text(items, RH_TAG_CALLER, "file");
	rh_record_put_text(items, RH_TAG_CALLEE, to);
	rh_record_put_u64(items, RH_TAG_REVISION, 2);
	size_t place = rh_record_open(items, RH_TAG_EDGE_ITEM);
	rh_record_put_text(items, RH_TAG_CALLER, "file");
	rh_record_put_text(items, RH_TAG_CALLEE, to);
	rh_record_put_i32(items, RH_TAG_VERDICT, 5); /* no such verdict */
	rh_record_close(items, place);
	rh_record_close(items, item);
}

/* An item whose sense is wrong is rejected alone: its former stays, and is said so. */
static void a_bad_item_is_rejected_alone(void **unused)
{
	unsigned char           bytes[256];
	struct rh_record_writer items;
	int32_t                 code = 0;

	(void)unused;
	join();
	rh_record_begin(&items, bytes, sizeof bytes);
	rh_record_put_u64(&items, RH_TAG_PREV, 1);
	put_senseless(&items, "magic");
	kit_push(&caller, RH_FRAME_DELTA, 2, &items);
	assert_int_equal(await_result(&caller, 2, &code), RH_ITEM_REJECTED);
	assert_int_equal(code, RH_EPROTO);
	assert_int_equal(instead, 1);
	assert_int_equal(kit_counters(&caller)->revision, 2);
	kit_echo(&page, &served, "as before");
}

static unsigned count_results(const struct rh_record_reader *records)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	unsigned                count = 0;

	while (rh_record_next(&reader, &record) > 0)
		count += record.tag == RH_TAG_RESULT_ITEM;
	return count;
}

/* More than a frame of them: the revision is settled when the last was named. */
static void many_are_rejected_together(void **unused)
{
	enum { MANY = 620 };
	static unsigned char    bytes[RH_FRAME_MAX - 256];
	struct rh_record_writer items;
	unsigned                named = 0, frames = 0;

	(void)unused;
	rh_record_begin(&items, bytes, sizeof bytes);
	rh_record_put_u64(&items, RH_TAG_PREV, 1);
	for (unsigned i = 0; i < MANY; i++) {
		char to[16];

		snprintf(to, sizeof to, "callee_%u", i);
		put_senseless(&items, to);
	}
	assert_true(rh_record_end(&items) > 0);
	kit_push(&caller, RH_FRAME_DELTA, 2, &items);
	while (named < MANY) {
		assert_true(kit_receive(caller.center) > 0);
		if (kit_frame.type != RH_FRAME_RESULT)
			continue;
		named += count_results(&kit_frame.records);
		frames += named > 0;
		if (named < MANY)
			assert_int_equal(kit_u64(RH_TAG_REVISION), 1);
	}
	assert_true(frames > 1);
	assert_int_equal(kit_u64(RH_TAG_REVISION), 2);
}

static void await_rejected(struct kit_agent *agent, uint64_t revision)
{
	int32_t code = 0;

	while (await_result(agent, revision, &code) != RH_ITEM_REJECTED)
		;
	assert_int_equal(code, RH_ENOMEM);
}

/* The caller's agent has no descriptor left, so that it cannot make a channel. */
static void starve(struct rlimit *ret_before)
{
	struct rlimit none;

	assert_int_equal(prlimit(caller.pid, RLIMIT_NOFILE, NULL, ret_before), 0);
	none = *ret_before;
	none.rlim_cur = 0;
	assert_int_equal(prlimit(caller.pid, RLIMIT_NOFILE, &none, NULL), 0);
}

static void put_by_semaphore_as(struct kit_agent *agent, uint64_t revision,
                                const char *interface)
{
	static const struct kit_edge by_semaphore[] = {
		{ "file", "magic", "semaphore", RH_OK, NULL },
	};

	kit_apply(agent, revision, interface, by_semaphore, 1);
}

static void put_by_semaphore(struct kit_agent *agent, const char *interface)
{
	put_by_semaphore_as(agent, 2, interface);
}

/* Nothing changed for it up to that revision, the one after the last. */
static void reach(struct kit_agent *agent, uint64_t revision)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_PREV, revision - 1);
	kit_push(agent, RH_FRAME_BOOKMARK, revision, &writer);
}

/* It is rejected by both, also when the callee's agent had it first and waits. */
static void what_the_caller_cannot_open_is_rejected_by_both(void **unused)
{
	struct rlimit before;

	(void)unused;
	join();
	starve(&before);
	put_by_semaphore(&callee, "bytes");
	put_by_semaphore(&caller, "");
	await_rejected(&caller, 2);
	assert_int_equal(instead, 1);
	await_rejected(&callee, 2);
	assert_int_equal(instead, 1);
	assert_non_null(strstr(kit_text, "the agent of file: "));
	kit_echo(&page, &served, "as before");
	/* A center that began anew sends it again to the one, and need not to the other. */
	put_by_semaphore(&callee, "bytes");
	await_rejected(&callee, 2);
	kit_echo(&page, &served, "as before");
	/* ... under a revision of its own, while to the other nothing changed. */
	put_by_semaphore_as(&callee, 3, "bytes");
	reach(&caller, 3);
	await_rejected(&callee, 3);
	kit_echo(&page, &served, "as before");
	/* Another rule is tried again. */
	assert_int_equal(prlimit(caller.pid, RLIMIT_NOFILE, &before, NULL), 0);
	use("semaphore", 4);
	KIT_UNTIL(strcmp(kit_counters_edge(&caller, "magic")->protocol, "semaphore") == 0);
	kit_echo(&page, &served, "by the semaphore");
}

static void the_callee_hears_of_it_later(void **unused)
{
	struct rlimit before;

	(void)unused;
	join();
	starve(&before);
	put_by_semaphore(&caller, "");
	await_rejected(&caller, 2);
	kit_echo(&page, &served, "the callee's agent knows nothing of it");
	put_by_semaphore(&callee, "bytes");
	await_rejected(&callee, 2);
	kit_echo(&page, &served, "as before");
}

/* It hears of it again on the next link. */
static void the_callees_agent_is_killed_meanwhile(void **unused)
{
	struct rlimit before;

	(void)unused;
	join();
	starve(&before);
	put_by_semaphore(&caller, "");
	await_rejected(&caller, 2);
	kit_agent_kill(&callee, SIGKILL);
	assert_int_equal(prlimit(caller.pid, RLIMIT_NOFILE, &before, NULL), 0);
	kit_agent_start(&callee, "magic");
	put_by_semaphore(&callee, "bytes");
	await_rejected(&callee, 2);
}

/* Allowed until a deadline: calls pass, then they are refused, by both ends. */
static void a_revoked_edge_works_until_its_deadline(void **unused)
{
	struct rh_reply reply = { 0 };
	int             slot;

	(void)unused;
	join();
	kit_revoked_at = rh_clock_ns() + 300 * RH_NS_PER_MS;
	kit_after = RH_ELAYER;
	kit_apply(&caller, 2, "", by_shm, 1);
	kit_apply(&callee, 2, "bytes", by_shm, 1);
	kit_echo(&page, &served, "still allowed");
	KIT_UNTIL(rh_clock_ns() > kit_revoked_at);
	slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_ELAYER);
	kit_revoked_at = 0; /* taken back: it heals */
	kit_apply(&callee, 3, "bytes", by_shm, 1);
	kit_apply(&caller, 3, "", by_shm, 1);
	kit_echo(&page, &served, "allowed again");
}

/* The center goes and comes back; the agents work all the while. */
static void the_center_may_be_away(void **unused)
{
	struct kit_peer another;

	(void)unused;
	join();
	close(caller.center);
	kit_echo(&page, &served, "without a center");
	assert_int_equal(kit_attach(&another, "file", RH_ROLE_CALLER), RH_OK);
	kit_center_accept(&caller); /* it says which revision it has */
	assert_int_equal(kit_u64(RH_TAG_REVISION), 1);
	kit_apply(&caller, 5, "", by_shm, 3);
	kit_echo(&page, &served, "with it");
}

/* Sent away, it comes back when it was told to, and not as soon as it can. */
static void the_center_may_send_it_away(void **unused)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	uint64_t                sent = rh_clock_ns();

	(void)unused;
	join();
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_i32(&writer, RH_TAG_CODE, RH_ENOSPC);
	rh_record_put_u64(&writer, RH_TAG_DELAY, 3000);
	kit_send(caller.center, RH_FRAME_GOAWAY, 0, &writer, NULL, 0);
	while (kit_receive(caller.center) != RH_ELOST)
		;
	close(caller.center);
	kit_echo(&page, &served, "sent away");
	kit_center_accept(&caller);
	assert_true(rh_clock_ns() - sent >= 3000 * RH_NS_PER_MS);
	assert_int_equal(kit_u64(RH_TAG_REVISION), 1);
	kit_apply(&caller, 2, "", by_shm, 3);
	kit_echo(&page, &served, "back");
}

static void an_interface_must_be_the_registered_one(void **unused)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	(void)unused;
	assert_int_equal(kit_serve(&server, "magic", "words", 0), RH_EINTERFACE);
	assert_non_null(strstr(kit_text, "bytes"));
	assert_non_null(strstr(kit_text, "words"));
	assert_int_equal(kit_counters(&callee)->instances, 0);
	/* A caller serves nothing. */
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_INTERFACE, "bytes");
	assert_int_equal(kit_attach(&client, "magic", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_ask(&client, RH_FRAME_SERVE, &writer, RH_FRAME_SERVING),
	                 RH_EINVAL);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	assert_int_equal(kit_ask(&server, RH_FRAME_SERVE, &writer, RH_FRAME_SERVING),
	                 RH_EEXIST);
}

/* The center tells which functions are registered. */
static void register_functions(uint64_t revision, const uint64_t *hashes, unsigned count)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;
	size_t                  item, place;

	rh_record_begin(&writer, bytes, sizeof bytes);
	item = rh_record_open(&writer, RH_TAG_ITEM);
	rh_record_put_text(&writer, RH_TAG_CALLER, "magic");
	rh_record_put_u64(&writer, RH_TAG_REVISION, revision);
	place = rh_record_open(&writer, RH_TAG_SELF);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, "magic");
	rh_record_put_text(&writer, RH_TAG_INTERFACE, "bytes");
	rh_record_put_u32(&writer, RH_TAG_UID, geteuid());
	for (unsigned i = 0; i < count; i++)
		rh_record_put_u64(&writer, RH_TAG_FUNCTION, hashes[i]);
	rh_record_close(&writer, place);
	rh_record_close(&writer, item);
	kit_push(&callee, RH_FRAME_SNAP_BEGIN, revision, NULL);
	kit_push(&callee, RH_FRAME_SNAP_ITEM, revision, &writer);
	kit_push(&callee, RH_FRAME_SNAP_END, revision, NULL);
	KIT_UNTIL(kit_counters(&callee)->revision == revision);
}

static int serve_functions(const uint64_t *hashes, unsigned count)
{
	unsigned char           bytes[256];
	struct rh_record_writer writer;

	assert_int_equal(kit_attach(&server, "magic", RH_ROLE_CALLEE), RH_OK);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_INTERFACE, "bytes");
	for (unsigned i = 0; i < count; i++)
		rh_record_put_u64(&writer, RH_TAG_FUNCTION, hashes[i]);
	return kit_ask(&server, RH_FRAME_SERVE, &writer, RH_FRAME_SERVING);
}

/* More functions than are registered may be served, but none less. */
static void every_registered_function_must_be_served(void **unused)
{
	static const uint64_t registered[] = { 0x1111, 0x2222 };
	static const uint64_t less[] = { 0x2222 }, other[] = { 0x1111, 0x2223 };
	static const uint64_t more[] = { 0x3333, 0x2222, 0x1111 };

	(void)unused;
	register_functions(2, registered, 2);
	assert_int_equal(serve_functions(NULL, 0), RH_EINTERFACE);
	assert_int_equal(serve_functions(less, 1), RH_EINTERFACE);
	assert_non_null(strstr(kit_text, "0000000000001111"));
	assert_int_equal(serve_functions(other, 2), RH_EINTERFACE);
	assert_non_null(strstr(kit_text, "0000000000002222"));
	assert_int_equal(kit_counters(&callee)->instances, 0);
	assert_int_equal(serve_functions(more, 3), RH_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opening_says_why_not),
		TEST(a_verdict_counts_for_the_next_call),
		TEST(the_callees_agent_judges_too),
		TEST(a_link_waits_until_both_know_the_edge),
		TEST(another_protocol_loses_no_call),
		TEST(a_late_call_does_not_hold_the_protocol),
		TEST(an_unknown_protocol_is_explained),
		TEST(bind_retires_the_agents_pages),
		TEST(bind_takes_the_agents_empty_pages),
		TEST(a_malformed_item_ends_the_connection),
		TEST(a_bad_item_is_rejected_alone),
		TEST(many_are_rejected_together),
		TEST(what_the_caller_cannot_open_is_rejected_by_both),
		TEST(the_callee_hears_of_it_later),
		TEST(the_callees_agent_is_killed_meanwhile),
		TEST(a_revoked_edge_works_until_its_deadline),
		TEST(the_center_may_be_away),
		TEST(the_center_may_send_it_away),
		TEST(an_interface_must_be_the_registered_one),
		TEST(every_registered_function_must_be_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
