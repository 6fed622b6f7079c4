#include "codespec.h"

#include "../model/name.h"
#include "../rules/hook.h"
#include "../wire/frame.h"

#include <stdlib.h>
#include <string.h>

static int may_miss(int r)
{
	return r == RH_ENOENT ? RH_OK : r;
}

static int malformed(struct rh_diag *diag, const char *what)
{
	return rh_diag_set(diag, RH_EPROTO, "a rule of code is malformed: %s", what);
}

/* "name=value", in two texts. */
static int add_param(struct rh_codespec *spec, const struct rh_record *record)
{
	char *text = spec->bytes + spec->len, *value;

	if (spec->param_count == RH_CODESPEC_PARAMS_MAX)
		return RH_ENOSPC;
	if (rh_record_copy_text(record, text, (size_t)record->len + 1) < 0)
		return RH_EPROTO;
	value = strchr(text, '=');
	if (!value || value == text || value - text > RH_RULE_PARAM_MAX ||
	    strlen(value + 1) > RH_RULE_VALUE_MAX)
		return RH_EPROTO;
	*value = 0;
	spec->params[spec->param_count++] = (struct rh_rule_param){ text, value + 1 };
	spec->len += (size_t)record->len + 1;
	return RH_OK;
}

static int read_params(struct rh_codespec *spec, const struct rh_record_reader *records)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	int                     more, r = RH_OK;

	reader.at = 0;
	while (r == RH_OK && (more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag == RH_TAG_ENV)
			r = add_param(spec, &record);
	}
	return r == RH_OK ? more : r;
}

static int read_hook(struct rh_codespec *spec, const struct rh_record_reader *records,
                     struct rh_diag *diag)
{
	char hook[32], policy[32];
	int  found;

	if (rh_record_text(records, RH_TAG_HOOK, hook, sizeof hook) < 0 ||
	    rh_record_text(records, RH_TAG_POLICY, policy, sizeof policy) < 0 ||
	    rh_record_text(records, RH_TAG_MODE, spec->mode, sizeof spec->mode) < 0)
		return malformed(diag, "its hook, mode or policy");
	spec->hook = rh_hook_find(hook);
	if (!spec->hook)
		return rh_diag_set(diag, RH_ENOSYS, "this agent has no hook %s", hook);
	found = rh_rule_policy_find(policy);
	if (found < 0)
		return rh_diag_set(diag, RH_ENOSYS, "this agent knows no policy %s", policy);
	spec->policy = (enum rh_rule_policy)found;
	return RH_OK;
}

static int read_limits(struct rh_codespec *spec, const struct rh_record_reader *records)
{
	uint64_t bytes = 0, time_ns = 0;

	if (may_miss(rh_record_u64(records, RH_TAG_BYTES, &bytes)) < 0 ||
	    may_miss(rh_record_u64(records, RH_TAG_TOOK, &time_ns)) < 0 ||
	    may_miss(rh_record_u64(records, RH_TAG_FUEL, &spec->limits.fuel)) < 0 ||
	    bytes > RH_RULE_MEMORY_MAX || time_ns > RH_RULE_TIME_US_MAX * 1000ull)
		return RH_EPROTO;
	spec->limits.memory_bytes = (uint32_t)bytes;
	spec->limits.time_us = (uint32_t)(time_ns / 1000);
	return RH_OK;
}

/* Signed is all that stands before the signature, so nothing may stand behind it. */
static int read_order(struct rh_codespec *spec, const struct rh_record_reader *records)
{
	struct rh_record signature;
	int              r = rh_record_find(records, RH_TAG_SIGNATURE, &signature);

	if (may_miss(rh_record_u64(records, RH_TAG_ROLLBACK, &spec->rollback)) < 0)
		return RH_EPROTO;
	if (r < 0)
		return may_miss(r);
	size_t before = (size_t)(signature.bytes - records->bytes) - RH_RECORD_HEAD;

	if (before + RH_RECORD_HEAD + signature.len != records->len)
		return RH_EPROTO;
	rh_sha256_hex(records->bytes, before, spec->content);
	return rh_record_copy_text(&signature, spec->signature, sizeof spec->signature);
}

static int read(struct rh_codespec *spec, const struct rh_record_reader *records,
                struct rh_diag *diag)
{
	size_t digits;

