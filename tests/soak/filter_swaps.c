/* A filter that is exchanged again and again while calls pass, as fast as they can, on a
 * page of sixteen: each call is answered once, with what one of the generations made of
 * it, and the agent is as large afterwards as before.
 *
 * SWAPS=n exchanges so often. */
#include "../system/code_kit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct kit_agent   caller, callee;
static struct kit_peer    client, server;
static struct kit_page    page, served;
static struct code_module module;
static struct code_rule   rule;
static uint64_t           revision;
static atomic_int         has_ended;
static unsigned           calls, wrong;

static const struct kit_edge by_shm[] = { { "file", "magic", "shm", RH_OK, NULL } };

static void put_rule(struct rh_record_writer *writer, const struct kit_edge *to)
{
	(void)to;
	code_put(writer, &rule);
}

static void exchange(void)
{
	static const char *const marks[] = { "mark=65", "mark=66", "mark=67" };

	rule.revision++;
	rule.params[0] = marks[rule.revision % 3];
	kit_apply(&caller, ++revision, "", by_shm, 1);
	if (code_await(&caller, &module, "magic", revision) != RH_ITEM_ACTIVE)
		fail_msg("rejected: %s", kit_text);
}

static int set_up(void **state)
{
	if (code_open(state) < 0)
		return -1;
	code_make(&module, "filter", "native");
	rule = (struct code_rule){
		"guard", 1, "filter", module.sha256, "native", "fail-closed",
		{ "mark=65", "verdict=3", "length=4", "only=5" },
	};
	kit_edge_more = put_rule;
	kit_agent_start(&caller, "file");
	kit_agent_start(&callee, "magic");
	kit_apply(&callee, 1, "bytes", by_shm, 1);
	return 0;
}

static int tear_down(void **state)
{
	free(module.object);
	return code_close(state);
}

/* ---- calls ---------------------------------------------------------------- */

static void serve_all(void)
{
	struct rh_taken taken;

	while (rh_server_take(&served.server, &taken) == 1) {
		struct rh_reply reply = { .len = taken.args_len };

		if (taken.args_len != 4)
			wrong++; /* it went by unseen */
		else
			memcpy(taken.reply_near, taken.args, 4);
		rh_server_finish(&served.server, &taken, &reply);
	}
}

static void look(const struct rh_reply *reply)
{
	char mark = reply->len == 4 ? (char)reply->bytes[0] : 0;

	calls++;
	if (reply->status != RH_OK || mark < 'A' || mark > 'C')
		wrong++;
	for (unsigned i = 1; i < reply->len; i++)
		wrong += reply->bytes[i] != (unsigned char)mark;
}

static void *call_on(void *unused)
{
	int      slots[RH_PAGE_SLOTS];
	unsigned first = 0, next = 0;

	while (!atomic_load(&has_ended) || first != next) {
		struct rh_reply reply;

		while (!atomic_load(&has_ended) && next - first < RH_PAGE_SLOTS) {
			int slot = kit_submit(&page, 77, "abcde", 0);

			if (slot < 0)
				break;
			slots[next++ % RH_PAGE_SLOTS] = slot;
		}
		serve_all();
		while (first != next && rh_caller_collect(&page.caller,
		       slots[first % RH_PAGE_SLOTS], &reply) == RH_OK) {
			look(&reply);
			rh_caller_release(&page.caller, slots[first++ % RH_PAGE_SLOTS]);
		}
	}
	return unused;
}

static void join(void)
{
	struct rh_taken taken;
	struct rh_reply reply;
	uint32_t        edge;
	int             slot;

	assert_int_equal(kit_attach(&client, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&client, "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&client, edge, 0, &page), RH_OK);
	assert_int_equal(kit_serve(&server, "magic", "bytes", 0), RH_OK);
	slot = kit_submit(&page, 1, "first", kit_deadline());
	kit_page_added(&server, &served);
	kit_take(&served, &taken);
	kit_answer(&served, &taken, RH_OK, "");
	kit_collect(&page, slot, &reply);
}

/* ---- its size ------------------------------------------------------------- */

struct size {
	long rss_kb, virtual_kb, mappings;
	int  descriptors;
};

static long kb_of(const char *name)
{
	char  path[64], line[128];
	long  kb = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)caller.pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name), NULL, 10);
	}
	fclose(file);
	assert_true(kb >= 0);
	return kb;
}

static long count_mappings(void)
{
	char  path[64];
	int   c;
	long  lines = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)caller.pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static struct size size_of_agent(void)
{
	return (struct size){
		kb_of("VmRSS:"), kb_of("VmSize:"), count_mappings(),
		kit_descriptors(caller.pid),
	};
}

static void swaps_lose_nothing_and_keep_nothing(void **unused)
{
	const char *text = getenv("SWAPS");
	unsigned    swaps = text ? (unsigned)strtoul(text, NULL, 10) : 400;
	struct size before, after;
	pthread_t   thread;

	(void)unused;
	exchange();
	join();
	assert_int_equal(pthread_create(&thread, NULL, call_on, NULL), 0);
	for (unsigned i = 0; i < swaps / 4; i++)
		exchange(); /* pools and caches are as full as they get */
	before = size_of_agent();
	for (unsigned i = swaps / 4; i < swaps; i++)
		exchange();
	after = size_of_agent();
	atomic_store(&has_ended, 1);
	pthread_join(thread, NULL);
	printf("%u calls, %u swaps; from %ld to %ld kB, %ld to %ld kB virtual, %ld to %ld "
	       "mappings, %d to %d descriptors\n", calls, swaps, before.rss_kb, after.rss_kb,
	       before.virtual_kb, after.virtual_kb, before.mappings, after.mappings,
	       before.descriptors, after.descriptors);
	assert_int_equal(wrong, 0);
	assert_true(calls > swaps);
	assert_true(after.rss_kb <= before.rss_kb + 1024);
	assert_true(after.virtual_kb <= before.virtual_kb + 4096);
	assert_true(after.mappings <= before.mappings + 4);
	assert_true(after.descriptors <= before.descriptors + 2); /* at this moment */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(swaps_lose_nothing_and_keep_nothing, set_up,
		                                tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
