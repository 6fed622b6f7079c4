/* What only bind has: slots that stay with the callee until it answers them. */
#include "pair.h"

#include "protocols/page/page.h"

#include <string.h>
#include <sys/mman.h>

static int reply_to(struct pair *pair, uint64_t call)
{
	struct rh_msg_head head = message(RH_MSG_REPLY, call, 5);

	return pair->protocol->submit(pair->callee, &head, "reply");
}

static void an_answer_is_for_a_call_that_was_taken(void **unused)
{
	struct pair pair;

	(void)unused;
	pair_open(&pair);
	assert_int_equal(reply_to(&pair, 0), RH_EINVAL); /* none was taken */
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 10);
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 0, 10);
	/* Another call of the same slot, sooner or later. */
	assert_int_equal(reply_to(&pair, RH_PAGE_SLOTS), RH_EINVAL);
	assert_int_equal(reply_to(&pair, 1ull << 32), RH_EINVAL);
	assert_int_equal(reply_to(&pair, 0), RH_OK);
	assert_int_equal(reply_to(&pair, 0), RH_EINVAL); /* a second time */
	pair_close(&pair);
}

/* A caller that says of a slot that it holds the next call, while the callee still
 * works on the one before. */
static void a_slot_is_not_taken_before_it_is_answered(void **unused)
{
	struct rh_msg_head head;
	struct rh_offer    offer;
	struct pair        pair;
	const void        *body;

	(void)unused;
	pair_offer(&pair, &offer);
	unsigned char *page = mmap(NULL, RH_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	                           offer.fds[0], 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	struct rh_slot *slots = (void *)(page + RH_PAGE_SLOTS_OFF);
	assert_int_equal(pair_accept(&pair, &offer), RH_OK);
	for (uint64_t call = 0; call < RH_PAGE_SLOTS; call++) {
		pair_send(&pair, pair.caller, RH_MSG_CALL, call, 10);
		pair_receive(&pair, pair.callee, RH_MSG_CALL, call, 10);
	}
	slots[0].request.word = RH_SLOT_WORD(RH_PAGE_SLOTS, RH_SLOT_SUBMITTED);
	assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), RH_EPROTO);
	assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), RH_EPROTO);
	munmap(page, RH_PAGE_BYTES);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_for_a_call_that_was_taken),
		cmocka_unit_test(a_slot_is_not_taken_before_it_is_answered),
	};

	traits_init("bind");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
