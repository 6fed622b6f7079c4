/* What is governed: which threads there are, what they had before, and the file that the next
 * agent reads; and the rule as an item carries it. */
#include "../../agent/governed.h"
#include "../../agent/schedspec.h"
#include "../../model/error.h"
#include "../../wire/frame.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int as_told(void *user, const struct rh_sched_attr *attr)
{
	(void)attr;
	return *(int *)user;
}

static void look(struct rh_governed *set, int is_ruled)
{
	rh_governed_look(set, as_told, &is_ruled);
}

/* ---- threads ---------------------------------------------------------------- */

static pthread_barrier_t gate;

static void *wait_at_gate(void *unused)
{
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&gate);
	return unused;
}

/* One that had the rule's class from the beginning has it from its maker. */
static void who_comes_later_had_what_its_maker_had(void **unused)
{
	struct rh_governed set;
	pthread_t          thread;

	(void)unused;
	rh_governed_init(&set);
	assert_int_equal(rh_governed_add(&set, getpid(), 0), RH_OK);
	assert_int_equal(rh_governed_add(&set, getpid(), 0), RH_OK); /* once */
	look(&set, 1);
	assert_int_equal(set.count, 1);
	assert_int_equal(set.threads, 1);
	assert_int_equal(set.at[0]->threads[0].tid, getpid());
	set.at[0]->before.nice = 7;
	pthread_barrier_init(&gate, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, wait_at_gate, NULL), 0);
	pthread_barrier_wait(&gate);
	look(&set, 1);
	assert_int_equal(set.threads, 2);
	assert_int_equal(set.at[0]->threads[1].before.nice, 7);
	assert_int_not_equal(set.at[0]->threads[0].before.nice, 7); /* G2 */
	rh_governed_release(&set);
	look(&set, 0); /* each has what it has: no rule was on them */
	assert_int_not_equal(set.at[0]->threads[1].before.nice, 7);
	pthread_barrier_wait(&gate);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&gate);
	rh_governed_fini(&set);
}

/* ---- processes -------------------------------------------------------------- */

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void children_come_and_go(void **unused)
{
	struct rh_governed set;
	pid_t              child;

	(void)unused;
	rh_governed_init(&set);
	assert_int_equal(rh_governed_add(&set, getpid(), 1), RH_OK);
	child = start_child();
	look(&set, 0);
	assert_int_equal(set.count, 2);
	assert_int_equal(set.at[1]->pid, child);
	assert_true(set.at[1]->is_fiber);
	assert_int_equal(set.threads, 2);
	end_child(child);
	look(&set, 0);
	assert_int_equal(set.count, 1);
	assert_int_equal(set.threads, 1);
	assert_int_equal(rh_governed_add(&set, child, 0), RH_ENOENT);
	rh_governed_fini(&set);
}

/* ---- the file --------------------------------------------------------------- */

static char path[] = "/tmp/rh-governed-XXXXXX";