	if (read_order(spec, records) < 0)
		return malformed(diag, "its signature");
	if (rh_record_text(records, RH_TAG_RULE, spec->rule, sizeof spec->rule) < 0 ||
	    rh_record_u64(records, RH_TAG_REVISION, &spec->revision) < 0 ||
	    rh_record_text(records, RH_TAG_MODULE, spec->module, sizeof spec->module) < 0)
		return malformed(diag, "its name, revision or module");
	if (may_miss(rh_record_u32(records, RH_TAG_FLAGS, &spec->flags)) < 0)
		return malformed(diag, "its flags");
	if (may_miss(rh_record_text(records, RH_TAG_KEY, spec->key, sizeof spec->key)) < 0)
		return malformed(diag, "its key");
	if (may_miss(rh_record_u32(records, RH_TAG_COUNT, &spec->order)) < 0)
		return malformed(diag, "its place in a chain");
	digits = strspn(spec->module, "0123456789abcdef");
	if (digits != sizeof spec->module - 1 || spec->module[digits])
		return malformed(diag, "its module is no SHA-256");
	if (read_limits(spec, records) < 0 || read_params(spec, records) < 0)
		return malformed(diag, "its limits or parameters");
	int r = read_hook(spec, records, diag);
	if (r == RH_OK && !spec->hook->is_ebpf && spec->param_count > RH_RULE_PARAMS_MAX)
		r = malformed(diag, "its parameters");
	return r;
}

static int add(struct rh_codespecs *specs, const struct rh_record *item,
               struct rh_diag *diag)
{
	struct rh_codespec     *spec;
	struct rh_record_reader records;
	int                     r;

	if (specs->count == RH_CODESPECS_MAX)
		return rh_diag_set(diag, RH_ENOSPC, "more than %u rules of code at one place",
		                   RH_CODESPECS_MAX);
	spec = calloc(1, sizeof *spec + item->len); /* a text is shorter than its record */
	if (!spec)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a rule of code");
	rh_record_read(&records, item->bytes, item->len);
	r = read(spec, &records, diag);
	if (r < 0)
		free(spec);
	else
		specs->at[specs->count++] = spec;
	return r;
}

int rh_codespecs_read(struct rh_codespecs *specs, const struct rh_record_reader *records,
                      struct rh_diag *diag)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	int                     more, r = RH_OK;

	specs->count = 0;
	reader.at = 0;
	while (r == RH_OK && (more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag == RH_TAG_CODE_ITEM)
			r = add(specs, &record, diag);
	}
	if (r == RH_OK && more < 0)
		r = malformed(diag, "it is cut off");
	if (r < 0)
		rh_codespecs_fini(specs);
	return r;
}

void rh_codespecs_fini(struct rh_codespecs *specs)
{
	for (unsigned i = 0; i < specs->count; i++)
		free(specs->at[i]);
	specs->count = 0;
}

static const struct rh_codespec *find(const struct rh_codespecs *specs,
                                      const struct rh_hook *hook, uint32_t flags)
{
	for (unsigned i = 0; i < specs->count; i++) {
		if (specs->at[i]->hook == hook && specs->at[i]->flags == flags)
			return specs->at[i];
	}
	return NULL;
}

const struct rh_codespec *rh_codespecs_find(const struct rh_codespecs *specs,
                                            const struct rh_hook *hook)
{
	return find(specs, hook, 0);
}

const struct rh_codespec *rh_codespecs_shadow(const struct rh_codespecs *specs,
                                              const struct rh_hook *hook)
{
	return find(specs, hook, RH_CODE_SHADOW);
}

struct rh_codespec *rh_codespec_copy(const struct rh_codespec *spec)
{
	struct rh_codespec *copy = malloc(sizeof *copy + spec->len);

	if (!copy)
		return NULL;
	memcpy(copy, spec, sizeof *copy + spec->len);
	for (unsigned i = 0; i < copy->param_count; i++) {
		copy->params[i].name = copy->bytes + (spec->params[i].name - spec->bytes);
		copy->params[i].value = copy->bytes + (spec->params[i].value - spec->bytes);
	}
	return copy;
}

int rh_codespec_is_same(const struct rh_codespec *a, const struct rh_codespec *b)
{
	return a->hook == b->hook && a->revision == b->revision &&
	       a->policy == b->policy && a->flags == b->flags &&
	       a->limits.memory_bytes == b->limits.memory_bytes &&
	       a->limits.time_us == b->limits.time_us && a->limits.fuel == b->limits.fuel &&
	       strcmp(a->rule, b->rule) == 0 &&
	       a->order == b->order && strcmp(a->key, b->key) == 0 && strcmp(a->module, b->module) == 0 &&
	       strcmp(a->mode, b->mode) == 0 && a->len == b->len &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

int rh_codespec_is_order(const struct rh_codespec *a, const struct rh_codespec *b)
{
	return rh_codespec_is_same(a, b) && strcmp(a->content, b->content) == 0 &&
	       strcmp(a->signature, b->signature) == 0;
}
