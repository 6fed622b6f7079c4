#include "../doctor/doctor.h"
#include "../output.h"
#include "../verb.h"

int rh_verb_doctor(struct rh_cli *cli)
{
	struct rh_doctor doctor = { .cli = cli };
	enum rh_format   format;
	int              result = RH_EXIT_OK;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		doctor.items = json_array();
	rh_doctor_machine(&doctor);
	if (cli->dirs.run[0]) {
		rh_doctor_running(&doctor);
		rh_doctor_disk(&doctor);
		rh_doctor_bounds(&doctor);
	}
	rh_doctor_end_kind(&doctor);
	if (doctor.items)
		result = rh_output_value(cli, format, doctor.items);
	json_decref(doctor.items);
	json_decref(doctor.system);
	json_decref(doctor.resources);
	json_decref(doctor.agents);
	json_decref(doctor.rollouts);
	return doctor.failures ? RH_EXIT_REFUSED : result;
}
