#include "stale.h"

#include "catalog.h"
#include "when.h"

#include "../model/error.h"
#include "../wire/frame.h"

#include <string.h>

int rh_stale_read(const char *text, uint64_t *ret_ms)
{
	if (strcmp(text, "forever") == 0)
		*ret_ms = RH_STALE_FOREVER;
	else if (strcmp(text, "never") == 0)
		*ret_ms = 0;
	else
		return rh_when_duration(text, RH_STALE_MAX_MS, ret_ms);
	return RH_OK;
}

static void put_class(struct rh_record_writer *writer, const char *class, uint64_t ms)
{
	size_t place = rh_record_open(writer, RH_TAG_STALE_ITEM);

	rh_record_put_text(writer, RH_TAG_RULE, class);
	if (ms != RH_STALE_FOREVER)
		rh_record_put_u64(writer, RH_TAG_DELAY, ms);
	rh_record_close(writer, place);
}

void rh_stale_put(struct rh_record_writer *writer, const struct rh_catalog *catalog)
{
	static const char *const classes[] = { "layering", "revocation", "protocol" };
	const struct rh_object  *rule = rh_catalog_find(catalog, RH_OBJECT_RULE,
	                                                RH_STALE_RULE);
	json_t *stored = rule ? rh_object_parse(rule) : NULL;
	json_t *stale = json_object_get(json_object_get(stored, "spec"), "stale");

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		const char *text = json_string_value(json_object_get(stale, classes[i]));
		uint64_t    ms;

		if (text && rh_stale_read(text, &ms) == RH_OK)
			put_class(writer, classes[i], ms);
	}
	json_decref(stored);
}
