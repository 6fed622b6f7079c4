#include "emit_bind.h"

#include "../base/diag.h"

#include <ctype.h>
#include <string.h>

bool rh_bind_goes_in(const struct rh_bind_value *value)
{
	switch (value->role) {
	case RH_BIND_VALUE:
	case RH_BIND_BYTES:  return true;
	case RH_BIND_LENGTH:
	case RH_BIND_VOID:   return false;
	default:             return value->param->direction != RH_OUT;
	}
}

bool rh_bind_comes_out(const struct rh_bind_value *value)
{
	switch (value->role) {
	case RH_BIND_VALUE:
	case RH_BIND_VOID:
	case RH_BIND_BYTES:  return false;
	case RH_BIND_LENGTH: return value->param->direction != RH_IN &&
	                            value->bytes != RH_USED_RETURN;
	default:             return value->param->direction != RH_IN;
	}
}

bool rh_bind_is_nullable(const struct rh_bind_value *value)
{
	return (value->param->flags & (RH_PARAM_NULLABLE | RH_PARAM_STDIN)) != 0;
}

uint32_t rh_bind_outs(const struct rh_bind_function *function,
                      const struct rh_bind_value *ret_outs[RH_BIND_OUTS_MAX])
{
	uint32_t count = 0;

	if (function->ret.role != RH_BIND_VOID)
		ret_outs[count++] = &function->ret;
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (rh_bind_comes_out(&function->values[i]))
			ret_outs[count++] = &function->values[i];
	return count;
}

uint32_t rh_bind_out_count(const struct rh_bind_function *function)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];

	return rh_bind_outs(function, outs);
}

const char *rh_bind_local(const struct rh_bind_function *function,
                          const struct rh_bind_value *value, char name[RH_BIND_LOCAL_MAX])
{
	if (value == &function->ret)
		return "rh_r";
	snprintf(name, RH_BIND_LOCAL_MAX, "rh_v%u", (unsigned)(value - function->values));
	return name;
}

const struct rh_bind_object *rh_bind_object_of(const struct rh_binding *binding,
                                               const struct rh_bind_value *value)
{
	return value->role == RH_BIND_HANDLE ? &binding->objects[value->param->handle]
	                                     : NULL;
}

bool rh_bind_is_event(const struct rh_bind_function *function)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];
	uint32_t                    count = rh_bind_outs(function, outs);
	bool                        is_sent = true;

	for (uint32_t i = 0; i < count; i++)
		is_sent = is_sent && (outs[i]->role == RH_BIND_VALUE ||
		                      outs[i]->role == RH_BIND_POINTED ||
		                      (outs[i]->role == RH_BIND_TEXT &&
		                       outs[i]->param->flags & RH_PARAM_TRANSFER));
	return !function->reason && function->row->flags & RH_FUNCTION_EVENT && is_sent;
}

bool rh_bind_has_events(const struct rh_binding *binding)
{
	for (uint32_t i = 0; i < binding->count; i++)
		if (rh_bind_is_event(&binding->functions[i]))
			return true;
	return false;
}

bool rh_bind_is_served(const struct rh_bind_function *function)
{
	return !function->reason && !(function->row->flags & RH_FUNCTION_EVENT);
}

bool rh_bind_is_mirrored(const struct rh_bind_value *value)
{
	return value->role == RH_BIND_HANDLE && value->param->mirror_len > 0 &&
	       !(value->param->flags & RH_PARAM_DESTROYS);
}

const char *rh_bind_upper(struct rh_pool *pool, const char *words)
{
	size_t len = strlen(words), to = 0;
	char  *upper = rh_pool_take(pool, len + 2, 1);
	bool   begins = true;

	if (!upper)
		return NULL;
	if (len > 2 && strcmp(words + len - 2, "_t") == 0)
		len -= 2;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)words[i];

		if (!isalnum(c)) {
			begins = true;
			continue;
		}
		if (to == 0 && isdigit(c))
			upper[to++] = 'N';
		upper[to++] = (char)(begins ? toupper(c) : c);
		begins = false;
	}
	return upper;
}