/* The text of the file, with one replaced by another. */
static void replace(const char *old, const char *new)
{
	char   text[4096];
	FILE  *file = fopen(path, "r");
	size_t n;
	char  *at;

	assert_non_null(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	at = strstr(text, old);
	assert_non_null(at);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	fclose(file);
}

static unsigned loaded(void)
{
	struct rh_governed set;
	unsigned           count;

	rh_governed_init(&set);
	rh_governed_load(&set, path);
	count = set.count;
	rh_governed_fini(&set);
	return count;
}

static void the_next_agent_knows_what_threads_had(void **unused)
{
	struct rh_governed set, next;
	char               start[64];

	(void)unused;
	assert_true(mkstemp(path) >= 0);
	rh_governed_init(&set);
	rh_governed_init(&next);
	assert_int_equal(rh_governed_add(&set, getpid(), 0), RH_OK);
	look(&set, 0);
	set.at[0]->threads[0].before.nice = -7;
	set.at[0]->threads[0].before.deadline_ns = UINT64_MAX;
	set.at[0]->group = strdup("/a group");
	strcpy(set.group, "/made");
	assert_int_equal(rh_governed_save(&set, path, "a cfs host"), RH_OK);
	rh_governed_load(&next, path);
	assert_int_equal(next.count, 1);
	assert_int_equal(next.threads, 1);
	assert_memory_equal(&next.at[0]->threads[0].before, &set.at[0]->threads[0].before,
	                    sizeof(struct rh_sched_attr));
	assert_string_equal(next.at[0]->group, "/a group");
	assert_string_equal(next.group, "/made");
	look(&next, 0); /* it is known, and not asked again */
	assert_int_equal(next.at[0]->threads[0].before.nice, -7);
	/* The number was given to another process. */
	snprintf(start, sizeof start, "%d %llu ", (int)getpid(),
	         (unsigned long long)set.at[0]->start);
	replace(start, "1 17 ");
	assert_int_equal(loaded(), 0);
	assert_int_equal(rh_governed_save(&set, path, "a cfs host"), RH_OK);
	assert_int_equal(loaded(), 1);
	replace("rhodes-governed 1", "rhodes-governed 2");
	assert_int_equal(loaded(), 0);
	rh_governed_fini(&set);
	rh_governed_fini(&next);
	unlink(path);
}

/* ---- the item --------------------------------------------------------------- */

static int read_item(const unsigned char *bytes, size_t len, struct rh_schedspec *spec)
{
	struct rh_record_reader reader;
	struct rh_diag          diag = { .code = RH_OK };
	int                     r;

	rh_record_read(&reader, bytes, len);
	r = rh_schedspec_read(spec, &reader, &diag);
	assert_int_equal(diag.code, r);
	return r;
}

static size_t write_item(unsigned char *bytes, size_t cap, const char *use,
                         const char *number)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, cap);
	size_t place = rh_record_open(&writer, RH_TAG_SCHED_ITEM);
	rh_record_put_text(&writer, RH_TAG_RULE, "r");
	rh_record_put_u64(&writer, RH_TAG_REVISION, 4);
	rh_record_put_text(&writer, RH_TAG_POLICY, use);
	rh_record_put_text(&writer, RH_TAG_MODE, "host");
	rh_record_put_text(&writer, RH_TAG_ENV, number);
	rh_record_close(&writer, place);
	return writer.used;
}

static void an_item_says_what_the_rule_says(void **unused)
{
	unsigned char           bytes[512], again[512];
	struct rh_record_writer writer;
	struct rh_schedspec     spec, same;

	(void)unused;
	size_t len = write_item(bytes, sizeof bytes, "deadline", "periodUs=5000");
	assert_int_equal(read_item(bytes, len, &spec), RH_OK);
	assert_int_equal(spec.says.use, RH_SCHED_DEADLINE);
	assert_int_equal(spec.says.at[RH_SCHED_DEADLINE_US], 5000);
	rh_record_begin(&writer, again, sizeof again);
	rh_schedspec_put(&writer, &spec);
	assert_int_equal(read_item(again, writer.used, &same), RH_OK);
	assert_true(rh_schedspec_is_same(&spec, &same));
	len = write_item(bytes, sizeof bytes, "deadline", "periodUs=5001");
	assert_int_equal(read_item(bytes, len, &same), RH_OK);
	assert_false(rh_schedspec_is_same(&spec, &same));
	assert_int_equal(read_item(bytes, 0, &spec), RH_OK); /* there is no rule */
	assert_string_equal(spec.rule, "");
}

static void what_cannot_be_obeyed_is_no_rule(void **unused)
{
	static const struct {
		const char *use, *number;
		int         code;
	} items[] = {
		{ "lottery", "nice=1", RH_ENOSYS }, { "cfs", "nice", RH_EPROTO },
		{ "cfs", "nice=", RH_EPROTO },      { "cfs", "nice=5x", RH_EPROTO },
		{ "cfs", "nice=20", RH_EINVAL },    { "cfs", "priority=1", RH_EINVAL },
		{ "cfs", "newer=1", RH_OK },
	};
	unsigned char       bytes[512];
	struct rh_schedspec spec;

	(void)unused;
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		size_t len = write_item(bytes, sizeof bytes, items[i].use, items[i].number);

		assert_int_equal(read_item(bytes, len, &spec), items[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_later_had_what_its_maker_had),
		cmocka_unit_test(children_come_and_go),
		cmocka_unit_test(the_next_agent_knows_what_threads_had),
		cmocka_unit_test(an_item_says_what_the_rule_says),
		cmocka_unit_test(what_cannot_be_obeyed_is_no_rule),
	};

	return cmocka_run_group_tests_name("agent_governed", tests, NULL, NULL);
}
