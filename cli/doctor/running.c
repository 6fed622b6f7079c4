#include "doctor.h"

#include <errno.h>

void rh_doctor_running(struct rh_doctor *doctor)
{
	int error;

	rh_doctor_supervisor(doctor);
	doctor->center = rh_doctor_listener(doctor, &error);
	if (!doctor->center) {
		if (!rh_doctor_sockets(doctor) && !doctor->supervisor && error != EACCES)
			rh_doctor_ok(doctor, "system",
			             "no system \"%s\" is running here",
			             doctor->cli->dirs.system);
		else
			rh_doctor_away(doctor, error);
		return;
	}
	if (!rh_doctor_center(doctor)) {
		rh_doctor_sockets(doctor);
		return;
	}
	rh_doctor_agents(doctor);
	rh_doctor_objects(doctor);
	rh_doctor_rollouts(doctor);
	rh_doctor_versions(doctor);
	rh_doctor_observer(doctor);
}
