/* The serving side without processes: pages that come and go, contexts that lie, and
 * as whom files are accessed. */
#include "../support/scene.h"

#include "../../base/clock.h"
#include "../../base/memory.h"
#include "../../sdk/c/serve.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct hall {
	struct rh_server        server;
	struct rh_serve_thread  thread;
	struct rh_serve_caller *caller;
	struct rh_serve_page    page;
	int                     companions[2];
};

static int set_up(void **state)
{
	struct hall *hall = calloc(1, sizeof *hall);

	hall->server.threads = &hall->thread;
	hall->server.thread_count = 1;
	hall->server.pages = &hall->page;
	hall->server.agent = hall->server.clock = hall->server.wake = -1;
	pthread_mutex_init(&hall->server.process_lock, NULL);
	pthread_mutex_init(&hall->server.env_lock, NULL);
	hall->thread.server = &hall->server;
	pthread_mutex_init(&hall->thread.lock, NULL);
	hall->caller = rh_serve_caller_create(1);
	hall->page.memory = aligned_alloc(4096, RH_PAGE_BYTES);
	memset(hall->page.memory, 0, RH_PAGE_BYTES);
	rh_page_format(hall->page.memory, 1, 1, 1, RH_PAGE_FLAG_BIND);
	rh_server_init(&hall->page.end, hall->page.memory, -1);
	if (rh_socket_pair(1, hall->companions) < 0)
		return -1;
	hall->page.companion = hall->companions[0];
	hall->page.caller = hall->caller;
	hall->page.thread = &hall->thread;
	hall->page.serial = 1;
	*state = hall;
	return 0;
}

static int tear_down(void **state)
{
	struct hall *hall = *state;

	rh_serve_context_fini(&hall->page);
	rh_stash_destroy(hall->page.stash);
	rh_serve_caller_destroy(hall->caller, &hall->server.table);
	close(hall->companions[0]);
	close(hall->companions[1]);
	free(hall->page.memory);
	free(hall);
	return 0;
}

static void stop(struct hall *hall)
{
	atomic_store(&hall->thread.is_stopping, 1);
	rh_serve_thread_tell(&hall->thread);
	pthread_join(hall->thread.id, NULL);
}

/* Given and dropped before the thread looks: it must see both. */
static void a_page_that_is_dropped_at_once_is_let_go(void **state)
{
	struct hall *hall = *state;
	uint64_t     until = rh_clock_ns() + 10 * RH_NS_PER_S;

	rh_serve_thread_give(&hall->thread, &hall->page);
	atomic_store(&hall->page.is_dropped, 1);
	rh_serve_thread_tell(&hall->thread);
	assert_int_equal(rh_serve_thread_start(&hall->server, &hall->thread), RH_OK);
	while (!atomic_load(&hall->page.is_let_go) && rh_clock_ns() < until)
		sched_yield();
	assert_int_equal(atomic_load(&hall->page.is_let_go), 1);
	stop(hall);
}

static void send_context(struct hall *hall, uint32_t id, const char *env, int fd)
{
	unsigned char           bytes[512];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	if (id)
		rh_record_put_u32(&writer, RH_TAG_CONTEXT, id);
	if (env)
		rh_record_put_text(&writer, RH_TAG_ENV, env);
	assert_int_equal(rh_socket_send(hall->companions[1], RH_FRAME_CONTEXT, 0, &writer,
	                                &fd, fd >= 0), RH_OK);
}

static int apply(struct hall *hall, uint32_t id)
{
	return rh_serve_context_apply(&hall->thread, &hall->page, id);
}

/* A variable decides which libraries a process loads: only those that are named. */
static void a_caller_sets_no_variable_that_is_not_named(void **state)
{
	struct hall *hall = *state;

	hall->server.env_count = 1;
	strcpy(hall->server.env[0], "NAMED");
	setenv("LD_PRELOAD", "", 1);
	setenv("PATH_OF_TEST", "before", 1);
	send_context(hall, 1, "NAMED=yes", -1);
	send_context(hall, 2, "LD_PRELOAD=/evil.so", -1);
	send_context(hall, 3, "PATH_OF_TEST", -1); /* unset */
	send_context(hall, 4, "=", -1);
	for (uint32_t id = 1; id <= 4; id++)
		assert_int_equal(apply(hall, id), RH_OK);
	assert_string_equal(getenv("NAMED"), "yes");
	assert_string_equal(getenv("LD_PRELOAD"), "");
	assert_string_equal(getenv("PATH_OF_TEST"), "before");
	unsetenv("LD_PRELOAD");
}

static void a_context_that_was_not_sent_is_refused(void **state)
{
	struct hall *hall = *state;

	assert_int_equal(apply(hall, 0), RH_OK); /* none */
	assert_int_equal(apply(hall, 7), RH_EPROTO);
	send_context(hall, 0, "NAMED=x", -1); /* without a number */
	assert_int_equal(apply(hall, 7), RH_EPROTO);
	send_context(hall, 7, NULL, -1);
	assert_int_equal(apply(hall, 7), RH_OK);
}

