#include "leftover.h"

#include "change.h"
#include "parts.h"

#include "../base/log.h"
#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

static const struct rh_client own_client = { .channel = "center", .is_writer = 1 };
static const struct rh_change_options own = {
	.client = &own_client, .verb = "sweep", .expected = RH_CHANGE_ANY,
};

/* Was it published, or does somebody name it? */
static int is_needed(const struct rh_center *center, const struct rh_object *module)
{
	json_t *stored = rh_object_parse(module);
	int     is_published = rh_parts_manifest(stored) != NULL;
	char    user[RH_PARTS_USER_MAX];

	json_decref(stored);
	if (is_published)
		return 1;
	rh_parts_user(&center->realm, module->name, NULL, user);
	return user[0] != '\0';
}

/* The names of those that go, as they are told of: removing moves the others. */
static size_t collect(struct rh_center *center, uint64_t now_ns,
                      char (*names)[RH_OBJECT_NAME_MAX + 1], size_t cap)
{
	size_t                   count, found = 0;
	struct rh_object *const *at = rh_catalog_after(&center->realm.catalog,
	                                               RH_OBJECT_MODULE, NULL, &count);

	for (size_t i = 0; i < count && found < cap; i++) {
		if (is_needed(center, at[i]))
			at[i]->put_ns = now_ns;
		else if (now_ns > at[i]->put_ns && now_ns - at[i]->put_ns >= RH_LEFTOVER_NS)
			memcpy(names[found++], at[i]->name, sizeof at[i]->name);
	}
	return found;
}

static int remove_all(struct rh_center *center, char (*names)[RH_OBJECT_NAME_MAX + 1],
                      size_t count)
{
	struct rh_problem problem = { 0 };
	int               err = RH_OK;

	for (size_t i = 0; i < count && !err; i++) {
		json_t *answer = NULL;

		err = rh_change_delete(center, RH_OBJECT_MODULE, names[i], &own, &answer,
		                       &problem);
		json_decref(answer);
	}
	int committed = rh_center_commit(center, &problem);
	if (err || committed)
		rh_warn("modules that nobody names stay: %s", problem.detail);
	else if (count > 0)
		rh_info("%zu module(s) went that nobody named for a day", count);
	return err ? err : committed;
}

int rh_leftovers_sweep(struct rh_center *center, uint64_t now_ns)
{
	size_t count = rh_catalog_count(&center->realm.catalog, RH_OBJECT_MODULE);
	char (*names)[RH_OBJECT_NAME_MAX + 1] = malloc((count + 1) * sizeof *names);

	if (!names)
		return RH_ENOMEM;
	size_t found = collect(center, now_ns, names, count);
	int    err = found > 0 ? remove_all(center, names, found) : RH_OK;
	free(names);
	return err ? err : (int)found;
}
