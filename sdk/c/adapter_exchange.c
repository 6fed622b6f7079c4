#include "adapter.h"

#include "adapter_front.h"

#include "../../base/diag.h"
#include "../../base/socket.h"
#include "../../rules/hook.h"
#include "../../rules/limits.h"

#include <stdlib.h>
#include <string.h>

/* A rule as CODE_ITEM describes it. */
struct description {
	char                  name[RH_NAME_MAX + 1];
	struct rh_rule_source source;
	enum rh_rule_policy   policy;
	struct rh_rule_param  params[RH_RULE_PARAMS_MAX];
	char                  texts[RH_RULE_PARAMS_MAX][RH_RULE_PARAM_MAX + RH_RULE_VALUE_MAX + 2];
};

/* ---- reading ---- */

static int read_params(struct rh_record_reader records, struct description *ret,
                       struct rh_diag *diag)
{
	struct rh_record record;
	unsigned         count = 0;
	char            *text, *equals;
	int              r;

	while ((r = rh_record_next(&records, &record)) > 0) {
		if (record.tag != RH_TAG_ENV)
			continue;
		if (count == RH_RULE_PARAMS_MAX)
			return rh_diag_set(diag, RH_EPROTO, "it has more than %u parameters",
			                   RH_RULE_PARAMS_MAX);
		text = ret->texts[count];
		if (rh_record_copy_text(&record, text, sizeof ret->texts[0]) < 0 ||
		    !(equals = strchr(text, '=')))
			return rh_diag_set(diag, RH_EPROTO, "a parameter is not NAME=value");
		*equals = 0;
		ret->params[count++] = (struct rh_rule_param){ text, equals + 1 };
	}
	ret->source.params = ret->params;
	ret->source.param_count = count;
	return r < 0 ? rh_diag_set(diag, r, "it is cut off") : RH_OK;
}

static int read_limits(const struct rh_record_reader *records, struct description *ret,
                       struct rh_diag *diag)
{
	struct rh_rule_limits *limits = &ret->source.limits;
	uint64_t               memory = 0, took_ns = 0;

	if (rh_record_u64(records, RH_TAG_BYTES, &memory) == RH_EPROTO ||
	    rh_record_u64(records, RH_TAG_TOOK, &took_ns) == RH_EPROTO ||
	    rh_record_u64(records, RH_TAG_FUEL, &limits->fuel) == RH_EPROTO ||
	    memory > RH_RULE_MEMORY_MAX || took_ns / 1000 > RH_RULE_TIME_US_MAX)
		return rh_diag_set(diag, RH_EPROTO, "its limits make no sense");
	limits->memory_bytes = (uint32_t)memory;
	limits->time_us = (uint32_t)(took_ns / 1000);
	return RH_OK;
}

static int read_mode(const struct rh_record_reader *records, enum rh_rule_mode *ret)
{
	char text[16];

	if (rh_record_text(records, RH_TAG_MODE, text, sizeof text) < 0)
		return RH_EPROTO;
	if (strcmp(text, "native") == 0)
		*ret = RH_RULE_NATIVE;
	else if (strcmp(text, "wasm") == 0)
		*ret = RH_RULE_WASM;
	else
		return RH_ENOSYS;
	return RH_OK;
}

static int read_policy(const struct rh_record_reader *records, enum rh_rule_policy *ret)
{
	char text[16];
	int  r = rh_record_text(records, RH_TAG_POLICY, text, sizeof text);
	int  policy = r == RH_OK ? rh_rule_policy_find(text) : RH_POLICY_KEEP_LAST;

	if (policy < 0 || (r < 0 && r != RH_ENOENT))
		return RH_EPROTO;
	*ret = (enum rh_rule_policy)policy;
	return RH_OK;
}

static int read_description(struct rh_adapter *adapter, const void *item, size_t bytes,
                            struct description *ret, struct rh_diag *diag)
{
	struct rh_record_reader records;
	char                    hook[RH_NAME_MAX + 1];
	int                     r;

	memset(ret, 0, sizeof *ret);
	rh_record_read(&records, item, bytes);
	if (rh_record_text(&records, RH_TAG_RULE, ret->name, sizeof ret->name) < 0 ||
	    rh_record_text(&records, RH_TAG_HOOK, hook, sizeof hook) < 0)
		return rh_diag_set(diag, RH_EPROTO, "it has no name, or no hook");
	if (strcmp(hook, adapter->hook->name) != 0)
		return rh_diag_set(diag, RH_EPROTO, "it is for hook %s, asked was for one of "
		                   "hook %s", hook, adapter->hook->name);
	if ((r = read_mode(&records, &ret->source.mode)) < 0)
		return rh_diag_set(diag, r, "its mode is none that programs can run");
	if (read_policy(&records, &ret->policy) < 0)
		return rh_diag_set(diag, RH_EPROTO, "what it says about failures is unknown");
	if ((r = read_limits(&records, ret, diag)) < 0)
		return r;
	ret->source.hook = adapter->hook;
	ret->source.log = rh_adapter_say;
	ret->source.log_user = adapter;
	return read_params(records, ret, diag);
}

/* ---- all of it ---- */

static int hand_over(struct rh_adapter *adapter, struct rh_rule *rule,
                     const struct description *description, struct rh_diag *diag)
{
	struct rh_adapter_rule next = { rule, &description->source, description->name,
	                                description->policy };
	struct rh_rule        *former;
	int                    r;

	pthread_mutex_lock(&adapter->lock);
	rh_adapter_take_counts(adapter, &adapter->left);
	former = adapter->rule;
	r = adapter->kind->exchange(adapter->front, former, &next, diag);
	if (r == RH_OK) {
		adapter->rule = rule;
		memcpy(adapter->name, description->name, sizeof adapter->name);
	}
	/* What the hand-over took counts for neither. */
	if (adapter->rule)
		rh_adapter_count(adapter, &adapter->told);
	pthread_mutex_unlock(&adapter->lock);
	rh_rule_destroy(r == RH_OK ? former : rule);
	return r;
}

static int load(struct rh_adapter *adapter, const void *item, size_t bytes, int object_fd,
                struct description *description, struct rh_rule **ret_rule,
                struct rh_diag *diag)
{
	int r = read_description(adapter, item, bytes, description, diag);

	if (r < 0)
		return r;
	if (object_fd < 0)
		return rh_diag_set(diag, RH_EPROTO, "its object did not come along");
	description->source.object_fd = object_fd;
	return rh_rule_load(&description->source, ret_rule, diag);
}

int rh_adapter_exchange(struct rh_adapter *adapter, const void *item, size_t bytes,
                        int object_fd, struct rh_diag *diag)
{
	struct description *description = calloc(1, sizeof *description);
	void               *copy = item ? malloc(bytes) : NULL;
	struct rh_rule     *rule = NULL;
	int                 r = RH_OK;

	if (!description || (item && !copy))
		r = rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	if (r == RH_OK && item)
		r = load(adapter, item, bytes, object_fd, description, &rule, diag);
	if (r == RH_OK)
		r = hand_over(adapter, rule, description, diag);
	if (r == RH_OK) {
		if (item)
			memcpy(copy, item, bytes);
		free(adapter->item);
		adapter->item = copy;
		adapter->item_bytes = bytes;
		copy = NULL;
	}
	free(copy);
	free(description);
	return r;
}
