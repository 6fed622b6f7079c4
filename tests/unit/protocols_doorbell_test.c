/* doorbell - one ring a nap, and what may be a doorbell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/error.h"
#include "protocols/doorbell.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

static void rings_once_for_every_nap(void **unused)
{
	_Atomic uint64_t   word = 0;
	int                fd = rh_doorbell_create(0);
	struct rh_nap      nap = { .word = &word };
	struct rh_doorbell bell = { .word = &word, .fd = fd };

	(void)unused;
	assert_true(fd >= 0);
	rh_doorbell_ring(&bell);
	assert_int_equal(rh_doorbell_take(fd), 0); /* awake */
	for (int i = 0; i < 3; i++) {
		rh_nap_begin(&nap);
		rh_nap_begin(&nap); /* the same nap */
		rh_doorbell_ring(&bell);
		rh_doorbell_ring(&bell);
		assert_int_equal(rh_nap_end(&nap), 1);
		assert_int_equal(rh_nap_end(&nap), 0);
		assert_int_equal(rh_doorbell_take(fd), 1);
		rh_doorbell_ring(&bell);
		assert_int_equal(rh_doorbell_take(fd), 0);
	}
	close(fd);
}

static void does_not_believe_its_own_word(void **unused)
{
	_Atomic uint64_t word = 0;
	struct rh_nap    nap = { .word = &word };

	(void)unused;
	rh_nap_begin(&nap);
	word = 1000; /* the other side wrote where it should not */
	assert_int_equal(rh_nap_end(&nap), 1);
	assert_int_equal(word, 2);
	rh_nap_begin(&nap);
	assert_int_equal(word, 3);
}

static void a_semaphore_gives_one_unit_at_a_time(void **unused)
{
	int fd = rh_doorbell_create(1);

	(void)unused;
	rh_doorbell_push(fd);
	rh_doorbell_push(fd);
	assert_int_equal(rh_doorbell_take(fd), 1);
	assert_int_equal(rh_doorbell_take(fd), 1);
	assert_int_equal(rh_doorbell_take(fd), 0);
	close(fd);
}

static void taking_never_sleeps(void **unused)
{
	int fd = rh_doorbell_create(0);

	(void)unused;
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0); /* what a hostile peer may do */
	assert_int_equal(rh_doorbell_take(fd), 0);
	close(fd);
}

static void only_an_eventfd_is_a_doorbell(void **unused)
{
	int pipes[2], bell = rh_doorbell_create(0);
	int epoll = epoll_create1(0), file = open("/dev/null", O_RDWR);

	(void)unused;
	assert_int_equal(pipe(pipes), 0);
	rh_doorbell_push(bell);
	assert_int_equal(fcntl(bell, F_SETFL, 0), 0);
	assert_int_equal(rh_doorbell_check(bell), RH_OK);
	assert_true(fcntl(bell, F_GETFL) & O_NONBLOCK);
	assert_int_equal(rh_doorbell_take(bell), 1); /* the check changed nothing */
	assert_int_equal(rh_doorbell_check(pipes[1]), RH_EPROTO);
	assert_int_equal(rh_doorbell_check(epoll), RH_EPROTO);
	assert_int_equal(rh_doorbell_check(file), RH_EPROTO);
	assert_int_equal(rh_doorbell_check(-1), RH_EPROTO);
	close(pipes[0]);
	close(pipes[1]);
	close(epoll);
	close(file);
	close(bell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_once_for_every_nap),
		cmocka_unit_test(does_not_believe_its_own_word),
		cmocka_unit_test(a_semaphore_gives_one_unit_at_a_time),
		cmocka_unit_test(taking_never_sleeps),
		cmocka_unit_test(only_an_eventfd_is_a_doorbell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
