/* Instances and the processes that call them: who has which number, who sticks to
 * whom, and who is told of whose end. */
#include "agent_kit.h"

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

/* Two that want the same: handles of the one must not be of use in the other. */
static void no_two_instances_have_one_id(void **unused)
{
	struct kit_peer second;

	(void)unused;
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0x55), RH_OK);
	assert_int_equal(server.instance, 0x55);
	assert_int_equal(kit_serve(&second, "magic", "bytes", 0x55), RH_OK);
	assert_true(second.instance != 0x55 && second.instance != 0);
}

/* What a program held is freed where it was: its instance is told. */
static void the_end_of_a_caller_is_told_to_its_instance(void **unused)
{
	(void)unused;
	join();
	kit_detach(&client);
	do
		kit_receive(server.fd);
	while (kit_frame.type == RH_FRAME_PAGE_DROP);
	assert_int_equal(kit_frame.type, RH_FRAME_PEER_GONE);
	assert_true(kit_u64(RH_TAG_ATTACHMENT) == client.attachment);
}

/* A program comes back under its number before the agent saw its first connection end. */
static void a_process_ends_with_the_last_of_its_connections(void **unused)
{
	struct kit_peer again;
	struct kit_page other;
	struct rh_taken taken;
	struct rh_reply reply;
	uint32_t        its_edge;

	(void)unused;
	join();
	assert_int_equal(kit_attach_again(&again, "file", RH_ROLE_CALLER,
	                                  client.attachment), RH_OK);
	assert_true(again.attachment == client.attachment);
	assert_int_equal(kit_open_edge(&again, "magic", &its_edge), RH_OK);
	assert_int_equal(kit_page_get(&again, its_edge, 0, &other), RH_OK);
	int slot = kit_submit(&other, 1, "x", kit_deadline());
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&other, slot, &reply);
	kit_detach(&client);
	KIT_UNTIL(kit_counters(&caller)->processes == 1);
	kit_echo(&other, &served, "still known");
	kit_page_close(&other);
}

static void attachments_spread_over_instances_and_stay(void **unused)
{
	struct kit_peer one, two;
	struct kit_page page_of_one;

	(void)unused;
	assert_int_equal(kit_serve(&one, "magic", "bytes", 0), RH_OK);
	assert_int_equal(kit_serve(&two, "magic", "bytes", 0), RH_OK);
	int slot = kit_submit(&page, 1, "x", kit_deadline());
	kit_page_added(&one, &page_of_one); /* the first, for both have none */
	struct rh_taken taken;
	struct rh_reply reply;
	kit_take(&page_of_one, &taken);
	kit_answer(&page_of_one, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	for (int i = 0; i < 10; i++)
		kit_echo(&page, &page_of_one, "to the same");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_two_instances_have_one_id),
		TEST(the_end_of_a_caller_is_told_to_its_instance),
		TEST(a_process_ends_with_the_last_of_its_connections),
		TEST(attachments_spread_over_instances_and_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
