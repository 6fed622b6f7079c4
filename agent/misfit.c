#include "misfit.h"

#include "../model/interface.h"

#include <string.h>

int rh_misfits_add(struct rh_misfits *misfits, const char *text)
{
	uint64_t hash = rh_fnv1a(RH_FNV_SEED, text, strlen(text));

	for (unsigned i = 0; i < RH_MISFITS_MAX; i++) {
		if (misfits->said[i] == hash)
			return 0;
	}
	misfits->said[misfits->next++ % RH_MISFITS_MAX] = hash;
	return 1;
}
