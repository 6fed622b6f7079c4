#include "history.h"

#include "center.h"
#include "store/store.h"

#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_prefix(const char *rule, char prefix[RH_STORE_KEY_MAX])
{
	snprintf(prefix, RH_STORE_KEY_MAX, RH_HISTORY_PREFIX "%s/", rule);
}

static void write_key(const char *rule, uint64_t generation, char key[RH_STORE_KEY_MAX])
{
	snprintf(key, RH_STORE_KEY_MAX, RH_HISTORY_PREFIX "%s/%u", rule,
	         (unsigned)(generation % RH_HISTORY_MAX));
}

/* ---- writing ---- */

struct collection {
	const struct rh_center *center;
	struct rh_history_ops  *ops;
};

void rh_history_ops_fini(struct rh_history_ops *ops)
{
	for (size_t i = 0; i < ops->count; i++) {
		free((void *)(uintptr_t)ops->at[i].key);
		free((void *)(uintptr_t)ops->at[i].value);
	}
	free(ops->at);
	*ops = (struct rh_history_ops){ 0 };
}

static int make_room(struct rh_history_ops *ops)
{
	size_t              cap = ops->cap ? ops->cap * 2 : 8;
	struct rh_store_op *more;

	if (ops->count < ops->cap)
		return RH_OK;
	more = realloc(ops->at, cap * sizeof *more);
	if (!more)
		return RH_ENOMEM;
	ops->at = more;
	ops->cap = cap;
	return RH_OK;
}

/* Takes the text; NULL deletes. */
static int add(struct rh_history_ops *ops, const char *key, char *text,
               uint64_t generation)
{
	char *copy = strdup(key);

	if (!copy || make_room(ops) != RH_OK) {
		free(copy);
		free(text);
		return RH_ENOMEM;
	}
	ops->at[ops->count++] = (struct rh_store_op){
		.kind = text ? RH_STORE_PUT : RH_STORE_DELETE, .key = copy,
		.value = text, .value_bytes = text ? strlen(text) : 0,
		.generation = generation, .expected = RH_STORE_ANY,
	};
	return RH_OK;
}

/* The former generation, with the revision that it had. */
static char *former_text(const struct rh_object *old)
{
	json_t *stored = rh_object_parse(old);

	json_object_set_new(stored, "revision", json_integer((json_int_t)old->revision));
	char *text = json_dumps(stored, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(stored);
	return text;
}

/* It takes the place of the one ten generations before. */
static int keep_former(const struct collection *collection, const char *rule,
                       const struct rh_object *old)
{
	char  key[RH_STORE_KEY_MAX];
	char *text = former_text(old);

	write_key(rule, old->generation, key);
	return text ? add(collection->ops, key, text, old->generation) : RH_ENOMEM;
}

struct keys {
	char     at[RH_HISTORY_MAX][RH_STORE_KEY_MAX];
	unsigned count;
};

static int note_key(void *user, const struct rh_store_record *record)
{
	struct keys *keys = user;

	snprintf(keys->at[keys->count++], RH_STORE_KEY_MAX, "%s", record->key);
	return 0;
}

static int forget_all(const struct collection *collection, const char *rule)
{
	struct keys keys = { .count = 0 };
	char        prefix[RH_STORE_KEY_MAX];
	int         err = RH_OK;

	write_prefix(rule, prefix);
	(void)rh_store_list(collection->center->store, prefix, NULL, RH_HISTORY_MAX,
	                    note_key, &keys);
	for (unsigned i = 0; i < keys.count && !err; i++)
		err = add(collection->ops, keys.at[i], NULL, 0);
	return err;
}

static int is_there(void *user, const struct rh_store_record *record)
{
	(void)record;
	*(int *)user = 1;
	return 0;
}

/* Once, though a change may concern it more often: it is as it is in the end. */
static int add_rollout(const struct collection *collection, const char *rule)
{
	struct rh_history_ops   *ops = collection->ops;
	const struct rh_rollout *rollout = rh_rollouts_find(
		&collection->center->realm.rollouts, rule);
	char key[RH_STORE_KEY_MAX];
	int  found = 0;

	snprintf(key, sizeof key, RH_ROLLOUT_PREFIX "%s", rule);
	if (ops->count > 0 && strcmp(ops->at[ops->count - 1].key, key) == 0)
		return RH_OK;
	if (!rollout)
		(void)rh_store_get(collection->center->store, key, is_there, &found);
	if (!rollout)
		return found ? add(ops, key, NULL, 0) : RH_OK;
	char *text = rh_rollout_write(rollout);
	return text ? add(ops, key, text, rollout->generation) : RH_ENOMEM;
}

static int collect_one(void *user, const char *rule, const struct rh_object *old,
                       const struct rh_object *now)
{
	const struct collection *collection = user;
	int                      err = RH_OK;

	if (old && now && old->generation != now->generation)
		err = keep_former(collection, rule, old);
	else if (old && !now)
		err = forget_all(collection, rule);
	return err ? err : add_rollout(collection, rule);
}

int rh_history_collect(const struct rh_center *center, size_t mark,
                       struct rh_history_ops *ops)
{
	struct collection collection = { center, ops };

	return rh_realm_changed_rules(&center->realm, mark, collect_one, &collection);
}

/* ---- reading ---- */

static int read_record(void *user, const struct rh_store_record *record)
{
	json_t **ret_json = user;
	json_t  *json = json_loadb(record->value, record->value_bytes, 0, NULL);

	json_object_set_new(json, "generation",
	                    json_integer((json_int_t)record->generation));
	*ret_json = json;
	return 0;
}

static uint64_t generation_of(const json_t *former)
{
	return (uint64_t)json_integer_value(json_object_get(former, "generation"));
}

/* They come in the order of their keys. */
static int add_record(void *user, const struct rh_store_record *record)
{
	json_t *list = user, *json = NULL;
	size_t  i = 0;

	read_record(&json, record);
	while (i < json_array_size(list) &&
	       generation_of(json_array_get(list, i)) > record->generation)
		i++;
	if (json)
		json_array_insert_new(list, i, json);
	return 0;
}

json_t *rh_history_list(const struct rh_center *center, const char *rule)
{
	char    prefix[RH_STORE_KEY_MAX];
	json_t *list = json_array();

	write_prefix(rule, prefix);
	(void)rh_store_list(center->store, prefix, NULL, RH_HISTORY_MAX, add_record,
	                    list);
	return list;
}

json_t *rh_history_get(const struct rh_center *center, const char *rule,
                       uint64_t generation)
{
	char    key[RH_STORE_KEY_MAX];
	json_t *json = NULL;

	write_key(rule, generation, key);
	(void)rh_store_get(center->store, key, read_record, &json);
	if (json && generation_of(json) != generation) {
		json_decref(json);
		return NULL;
	}
	return json;
}

uint64_t rh_history_latest(const struct rh_center *center, const char *rule)
{
	json_t  *list = rh_history_list(center, rule);
	uint64_t latest = generation_of(json_array_get(list, 0));

	json_decref(list);
	return latest;
}