/* The name itself, or with a number where another type has it. */
static const char *give_name(struct rh_binding *binding, const char *wanted)
{
	struct rh_pool *pool = &binding->plan->pool;
	const char     *name = wanted;

	for (unsigned number = 2; name; number++) {
		uint32_t i = 0;

		while (i < binding->taken_count && strcmp(binding->taken[i], name) != 0)
			i++;
		if (i == binding->taken_count)
			break;
		name = rh_pool_print(pool, "%s%u", wanted, number);
	}
	binding->taken = rh_pool_grow(pool, binding->taken, binding->taken_count,
	                              sizeof *binding->taken);
	if (!name || !binding->taken)
		return NULL;
	return binding->taken[binding->taken_count++] = name;
}

/* Names records, inner ones after the field that holds them. */
static int name_type(struct rh_binding *binding, struct rh_bind_type *type,
                     const char *place)
{
	struct rh_pool *pool = &binding->plan->pool;

	while (type->kind == RH_BIND_ARRAY) /* elements are entered before arrays */
		type = (struct rh_bind_type *)(uintptr_t)type->element;
	if (!rh_bind_type_is_record(type) || type->name[0])
		return RH_OK;
	const char *wanted = rh_bind_upper(pool, type->tag[0] ? type->tag : place);
	type->name = wanted ? give_name(binding, wanted) : NULL;
	if (!type->name)
		return RH_ENOMEM;
	for (uint32_t i = 0; i < type->count; i++) {
		const char *inner = rh_pool_print(pool, "%s_%s", type->name,
		                                  type->fields[i].name);
		int         result = inner ? name_type(binding, type->fields[i].type, inner)
		                           : RH_ENOMEM;

		if (result < 0)
			return result;
	}
	return RH_OK;
}

/* What a typedef or the function calls a record without a name. */
static const char *place_of(struct rh_binding *binding,
                            const struct rh_bind_function *function,
                            const struct rh_bind_value *value)
{
	const struct rh_ctype *ctype = value->ctype;

	while (ctype && !ctype->alias[0] && ctype->target &&
	       (ctype->kind == RH_CTYPE_POINTER || ctype->kind == RH_CTYPE_ARRAY))
		ctype = ctype->target;
	if (ctype && ctype->alias[0] && ctype->kind != RH_CTYPE_VOID)
		return ctype->alias;
	return rh_pool_print(&binding->plan->pool, "%s_%s", function->name, value->name);
}

/* The plain type of "inout T?". */
static const char *plain_text(struct rh_pool *pool, const char *text)
{
	static const char *const directions[] = { "in ", "out ", "inout " };
	size_t                   len = strlen(text);

	for (size_t i = 0; i < sizeof directions / sizeof *directions; i++) {
		size_t word = strlen(directions[i]);

		if (strncmp(text, directions[i], word) == 0) {
			text += word;
			len -= word;
			break;
		}
	}
	return rh_pool_copy(pool, text, len && text[len - 1] == '?' ? len - 1 : len);
}

/* The elements of bytes: what the pointer points to, or blocks of that size. */
static const char *element_text(struct rh_pool *pool, const struct rh_bind_value *value)
{
	const struct rh_ctype *target = value->ctype ? value->ctype->target : NULL;
	uint32_t               size = value->param->size;
	char                   text[RH_TEXT_MAX];

	if (size == 1)
		return "u8";
	if (target && target->size == size && rh_ctype_is_plain(target)) {
		int len = rh_ctype_text(target, text, sizeof text);

		if (len > 0)
			return rh_pool_copy(pool, text, (size_t)len);
	}
	return rh_pool_print(pool, "u8[%u]", size);
}

static int set_type(struct rh_binding *binding, const struct rh_bind_function *function,
                    struct rh_bind_value *value)
{
	struct rh_pool *pool = &binding->plan->pool;
	const char     *text = value->role == RH_BIND_BYTES
	                       ? element_text(pool, value)
	                       : plain_text(pool, value->param->type);
	const char     *place = place_of(binding, function, value);

	if (!text || !place)
		return RH_ENOMEM;
	int result = rh_bind_type_read(&binding->types, text, &value->type);
	return result < 0 ? result : name_type(binding, value->type, place);
}

static uint8_t role_of(const struct rh_param *param)
{
	switch (param->kind) {
	case RH_KIND_VOID:   return RH_BIND_VOID;
	case RH_KIND_STRING:
	case RH_KIND_PATH:   return RH_BIND_TEXT;
	case RH_KIND_BYTES:  return RH_BIND_BYTES;
	case RH_KIND_HANDLE: return RH_BIND_HANDLE;
	case RH_KIND_FD:     return RH_BIND_FD;
	default: return param->flags & RH_PARAM_POINTER ? RH_BIND_POINTED : RH_BIND_VALUE;
	}
}

