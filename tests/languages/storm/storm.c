/* storm - a program that is linked with libtextstat and knows nothing of Rhodes: many
 * threads call while their callee is killed again and again, and the process forks in the
 * middle.  storm_test.py drives it.
 *
 *   storm RESOURCE THREADS
 *
 * Prints "started" when each thread has called once, calls until standard input ends, and
 * then "ok N lost N", or what went wrong and 1. */
#include "../../../examples/languages/textstat.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS 10

static atomic_uint       calls, lost, wrong;
static atomic_int        ends;
static pthread_barrier_t started;

static void tell(const char *what)
{
	atomic_fetch_add(&wrong, 1);
	printf("wrong: %s\n", what);
}

/* A failed call is -1 or NULL, as C says it. */
static int is_right(int is_so, int is_failed, const char *what)
{
	if (is_failed)
		atomic_fetch_add(&lost, 1);
	else if (!is_so)
		tell(what);
	return !is_failed;
}

static void use_doc(struct ts_doc *doc)
{
	int64_t     size = ts_doc_add(doc, "four");
	const char *title;

	if (!is_right(size == 4, size == -1, "doc_add"))
		return;
	title = ts_doc_title(doc);
	is_right(title && strcmp(title, "storm") == 0, !title, "title");
}

static void use(int32_t number)
{
	int32_t        sum = ts_add(number, 1);
	char          *text;
	struct ts_doc *doc;

	is_right(sum == number + 1, sum == -1, "add");
	text = ts_repeat("ab", 500);
	is_right(text && strlen(text) == 1000, !text, "repeat");
	free(text);
	doc = ts_doc_open("storm");
	if (!is_right(1, !doc, "open"))
		return;
	use_doc(doc);
	ts_doc_close(doc);
}

static void *run(void *unused)
{
	struct ts_doc *kept = ts_doc_open("kept");
	int32_t        number = 0;

	(void)unused;
	pthread_barrier_wait(&started);
	while (!atomic_load(&ends)) {
		atomic_fetch_add(&calls, 1);
		use(number++ & 0xffff);
		if (kept && ts_doc_add(kept, "x") >= 0)
			continue;
		atomic_fetch_add(&lost, 1);
		if (kept)
			ts_doc_close(kept);
		kept = ts_doc_open("kept");
	}
	if (kept)
		ts_doc_close(kept);
	if (ts_add(4, 5) != 9)
		tell("the last add");
	return NULL;
}

static void fork_once(void)
{
	int   status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(ts_add(20, 1) != 21);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		tell("a child");
}

int main(int argc, char **argv)
{
	unsigned   count = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	pthread_t *threads = calloc(count, sizeof *threads);

	if (!threads || pthread_barrier_init(&started, NULL, count + 1) != 0)
		return 1;
	for (unsigned i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, run, NULL) != 0)
			return 1;
	pthread_barrier_wait(&started);
	for (unsigned i = 0; i < FORKS; i++)
		fork_once();
	printf("started\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	atomic_store(&ends, 1);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	if (!atomic_load(&wrong))
		printf("ok %u lost %u\n", atomic_load(&calls), atomic_load(&lost));
	return atomic_load(&wrong) != 0;
}
