#include "doctor.h"

#include "process.h"

#include "../show.h"

#include "../../wire/limits.h"

#include <stdio.h>
#include <string.h>

static void check_file(struct rh_doctor *doctor, const char *who, pid_t pid,
                       const char *what_to_do)
{
	char path[PATH_MAX];

	if (pid > 0 && rh_process_is_outdated(pid, path))
		rh_doctor_warn(doctor, "version",
		               "%s (pid %d) still runs the former %.200s, which was "
		               "replaced or removed since; %s",
		               who, (int)pid, path, what_to_do);
}

static void check_agent_version(struct rh_doctor *doctor, const json_t *agent,
                                pid_t *last)
{
	pid_t       pid = (pid_t)json_integer_value(json_object_get(agent, "pid"));
	const char *name = rh_show_text(agent, "resource");
	json_int_t  version = json_integer_value(json_object_get(agent, "wireVersion"));
	json_t     *instance;
	size_t      i;
	char        who[96], what[96];

	snprintf(who, sizeof who, "the agent of %s", name);
	if (version < RH_PUSH_VERSION)
		rh_doctor_warn(doctor, "version",
		               "%s speaks version %lld of the push protocol, this "
		               "program %u: it tells nothing of what is in force; "
		               "restart the system with `rhodes down` and `rhodes up`",
		               who, (long long)version, RH_PUSH_VERSION);
	if (pid != *last) /* many may be in one process */
		check_file(doctor, who, pid,
		           "end it (SIGTERM), and `rhodes up` starts the new one");
	*last = pid;
	json_array_foreach(json_object_get(agent, "instances"), i, instance) {
		snprintf(who, sizeof who, "an instance of %s", name);
		snprintf(what, sizeof what, "`rhodes restart %s`", name);
		pid = (pid_t)json_integer_value(json_object_get(instance, "pid"));
		check_file(doctor, who, pid, what);
	}
}

void rh_doctor_versions(struct rh_doctor *doctor)
{
	const char *version = rh_show_text(doctor->system, "version");
	json_t     *agent;
	size_t      i;
	pid_t       last = 0;

	if (version && strcmp(version, RH_VERSION) != 0)
		rh_doctor_warn(doctor, "version",
		               "the center is of version %s, this program of %s; "
		               "restart the system with the newer one",
		               version, RH_VERSION);
	check_file(doctor, "the center", doctor->center,
	           "end it (SIGTERM), and `rhodes up` starts the new one; calls go on "
	           "meanwhile");
	check_file(doctor, "`rhodes up`", doctor->supervisor,
	           "restart the system with `rhodes down` and `rhodes up`");
	json_array_foreach(doctor->agents, i, agent) {
		const char *role = rh_show_text(agent, "role");

		if (role && strcmp(role, "agent") == 0 && rh_show_text(agent, "resource"))
			check_agent_version(doctor, agent, &last);
	}
}