static void what_is_no_directory_is_refused_and_changes_nothing(void **state)
{
	struct hall *hall = *state;
	char         before[4096], after[4096];
	int          root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int          null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_non_null(getcwd(before, sizeof before));
	send_context(hall, 1, NULL, null);
	assert_int_equal(apply(hall, 1), RH_EIO);
	assert_non_null(getcwd(after, sizeof after));
	assert_string_equal(before, after);
	send_context(hall, 2, NULL, root);
	assert_int_equal(apply(hall, 2), RH_OK);
	assert_non_null(getcwd(after, sizeof after));
	assert_string_equal(after, "/");
	assert_int_equal(apply(hall, 1), RH_EIO); /* again, and not taken for applied */
	assert_int_equal(chdir(before), 0);
	close(root);
	close(null);
}

/* More contexts than are kept: the oldest goes, and no descriptor with it. */
static void contexts_do_not_pile_up(void **state)
{
	struct hall *hall = *state;
	int          root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char         before[4096];
	int          fds = 0;

	assert_non_null(getcwd(before, sizeof before));
	for (uint32_t id = 1; id <= 200; id++) {
		send_context(hall, id, NULL, root);
		assert_int_equal(apply(hall, id), RH_OK);
		if (id == RH_CONTEXTS_PER_PEER + 1)
			fds = scene_fds();
	}
	assert_int_equal(scene_fds(), fds);
	assert_int_equal(apply(hall, 1), RH_EPROTO); /* forgotten */
	assert_int_equal(apply(hall, 200), RH_OK);
	assert_int_equal(chdir(before), 0);
	close(root);
}

/* An agent that names no groups must not make anybody a member of root's. */
static void nobody_is_acted_for_without_its_groups(void **state)
{
	struct rh_serve_who who = { .uid = 65534, .gid = 0, .group_count = 0 };
	struct rh_serve_who self = { .uid = geteuid() };

	(void)state;
	assert_int_equal(rh_serve_act_as(&self), RH_OK);
	assert_int_equal(rh_serve_act_as(&who), RH_EACCES);
	rh_serve_act_as_self(&who);
}

static void handles_are_of_one_caller_and_one_type(void **state)
{
	struct hall            *hall = *state;
	struct rh_serve_caller *other = rh_serve_caller_create(2);
	int                     objects[3];
	uint64_t                ids[3], again;
	void                   *pointer = NULL;

	for (int i = 0; i < 3; i++)
		assert_int_equal(rh_serve_object_id(hall->caller, (uint16_t)(i % 2),
		                                    &objects[i], &ids[i]), RH_OK);
	assert_int_equal(rh_serve_object_id(hall->caller, 0, &objects[0], &again), RH_OK);
	assert_true(again == ids[0]);
	assert_int_equal(rh_serve_object_find(hall->caller, 0, ids[0], &pointer), RH_OK);
	assert_ptr_equal(pointer, &objects[0]);
	pointer = NULL;
	assert_int_equal(rh_serve_object_find(hall->caller, 1, ids[0], &pointer), RH_EHANDLE);
	assert_int_equal(rh_serve_object_find(other, 0, ids[0], &pointer), RH_EHANDLE);
	assert_int_equal(rh_serve_object_find(hall->caller, 0, 0, &pointer), RH_EHANDLE);
	assert_int_equal(rh_serve_object_find(hall->caller, 0, UINT64_MAX, &pointer),
	                 RH_EHANDLE);
	assert_int_equal(rh_serve_object_find(hall->caller, 0, ids[0] + (1ull << 32),
	                                      &pointer), RH_EHANDLE);
	assert_int_equal(rh_serve_object_find(hall->caller, 0, ids[0] & UINT32_MAX,
	                                      &pointer), RH_EHANDLE);
	rh_serve_object_forget(hall->caller, &objects[0]);
	assert_int_equal(rh_serve_object_find(hall->caller, 0, ids[0], &pointer), RH_EHANDLE);
	assert_null(pointer);
	assert_int_equal(rh_serve_object_id(hall->caller, 0, NULL, &again), RH_OK);
	assert_true(again == 0);
	rh_serve_caller_destroy(other, &hall->server.table);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_page_that_is_dropped_at_once_is_let_go),
		CASE(a_caller_sets_no_variable_that_is_not_named),
		CASE(a_context_that_was_not_sent_is_refused),
		CASE(what_is_no_directory_is_refused_and_changes_nothing),
		CASE(contexts_do_not_pile_up),
		CASE(nobody_is_acted_for_without_its_groups),
		CASE(handles_are_of_one_caller_and_one_type),
	};

	return cmocka_run_group_tests_name("sdk_serve", tests, NULL, NULL);
}
