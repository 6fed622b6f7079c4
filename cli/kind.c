#include "kind.h"

#include "http.h"

#include <stdio.h>
#include <string.h>

const struct rh_kind rh_kinds[] = {
	{ "resources", "resource", "Resource", true },
	{ "rules", "rule", "Rule", true },
	{ "interfaces", "interface", "Interface", true },
	{ "agents", "agent", NULL, false },
	{ "modules", "module", "Module", true },
	{ "audit", "audit", NULL, false },
	{ 0 },
};

const struct rh_kind *rh_kind_find(const char *word)
{
	for (const struct rh_kind *kind = rh_kinds; kind->plural; kind++) {
		if (strcmp(kind->plural, word) == 0 ||
		    strcmp(kind->singular, word) == 0 ||
		    (kind->object && strcmp(kind->object, word) == 0))
			return kind;
	}
	return NULL;
}

void rh_kind_path(const struct rh_kind *kind, const char *name, char *path, size_t cap)
{
	snprintf(path, cap, "/apis/v1/%s%s", kind->plural, name ? "/" : "");
	if (name)
		rh_http_escape(path, cap, name);
}
