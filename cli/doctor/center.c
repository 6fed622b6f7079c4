#include "doctor.h"

#include "process.h"

#include "../show.h"
#include "../supervise/lock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void rh_doctor_supervisor(struct rh_doctor *doctor)
{
	int fd = rh_lock_holder(&doctor->cli->dirs, &doctor->supervisor, NULL);

	if (fd < 0)
		doctor->supervisor = 0;
	else
		close(fd);
	if (doctor->supervisor && rh_process_is_stopped(doctor->supervisor))
		rh_doctor_fail(doctor, "supervisor",
		               "`rhodes up` (pid %d) is stopped: nothing that dies is "
		               "started again; `kill -CONT %d`",
		               (int)doctor->supervisor, (int)doctor->supervisor);
}

void rh_doctor_away(struct rh_doctor *doctor, int error)
{
	const char *system = doctor->cli->dirs.system;

	if (error == EACCES)
		rh_doctor_warn(doctor, "center",
		               "this user may not ask the center of \"%s\"",
		               system);
	else if (doctor->supervisor)
		rh_doctor_fail(doctor, "center",
		               "the center of \"%s\" is away: calls go on with the "
		               "rules that agents have, changes wait; `rhodes up` (pid "
		               "%d) starts it again within 10 s, `rhodes logs center` "
		               "tells why it ended",
		               system, (int)doctor->supervisor);
	else
		rh_doctor_fail(doctor, "center",
		               "the center of \"%s\" is away, and so is `rhodes up`, "
		               "which would start it again: agents go on with the "
		               "rules that they have; run `rhodes up`",
		               system);
}

pid_t rh_doctor_listener(const struct rh_doctor *doctor, int *ret_errno)
{
	char path[RH_SOCKET_PATH_MAX + 1];

	*ret_errno = ENAMETOOLONG;
	if (rh_dirs_socket(&doctor->cli->dirs, "center.sock", path, NULL) < 0)
		return 0;
	return rh_process_listener(path, SOCK_STREAM, ret_errno);
}

bool rh_doctor_center(struct rh_doctor *doctor)
{
	long long revision;
	int       error;

	if (rh_process_is_stopped(doctor->center)) {
		rh_doctor_fail(doctor, "center",
		               "the center (pid %d) is stopped: changes wait; `kill "
		               "-CONT %d` lets it go on",
		               (int)doctor->center, (int)doctor->center);
		return false;
	}
	rh_doctor_ask(doctor);
	if (!doctor->system && !rh_doctor_listener(doctor, &error)) {
		doctor->center = 0; /* it ended meanwhile */
		rh_doctor_away(doctor, error);
		return false;
	}
	if (!doctor->system) {
		rh_doctor_fail(doctor, "center",
		               "the center (pid %d) does not answer within %d s; "
		               "`rhodes logs center` may tell why, `kill %d` makes "
		               "`rhodes up` start another one",
		               (int)doctor->center, RH_DOCTOR_ANSWER_MS / 1000,
		               (int)doctor->center);
		return false;
	}
	revision = json_integer_value(json_object_get(doctor->system, "revision"));
	rh_doctor_ok(doctor, "center", "pid %d at revision %lld, version %s",
	             (int)doctor->center, revision,
	             rh_show_text(doctor->system, "version"));
	return true;
}
