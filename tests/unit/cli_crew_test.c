/* The crew with real processes: shells that say when they are ready and what they
 * were told.  Nothing waits for time; every step waits for what it needs. */
#include "../../cli/supervise/crew.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
	uv_loop_t                 loop;
	struct rh_journal         journal;
	struct rh_process_setting setting;
	struct rh_crew            crew;
	struct rh_plan            plan;
	char                      folder[64];
	unsigned                  changes;
};

static void on_changed(void *user, struct rh_process *process)
{
	struct scene *scene = user;

	(void)process;
	scene->changes++;
}

static int enter(void **state)
{
	static const char *const env[] = { "CREW=yes", "HOME", NULL };
	struct scene *scene = calloc(1, sizeof *scene);

	strcpy(scene->folder, "/tmp/rhodes-crew-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	assert_int_equal(rh_journal_init(&scene->journal, scene->folder, -1, NULL), 0);
	uv_loop_init(&scene->loop);
	scene->setting = (struct rh_process_setting){
		.loop = &scene->loop, .journal = &scene->journal, .env = env,
		.changed = on_changed, .user = scene,
	};
	scene->plan.tasks = calloc(8, sizeof *scene->plan.tasks);
	*state = scene;
	return 0;
}

static int leave(void **state)
{
	struct scene *scene = *state;

	rh_crew_fini(&scene->crew);
	rh_plan_fini(&scene->plan);
	while (uv_run(&scene->loop, UV_RUN_NOWAIT))
		;
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	unlink(scene->journal.path);
	rh_journal_fini(&scene->journal);
	rmdir(scene->folder);
	free(scene);
	return 0;
}

/* Adds a shell script to the plan, which must stay sorted. */
static struct rh_task *want(struct scene *scene, enum rh_task_role role,
                            const char *resource, const char *name, const char *script)
{
	struct rh_task *task = &scene->plan.tasks[scene->plan.count++];

	rh_task_init(task, role, resource);
	snprintf(task->name, sizeof task->name, "%s", name);
	rh_task_arg(task, "/bin/sh");
	rh_task_arg(task, "-c");
	rh_task_arg(task, script);
	task->says_ready = true;
	return task;
}

static void follow(struct scene *scene)
{
	rh_crew_sweep(&scene->crew);
	rh_crew_follow(&scene->crew, &scene->plan, &scene->setting);
}

#define UNTIL(scene, condition) do { \
		follow(scene); \
		if (condition) \
			break; \
		uv_run(&(scene)->loop, UV_RUN_ONCE); \
	} while (1)

static bool is_ready(struct scene *scene)
{
	const char *missing;

	return rh_crew_is_ready(&scene->crew, &scene->plan, &missing);
}

#define STAYS "echo ready; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"

static char *journal_text(struct scene *scene)
{
	static char text[100000];
	FILE       *file = fopen(scene->journal.path, "r");
	size_t      n = fread(text, 1, sizeof text - 1, file);

	text[n] = '\0';
	fclose(file);
	return text;
}

static void an_instance_waits_for_its_agent(void **state)
{
	struct scene *scene = *state;
	const char   *missing = NULL;

	want(scene, RH_TASK_INSTANCE, "a", "a/0", STAYS);
	want(scene, RH_TASK_AGENT, "a", "agent/a", "echo env $CREW${HOME-no}; " STAYS);
	follow(scene);
	assert_int_equal(rh_crew_find(&scene->crew, "agent/a")->state, RH_LIFE_RUNNING);
	assert_int_equal(rh_crew_find(&scene->crew, "a/0")->state, RH_LIFE_IDLE);
	assert_false(rh_crew_is_ready(&scene->crew, &scene->plan, &missing));
	assert_string_equal(missing, "a/0");
	UNTIL(scene, is_ready(scene));
	assert_int_equal(rh_crew_find(&scene->crew, "a/0")->state, RH_LIFE_RUNNING);
	assert_non_null(strstr(journal_text(scene), " env yesno\n"));
	assert_null(strstr(journal_text(scene), " ready\n"));
}

