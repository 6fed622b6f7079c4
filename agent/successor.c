#include "successor.h"

#include "agent.h"
#include "code.h"
#include "codetell.h"

#include "../base/log.h"
#include "../base/order.h"
#include "../model/error.h"

#include <stdio.h>
#include <string.h>

static int is_ordered(const struct rh_code *code, const struct rh_module_found *found)
{
	const struct rh_codespec *spec = code->spec;
	char                      digest[RH_SHA256_HEX];

	if (!spec->signature[0])
		return 0;
	rh_order_digest(code->place->caller, code->place->callee, spec->content, digest);
	for (unsigned i = 0; i < found->key_count; i++) {
		if (rh_signature_verify(found->keys[i], RH_SIGNED_ORDER, digest,
		                        spec->signature) == RH_OK)
			return 1;
	}
	return 0;
}

static void describe(struct rh_code *code, const struct rh_module_found *found)
{
	struct rh_floor *floor = &code->floor;

	*floor = (struct rh_floor){
		.version = found->version, .revision = code->spec->revision,
	};
	snprintf(floor->caller, sizeof floor->caller, "%s", code->place->caller);
	snprintf(floor->callee, sizeof floor->callee, "%s", code->place->callee);
	snprintf(floor->rule, sizeof floor->rule, "%s", code->spec->rule);
	snprintf(floor->name, sizeof floor->name, "%s", found->name);
}

int rh_successor_check(struct rh_code *code, const struct rh_module_found *found,
                       struct rh_diag *why)
{
	const struct rh_codespec *spec = code->spec;
	int                       is_signed = is_ordered(code, found);

	describe(code, found);
	if (found->version > 0 && !is_signed)
		return rh_diag_set(why, RH_EIDENT, "rule %s: no key that " RH_SIGNATURE_KEY_FILE
		                   " names signed that it is to be module %.12s for %s%s%s",
		                   spec->rule, spec->module, code->place->caller,
		                   code->place->callee[0] ? " -> " : "", code->place->callee);
	return rh_floors_judge(&code->place->agent->floors, &code->floor,
	                       is_signed ? spec->rollback : 0, why);
}

/* One whose item may still be taken back is on trial, and one whose item was taken back
 * runs until the former is here. */
static int is_for_good(struct rh_agent *agent, const struct rh_code *code)
{
	const struct rh_item *item = rh_items_find(&agent->items, code->place->caller,
	                                           code->place->callee);

	if (item && item->before)
		return 0;
	return item && !item->former && !item->has_none && rh_code_is_settled(code->place);
}

static void note(void *user, struct rh_code *code)
{
	struct rh_agent *agent = user;

	if (code->is_noted || code->floor.version == 0 || !is_for_good(agent, code))
		return;
	code->is_noted = 1;
	if (rh_floors_put(&agent->floors, &code->floor) < 0)
		rh_error("no memory to remember which module rule %s has", code->spec->rule);
}

void rh_successors_note(struct rh_agent *agent)
{
	rh_codetell_each(agent, note, agent);
}
