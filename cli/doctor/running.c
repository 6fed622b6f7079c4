#include "doctor.h"

#include "process.h"

#include "../show.h"
#include "../stream.h"
#include "../supervise/lock.h"

#include "../../base/clock.h"
#include "../../base/diag.h"
#include "../../wire/limits.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SUFFIX ".sock"

/* --- asking the center ----------------------------------------------------------------
 */

/* A new reference, or NULL: no answer in time, or a refusal. */
static json_t *get(struct rh_stream *stream, const char *path)
{
	uint64_t until = rh_clock_ns() + RH_DOCTOR_ANSWER_MS * RH_NS_PER_MS;
	int      error = RH_OK;

	if (rh_stream_begin(stream, path) < 0)
		return NULL;
	while (!rh_stream_is_over(stream, &error)) {
		uint64_t now = rh_clock_ns();

		if (now >= until)
			return NULL;
		rh_stream_wait(stream, NULL, 0, (int)((until - now) / RH_NS_PER_MS) + 1);
	}
	return error == RH_OK && rh_stream_status(stream) == 200 ? rh_stream_json(stream)
	                                                         : NULL;
}

/* All pages of a list; NULL when one does not come. */
static json_t *get_all(struct rh_stream *stream, const char *path)
{
	json_t     *all = json_array(), *page;
	char        next[200];
	const char *more;

	snprintf(next, sizeof next, "%s", path);
	do {
		page = get(stream, next);
		if (!page) {
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, json_object_get(page, "items"));
		more = rh_show_text(json_object_get(page, "metadata"), "continue");
		snprintf(next, sizeof next, "%s?continue=%s", path, more ? more : "");
		json_decref(page);
	} while (more);
	return all;
}

static void ask(struct rh_doctor *doctor)
{
	struct rh_stream *stream = NULL;

	if (rh_stream_create(&doctor->cli->dirs, &stream, NULL) < 0)
		return;
	doctor->system = get(stream, "/apis/v1/system");
	if (doctor->system) {
		doctor->resources = get_all(stream, "/apis/v1/resources");
		doctor->agents = get_all(stream, "/apis/v1/agents");
		doctor->rollouts = get_all(stream, "/apis/v1/rollouts");
	}
	if (!doctor->resources || !doctor->agents || !doctor->rollouts) {
		json_decref(doctor->system);
		doctor->system = NULL;
	}
	rh_stream_destroy(stream);
}

/* --- the center -----------------------------------------------------------------------
 */

static void find_supervisor(struct rh_doctor *doctor)
{
	int fd = rh_lock_holder(&doctor->cli->dirs, &doctor->supervisor, NULL);

	if (fd < 0)
		doctor->supervisor = 0;
	else
		close(fd);
	if (doctor->supervisor && rh_process_is_stopped(doctor->supervisor))
		rh_doctor_add(doctor, "supervisor", RH_FINDING_FAIL, "`rhodes up` (pid %d) is "
		              "stopped: nothing that dies is started again; `kill -CONT %d`",
		              (int)doctor->supervisor, (int)doctor->supervisor);
}

static void tell_away(struct rh_doctor *doctor, int error)
{
	const char *system = doctor->cli->dirs.system;

	if (error == EACCES)
		rh_doctor_add(doctor, "center", RH_FINDING_WARN, "this user may not ask the "
		              "center of \"%s\"", system);
	else if (doctor->supervisor)
		rh_doctor_add(doctor, "center", RH_FINDING_FAIL, "the center of \"%s\" is "
		              "away: calls go on with the rules that agents have, changes "
		              "wait; `rhodes up` (pid %d) starts it again within 10 s, "
		              "`rhodes logs center` tells why it ended", system,
		              (int)doctor->supervisor);
	else
		rh_doctor_add(doctor, "center", RH_FINDING_FAIL, "the center of \"%s\" is "
		              "away, and so is `rhodes up`, which would start it again: "
		              "agents go on with the rules that they have; run `rhodes up`",
		              system);
}

/* Who listens for requests; 0 when nobody does. */
static pid_t find_center(const struct rh_doctor *doctor, int *ret_errno)
{
	char path[RH_SOCKET_PATH_MAX + 1];

	*ret_errno = ENAMETOOLONG;
	if (rh_dirs_socket(&doctor->cli->dirs, "center.sock", path, NULL) < 0)
		return 0;
	return rh_process_listener(path, SOCK_STREAM, ret_errno);
}

