/* What a hosted library tells is emitted once, in order, whatever becomes of it. */
#include "../../model/error.h"
#include "../../model/interface.h"
#include "../../sdk/c/rhodes-language.h"
#include "../../sdk/c/rhodes-stub.h"
#include "../../sdk/c/serve.h"
#include "../../sdk/c/rhodes.h"
#include "../../worker/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <semaphore.h>
#include <string.h>

struct told {
	uint32_t number;
	char     text[20];
};

static sem_t       ended;
static int         asked;
static int         refusals;     /* attempts that nobody listened to */
static int         doubtful;     /* the number that may have been delivered */
static int         doubts;
static struct told emitted[16];
static int         emitted_count;
static int         last_ran;

/* The library: 1 2 3 4 5 with an interrupted wait in between, then its end. */
static int next(struct told *told)
{
	static int interrupted;

	if (asked == 2 && !interrupted) {
		interrupted = 1;
		errno = EINTR;
		return -1;
	}
	if (asked == 5) {
		sem_post(&ended);
		errno = ENODEV;
		return -1;
	}
	told->number = (uint32_t)++asked;
	strcpy(told->text, "from the library");
	return 0;
}

static void call_next(void *const *args, void *ret)
{
	*(int *)ret = next(*(struct told *const *)args[0]);
}

/* Stand-ins for librhodes. */
int rh_stub_emit(const struct rh_interface *interface, unsigned index,
                 void *const *args, void *ret, uint64_t timeout_ns)
{
	const struct told *told = *(struct told *const *)args[0];

	(void)timeout_ns;
	assert_string_equal(interface->functions[index].name, "next");
	assert_int_equal(*(int *)ret, 0);
	last_ran = 0;
	if (told->number == 1 && refusals++ < 2)
		return RH_EDOWN;
	/* Tried again, it would be taken. */
	if ((int)told->number == doubtful && doubts++ == 0) {
		last_ran = 1;
		return RH_ETIMEDOUT;
	}
	emitted[emitted_count++] = *told;
	return RH_OK;
}

int rh_last_ran(void)
{
	return last_ran;
}

int rh_last_code(void)
{
	return RH_OK;
}

const char *rh_last_error(void)
{
	return "a test";
}

int rh_serve_thread_create(pthread_t *ret_id, void *(*run)(void *), void *user)
{
	return pthread_create(ret_id, NULL, run, user) == 0 ? RH_OK : RH_ENOMEM;
}

int rh_fail(int code, const char *format, ...)
{
	(void)format;
	return code;
}

static void each_event_is_emitted_once(void **state)
{
	static const struct rh_param params[] = { {
		.name = "told", .type = "struct told", .kind = RH_KIND_STRUCT,
		.direction = RH_OUT, .flags = RH_PARAM_POINTER, .size = sizeof(struct told),
	} };
	static const struct rh_function functions[] = {
		{ .name = "plain", .ret = { .kind = RH_KIND_INT, .size = 4 } },
		{ .name = "next", .params = params, .param_count = 1,
		  .ret = { .kind = RH_KIND_INT, .size = 4 }, .flags = RH_FUNCTION_EVENT },
		{ .name = "no_symbol", .ret = { .kind = RH_KIND_INT, .size = 4 },
		  .flags = RH_FUNCTION_EVENT },
	};
	static const struct rh_interface interface = {
		.functions = functions, .function_count = 3,
	};
	static rh_trampoline *const trampolines[] = { NULL, call_next, NULL };
	static const struct rh_skeleton skeleton = {
		.interface = &interface, .trampolines = trampolines,
	};
	const uint32_t expected[] = { 1, 2, 3, 5 };

	(void)state;
	doubtful = 4;
	sem_init(&ended, 0, 0);
	assert_int_equal(rh_events_start(&skeleton), RH_OK);
	while (sem_wait(&ended) < 0)
		;
	assert_int_equal(refusals, 3);
	assert_int_equal(doubts, 1);
	assert_int_equal(emitted_count, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(emitted[i].number, expected[i]);
		assert_string_equal(emitted[i].text, "from the library");
	}
}

static int never(void *user, unsigned function, void *const *args, void *ret)
{
	(void)user, (void)function, (void)args, (void)ret;
	fail();
	return RH_OK;
}

/* What an event lends would be gone when it arrives; nothing is begun. */
static void an_event_that_lends_is_refused(void **state)
{
	const struct rh_param given = {
		.kind = RH_KIND_STRING, .direction = RH_OUT, .flags = RH_PARAM_POINTER,
	};
	const struct rh_function functions[] = {
		{ .name = "plain", .flags = RH_FUNCTION_EVENT },
		{ .name = "text", .params = &given, .param_count = 1, .flags = RH_FUNCTION_EVENT },
	};
	const struct rh_interface interface = { .functions = functions, .function_count = 2 };

	(void)state;
	assert_int_equal(rh_language_events(&interface, never, NULL), RH_ENOCARRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_is_emitted_once),
		cmocka_unit_test(an_event_that_lends_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
