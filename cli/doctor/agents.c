#include "doctor.h"

#include "process.h"

#include "../show.h"

#include "../../wire/limits.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SUFFIX ".sock"

static void tell_dead(struct rh_doctor *doctor, const char *resource)
{
	rh_doctor_fail(doctor, "agent",
	               "the agent of %s does not run: who calls it or is called by it "
	               "fails; %s, and `rhodes logs agent/%s` tells why it ended",
	               resource, doctor->supervisor
	               ? "`rhodes up` starts it again within 10 s" : "run `rhodes up`",
	               resource);
}

/* 1 when it is well.  is_known: the center is connected to it. */
static int check_process(struct rh_doctor *doctor, const char *resource, int is_known)
{
	char  path[RH_SOCKET_PATH_MAX + 1];
	int   error = 0;
	pid_t pid;

	if (rh_dirs_agent(&doctor->cli->dirs, resource, path, NULL) < 0)
		return 1;
	pid = rh_process_listener(path, SOCK_SEQPACKET, &error);
	if (!pid && error == EAGAIN) { /* nobody accepts any more */
		rh_doctor_fail(doctor, "agent",
		               "the agent of %s accepts no connections; `rhodes logs "
		               "agent/%s` may tell why",
		               resource, resource);
	} else if (!pid) {
		if (error == EACCES)
			return 1;
		tell_dead(doctor, resource);
	} else if (rh_process_is_stopped(pid)) {
		rh_doctor_fail(doctor, "agent",
		               "the agent of %s (pid %d) is stopped: calls by way of "
		               "it wait; `kill -CONT %d` lets it go on",
		               resource, (int)pid, (int)pid);
	} else if (!is_known && doctor->system) {
		rh_doctor_fail(doctor, "agent",
		               "the agent of %s (pid %d) runs but is not connected to "
		               "the center: it goes on with the rules that it has; "
		               "`rhodes logs agent/%s` tells why",
		               resource, (int)pid, resource);
	} else {
		return 1;
	}
	return 0;
}

void rh_doctor_agents(struct rh_doctor *doctor)
{
	json_t  *resource;
	size_t   i;
	unsigned well = 0;

	json_array_foreach(doctor->resources, i, resource) {
		const char   *name = rh_show_name(resource);
		const json_t *agent = name ? rh_doctor_agent(doctor, name) : NULL;

		if (!name)
			continue;
		if (agent && json_is_true(json_object_get(agent, "stalled")) &&
		    check_process(doctor, name, 1))
			rh_doctor_fail(doctor, "agent",
			               "the agent of %s does not read what the center "
			               "sends; `rhodes logs agent/%s` may tell why",
			               name, name);
		else if (!agent || !json_is_true(json_object_get(agent, "stalled")))
			well += (unsigned)check_process(doctor, name, agent != NULL);
	}
	if (well == json_array_size(doctor->resources))
		rh_doctor_ok(doctor, "agents", "%u of %u run", well, well);
}

unsigned rh_doctor_sockets(struct rh_doctor *doctor)
{
	char           path[RH_DIR_MAX + 8], name[RH_NAME_MAX + 1];
	unsigned       well = 0;
	struct dirent *entry;
	DIR           *folder;

	snprintf(path, sizeof path, "%s/agent", doctor->cli->dirs.run);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		size_t len = strlen(entry->d_name), tail = strlen(SUFFIX);

		if (len <= tail || len - tail > RH_NAME_MAX ||
		    strcmp(entry->d_name + len - tail, SUFFIX) != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(len - tail), entry->d_name);
		well += (unsigned)check_process(doctor, name, 0);
	}
	if (folder)
		closedir(folder);
	return well;
}
