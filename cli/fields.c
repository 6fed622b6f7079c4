#include "fields.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PATH_CAP 512

static void add(json_t *list, const char *path, const json_t *before,
                const json_t *after)
{
	json_t *field = json_pack("{s:s}", "path", path);

	if (before)
		json_object_set(field, "before", (json_t *)(uintptr_t)before);
	if (after)
		json_object_set(field, "after", (json_t *)(uintptr_t)after);
	json_array_append_new(list, field);
}

static void compare_key(json_t *list, const char *path, const char *key,
                        const json_t *before, const json_t *after)
{
	char longer[PATH_CAP];

	/* A path that is too long stands for what is below it. */
	if (snprintf(longer, sizeof longer, "%s.%s", path, key) >= (int)sizeof longer)
		add(list, path, before, after);
	else
		rh_fields_compare(list, longer, json_object_get(before, key),
		                  json_object_get(after, key));
}

/* The keys of one, then those that only the other has. */
static void compare_objects(json_t *list, const char *path, const json_t *before,
                            const json_t *after)
{
	json_t     *first = (json_t *)(uintptr_t)before, *value;
	json_t     *second = (json_t *)(uintptr_t)after;
	const char *key;

	json_object_foreach(first, key, value)
		compare_key(list, path, key, before, after);
	json_object_foreach(second, key, value) {
		if (!json_object_get(before, key))
			compare_key(list, path, key, before, after);
	}
}

void rh_fields_compare(json_t *list, const char *path, const json_t *before,
                       const json_t *after)
{
	int is_object = (json_is_object(before) || !before) &&
	                (json_is_object(after) || !after);

	if ((!before && !after) || (before && after && json_equal(before, after)))
		return;
	if (is_object && (before || after))
		compare_objects(list, path, before, after);
	else
		add(list, path, before, after);
}
