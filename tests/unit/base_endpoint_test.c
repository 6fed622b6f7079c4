#include "../../base/endpoint.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_is_one(void **state)
{
	static const uint8_t four[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	static const uint8_t six[16] = { 0x20, 0x01, [15] = 1 };
	static const uint8_t any[16];
	struct rh_endpoint   endpoint;

	(void)state;
	assert_int_equal(rh_endpoint_read("127.0.0.1:5432", &endpoint), RH_OK);
	assert_memory_equal(endpoint.address, four, 16);
	assert_int_equal(endpoint.port, 5432);
	assert_int_equal(rh_endpoint_read("[2001::1]:1", &endpoint), RH_OK);
	assert_memory_equal(endpoint.address, six, 16);
	assert_int_equal(rh_endpoint_read("[::ffff:127.0.0.1]:65535", &endpoint), RH_OK);
	assert_memory_equal(endpoint.address, four, 16);
	assert_int_equal(endpoint.port, 65535);
	assert_int_equal(rh_endpoint_read("*:80", &endpoint), RH_OK);
	assert_memory_equal(endpoint.address, any, 16);
}

static void what_is_none(void **state)
{
	static const char *const bad[] = {
		"", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
		"127.0.0.1:080", "127.0.0.1:80 ", "127.0.0.1:+80", "127.0.0:80", "256.0.0.1:80",
		"::1:80", "[::1]", "[::1:80", "[]:80", "[127.0.0.1]:80", "localhost:80", "**:80",
		"127.0.0.1127.0.0.1127.0.0.1:80",
	};
	struct rh_endpoint endpoint = { .port = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (rh_endpoint_read(bad[i], &endpoint) != RH_EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(endpoint.port, 7); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_one), cmocka_unit_test(what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
