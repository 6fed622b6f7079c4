#include "generator.h"
#include "../base/diag.h"
int rh_interface_new(const struct rh_interface_new_options *options, FILE *out,
                     struct rh_diag *diag)
{
	(void)options; (void)out;
	return rh_diag_set(diag, RH_ENOSYS, "not yet");
}
