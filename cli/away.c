#include "away.h"

#include "supervise/lock.h"

#include "../base/diag.h"
#include "../base/dirs.h"

#include <unistd.h>

int rh_away_explain(const struct rh_dirs *dirs, struct rh_diag *diag)
{
	pid_t holder;
	int   pidfd = rh_lock_holder(dirs, &holder, NULL);

	if (pidfd < 0)
		return rh_diag_set(diag, RH_EDOWN,
		                   "no system \"%s\" is running here (nobody answers in"
		                   " %s); `rhodes up` starts one", dirs->system,
		                   dirs->run);
	close(pidfd);
	return rh_diag_set(diag, RH_EDOWN,
	                   "the center of \"%s\" is away; calls go on, and the"
	                   " supervisor starts it again; `rhodes logs center` tells why",
	                   dirs->system);
}
