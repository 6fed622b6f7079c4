/* The cache of an agent: it starts from it, without a center; and what happens when
 * files of it are damaged, old, or cannot be written. */
#include "agent_kit.h"

#include "../../agent/cache.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct kit_edge by_shm[] = { { "file", "magic", "shm", RH_OK, NULL } };
static const struct kit_edge none[] = { { "file", "magic", "shm", RH_ELAYER, NULL } };

static struct kit_agent agent;
static char             dir[160];

static int set_up(void **state)
{
	int r = kit_open(state);

	if (r < 0)
		return r;
	snprintf(kit_state_dir, sizeof kit_state_dir, "%s/state", kit_dir);
	snprintf(dir, sizeof dir, "%s/agent/file", kit_state_dir);
	kit_agent_start(&agent, "file");
	return 0;
}

static int tear_down(void **state)
{
	kit_state_dir[0] = 0;
	return kit_close(state);
}

static void path_of(const char *name, char *path)
{
	snprintf(path, 256, "%s/%s", dir, name);
}

/* The revision that a file of the cache holds; 0: it is not there. */
static uint64_t saved(const char *name)
{
	struct rh_cache_head head = { .revision = 0 };
	char                 path[256];
	int                  fd;

	path_of(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, &head, sizeof head) != (ssize_t)sizeof head)
		head.revision = 0;
	close(fd);
	return head.revision;
}

static int is_saved(uint64_t revision)
{
	return saved("view.a") == revision || saved("view.b") == revision;
}

/* Killed, and started while nobody answers for the center. */
static void restart(void)
{
	kit_agent_kill(&agent, SIGKILL);
	kit_agent_start_alone(&agent, "file");
}

static void change(const char *name, off_t at, const char *bytes)
{
	char path[256];
	int  fd;

	path_of(name, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), (ssize_t)strlen(bytes));
	close(fd);
}

static int exists(const char *name)
{
	char path[256];

	path_of(name, path);
	return access(path, F_OK) == 0;
}

static void it_starts_from_the_cache(void **unused)
{
	struct kit_peer peer;
	uint32_t        edge;

	(void)unused;
	kit_apply(&agent, 7, "", by_shm, 1);
	KIT_UNTIL(is_saved(7));
	restart();
	assert_int_equal(kit_counters(&agent)->revision, 7);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
	/* Back, the center is told what the agent has. */
	kit_center_accept(&agent);
	assert_int_equal(kit_u64(RH_TAG_REVISION), 7);
	kit_detach(&peer);
}

/* The newest is damaged: set aside, and the generation before it counts. */
static void a_damaged_generation_is_set_aside(void **unused)
{
	static const char *const names[2] = { "view.a", "view.b" };
	struct kit_peer          peer;
	uint32_t                 edge;

	(void)unused;
	kit_apply(&agent, 7, "", none, 1);
	KIT_UNTIL(is_saved(7));
	kit_apply(&agent, 8, "", by_shm, 1);
	KIT_UNTIL(is_saved(8));
	const char *newest = names[saved("view.b") == 8];
	change(newest, sizeof(struct rh_cache_head) + 20, "damage");
	restart();
	assert_int_equal(kit_counters(&agent)->revision, 7);
	assert_false(exists(newest));
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_ELAYER);
	kit_detach(&peer);
}

/* Without any generation it waits for the center, as one that is new. */
static void without_a_whole_generation_it_waits(void **unused)
{
	char path[256];

	(void)unused;
	kit_apply(&agent, 7, "", by_shm, 1);
	KIT_UNTIL(is_saved(7));
	const char *newest = saved("view.a") == 7 ? "view.a" : "view.b";
	path_of(newest, path);
	assert_int_equal(truncate(path, 100), 0);
	restart();
	assert_int_equal(kit_counters(&agent)->revision, 0);
	kit_center_accept(&agent);
	assert_int_equal(kit_u64(RH_TAG_REVISION), 0);
	kit_apply(&agent, 9, "", by_shm, 1);
	KIT_UNTIL(is_saved(9));
}

/* Deadlines count the time of one boot: of another, they have passed. */
static void a_deadline_of_another_boot_has_passed(void **unused)
{
	struct kit_peer peer;
	uint32_t        edge;

	(void)unused;
	kit_revoked_at = rh_clock_ns() + 3600 * RH_NS_PER_S;
	kit_after = RH_EREVOKED;
	kit_apply(&agent, 7, "", by_shm, 1);
	KIT_UNTIL(is_saved(7));
	restart();
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
	kit_detach(&peer);
	kit_agent_kill(&agent, SIGKILL);
	const char *newest = saved("view.a") == 7 ? "view.a" : "view.b";
	kit_cache_forge(dir, newest, "another boot");
	kit_agent_start_alone(&agent, "file");
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_EREVOKED);
	kit_detach(&peer);
	kit_revoked_at = 0;
}

/* It cannot be written: the agent goes on and is as good as new afterwards. */
static void a_cache_that_cannot_be_written_hurts_nobody(void **unused)
{
	struct kit_peer peer;

	(void)unused;
	kit_agent_kill(&agent, SIGKILL);
	int fd = open(kit_state_dir, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0); /* a file where the directory should be */
	close(fd);
	kit_agent_start(&agent, "file");
	kit_apply(&agent, 7, "", by_shm, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	kit_detach(&peer);
	assert_int_equal(unlink(kit_state_dir), 0);
	kit_apply(&agent, 8, "", by_shm, 1);
	KIT_UNTIL(is_saved(8));
}

/* A link in the place of a generation leads nowhere. */
static void a_link_is_not_followed(void **unused)
{
	char path[256], target[256];

	(void)unused;
	kit_apply(&agent, 7, "", by_shm, 1);
	KIT_UNTIL(is_saved(7));
	const char *newest = saved("view.a") == 7 ? "view.a" : "view.b";
	path_of(newest, path);
	path_of("elsewhere", target);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	restart();
	assert_int_equal(kit_counters(&agent)->revision, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_starts_from_the_cache),
		TEST(a_damaged_generation_is_set_aside),
		TEST(without_a_whole_generation_it_waits),
		TEST(a_deadline_of_another_boot_has_passed),
		TEST(a_cache_that_cannot_be_written_hurts_nobody),
		TEST(a_link_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
