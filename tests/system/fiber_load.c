/* Loading from threads: where the program says, and all at the same time. */
#include "fiber_kit.h"

#include <link.h>

static void *load_plugin(void *none)
{
	void *library = dlopen("libfiber_plugin.so", RTLD_NOW);
	int (*answer)(void);

	if (!library)
		fail_msg("%s", dlerror());
	*(void **)&answer = dlsym(library, "answer");
	assert_non_null(answer);
	assert_int_equal(42, answer());
	assert_int_equal(0, dlclose(library));
	return none;
}

/* Its path is the program's, not that of who stands between it and the C library. */
static void where_the_program_says(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	load_plugin(NULL);
	start_all(threads, MANY, load_plugin, NULL);
	join_all(threads, MANY);
}

static int look_long(struct dl_phdr_info *object, size_t size, void *ret_count)
{
	(void)object;
	(void)size;
	for (volatile int i = 0; i < 20000; i++)
		;
	++*(int *)ret_count;
	return 0;
}

static void *load_and_look(void *none)
{
	for (int i = 0; i < 200; i++) {
		void *library = dlopen("libm.so.6", RTLD_NOW);
		int count = 0;

		assert_non_null(library);
		dl_iterate_phdr(look_long, &count);
		assert_true(count > 2);
		dlclose(library);
	}
	return none;
}

/* Who has a lock of the loader may be preempted in a function of another object; a carrier
 * that is made meanwhile needs that lock, too. */
static void all_at_the_same_time(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, load_and_look, NULL);
	join_all(threads, MANY);
}

static _Atomic int waits;

static int wait_for_another(struct dl_phdr_info *object, size_t size, void *none)
{
	(void)object, (void)size, (void)none;
	atomic_store(&waits, 1);
	while (atomic_load(&waits) < 2)
		;
	return 1;
}

static void *look_and_wait(void *none)
{
	dl_iterate_phdr(wait_for_another, NULL);
	return none;
}

static void *answer_it(void *none)
{
	await(&waits, 1);
	atomic_store(&waits, 2);
	return none;
}

/* More of them than processors. */
static void who_waits_there_does_not_keep_others_from_running(void **state)
{
	pthread_t threads[MANY + 1];

	(void)state;
	atomic_store(&enough, false);
	start_all(threads, MANY - 1, burn, NULL);
	assert_int_equal(0, pthread_create(&threads[MANY - 1], NULL, look_and_wait, NULL));
	assert_int_equal(0, pthread_create(&threads[MANY], NULL, answer_it, NULL));
	join_all(threads + MANY - 1, 2);
	atomic_store(&enough, true);
	join_all(threads, MANY - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_the_program_says),
		cmocka_unit_test(all_at_the_same_time),
		cmocka_unit_test(who_waits_there_does_not_keep_others_from_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