static int set_value(struct rh_binding *binding, const struct rh_bind_function *function,
                     struct rh_bind_value *value)
{
	value->role = role_of(value->param);
	if (value->role != RH_BIND_VALUE && value->role != RH_BIND_POINTED &&
	    value->role != RH_BIND_BYTES)
		return RH_OK;
	return set_type(binding, function, value);
}

/* Parameters that only tell how long bytes are. */
static void hide_lengths(struct rh_bind_function *function)
{
	const struct rh_param *ret = function->ret.param;

	for (uint8_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		if (value->role != RH_BIND_BYTES || value->param->len_param == RH_NO_PARAM)
			continue;
		function->values[value->param->len_param].role = RH_BIND_LENGTH;
		function->values[value->param->len_param].bytes = i;
	}
	if (ret->kind == RH_KIND_BYTES && ret->used_param < RH_PARAMS_MAX) {
		function->values[ret->used_param].role = RH_BIND_LENGTH;
		function->values[ret->used_param].bytes = RH_USED_RETURN;
	}
}

static const char *find_reason(const struct rh_bind_function *function)
{
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_param *param = function->values[i].param;

		if (param->kind == RH_KIND_HANDLE && param->direction == RH_INOUT)
			return "an object that is exchanged";
		if (param->kind == RH_KIND_BYTES && param->len_param == RH_NO_PARAM)
			return "bytes whose length no parameter tells";
	}
	if (function->ret.param->kind == RH_KIND_BYTES &&
	    function->ret.param->used_param >= RH_PARAMS_MAX)
		return "bytes whose length no parameter tells";
	return NULL;
}

/* In order, and each by a name of its own. */
static int name_values(struct rh_binding *binding, struct rh_bind_function *function)
{
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		struct rh_bind_value *value = &function->values[i];
		const char           *name = value->param->name;
		bool                  is_new = name && name[0];

		for (uint32_t j = 0; is_new && j < i; j++)
			is_new = strcmp(function->values[j].name, name) != 0;
		value->name = is_new ? name : rh_pool_print(&binding->plan->pool, "a%u", i);
		if (!value->name)
			return RH_ENOMEM;
	}
	function->ret.name = "result";
	return RH_OK;
}

static void use_objects(struct rh_binding *binding, const struct rh_bind_value *value)
{
	if (value->role != RH_BIND_HANDLE)
		return;
	binding->objects[value->param->handle].is_used = true;
	if (value->param->mirror_len)
		binding->objects[value->param->handle].is_mirrored = true;
}

static int fill_function(struct rh_binding *binding, uint32_t index,
                         struct rh_bind_function *function)
{
	const struct rh_function  *row = &binding->plan->interface.functions[index];
	const struct rh_cfunction *c = binding->plan->functions[index].c;
	char                       text[RH_TEXT_MAX];
	int                        result = rh_function_text(row, text, sizeof text);

	*function = (struct rh_bind_function){ .row = row, .c = c, .name = row->name };
	if (result < 0)
		return result;
	function->text = rh_pool_copy(&binding->plan->pool, text, (size_t)result);
	for (uint32_t i = 0; i < row->param_count; i++)
		function->values[i] = (struct rh_bind_value){
			.param = &row->params[i], .ctype = c ? c->params[i].type : NULL,
		};
	function->ret = (struct rh_bind_value){
		.param = &row->ret, .ctype = c ? c->ret : NULL,
	};
	result = function->text ? name_values(binding, function) : RH_ENOMEM;
	for (uint32_t i = 0; result >= 0 && i < row->param_count; i++) {
		result = set_value(binding, function, &function->values[i]);
		use_objects(binding, &function->values[i]);
	}
	if (result >= 0)
		result = set_value(binding, function, &function->ret);
	use_objects(binding, &function->ret);
	function->reason = find_reason(function);
	if (!function->reason)
		hide_lengths(function);
	return result;
}

/* "textstat_" when every function begins so; "" else. */
static const char *find_prefix(struct rh_binding *binding)
{
	const char *prefix = rh_pool_print(&binding->plan->pool, "%s_", binding->name);

	for (uint32_t i = 0; prefix && i < binding->count; i++)
		if (strncmp(binding->functions[i].name, prefix, strlen(prefix)) != 0)
			return "";
	return prefix;
}

