#include "params.h"

#include "../../base/diag.h"
#include "../../model/error.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The values of .rodata as they will be loaded. */
struct constants {
	const struct btf      *types;
	const struct btf_type *section;
	unsigned char         *bytes;
	size_t                 len;
};

struct variable {
	const struct btf_type *type; /* without const, volatile and typedef */
	unsigned char         *at;
	size_t                 len;
};

static int find_constants(struct bpf_object *object, struct constants *constants)
{
	struct bpf_map *map;
	int             section;

	constants->types = bpf_object__btf(object);
	section = constants->types ? btf__find_by_name_kind(constants->types, ".rodata",
	                                                    BTF_KIND_DATASEC) : -1;
	if (section < 0)
		return 0;
	constants->section = btf__type_by_id(constants->types, (uint32_t)section);
	bpf_object__for_each_map(map, object) {
		const char *name = bpf_map__name(map);
		size_t      len = name ? strlen(name) : 0;

		if (len < 7 || strcmp(name + len - 7, ".rodata") != 0)
			continue;
		/* libbpf 1.1 has it as a const pointer to what it will load. */
		constants->bytes = (unsigned char *)(uintptr_t)bpf_map__initial_value(map,
		                                                          &constants->len);
	}
	return constants->bytes != NULL;
}

static const struct btf_type *plain_type(const struct btf *types, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(types, id);

	for (int i = 0; i < 16 && type && (btf_is_mod(type) || btf_is_typedef(type)); i++)
		type = btf__type_by_id(types, type->type);
	return type;
}

static int find_variable(const struct constants *constants, const char *name,
                         struct variable *variable)
{
	const struct btf_var_secinfo *at = btf_var_secinfos(constants->section);

	for (unsigned i = 0; i < btf_vlen(constants->section); i++, at++) {
		const struct btf_type *var = btf__type_by_id(constants->types, at->type);
		const char *its = var ? btf__name_by_offset(constants->types, var->name_off)
		                      : NULL;

		if (!its || strcmp(its, name) != 0 || !btf_is_var(var))
			continue;
		if (at->offset > constants->len || at->size > constants->len - at->offset)
			return 0;
		variable->type = plain_type(constants->types, var->type);
		variable->at = constants->bytes + at->offset;
		variable->len = at->size;
		return variable->type != NULL;
	}
	return 0;
}

/* ---- values ---- */

static int put_number(struct variable *variable, const char *value, bool is_signed)
{
	char              *end;
	unsigned           bits = (unsigned)variable->len * 8;
	unsigned long long number;

	if (!*value || (value[0] == '-' && !is_signed) || variable->len > 8)
		return 0;
	errno = 0;
	number = value[0] == '-' ? (unsigned long long)strtoll(value, &end, 0)
	                         : strtoull(value, &end, 0);
	if (*end || errno)
		return 0;
	if (value[0] == '-' ? bits < 64 && (long long)number < -(1ll << (bits - 1))
	                    : bits < 64 && number >> (is_signed ? bits - 1 : bits) != 0)
		return 0;
	memcpy(variable->at, &number, variable->len); /* little end first, as BPF here */
	return 1;
}

static int put_text(const struct constants *constants, struct variable *variable,
                    const char *value)
{
	const struct btf_type *element = plain_type(constants->types,
	                                            btf_array(variable->type)->type);
	size_t                 len = strlen(value);

	if (!element || !btf_is_int(element) || element->size != 1 || len >= variable->len)
		return 0;
	memset(variable->at, 0, variable->len);
	memcpy(variable->at, value, len);
	return 1;
}

static int put(const struct constants *constants, const struct rh_bpf_order_param *param,
               struct rh_diag *diag)
{
	struct variable variable;
	int             fits = 0;

	if (!find_variable(constants, param->name, &variable))
		return rh_diag_set(diag, RH_EINVAL, "the rule has no parameter %s: none of its "
		                   "const volatile variables is called so", param->name);
	if (btf_is_int(variable.type))
		fits = put_number(&variable, param->value,
		                  btf_int_encoding(variable.type) & BTF_INT_SIGNED);
	else if (btf_is_array(variable.type))
		fits = put_text(constants, &variable, param->value);
	return fits ? RH_OK
	       : rh_diag_set(diag, RH_EINVAL, "parameter %s cannot be \"%.60s\": it is %s of "
	                     "%zu bytes", param->name, param->value,
	                     btf_is_int(variable.type) ? "a number" : btf_is_array(variable.type)
	                     ? "a text" : "something", variable.len);
}

int rh_bpf_params(struct bpf_object *object, const struct rh_bpf_order *order,
                  struct rh_diag *diag)
{
	struct constants constants = { .bytes = NULL };
	int              err = RH_OK;

	if (order->param_count == 0)
		return RH_OK;
	if (!find_constants(object, &constants))
		return rh_diag_set(diag, RH_EINVAL, "the rule has no parameters (const volatile "
		                   "variables, with types: clang -g), but %s is given",
		                   order->params[0].name);
	for (unsigned i = 0; i < order->param_count && !err; i++)
		err = put(&constants, &order->params[i], diag);
	return err;
}