static void without_an_agent_of_ours_it_starts_at_once(void **state)
{
	struct scene *scene = *state;

	want(scene, RH_TASK_INSTANCE, "a", "a/0", STAYS);
	follow(scene);
	assert_int_equal(rh_crew_find(&scene->crew, "a/0")->state, RH_LIFE_RUNNING);
}

static void a_killed_one_comes_back_at_once(void **state)
{
	struct scene *scene = *state;
	pid_t         first;

	want(scene, RH_TASK_AGENT, "a", "agent/a", STAYS);
	UNTIL(scene, is_ready(scene));
	first = rh_crew_find(&scene->crew, "agent/a")->spawned.pid;
	assert_int_equal(kill(first, SIGKILL), 0);
	UNTIL(scene, rh_crew_find(&scene->crew, "agent/a")->spawned.pid != first &&
	             is_ready(scene));
	assert_int_equal(rh_crew_find(&scene->crew, "agent/a")->starts, 2);
	assert_int_equal(rh_crew_find(&scene->crew, "agent/a")->by_signal, SIGKILL);
	assert_non_null(strstr(journal_text(scene), "was killed by signal 9"));
	assert_null(strstr(journal_text(scene), "starts again in"));
}

static void one_that_fails_waits_before_it_starts_again(void **state)
{
	struct scene *scene = *state;

	want(scene, RH_TASK_AGENT, "a", "agent/a", "echo last words; printf cut; exit 3");
	UNTIL(scene, rh_crew_find(&scene->crew, "agent/a")->starts == 2);
	assert_non_null(strstr(journal_text(scene), "starts again in 0.1 s"));
	assert_non_null(strstr(journal_text(scene), "ended with code 3"));
	assert_non_null(strstr(journal_text(scene), " last words\n"));
	assert_non_null(strstr(journal_text(scene), " cut\n"));
}

static void one_that_may_end_is_left_alone(void **state)
{
	struct scene *scene = *state;

	want(scene, RH_TASK_AGENT, "a", "agent/a", "exit 0")->restart =
		RH_RESTART_ON_FAILURE;
	UNTIL(scene, is_ready(scene));
	assert_int_equal(rh_crew_find(&scene->crew, "agent/a")->state, RH_LIFE_ENDED);
	assert_int_equal(rh_crew_find(&scene->crew, "agent/a")->starts, 1);
}

static void what_is_not_wanted_ends_instances_first(void **state)
{
	struct scene *scene = *state;
	char         *text;

	want(scene, RH_TASK_INSTANCE, "a", "a/0", STAYS);
	want(scene, RH_TASK_AGENT, "a", "agent/a", STAYS);
	UNTIL(scene, is_ready(scene));
	rh_task_fini(&scene->plan.tasks[0]);
	rh_task_fini(&scene->plan.tasks[1]);
	scene->plan.count = 0;
	follow(scene);
	assert_int_equal(rh_crew_find(&scene->crew, "a/0")->state, RH_LIFE_STOPPING);
	assert_int_equal(rh_crew_find(&scene->crew, "agent/a")->state, RH_LIFE_RUNNING);
	UNTIL(scene, scene->crew.count == 0);
	text = journal_text(scene);
	assert_true(strstr(text, "a/0 ended") < strstr(text, "agent/a ended"));
}

static void another_form_means_another_process(void **state)
{
	struct scene *scene = *state;
	pid_t         first;

	want(scene, RH_TASK_AGENT, "a", "agent/a", STAYS)->mark = strdup("1");
	UNTIL(scene, is_ready(scene));
	first = rh_crew_find(&scene->crew, "agent/a")->spawned.pid;
	free(scene->plan.tasks[0].mark);
	scene->plan.tasks[0].mark = strdup("2");
	assert_false(is_ready(scene));
	UNTIL(scene, is_ready(scene));
	assert_int_not_equal(rh_crew_find(&scene->crew, "agent/a")->spawned.pid, first);
	assert_string_equal(rh_crew_find(&scene->crew, "agent/a")->task.mark, "2");
}

