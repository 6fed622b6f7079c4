#include "trust.h"

#include "../base/diag.h"
#include "../base/dirs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int explain(const char *path, struct rh_diag *diag)
{
	int err = errno == ENOENT ? RH_ENOENT : errno == EACCES ? RH_EACCES : RH_EIO;

	return rh_diag_set(diag, err, "the public key of the system cannot be read (%.150s: %s), "
	                   "so its signature cannot be verified; say by RHODES_STATE_DIR where "
	                   "its state is, or ask its user", path, strerror(errno));
}

int rh_trust_check(const struct rh_dirs *dirs, enum rh_signed use, const char *sha256,
                   const char *signature, struct rh_diag *diag)
{
	char  path[PATH_MAX], line[128];
	FILE *file;
	int   err = RH_EIDENT;

	if (rh_signature_start() < 0)
		return rh_diag_set(diag, RH_EIO, "signatures cannot be verified here");
	snprintf(path, sizeof path, "%s/" RH_SIGNATURE_KEY_FILE, dirs->state);
	file = fopen(path, "re");
	if (!file)
		return explain(path, diag);
	while (err < 0 && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		err = rh_signature_verify(line, use, sha256, signature);
	}
	fclose(file);
	return err < 0 ? rh_diag_set(diag, err, "its signature%s is of no key in %.150s",
	                             *signature ? "" : " is missing: it", path) : RH_OK;
}