/* 1 when it answered. */
static int check_center(struct rh_doctor *doctor)
{
	int error;

	if (rh_process_is_stopped(doctor->center)) {
		rh_doctor_add(doctor, "center", RH_FINDING_FAIL, "the center (pid %d) is "
		              "stopped: changes wait; `kill -CONT %d` lets it go on",
		              (int)doctor->center, (int)doctor->center);
		return 0;
	}
	ask(doctor);
	if (!doctor->system && !find_center(doctor, &error)) { /* it ended meanwhile */
		doctor->center = 0;
		tell_away(doctor, error);
		return 0;
	}
	if (!doctor->system) {
		rh_doctor_add(doctor, "center", RH_FINDING_FAIL, "the center (pid %d) does "
		              "not answer within %d s; `rhodes logs center` may tell why, "
		              "`kill %d` makes `rhodes up` start another one",
		              (int)doctor->center, RH_DOCTOR_ANSWER_MS / 1000,
		              (int)doctor->center);
		return 0;
	}
	rh_doctor_add(doctor, "center", RH_FINDING_OK, "pid %d at revision %lld, version %s",
	              (int)doctor->center,
	              (long long)json_integer_value(json_object_get(doctor->system,
	                                                            "revision")),
	              rh_show_text(doctor->system, "version"));
	return 1;
}

/* --- agents ---------------------------------------------------------------------------
 */

static void tell_dead(struct rh_doctor *doctor, const char *resource)
{
	rh_doctor_add(doctor, "agent", RH_FINDING_FAIL, "the agent of %s does not run: who "
	              "calls it or is called by it fails; %s, and `rhodes logs agent/%s` "
	              "tells why it ended", resource, doctor->supervisor
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
		rh_doctor_add(doctor, "agent", RH_FINDING_FAIL, "the agent of %s accepts no "
		              "connections; `rhodes logs agent/%s` may tell why", resource,
		              resource);
	} else if (!pid) {
		if (error == EACCES)
			return 1;
		tell_dead(doctor, resource);
	} else if (rh_process_is_stopped(pid)) {
		rh_doctor_add(doctor, "agent", RH_FINDING_FAIL, "the agent of %s (pid %d) is "
		              "stopped: calls by way of it wait; `kill -CONT %d` lets it go "
		              "on", resource, (int)pid, (int)pid);
	} else if (!is_known && doctor->system) {
		rh_doctor_add(doctor, "agent", RH_FINDING_FAIL, "the agent of %s (pid %d) runs "
		              "but is not connected to the center: it goes on with the rules "
		              "that it has; `rhodes logs agent/%s` tells why", resource,
		              (int)pid, resource);
	} else {
		return 1;
	}
	return 0;
}

static void check_registered(struct rh_doctor *doctor)
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
			rh_doctor_add(doctor, "agent", RH_FINDING_FAIL, "the agent of %s does "
			              "not read what the center sends; `rhodes logs agent/%s` "
			              "may tell why", name, name);
		else if (!agent || !json_is_true(json_object_get(agent, "stalled")))
			well += (unsigned)check_process(doctor, name, agent != NULL);
	}
	if (well == json_array_size(doctor->resources))
		rh_doctor_add(doctor, "agents", RH_FINDING_OK, "%u of %u run", well, well);
}

/* Without a center: those that left a socket.  How many run. */
static unsigned check_sockets(struct rh_doctor *doctor)
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

/* --- what they say --------------------------------------------------------------------
 */

/* Both ends of an edge may tell of it: once is enough. */
static bool is_of_caller(const json_t *resource, const json_t *condition)
{
	const char *caller = json_string_value(
		json_array_get(json_object_get(condition, "edge"), 0));
	const char *name = rh_show_name(resource);

	return caller && name && strcmp(caller, name) != 0;
}

static void check_edges(struct rh_doctor *doctor, const json_t *resource)
{
	const json_t *conditions = json_object_get(json_object_get(resource, "status"),
	                                           "conditions");
	json_t       *condition;
	size_t        i;

	json_array_foreach(conditions, i, condition) {
		const char *type = rh_show_text(condition, "type");
		const char *text = rh_show_text(condition, "message");

		if (!type || !text || is_of_caller(resource, condition))
			continue;
		if (strcmp(type, "EdgeRefused") == 0)
			rh_doctor_add(doctor, "edge", RH_FINDING_WARN, "%s; calls are refused: "
			              "change the hierarchy, make an exception, or remove the "
			              "reference (`rhodes explain CALLER CALLEE`)", text);
		else if (strcmp(type, "EdgeRevoking") == 0)
			rh_doctor_add(doctor, "edge", RH_FINDING_WARN, "%s: calls pass until "
			              "then; put the rule back, or make an exception, if they "
			              "should go on", text);
	}
}

