#include "model_fixture.h"

#include "../../model/error.h"

static void every_code_has_a_name_a_text_and_a_status(void **state)
{
	(void)state;
#define RH_ERROR(code_name, code, status, sentence) \
	assert_int_equal(RH_##code_name, -(code)); \
	assert_string_equal(rh_error_name(-(code)), #code_name); \
	assert_string_equal(rh_error_text(-(code)), sentence); \
	assert_int_equal(rh_error_status(-(code)), status);
#include "../../model/errors.def"
#undef RH_ERROR
	assert_string_equal(rh_error_name(RH_OK), "OK");
	assert_int_equal(rh_error_status(RH_OK), 200);
}

static void a_code_of_a_newer_peer_is_answered_too(void **state)
{
	(void)state;
	assert_string_equal(rh_error_name(-99999), "EUNKNOWN");
	assert_int_equal(rh_error_status(-99999), 500);
	assert_non_null(rh_error_text(-99999));
	assert_string_equal(rh_error_name(1), "EUNKNOWN");
}

/* These numbers are on the wire and in stores: they may never move. */
static void codes_stay_where_they_are(void **state)
{
	(void)state;
	assert_int_equal(RH_EINVAL, -22);
	assert_int_equal(RH_ELAYER, -1001);
	assert_int_equal(RH_ELOST, -1002);
	assert_int_equal(RH_EGONE, -1003);
	assert_int_equal(RH_ENOEDGE, -1004);
	assert_int_equal(RH_EDOWN, -1005);
	assert_int_equal(RH_EFUNC, -1006);
	assert_int_equal(RH_EHANDLE, -1007);
	assert_int_equal(RH_ESTALE, -1008);
	assert_int_equal(RH_EPENDING, -1016);
	assert_int_equal(RH_EOUTDATED, -1017);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_name_a_text_and_a_status),
		cmocka_unit_test(a_code_of_a_newer_peer_is_answered_too),
		cmocka_unit_test(codes_stay_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
