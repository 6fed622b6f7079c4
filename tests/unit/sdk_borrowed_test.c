#include "../../sdk/c/borrowed.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define THREADS 8
#define CALLS   20000

static const struct rh_function title = { .name = "title" }, other = { .name = "other" };

/* What a thread keeps of an object, and what it was given for it. */
struct work {
	struct rh_borrowed **object;
	const char          *text;
	char                *kept;
};

static void *keep(void *user)
{
	struct work *work = user;

	work->kept = rh_borrowed_keep(work->object, &title, work->text, strlen(work->text) + 1);
	return NULL;
}

static char *kept_by_another(struct rh_borrowed **object, const char *text)
{
	struct work work = { .object = object, .text = text };
	pthread_t   thread;

	assert_int_equal(pthread_create(&thread, NULL, keep, &work), 0);
	pthread_join(thread, NULL);
	return work.kept;
}

static char *kept(struct rh_borrowed **object, const struct rh_function *function,
                  const char *text)
{
	return rh_borrowed_keep(object, function, text, strlen(text) + 1);
}

static void test_it_stays_until_the_function_is_called_again(void **state)
{
	struct rh_borrowed *first = NULL, *second = NULL;
	char               *a = kept(&first, &title, "a"), *b = kept(&second, &title, "b");
	char               *c = kept(&first, &other, "c"), *d = kept(NULL, &title, "d");

	(void)state;
	assert_string_equal(a, "a");
	assert_string_equal(b, "b");
	assert_string_equal(c, "c");
	assert_string_equal(d, "d");
	a = kept(&first, &title, "now a longer one");
	assert_string_equal(a, "now a longer one");
	assert_string_equal(b, "b");
	rh_borrowed_free(first);
	assert_string_equal(b, "b");
	rh_borrowed_free(second);
	assert_string_equal(d, "d");
}

static void test_another_threads_call_leaves_it_alone(void **state)
{
	struct rh_borrowed *object = NULL;
	char               *mine = kept(&object, &title, "mine");
	char               *its = kept_by_another(&object, "a text that needs more room than mine");

	(void)state;
	assert_string_equal(mine, "mine");
	kept(&object, &title, "mine, which needs more room than before, too");
	assert_string_equal(its, "a text that needs more room than mine");
	rh_borrowed_free(object);
}

/* A thread that made an object known to others ends: they still have its text. */
static void test_it_outlives_its_thread_but_not_without_end(void **state)
{
	struct rh_borrowed *object = NULL;
	char               *texts[2 * RH_BORROWED_LEFT], words[16];
	unsigned            distinct = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * RH_BORROWED_LEFT; i++) {
		snprintf(words, sizeof words, "text %03u", i);
		texts[i] = kept_by_another(&object, words);
	}
	for (unsigned i = RH_BORROWED_LEFT; i < 2 * RH_BORROWED_LEFT; i++) {
		snprintf(words, sizeof words, "text %03u", i);
		assert_string_equal(texts[i], words);
		for (unsigned j = 0; j < RH_BORROWED_LEFT; j++)
			distinct += texts[i] == texts[j];
	}
	assert_int_equal(distinct, RH_BORROWED_LEFT); /* each took the place of an older one */
	rh_borrowed_free(object);
}

/* Texts of every length at once; a thread finds what it was given. */
static void *keep_often(void *user)
{
	struct work *work = user;
	char         text[200];
	size_t       len = 0;

	memset(text, work->text[0], sizeof text);
	for (unsigned i = 0; i < CALLS; i++) {
		unsigned char *got = rh_borrowed_keep(work->object, i % 3 ? &title : &other, text, len);

		for (size_t at = 0; got && at < len; at++)
			got = got[at] == (unsigned char)text[0] ? got : NULL;
		if (!got)
			return user;
		len = (len + 7) % sizeof text;
	}
	return NULL;
}

static void test_threads_share_an_object(void **state)
{
	static const char  *const letters[THREADS] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct rh_borrowed *object = NULL;
	struct work         works[THREADS];
	pthread_t           threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		works[i] = (struct work){ .object = &object, .text = letters[i] };
		assert_int_equal(pthread_create(&threads[i], NULL, keep_often, &works[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed = NULL;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	rh_borrowed_free(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_stays_until_the_function_is_called_again),
		cmocka_unit_test(test_another_threads_call_leaves_it_alone),
		cmocka_unit_test(test_it_outlives_its_thread_but_not_without_end),
		cmocka_unit_test(test_threads_share_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
