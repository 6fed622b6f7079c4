/* Any bytes as items: refused with a reason, or a set, and a view of it, that hold
 * their invariants. */
#include "../../agent/view.h"
#include "../../model/check.h"
#include "../../model/error.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(const struct rh_agent_view *view)
{
	const struct rh_self *self = &view->self;

	RH_CHECK(self->name[0] == 0 || strcmp(self->name, "magic") == 0);
	RH_CHECK(self->uid_count <= RH_VIEW_ALLOW_MAX);
	RH_CHECK(self->exe_count <= RH_VIEW_ALLOW_MAX);
	RH_CHECK(self->env_count <= RH_VIEW_ENV_MAX);
	RH_CHECK(view->edge_count <= RH_EDGES_PER_AGENT);
	for (unsigned i = 0; i < view->edge_count; i++) {
		const struct rh_view_edge *edge = &view->edges[i];

		RH_CHECK(edge->verdict <= 0);
		RH_CHECK((strcmp(edge->caller, "magic") == 0) !=
		         (strcmp(edge->callee, "magic") == 0));
		RH_CHECK(rh_agent_view_find(view, edge->caller, edge->callee) == edge);
	}
}

/* Two bytes say how long each item is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_agent_view *view = rh_agent_view_create(1, "lab");
	struct rh_items       items = { 0 };

	while (size >= 2) {
		struct rh_diag  diag = { 0 };
		struct rh_item *item;
		size_t          len = (size_t)data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		int r = rh_item_read(&(struct rh_record){ .tag = RH_TAG_ITEM,
			.bytes = data, .len = (uint32_t)len }, "magic", &item, &diag);
		RH_CHECK(r == RH_OK || (diag.code == r && diag.text[0]));
		if (r == RH_OK) {
			r = rh_items_put(&items, item);
			RH_CHECK(r == RH_OK || r == RH_ENOSPC);
			rh_item_unref(item);
		}
		data += len;
		size -= len;
	}
	for (unsigned i = 0; i < items.count; i++) {
		struct rh_diag diag = { 0 };
		int            r = rh_agent_view_put(view, items.at[i], "magic",
		                                         &diag);

		RH_CHECK(r == RH_OK || (diag.code == r && diag.text[0]));
		RH_CHECK(i == 0 || rh_item_compare(items.at[i - 1], items.at[i]) < 0);
		RH_CHECK(rh_items_find(&items, items.at[i]->caller,
		                       items.at[i]->callee) == items.at[i]);
	}
	check_view(view);
	rh_items_fini(&items);
	rh_agent_view_destroy(view);
	return 0;
}
