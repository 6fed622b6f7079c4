#include "carry.h"

#include "../base/diag.h"
#include "carry_value.h"

#include <stdio.h>
#include <string.h>

int rh_carry_init(struct rh_carry *carry, struct rh_pool *pool,
                  const struct rh_side *side, const struct rh_ctype **types,
                  struct rh_diag *diag)
{
	*carry = (struct rh_carry){ .pool = pool, .side = side, .types = types };
	for (uint32_t i = 0; i < side->handle_count; i++) {
		const struct rh_side_handle *handle = &side->handles[i];
		const struct rh_ctype       *type = types[handle->type_index];

		if (type->kind != RH_CTYPE_POINTER && type->kind != RH_CTYPE_STRUCT &&
		    type->kind != RH_CTYPE_UNION)
			return rh_diag_set(diag, RH_EINVAL, "%.60s:%u:%u: handle: %.60s is "
			                   "neither a struct nor a pointer", side->file,
			                   handle->place.line, handle->place.column,
			                   handle->type);
		int index = rh_carry_add_handle(carry, handle->type, type, handle->flags);
		if (index < 0)
			return index;
		carry->handles[index].mirror_off = handle->mirror_off;
		carry->handles[index].mirror_len = handle->mirror_len;
	}
	return RH_OK;
}

/* Finds the entry for parameter i: all entries in order, or some by name. */
static const struct rh_side_value *rule_for(const struct rh_carry_row *row, uint32_t i)
{
	const struct rh_side_function *line = row->line;
	const char                    *name = row->function->params[i].name;

	if (!line || !line->has_params)
		return NULL;
	if (line->param_count == row->function->param_count)
		return &line->params[i];
	for (uint32_t k = 0; k < line->param_count; k++)
		if (line->params[k].name && name[0] &&
		    strcmp(line->params[k].name, name) == 0)
			return &line->params[k];
	return NULL;
}

static bool declares(const struct rh_cfunction *function, const char *name)
{
	for (uint32_t i = 0; i < function->param_count; i++)
		if (strcmp(function->params[i].name, name) == 0)
			return true;
	return false;
}

/* Every entry must have found its parameter. */
static int check_entries(struct rh_carry_row *row)
{
	const struct rh_side_function *line = row->line;
	const struct rh_cfunction     *function = row->function;

	if (!line || !line->has_params)
		return RH_OK;
	for (uint32_t i = 0; i < line->param_count; i++) {
		const struct rh_side_value *rule = &line->params[i];

		if (line->param_count != function->param_count) {
			if (!rule->name || !declares(function, rule->name))
				return rh_carry_fail(row, rule, "the header names no parameter "
				                     "'%s'; list all %u in order (_: as it is)",
				                     rule->name ? rule->name : "_",
				                     function->param_count);
		} else if (rule->name && function->params[i].name[0] &&
		           strcmp(rule->name, function->params[i].name) != 0) {
			return rh_carry_fail(row, rule, "parameter %u is '%s' in the header, "
			                     "not '%s'", i + 1, function->params[i].name,
			                     rule->name);
		}
	}
	return RH_OK;
}

static int name_param(struct rh_carry_row *row, uint32_t i,
                      const struct rh_side_value *rule, struct rh_param *param)
{
	param->name = row->function->params[i].name;
	if (!param->name[0] && rule && rule->name)
		param->name = rule->name;
	if (!param->name[0])
		param->name = rh_pool_print(row->carry->pool, "a%u", i);
	return param->name ? RH_OK : RH_ENOMEM;
}

static int param_named(const struct rh_function *row, const char *name)
{
	for (uint8_t i = 0; i < row->param_count; i++)
		if (strcmp(row->params[i].name, name) == 0)
			return i;
	return -1;
}

static bool is_count(const struct rh_param *param)
{
	return param->kind == RH_KIND_INT || param->kind == RH_KIND_UINT;
}

static int link_length(struct rh_carry_row *row, const struct rh_side_value *rule,
                       const struct rh_function *function, struct rh_param *param)
{
	int index = param_named(function, rule->length);

	if (index < 0)
		return rh_carry_fail(row, rule, "there is no parameter '%s'", rule->length);
	if (!is_count(&function->params[index]) ||
	    function->params[index].direction == RH_OUT)
		return rh_carry_fail(row, rule, "'%s' tells no length before the call",
		                     rule->length);
	param->len_param = (uint8_t)index;
	return RH_OK;
}

static int link_used(struct rh_carry_row *row, const struct rh_side_value *rule,
                     const struct rh_function *function, struct rh_param *param)
{
	if (strcmp(rule->used, "return") == 0) {
		if (!is_count(&function->ret))
			return rh_carry_fail(row, rule, "the result is no length");
		param->used_param = RH_USED_RETURN;
		return RH_OK;
	}
	int index = param_named(function, rule->used);
	if (index < 0)
		return rh_carry_fail(row, rule, "there is no parameter '%s'", rule->used);
	if (!is_count(&function->params[index]) ||
	    function->params[index].direction == RH_IN)
		return rh_carry_fail(row, rule, "'%s' tells no length after the call",
		                     rule->used);
	param->used_param = (uint8_t)index;
	return RH_OK;
}

