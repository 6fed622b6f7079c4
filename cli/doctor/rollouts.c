#include "doctor.h"

#include "../remedy.h"
#include "../show.h"

#include <string.h>

/* How bad it is that a roll-out is as it is: what runs or is done is well, and so is one
 * that somebody took back to what was before. */
static enum rh_finding judge(const json_t *rollout)
{
	const char *state = rh_show_text(rollout, "state");

	if (!state)
		return RH_FINDING_OK;
	if (strcmp(state, "stopped") == 0)
		return RH_FINDING_FAIL;
	if (strcmp(state, "paused") == 0 || strcmp(state, "rolled-back") == 0)
		return RH_FINDING_WARN;
	return strcmp(state, "undone") == 0 && rh_remedy_takes(rollout, "resume")
	     ? RH_FINDING_WARN : RH_FINDING_OK;
}

void rh_doctor_rollouts(struct rh_doctor *doctor)
{
	json_t *rollout;
	size_t  i;

	json_array_foreach(doctor->rollouts, i, rollout) {
		enum rh_finding finding = judge(rollout);
		const char     *message = rh_show_text(rollout, "message");
		char            remedy[RH_REMEDY_MAX];

		if (finding != RH_FINDING_OK && message)
			rh_doctor_add(doctor, "roll-out", finding, "rule %s: %s; %s",
			              rh_show_text(rollout, "rule"), message,
			              rh_remedy_rollout(rollout, remedy,
			                                sizeof remedy));
	}
}
