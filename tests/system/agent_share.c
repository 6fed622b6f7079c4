/* An instance has only so many pages: a caller that takes all it can get leaves some to
 * the others. */
#include "agent_kit.h"

#include <stdlib.h>
#include <unistd.h>

enum { PAGES = 4 };

static struct kit_agent greedy, modest, callee;
static struct kit_peer  hog, guest, server;

static int set_up(void **state)
{
	kit_pages_max = PAGES;
	return kit_open(state);
}

static void start(const char *protocol, unsigned callers, uint32_t *ret_edge)
{
	const struct kit_edge edges[] = {
		{ "greedy", "magic", protocol, RH_OK, NULL },
		{ "modest", "magic", protocol, callers > 1 ? RH_OK : RH_ELAYER, NULL },
	};

	kit_agent_start(&greedy, "greedy");
	kit_agent_start(&modest, "modest");
	kit_agent_start(&callee, "magic");
	kit_apply(&greedy, 1, "", edges, 2);
	kit_apply(&modest, 1, "", edges, 2);
	kit_apply(&callee, 1, "bytes", edges, 2);
	assert_int_equal(kit_attach(&hog, "greedy", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_attach(&guest, "modest", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&hog, "magic", &ret_edge[0]), RH_OK);
	if (callers > 1)
		assert_int_equal(kit_open_edge(&guest, "magic", &ret_edge[1]), RH_OK);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
}

/* A bound page and its other end. */
static void bind_page(struct kit_peer *peer, uint32_t edge)
{
	struct kit_page page, served;

	kit_page_ask(peer, edge, 0, kit_deadline());
	kit_page_added(&server, &served);
	assert_int_equal(kit_page_take(peer, &page), RH_OK);
	kit_echo(&page, &served, "bound");
}

static void half_of_the_bound_pages(void **unused)
{
	struct kit_page page;
	uint32_t        edges[2];

	(void)unused;
	start("bind", 2, edges);
	for (int i = 0; i < PAGES / 2; i++)
		bind_page(&hog, edges[0]);
	assert_int_equal(kit_page_get(&hog, edges[0], 0, &page), RH_ENOSPC);
	assert_non_null(strstr(kit_text, "as many pages as it can"));
	bind_page(&guest, edges[1]);
}

static void all_of_them_without_another_caller(void **unused)
{
	uint32_t edges[2];

	(void)unused;
	start("bind", 1, edges);
	for (int i = 0; i < PAGES; i++)
		bind_page(&hog, edges[0]);
}

/* Through the agents its threads share what pages it has. */
static void half_of_the_agents_pages(void **unused)
{
	struct kit_page pages[PAGES], served[PAGES / 2], page;
	uint32_t        edges[2];

	(void)unused;
	start("shm", 2, edges);
	for (int i = 0; i < PAGES; i++) {
		struct rh_taken taken;
		struct rh_reply reply;
		struct kit_page *at = &served[i < PAGES / 2 ? i : 0];
		int             slot;

		assert_int_equal(kit_page_get(&hog, edges[0], 0, &pages[i]), RH_OK);
		slot = kit_submit(&pages[i], 1, "x", kit_deadline());
		if (i < PAGES / 2)
			kit_page_added(&server, at);
		kit_take(at, &taken);
		kit_answer(at, &taken, RH_OK, "");
		kit_collect(&pages[i], slot, &reply);
		assert_int_equal(reply.status, RH_OK);
	}
	assert_int_equal(kit_page_get(&guest, edges[1], 0, &page), RH_OK);
	int slot = kit_submit(&page, 1, "x", kit_deadline());
	struct kit_page fresh;
	kit_page_added(&server, &fresh);
	assert_true(fresh.attachment == guest.attachment);
	struct rh_taken taken;
	struct rh_reply reply;
	kit_take(&fresh, &taken);
	kit_answer(&fresh, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
	assert_int_equal(reply.status, RH_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(half_of_the_bound_pages),
		TEST(all_of_them_without_another_caller),
		TEST(half_of_the_agents_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
