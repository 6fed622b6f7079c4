#include "remedy.h"

#include "show.h"

#include <stdio.h>
#include <string.h>

bool rh_remedy_takes(const json_t *rollout, const char *order)
{
	json_t *one;
	size_t  i;

	json_array_foreach(json_object_get(rollout, "orders"), i, one) {
		const char *text = json_string_value(one);

		if (text && strcmp(text, order) == 0)
			return true;
	}
	return false;
}

/* What was taken back; "resume" only where there was nothing to go back to. */
static void again(const json_t *rollout, const char *rule, char *text, size_t cap)
{
	long long failed = json_integer_value(json_object_get(rollout, "failed"));

	if (rh_remedy_takes(rollout, "resume"))
		snprintf(text, cap, "`rhodes rollout resume %s` begins it anew, "
		         "`rhodes delete rule %s` removes the rule", rule, rule);
	else
		snprintf(text, cap, "to begin anew apply what generation %lld said again, "
		         "which `rhodes rollout history %s` shows; `rhodes rollout undo "
		         "%s --to %lld` puts it everywhere at once", failed, rule, rule,
		         failed);
}

const char *rh_remedy_rollout(const json_t *rollout, char *text, size_t cap)
{
	const char *rule = rh_show_text(rollout, "rule");
	const char *state = rh_show_text(rollout, "state");

	rule = rule ? rule : "RULE";
	if (!rh_remedy_takes(rollout, "undo"))
		again(rollout, rule, text, cap);
	else if (!rh_remedy_takes(rollout, "resume"))
		snprintf(text, cap, "`rhodes rollout status %s` tells how far it is",
		         rule);
	else if (state && strcmp(state, "stopped") == 0)
		snprintf(text, cap, "put right what stopped it, then `rhodes rollout "
		         "resume %s`; or take it back, `rhodes rollout undo %s`", rule,
		         rule);
	else
		snprintf(text, cap, "`rhodes rollout resume %s` lets it go on, `rhodes "
		         "rollout undo %s` takes it back", rule, rule);
	return text;
}
