/* Any bytes as the description of a rule that an agent sends to a program: it is refused,
 * as no object comes along, and the place is as it was.
 *
 * Input: the records of a CODE_ITEM. */
#include "../../base/diag.h"
#include "../../model/check.h"
#include "../../sdk/c/adapter.h"
#include "../../sdk/c/adapter_front.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rh_adapter *place;
	struct rh_diag            diag = { .text = "" };

	if (!place) {
		unsetenv("RHODES_AGENT");
		RH_CHECK(rh_adapter_open(&rh_front_user, "place", 0, &place) == RH_OK);
	}
	RH_CHECK(rh_adapter_exchange(place, data, size, -1, &diag) < 0);
	RH_CHECK(diag.text[0] != 0 && !place->rule && !place->item);
	return 0;
}