static int name_functions(struct rh_binding *binding)
{
	const char *prefix = find_prefix(binding);

	for (uint32_t i = 0; prefix && i < binding->count; i++) {
		struct rh_bind_function *function = &binding->functions[i];

		function->number = i;
		function->upper = rh_bind_upper(&binding->plan->pool,
		                                function->name + strlen(prefix));
		if (!function->upper)
			return RH_ENOMEM;
	}
	return prefix ? RH_OK : RH_ENOMEM;
}

static int name_objects(struct rh_binding *binding)
{
	const struct rh_interface *interface = &binding->plan->interface;

	binding->object_count = interface->handle_count;
	binding->objects = rh_pool_take(&binding->plan->pool, binding->object_count + 1,
	                                sizeof *binding->objects);
	for (uint32_t i = 0; binding->objects && i < binding->object_count; i++) {
		struct rh_bind_object *object = &binding->objects[i];
		const char            *name = interface->handles[i].name;

		object->type = &interface->handles[i];
		if (strncmp(name, "struct ", 7) == 0)
			name += 7;
		object->upper = rh_bind_upper(&binding->plan->pool, name);
		if (object->upper)
			object->upper = give_name(binding, object->upper);
		object->name = name;
		if (!object->upper)
			return RH_ENOMEM;
	}
	return binding->objects ? RH_OK : RH_ENOMEM;
}

static void find_destructors(struct rh_binding *binding)
{
	for (uint32_t i = 0; i < binding->object_count; i++) {
		int32_t index = binding->objects[i].type->destructor;

		for (uint32_t j = 0; index >= 0 && j < binding->count; j++) {
			const struct rh_bind_function *function = &binding->functions[j];

			if (function->row == &binding->plan->interface.functions[index] &&
			    function->row->param_count == 1)
				binding->objects[i].destroy = function;
		}
	}
}

static int fill_functions(struct rh_binding *binding, struct rh_diag *diag)
{
	const struct rh_interface *interface = &binding->plan->interface;

	binding->functions = rh_pool_take(&binding->plan->pool,
	                                  interface->function_count + 1,
	                                  sizeof *binding->functions);
	if (!binding->functions)
		return RH_ENOMEM;
	for (uint32_t i = 0; i < interface->function_count; i++) {
		struct rh_bind_function *function = &binding->functions[binding->count];

		if (!rh_plan_is_carried(&interface->functions[i]) ||
		    binding->plan->functions[i].is_old)
			continue;
		int result = fill_function(binding, i, function);
		if (result < 0)
			return rh_diag_set(diag, result, "%s: %s", interface->functions[i].name,
			                   rh_error_text(result));
		binding->count++;
	}
	return RH_OK;
}

/* "libfoo-2.x": foo_2_x */
static const char *find_name(struct rh_plan *plan)
{
	const char *name = plan->interface.name;
	char       *copy;

	if (strncmp(name, "lib", 3) == 0 && isalpha((unsigned char)name[3]))
		name += 3;
	copy = rh_pool_copy(&plan->pool, name, strlen(name));
	for (char *at = copy; at && *at; at++)
		if (!isalnum((unsigned char)*at))
			*at = '_';
	return copy;
}

/* Names of types that the bindings have themselves. */
static int reserve_names(struct rh_binding *binding)
{
	static const char *const names[] = { "Client", "Server", "Dispatcher", "Interface",
	                                     "Open", "Serve" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!give_name(binding, names[i]))
			return RH_ENOMEM;
	return binding->upper && give_name(binding, binding->upper) ? RH_OK : RH_ENOMEM;
}

int rh_binding_make(struct rh_binding *binding, struct rh_plan *plan,
                    struct rh_diag *diag)
{
	const char *name = find_name(plan);

	*binding = (struct rh_binding){ .plan = plan, .name = name };
	if (!name)
		return RH_ENOMEM;
	rh_bind_types_init(&binding->types, &plan->pool);
	binding->upper = rh_bind_upper(&plan->pool, name);
	int result = reserve_names(binding);
	if (result >= 0)
		result = name_objects(binding);
	if (result >= 0)
		result = fill_functions(binding, diag);
	if (result >= 0)
		result = name_functions(binding);
	if (result < 0)
		return result;
	find_destructors(binding);
	return RH_OK;
}
