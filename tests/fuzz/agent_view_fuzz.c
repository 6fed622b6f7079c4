/* Any bytes as the parts of a view: refused with a reason, or a view that holds its
 * invariants. */
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

/* Two bytes say how long each part is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_agent_view *view = NULL;

	while (size >= 2) {
		struct rh_record_reader reader;
		struct rh_diag          diag = { 0 };
		size_t                  len = (size_t)data[0] | (size_t)data[1] << 8;
		int                     r;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		rh_record_read(&reader, data, len);
		r = rh_agent_view_add(&view, &reader, "magic", &diag);
		RH_CHECK(r >= 0 ? view != NULL : !view && diag.code == r && diag.text[0]);
		if (view)
			check_view(view);
		data += len;
		size -= len;
	}
	rh_agent_view_destroy(view);
	return 0;
}
