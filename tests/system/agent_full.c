/* No room, between two real agents: who waits for it sleeps, and what it keeps is bounded. */
#include "agent_kit.h"

#include "../../agent/inlink.h"
#include "../../protocols/shm/ring.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAGES = 9, CALLS = PAGES * (int)RH_PAGE_SLOTS }; /* more than a ring holds */

static struct kit_agent caller, callee;
static struct kit_peer  client, server;
static struct kit_page  pages[PAGES], served[PAGES];

static void read_of(pid_t pid, const char *what, char *text, size_t cap)
{
	char    path[48];
	ssize_t n;
	int     fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, text, cap - 1);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
}

static int is_stopped(pid_t pid)
{
	char        text[512];
	const char *at;

	read_of(pid, "stat", text, sizeof text);
	at = strrchr(text, ')');
	return at && at[1] && at[2] == 'T';
}

/* In epoll_pwait without a timeout: number fd events count timeout ... */
static int sleeps_until_something_happens(pid_t pid)
{
	unsigned long args[5];
	char          text[256];

	read_of(pid, "syscall", text, sizeof text);
	return sscanf(text, "%lu 0x%lx 0x%lx 0x%lx 0x%lx", &args[0], &args[1], &args[2],
	              &args[3], &args[4]) == 5 && (int)args[4] == -1;
}

static void start_agents(const char *protocol, uint32_t *ret_edge)
{
	const struct kit_edge edges[] = { { "file", "magic", protocol, RH_OK, NULL } };

	kit_pair(&caller, &callee, edges, 1, &client);
	assert_int_equal(kit_open_edge(&client, "magic", ret_edge), RH_OK);
}

static void start(const char *protocol)
{
	struct rh_taken taken;
	uint32_t        edge;

	start_agents(protocol, &edge);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	for (int i = 0; i < PAGES; i++) {
		assert_int_equal(kit_page_get(&client, edge, 0, &pages[i]), RH_OK);
		for (int k = 0; k < (int)RH_PAGE_SLOTS; k++)
			assert_int_equal(kit_submit(&pages[i], 1, "x", 0), k);
		kit_page_added(&server, &served[i]);
		for (int k = 0; k < (int)RH_PAGE_SLOTS; k++)
			kit_take(&served[i], &taken);
	}
}

static void end(void)
{
	for (int i = 0; i < PAGES; i++) {
		kit_page_close(&pages[i]);
		kit_page_close(&served[i]);
	}
	kit_detach(&client);
	kit_agent_kill(&caller, SIGTERM);
	kit_agent_kill(&callee, SIGTERM);
}

/* The caller's agent reads nothing.  All calls were lost at once, and there is no
 * room for so many answers; while some wait the callee's agent takes no calls. */
static void full_both_ways_it_waits_for_room_and_nothing_else(void **unused)
{
	static const char *const protocols[] = { "shm", "semaphore", "msgqueue" };
	struct rh_reply          reply;

	(void)unused;
	for (int p = 0; p < 3; p++) {
		start(protocols[p]);
		kill(caller.pid, SIGSTOP);
		KIT_UNTIL(is_stopped(caller.pid));
		kit_detach(&server);
		KIT_UNTIL(kit_counters(&callee)->instances == 0 &&
		          sleeps_until_something_happens(callee.pid));
		kill(caller.pid, SIGCONT);
		for (int i = 0; i < CALLS; i++) {
			kit_collect(&pages[i / (int)RH_PAGE_SLOTS],
			            i % (int)RH_PAGE_SLOTS, &reply);
			assert_int_equal(reply.status, RH_ELOST);
		}
		end();
	}
}

/* What left its caller is lost with the callee's agent: that tells how much left.  The
 * rest did not run, and waits for another agent. */
static void few_calls_leave_before_there_is_an_instance(void **unused)
{
	enum { MANY = (RH_BACKLOG_CALLS + RH_RING_SLOTS) / RH_PAGE_SLOTS + 12 };
	static struct kit_page          crowd[MANY];
	const struct rh_counters_edge  *counters;
	uint32_t                        edge;

	(void)unused;
	start_agents("shm", &edge);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(kit_page_get(&client, edge, 0, &crowd[i]), RH_OK);
		for (int k = 0; k < (int)RH_PAGE_SLOTS; k++)
			assert_int_equal(kit_submit(&crowd[i], 1, "x", 0), k);
	}
	KIT_UNTIL(sleeps_until_something_happens(caller.pid) &&
	          sleeps_until_something_happens(callee.pid));
	kit_agent_kill(&callee, SIGKILL);
	counters = kit_counters_edge(&caller, "magic");
	KIT_UNTIL(counters->waiting == 1);
	assert_in_range(counters->lost, RH_BACKLOG_CALLS, RH_BACKLOG_CALLS + RH_RING_SLOTS);
	for (int i = 0; i < MANY; i++)
		kit_page_close(&crowd[i]);
	kit_detach(&client);
	kit_agent_kill(&caller, SIGKILL); /* it would wait for calls that nobody takes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			full_both_ways_it_waits_for_room_and_nothing_else, kit_open,
			kit_close),
		cmocka_unit_test_setup_teardown(
			few_calls_leave_before_there_is_an_instance, kit_open, kit_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