static void check_instances(struct rh_doctor *doctor, const json_t *resource)
{
	const char   *name = rh_show_name(resource);
	enum rh_style style;

	if (name && strcmp(rh_show_status(resource, &style), "NotReady") == 0)
		rh_doctor_add(doctor, "instance", RH_FINDING_FAIL, "%s is served by nobody: its "
		              "callers wait or fail; `rhodes logs %s` tells why", name, name);
}

static void check_unsettled(struct rh_doctor *doctor, const json_t *agent)
{
	const char *name = rh_show_text(agent, "resource");
	json_t     *item;
	size_t      i;

	json_array_foreach(json_object_get(agent, "unsettled"), i, item) {
		const char   *state = rh_show_text(item, "state");
		const char   *code = rh_show_text(item, "code");
		const char   *text = rh_show_text(item, "text");
		const json_t *edge = json_object_get(item, "edge");
		const char   *caller = json_string_value(json_array_get(edge, 0));
		const char   *callee = json_string_value(json_array_get(edge, 1));

		if (!state || strcmp(state, "rejected") != 0)
			continue;
		rh_doctor_add(doctor, "rejected", RH_FINDING_FAIL, "the agent of %s rejects "
		              "%s%s%s of revision %lld: %s: %s; the former stays in force: "
		              "give it what it lacks and apply the rule again, or change the "
		              "rule", name, caller ? caller : name, callee ? " -> " : "",
		              callee ? callee : "",
		              (long long)json_integer_value(json_object_get(item, "revision")),
		              code ? code : "", text ? text : "");
	}
}

/* --- versions -------------------------------------------------------------------------
 */

static void check_file(struct rh_doctor *doctor, const char *who, pid_t pid,
                       const char *what_to_do)
{
	char path[PATH_MAX];

	if (pid > 0 && rh_process_is_outdated(pid, path))
		rh_doctor_add(doctor, "version", RH_FINDING_WARN, "%s (pid %d) still runs the "
		              "former %.200s, which was replaced or removed since; %s", who,
		              (int)pid, path, what_to_do);
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
		rh_doctor_add(doctor, "version", RH_FINDING_WARN, "%s speaks version %lld of "
		              "the push protocol, this program %u: it tells nothing of what is "
		              "in force; restart the system with `rhodes down` and `rhodes up`",
		              who, (long long)version, RH_PUSH_VERSION);
	if (pid != *last) /* many may be in one process */
		check_file(doctor, who, pid,
		           "end it (SIGTERM), and `rhodes up` starts the new one");
	*last = pid;
	json_array_foreach(json_object_get(agent, "instances"), i, instance) {
		snprintf(who, sizeof who, "an instance of %s", name);
		snprintf(what, sizeof what, "`rhodes restart %s`", name);
		check_file(doctor, who,
		           (pid_t)json_integer_value(json_object_get(instance, "pid")), what);
	}
}

static void check_versions(struct rh_doctor *doctor)
{
	const char *version = rh_show_text(doctor->system, "version");
	json_t     *agent;
	size_t      i;
	pid_t       last = 0;

	if (version && strcmp(version, RH_VERSION) != 0)
		rh_doctor_add(doctor, "version", RH_FINDING_WARN, "the center is of version "
		              "%s, this program of %s; restart the system with the newer one",
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

/* --- all of it ------------------------------------------------------------------------
 */

static void check_objects(struct rh_doctor *doctor)
{
	json_t *object;
	size_t  i;

	json_array_foreach(doctor->resources, i, object)
		check_instances(doctor, object);
	json_array_foreach(doctor->resources, i, object)
		check_edges(doctor, object);
	json_array_foreach(doctor->agents, i, object) {
		if (rh_show_text(object, "resource"))
			check_unsettled(doctor, object);
	}
}

void rh_doctor_running(struct rh_doctor *doctor)
{
	int error;

	find_supervisor(doctor);
	doctor->center = find_center(doctor, &error);
	if (!doctor->center) {
		if (!check_sockets(doctor) && !doctor->supervisor && error != EACCES)
			rh_doctor_add(doctor, "system", RH_FINDING_OK, "no system \"%s\" is "
			              "running here", doctor->cli->dirs.system);
		else
			tell_away(doctor, error);
		return;
	}
	if (!check_center(doctor)) {
		check_sockets(doctor);
		return;
	}
	check_registered(doctor);
	check_objects(doctor);
	rh_doctor_rollouts(doctor);
	check_versions(doctor);
}
