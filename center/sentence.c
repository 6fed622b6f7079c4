#include "sentence.h"

#include "../model/hierarchy.h"
#include "../model/verdict.h"

#include <stdio.h>

static const char *const with_article[RH_TYPES + 1] = {
	[RH_TYPE_APPLICATION] = "an application", [RH_TYPE_SERVICE] = "a service",
	[RH_TYPE_DRIVER] = "a driver", [RH_TYPE_HARDWARE] = "hardware",
	[RH_TYPES] = "an unregistered resource",
};

void rh_sentence_row(const struct rh_hierarchy *hierarchy, int caller_type,
                     char *text, size_t cap)
{
	size_t len = 0;
	int    count = 0, seen = 0;

	for (int type = 0; type < RH_TYPES; type++)
		count += rh_hierarchy_allows(hierarchy, caller_type, type);
	len = (size_t)snprintf(text, cap, "%s may call %s", with_article[caller_type],
	                       count ? "" : "nothing");
	for (int type = 0; type < RH_TYPES && len < cap; type++) {
		if (!rh_hierarchy_allows(hierarchy, caller_type, type))
			continue;
		seen++;
		len += (size_t)snprintf(text + len, cap - len, "%s%s",
			seen == 1 ? "" : seen == count ? " and " : ", ",
			rh_type_text(type));
	}
}

/* "net_driver (driver)" */
static void resource(const struct rh_name *name, int type, char *text, size_t cap)
{
	if (type == RH_TYPES)
		snprintf(text, cap, "%s", name->text);
	else
		snprintf(text, cap, "%s (%s)", name->text, rh_type_text(type));
}

static void undeclared(const struct rh_verdict *verdict, const char *pair,
                       char *text, size_t cap)
{
	const char *would = verdict->hierarchy_allows ||
	                    verdict->exempt == RH_EXEMPT_ACTIVE ? "allow" : "refuse";

	if (verdict->callee_type == RH_TYPES)
		snprintf(text, cap, "%s: refused: %s does not reference %s, and %s is not "
		         "registered", pair, verdict->caller.text, verdict->callee.text,
		         verdict->callee.text);
	else
		snprintf(text, cap, "%s: refused: %s does not reference %s; rule %s at "
		         "revision %llu would %s it", pair, verdict->caller.text,
		         verdict->callee.text, verdict->rule.text,
		         (unsigned long long)verdict->revision, would);
}

static void by_hierarchy(const struct rh_verdict *verdict,
                         const struct rh_hierarchy *hierarchy, const char *pair,
                         char *text, size_t cap)
{
	int  is_allowed = verdict->outcome == RH_OUTCOME_ALLOWED;
	char row[128];

	rh_sentence_row(hierarchy, verdict->caller_type, row, sizeof row);
	snprintf(text, cap, "%s: %s by rule %s at revision %llu: %s%s", pair,
	         is_allowed ? "allowed" : "refused", verdict->rule.text,
	         (unsigned long long)verdict->revision, row,
	         !is_allowed && verdict->exempt == RH_EXEMPT_EXPIRED
	         ? "; the exception for this edge has expired" : "");
}

void rh_sentence_verdict(const struct rh_verdict *verdict,
                         const struct rh_hierarchy *hierarchy, char *text,
                         size_t cap)
{
	char caller[96], callee[96], pair[200];

	resource(&verdict->caller, verdict->caller_type, caller, sizeof caller);
	resource(&verdict->callee, verdict->callee_type, callee, sizeof callee);
	snprintf(pair, sizeof pair, "%s -> %s", caller, callee);
	switch ((enum rh_reason)verdict->reason) {
	case RH_REASON_HIERARCHY:
		by_hierarchy(verdict, hierarchy, pair, text, cap);
		break;
	case RH_REASON_EXCEPTION:
		snprintf(text, cap, "%s: allowed by exception %s at revision %llu: %s",
		         pair, verdict->rule.text, (unsigned long long)verdict->revision,
		         verdict->text);
		break;
	case RH_REASON_PENDING:
		snprintf(text, cap, "%s: pending: %s is not registered", pair,
		         verdict->callee.text);
		break;
	case RH_REASON_UNDECLARED:
		undeclared(verdict, pair, text, cap);
		break;
	case RH_REASON_UNKNOWN:
		snprintf(text, cap, "%s: refused: %s is not registered", pair,
		         verdict->caller.text);
		break;
	case RH_REASON_SELF:
		snprintf(text, cap, "%s: refused: a resource may not reference itself",
		         pair);
		break;
	case RH_REASON_DUPLICATE:
	case RH_REASONS:
		snprintf(text, cap, "%s: refused: the reference is named twice", pair);
		break;
	}
}
