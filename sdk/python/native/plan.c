/* plan - what a function takes and gives in Python, read once from its table.
 *
 * Taken are the parameters that go in, in order, but for the lengths of bytes that go in,
 * which those know themselves.  The room for bytes that come out is taken.  Given are
 * the result and what comes out, in order, but for how much of the room was used. */
#include "native.h"

static struct item *item_of(struct plan *plan, unsigned index)
{
	if (index == RH_USED_RETURN || index >= plan->function->param_count)
		return NULL; /* the result stays to be seen */
	return &plan->items[index];
}

static void set_role(struct plan *plan, unsigned index, enum role role, unsigned bytes)
{
	struct item *item = item_of(plan, index);

	if (!item || item->role == ROLE_LENGTH)
		return;
	if (item->role == ROLE_CAPACITY && role != ROLE_LENGTH)
		return;
	item->role = (uint8_t)role;
	item->bytes = (uint8_t)bytes;
}

static void assign_roles(struct plan *plan)
{
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		const struct rh_param *param = &plan->function->params[i];

		if (param->kind != RH_KIND_BYTES)
			continue;
		set_role(plan, param->len_param, is_in(param) ? ROLE_LENGTH : ROLE_CAPACITY, i);
		if (is_out(param) && param->used_param != param->len_param)
			set_role(plan, param->used_param, ROLE_USED, i);
	}
	if (plan->function->ret.kind == RH_KIND_BYTES)
		set_role(plan, plan->function->ret.used_param, ROLE_USED, NO_PLACE);
}

static void count_item(struct plan *plan, struct item *item)
{
	const struct rh_param *param = item->param;
	int is_seen = item->role == ROLE_VALUE || item->role == ROLE_CAPACITY;

	item->takes = NO_PLACE;
	if (is_in(param) && is_seen)
		item->takes = (uint8_t)plan->takes++;
	item->gives = is_out(param) && item->role == ROLE_VALUE;
	plan->gives += item->gives;
}

static int prepare(struct plan *plan, struct item *item, Interface *of)
{
	const struct rh_param *param = item->param;

	item->element = param->size ? param->size : 1;
	if (param->kind != RH_KIND_STRUCT)
		return 0;
	item->record = record_new(of, param->type);
	if (!item->record)
		return -1;
	item->offset = plan->record_bytes;
	plan->record_bytes += (param->size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
	return 0;
}

int plan_init(struct plan *plan, Interface *of, unsigned index)
{
	const struct rh_function *function = &of->interface->functions[index];

	*plan = (struct plan){ .function = function, .index = index,
	                       .ret = { .param = &function->ret } };
	if (function->flags & RH_FUNCTION_NOCARRY)
		return 0; /* what it takes is not known: it is refused */
	for (unsigned i = 0; i < function->param_count; i++)
		plan->items[i].param = &function->params[i];
	assign_roles(plan);
	plan->ret.takes = NO_PLACE;
	plan->ret.gives = function->ret.kind != RH_KIND_VOID;
	plan->gives = plan->ret.gives;
	for (unsigned i = 0; i < function->param_count; i++)
		count_item(plan, &plan->items[i]);
	if (prepare(plan, &plan->ret, of) < 0)
		return -1;
	for (unsigned i = 0; i < function->param_count; i++) {
		if (prepare(plan, &plan->items[i], of) < 0)
			return -1;
	}
	return 0;
}

void plan_fini(struct plan *plan)
{
	record_free(plan->ret.record);
	for (unsigned i = 0; i < RH_PARAMS_MAX; i++)
		record_free(plan->items[i].record);
}