/* Joins bytes with the parameter that holds their length. */
static int link_bytes(struct rh_carry_row *row, const struct rh_side_value *rule,
                      struct rh_function *function, struct rh_param *param, uint8_t i)
{
	int result = RH_OK;

	if (param->kind != RH_KIND_BYTES)
		return RH_OK;
	if (!rule || rule->role != RH_ROLE_BYTES) {
		param->len_param = (uint8_t)(i + 1);   /* C told: the next one */
		return RH_OK;
	}
	if (rule->length)
		result = link_length(row, rule, function, param);
	if (result >= 0 && rule->used)
		result = link_used(row, rule, function, param);
	return result;
}

/* Bytes returned have no capacity: the same parameter tells both lengths. */
static int link_result(struct rh_carry_row *row, struct rh_function *function)
{
	/* only the side file makes bytes of a result */
	if (function->ret.kind != RH_KIND_BYTES)
		return RH_OK;
	const struct rh_side_value *rule = &row->line->ret;
	int result = link_used(row, rule, function, &function->ret);
	if (result >= 0 && function->ret.used_param == RH_USED_RETURN)
		return rh_carry_fail(row, rule, "used= names a parameter here");
	function->ret.len_param = function->ret.used_param;
	return result;
}

/* Judges every parameter, also behind one that cannot be carried: a wrong line is
 * a wrong line. */
static int carry_params(struct rh_carry_row *row, struct rh_function *ret,
                        struct rh_param *params)
{
	const struct rh_cfunction *function = row->function;
	const char                *first = NULL;

	for (uint32_t i = 0; i < function->param_count; i++) {
		struct rh_carry_value value = {
			.type = function->params[i].type,
			.rule = rule_for(row, i),
			.next = i + 1 < function->param_count ? &function->params[i + 1] : NULL,
		};
		int result = rh_carry_value(row, &value, &params[i]);

		if (result >= 0)
			result = name_param(row, i, value.rule, &params[i]);
		if (result < 0)
			return result;
		if (row->reason && !first)
			first = rh_pool_print(row->carry->pool, "parameter %s: %s",
			                      params[i].name, row->reason);
		row->reason = NULL;
	}
	ret->param_count = (uint8_t)function->param_count;
	row->reason = first;
	return RH_OK;
}

static int carry_result(struct rh_carry_row *row, struct rh_function *ret)
{
	struct rh_carry_value value = {
		.type = row->function->ret,
		.rule = row->line && row->line->has_ret ? &row->line->ret : NULL,
		.is_result = true,
	};

	if (row->reason)
		return RH_OK;
	int result = rh_carry_value(row, &value, &ret->ret);
	if (result >= 0 && row->reason)
		row->reason = rh_pool_print(row->carry->pool, "result: %s", row->reason);
	return result;
}

static int finish_values(struct rh_carry_row *row, struct rh_function *ret,
                         struct rh_param *params)
{
	int result = RH_OK;

	for (uint8_t i = 0; i < ret->param_count && result >= 0; i++)
		result = link_bytes(row, rule_for(row, i), ret, &params[i], i);
	if (result >= 0)
		result = link_result(row, ret);
	for (uint8_t i = 0; i < ret->param_count && result >= 0; i++) {
		result = rh_carry_text(row->carry, &params[i], false);
		if (params[i].flags & RH_PARAM_CREATES)
			ret->flags |= RH_FUNCTION_CREATES;
	}
	if (result >= 0)
		result = rh_carry_text(row->carry, &ret->ret, true);
	if (ret->ret.flags & RH_PARAM_CREATES)
		ret->flags |= RH_FUNCTION_CREATES;
	return result;
}

static void apply_line(const struct rh_side_function *line, struct rh_function *ret)
{
	if (!line)
		return;
	ret->flags = line->flags;
	ret->on_error = line->on_error;
	ret->error_errno = line->error_errno;
	ret->error_value = line->error_value;
}

/* Reasons that no line of the side file can talk away. */
static void refuse_shape(struct rh_carry_row *row)
{
	const struct rh_cfunction *function = row->function;

	if (function->is_variadic)
		row->reason = "variable arguments, or none declared";
	else if (function->is_endless)
		row->reason = "it never returns";
	else if (function->param_count > RH_PARAMS_MAX)
		row->reason = "more parameters than the limit";
}

static int carry_all(struct rh_carry_row *row, struct rh_function *ret)
{
	struct rh_param *params = rh_pool_take(row->carry->pool, RH_PARAMS_MAX,
	                                       sizeof *params);

	if (!params)
		return RH_ENOMEM;
	ret->params = params;
	int result = carry_params(row, ret, params);
	if (result >= 0)
		result = carry_result(row, ret);
	if (result >= 0 && !row->reason)
		result = finish_values(row, ret, params);
	if (result >= 0 && !row->reason) {
		char text[RH_TEXT_MAX];

		if (rh_function_text(ret, text, sizeof text) < 0)
			row->reason = "its text is longer than the limit";
	}
	return result;
}