static void a_program_that_is_not_there_is_named(void **state)
{
	struct scene   *scene = *state;
	struct rh_task *task = &scene->plan.tasks[scene->plan.count++];

	rh_task_init(task, RH_TASK_AGENT, "a");
	snprintf(task->name, sizeof task->name, "agent/a");
	rh_task_arg(task, "/nowhere/rhodes-agent");
	task->restart = RH_RESTART_NEVER;
	UNTIL(scene, is_ready(scene));
	assert_non_null(strstr(journal_text(scene),
	                       "cannot start /nowhere/rhodes-agent: No"
	                       " such file or directory"));
}

/* Its children too: they would hold what the next instance needs. */
static void the_whole_group_ends(void **state)
{
	struct scene *scene = *state;
	struct pollfd end = { .events = POLLIN };
	const char   *line;
	int           child = 0;

	want(scene, RH_TASK_AGENT, "a", "agent/a",
	     "trap '' TERM; sleep 1000 & trap 'exit 0' TERM; echo child $!; echo ready;"
	     " wait"); /* a child that does not hear of the end */
	UNTIL(scene, is_ready(scene));
	line = strstr(journal_text(scene), " child ");
	assert_non_null(line);
	assert_int_equal(sscanf(line, " child %d", &child), 1);
	end.fd = (int)syscall(SYS_pidfd_open, child, 0);
	assert_true(end.fd >= 0);
	rh_crew_stop(&scene->crew, RH_TASK_AGENT);
	while (rh_crew_find(&scene->crew, "agent/a")->state != RH_LIFE_GONE)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_int_equal(poll(&end, 1, -1), 1);
	close(end.fd);
}

/* One that is killed by a signal is otherwise started again at once. */
static void what_is_killed_on_purpose_stays_dead(void **state)
{
	struct scene      *scene = *state;
	struct rh_process *process;

	want(scene, RH_TASK_AGENT, "a", "agent/a", STAYS);
	UNTIL(scene, is_ready(scene));
	process = rh_crew_find(&scene->crew, "agent/a");
	rh_crew_kill(&scene->crew);
	while (process->state != RH_LIFE_GONE && process->starts == 1)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_int_equal(process->starts, 1);
	assert_int_equal(process->state, RH_LIFE_GONE);
}

/* kill -9 of the supervisor: a child of the test plays it. */
static void nothing_survives_the_supervisor(void **state)
{
	struct scene *scene = *state;
	struct pollfd end = { .events = POLLIN };
	int           fds[2], status;
	pid_t         pid, supervisor;

	assert_int_equal(pipe(fds), 0);
	supervisor = fork();
	if (supervisor == 0) {
		uv_loop_fork(&scene->loop);
		want(scene, RH_TASK_AGENT, "a", "agent/a", STAYS);
		UNTIL(scene, is_ready(scene));
		pid = rh_crew_find(&scene->crew, "agent/a")->spawned.pid;
		if (write(fds[1], &pid, sizeof pid) != sizeof pid)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &pid, sizeof pid), sizeof pid);
	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_true(end.fd >= 0);
	kill(supervisor, SIGKILL);
	assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
	assert_int_equal(poll(&end, 1, -1), 1);
	close(end.fd);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_instance_waits_for_its_agent, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(
			without_an_agent_of_ours_it_starts_at_once, enter, leave),
		cmocka_unit_test_setup_teardown(a_killed_one_comes_back_at_once, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(
			one_that_fails_waits_before_it_starts_again, enter, leave),
		cmocka_unit_test_setup_teardown(one_that_may_end_is_left_alone, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(what_is_not_wanted_ends_instances_first,
		                                enter, leave),
		cmocka_unit_test_setup_teardown(another_form_means_another_process, enter,
		                                leave),
		cmocka_unit_test_setup_teardown(a_program_that_is_not_there_is_named,
		                                enter, leave),
		cmocka_unit_test_setup_teardown(the_whole_group_ends, enter, leave),
		cmocka_unit_test_setup_teardown(what_is_killed_on_purpose_stays_dead,
		                                enter, leave),
		cmocka_unit_test_setup_teardown(nothing_survives_the_supervisor, enter,
		                                leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
