/* Any bytes as the rules of code of an edge or a resource: refused with a reason and
 * nothing kept, or a list that holds its invariants.
 *
 * Input: the records of an EDGE_ITEM or a SELF. */
#include "../../agent/codespec.h"
#include "../../model/check.h"
#include "../../model/error.h"
#include "../../rules/hook.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_inside(const struct rh_codespec *spec, const char *text)
{
	return text >= spec->bytes && text < spec->bytes + spec->len &&
	       memchr(text, 0, (size_t)(spec->bytes + spec->len - text));
}

static void check_params(const struct rh_codespec *spec)
{
	unsigned most = spec->hook->is_ebpf ? RH_CODESPEC_PARAMS_MAX : RH_RULE_PARAMS_MAX;

	RH_CHECK(spec->param_count <= most);
	for (unsigned i = 0; i < spec->param_count; i++) {
		const struct rh_rule_param *param = &spec->params[i];

		RH_CHECK(is_inside(spec, param->name) && is_inside(spec, param->value));
		RH_CHECK(param->name[0] && strlen(param->name) <= RH_RULE_PARAM_MAX);
		RH_CHECK(strlen(param->value) <= RH_RULE_VALUE_MAX);
	}
}

static void check_spec(const struct rh_codespec *spec)
{
	RH_CHECK(spec->hook && spec->policy < RH_POLICIES);
	RH_CHECK(memchr(spec->rule, 0, sizeof spec->rule));
	RH_CHECK(memchr(spec->key, 0, sizeof spec->key));
	RH_CHECK(memchr(spec->mode, 0, sizeof spec->mode));
	RH_CHECK(strspn(spec->module, "0123456789abcdef") == RH_SHA256_HEX - 1);
	RH_CHECK(spec->limits.memory_bytes <= RH_RULE_MEMORY_MAX);
	RH_CHECK(spec->limits.time_us <= RH_RULE_TIME_US_MAX);
	check_params(spec);
}

/* What an agent keeps of it outlives the list, and says the same. */
static void check_copies(struct rh_codespecs *specs)
{
	struct rh_codespec *copies[RH_CODESPECS_MAX];
	unsigned            count = specs->count;

	for (unsigned i = 0; i < count; i++) {
		copies[i] = rh_codespec_copy(specs->at[i]);
		RH_CHECK(copies[i] && rh_codespec_is_same(copies[i], specs->at[i]));
	}
	rh_codespecs_fini(specs);
	for (unsigned i = 0; i < count; i++) {
		check_spec(copies[i]);
		free(copies[i]);
	}
}

static void check_found(const struct rh_codespecs *specs)
{
	for (unsigned i = 0; i < rh_hook_count; i++) {
		const struct rh_codespec *obeyed = rh_codespecs_find(specs, &rh_hooks[i]);
		const struct rh_codespec *shadow = rh_codespecs_shadow(specs, &rh_hooks[i]);

		RH_CHECK(!obeyed || (obeyed->hook == &rh_hooks[i] && obeyed->flags == 0));
		RH_CHECK(!shadow || (shadow->hook == &rh_hooks[i] && shadow->flags != 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_codespecs     specs = { .count = 0 };
	struct rh_record_reader records;
	struct rh_diag          diag = { .text = "" };
	int                     r;

	rh_record_read(&records, data, size);
	r = rh_codespecs_read(&specs, &records, &diag);
	if (r < 0) {
		RH_CHECK(diag.code == r && diag.text[0] && specs.count == 0);
		return 0;
	}
	RH_CHECK(specs.count <= RH_CODESPECS_MAX);
	for (unsigned i = 0; i < specs.count; i++)
		check_spec(specs.at[i]);
	check_found(&specs);
	check_copies(&specs);
	return 0;
}