/* One way, upward: the function returns the next event, and asks nothing. */
static int check_event(struct rh_carry_row *row, const struct rh_function *made)
{
	bool asks = false;
	bool tells = made->ret.kind != RH_KIND_VOID;

	for (uint8_t i = 0; i < made->param_count; i++) {
		asks = asks || made->params[i].direction != RH_OUT;
		tells = tells || made->params[i].direction == RH_OUT;
	}
	if (asks || !tells)
		return rh_carry_fail(row, NULL, "an event is a function that returns it: "
		                     "all of its parameters are out");
	return RH_OK;
}

/* "return V" fits a number; a pointer can only be NULL.  A pattern speaks of many
 * functions and means those that it fits. */
static int check_on_error(struct rh_carry_row *row, struct rh_function *made)
{
	const struct rh_ctype *type = row->function->ret;
	bool is_null = type->kind == RH_CTYPE_POINTER && made->error_value == 0;

	if (made->on_error != RH_ON_ERROR_RETURN || type->kind == RH_CTYPE_INT || is_null)
		return RH_OK;
	if (!row->line->is_pattern)
		return rh_carry_fail(row, NULL, "on_error: %s cannot be %lld",
		                     type->spelling, (long long)made->error_value);
	made->on_error = RH_ON_ERROR_DEFAULT;
	made->error_value = 0;
	return RH_OK;
}

/* The real library in the caller would take the handle for an address. */
static int check_local(struct rh_carry_row *row)
{
	for (uint32_t i = 0; i < row->function->param_count; i++) {
		const struct rh_ctype *type = row->function->params[i].type;

		if (type->kind == RH_CTYPE_POINTER &&
		    rh_carry_find_handle(row->carry, type) >= 0)
			return rh_carry_fail(row, NULL, "local, but %s is an object of the "
			                     "callee; say nocarry", type->spelling);
	}
	return RH_OK;
}

/* What a call that was not made returns: a zero of the right size, and -1 for a
 * number.  A pointer passes as a number, so it is told to be 0. */
static void set_failed_result(struct rh_function *row, const struct rh_ctype *ret)
{
	bool is_number = ret && ret->kind == RH_CTYPE_INT;

	row->ret.kind = RH_KIND_INT;
	row->ret.size = sizeof(void *);
	if (!ret)
		return;
	if (ret->kind == RH_CTYPE_VOID) {
		row->ret.kind = RH_KIND_VOID;
		row->ret.size = 0;
	} else if (ret->kind == RH_CTYPE_POINTER) {
		if (row->on_error == RH_ON_ERROR_DEFAULT)
			row->on_error = RH_ON_ERROR_RETURN;
	} else {
		row->ret.size = ret->size;
		if (!is_number)
			row->ret.kind = ret->kind == RH_CTYPE_FLOAT ? RH_KIND_FLOAT
			                                            : RH_KIND_STRUCT;
	}
}

void rh_carry_refuse(struct rh_function *row, const struct rh_ctype *ret,
                     const char *reason)
{
	row->reason = reason;
	row->params = NULL;
	row->param_count = 0;
	if (!(row->flags & RH_FUNCTION_LOCAL))
		row->flags |= RH_FUNCTION_NOCARRY;
	row->ret = (struct rh_param){
		.name = "", .type = "?", .direction = RH_OUT,
		.len_param = RH_NO_PARAM, .used_param = RH_NO_PARAM,
	};
	set_failed_result(row, ret);
}

int rh_carry_function(struct rh_carry *carry, const struct rh_cfunction *function,
                      const struct rh_side_function *line,
                      struct rh_function *ret, struct rh_diag *diag)
{
	struct rh_carry_row row = {
		.carry = carry, .function = function, .line = line, .diag = diag,
	};
	struct rh_function made = { .name = function->symbol };
	uint16_t stays = RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY;

	apply_line(line, &made);
	int result = check_entries(&row);
	refuse_shape(&row);
	if (result >= 0 && !row.reason)
		result = carry_all(&row, &made);
	if (result >= 0 && made.flags & RH_FUNCTION_LOCAL)
		result = check_local(&row);
	if (result >= 0 && !row.reason && made.flags & RH_FUNCTION_EVENT)
		result = check_event(&row, &made);
	if (result >= 0)
		result = check_on_error(&row, &made);
	if (result < 0)
		return result;
	if (line && line->is_ignored)
		row.reason = "ignored, as the side file says";
	if (made.flags & stays && !row.reason)
		row.reason = "the side file says so";
	if (row.reason)
		rh_carry_refuse(&made, function->ret, row.reason);
	made.hash = rh_function_hash(&made);
	*ret = made;
	return RH_OK;
}
