#include "retell.h"

#include "center.h"
#include "conditions.h"
#include "push.h"

#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

void rh_retell_fini(struct rh_retell *retell)
{
	free(retell->keys);
	*retell = (struct rh_retell){ .keys = NULL };
}

/* ---- looking for them ---- */

struct search {
	struct rh_retell *retell;
	json_t           *agents;    /* a set: name -> true */
	int               err;
};

static int add_key(struct rh_retell *retell, const struct rh_item_key *key)
{
	if (retell->count == retell->cap) {
		size_t              cap = retell->cap ? retell->cap * 2 : 16;
		struct rh_item_key *more = realloc(retell->keys, cap * sizeof *more);

		if (!more)
			return RH_ENOMEM;
		retell->keys = more;
		retell->cap = cap;
	}
	retell->keys[retell->count++] = *key;
	return RH_OK;
}

static void note(void *user, const char *agent, const struct rh_item_key *key)
{
	struct search *search = user;

	if (!search->err)
		search->err = add_key(search->retell, key);
	if (!search->err && json_object_set_new(search->agents, agent, json_true()) != 0)
		search->err = RH_ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NULL without memory. */
static json_t *agents_json(json_t *set)
{
	size_t       count = 0, total = json_object_size(set);
	const char **names = malloc(total * sizeof *names), *name;
	json_t      *list = json_array(), *ignored;

	if (names) {
		json_object_foreach(set, name, ignored)
			names[count++] = name;
		qsort(names, count, sizeof *names, by_name);
	}
	for (size_t i = 0; i < count && i < RH_RETELL_NAMES_MAX; i++)
		json_array_append_new(list, json_string(names[i]));
	free(names);
	if (count == 0) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:I, s:o}", "total", (json_int_t)total, "agents", list);
}

int rh_retell_find(struct rh_retell *retell, const struct rh_center *center,
                   const struct rh_object *object, json_t **ret_agents)
{
	struct search search = { .retell = retell, .agents = json_object() };

	*ret_agents = NULL;
	if (!search.agents)
		return RH_ENOMEM;
	rh_conditions_rejected(center, object, note, &search);
	if (!search.err && json_object_size(search.agents) > 0) {
		*ret_agents = agents_json(search.agents);
		search.err = *ret_agents ? RH_OK : RH_ENOMEM;
	}
	json_decref(search.agents);
	return search.err;
}

/* ---- sending them ---- */

void rh_retell_send(const struct rh_retell *retell, struct rh_center *center)
{
	for (size_t i = 0; i < retell->count; i++)
		rh_push_retell(center->push, &retell->keys[i]);
}
