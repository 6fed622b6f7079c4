#include "carry_value.h"

static const char *bytes_text(struct rh_pool *pool, const struct rh_param *param,
                              bool is_result)
{
	const char *length = "", *used = "", *element = "";

	if (param->size != 1)
		element = rh_pool_print(pool, ":%u", param->size);
	if (param->len_param != RH_NO_PARAM && !is_result)
		length = rh_pool_print(pool, "%s %u", param->direction == RH_IN ? "len" :
		                       "cap", param->len_param + 1u);
	if (param->used_param == RH_USED_RETURN)
		used = "used return";
	else if (param->used_param != RH_NO_PARAM)
		used = rh_pool_print(pool, "used %u", param->used_param + 1u);
	if (!element || !length || !used)
		return NULL;
	return rh_pool_print(pool, "bytes%s(%s%s%s)", element, length,
	                     length[0] && used[0] ? " " : "", used);
}

static const char *handle_text(struct rh_carry *carry, const struct rh_param *param)
{
	const char *word = "";

	if (param->flags & RH_PARAM_CREATES)
		word = "new ";
	else if (param->flags & RH_PARAM_DESTROYS)
		word = "drop ";
	if (param->mirror_len > 0)
		return rh_pool_print(carry->pool, "%shandle %s[%u+%u]", word,
		                     carry->handles[param->handle].name,
		                     param->mirror_off, param->mirror_len);
	return rh_pool_print(carry->pool, "%shandle %s", word,
	                     carry->handles[param->handle].name);
}

static const char *base_text(struct rh_carry *carry, const struct rh_param *param,
                             bool is_result)
{
	switch (param->kind) {
	case RH_KIND_VOID:
		return "void";
	case RH_KIND_STRING:
		return param->flags & RH_PARAM_TRANSFER ? "own string" : "string";
	case RH_KIND_PATH:
		return "path";
	case RH_KIND_FD:
		return "fd";
	case RH_KIND_BYTES:
		return bytes_text(carry->pool, param, is_result);
	case RH_KIND_HANDLE:
		return handle_text(carry, param);
	default:
		return param->type;
	}
}

/* The canonical type says all that changes the wire: see docs/interface-text.md. */
int rh_carry_text(struct rh_carry *carry, struct rh_param *param, bool is_result)
{
	static const char *const directions[] = { "in ", "out ", "inout " };
	bool        is_behind = (param->flags & RH_PARAM_POINTER) != 0 ||
	                        (param->kind == RH_KIND_BYTES &&
	                         param->direction != RH_IN);
	const char *base = base_text(carry, param, is_result);
	const char *null = "";

	if (param->flags & RH_PARAM_STDIN)
		null = "?stdin";
	else if (param->flags & RH_PARAM_NULLABLE)
		null = "?";
	param->type = base ? rh_pool_print(carry->pool, "%s%s%s", is_behind && !is_result ?
	                                   directions[param->direction] : "", base, null)
	                   : NULL;
	return param->type ? RH_OK : RH_ENOMEM;
}
