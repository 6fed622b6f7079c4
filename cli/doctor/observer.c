#include "doctor.h"

#include "process.h"

#include "../show.h"

#include "../../base/plural.h"

#include <string.h>

/* Was `rhodes up` told to keep it running? */
static bool is_wanted(const struct rh_doctor *doctor)
{
	return doctor->supervisor &&
	       (rh_process_has_word(doctor->supervisor, "--observe") ||
	        rh_process_has_word(doctor->supervisor, "--enforce"));
}

static void tell_enforced(struct rh_doctor *doctor, const json_t *its, bool is_there)
{
	const char *resource = rh_show_text(its, "resource");
	const char *cgroup = rh_show_text(its, "cgroup");
	long long   gaps = json_integer_value(json_object_get(its, "gaps"));

	if (!is_there)
		rh_doctor_fail(doctor, "observe", "the connections of %s in %.200s may be free: "
		               "what refuses them leaves 5 s after `rhodes observe`", resource,
		               cgroup);
	else if (gaps)
		rh_doctor_warn(doctor, "observe", "the connections of %s in %.200s were free %lld "
			"time%s, the last time for at most %lld ms: rhodes-bpf had ended; `rhodes "
			"logs bpf` tells why", resource, cgroup, gaps,
			rh_plural((unsigned long long)gaps),
			(long long)json_integer_value(json_object_get(its, "gapMs")));
	else
		rh_doctor_ok(doctor, "observe", "%s in %.200s connects only where it may",
		             resource, cgroup);
}

void rh_doctor_observer(struct rh_doctor *doctor)
{
	const json_t *observer = json_object_get(doctor->system, "observer");
	const char   *state = observer ? rh_show_text(observer, "state") : NULL;
	bool          is_there = state && strcmp(state, "observing") == 0;
	size_t        i;
	json_t       *its;

	if (!state && is_wanted(doctor))
		rh_doctor_fail(doctor, "observe", "`rhodes up` was told to observe, and nothing "
			"does: that needs root; `rhodes logs observe` and the system's log tell why");
	if (state && !is_there)
		rh_doctor_fail(doctor, "observe", "`rhodes observe` tells nothing since %lld s; %s",
			(long long)json_integer_value(json_object_get(observer, "toldMs")) / 1000,
			is_wanted(doctor) ? "`rhodes up` starts it again, `rhodes logs observe` tells "
			"why it ended" : "start it again, or let `rhodes up --observe` keep it running");
	else if (state)
		rh_doctor_ok(doctor, "observe", "`rhodes observe` (pid %lld) looks on",
		             (long long)json_integer_value(json_object_get(observer, "pid")));
	json_array_foreach(json_object_get(observer, "enforced"), i, its)
		tell_enforced(doctor, its, is_there);
}
