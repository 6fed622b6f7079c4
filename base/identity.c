#include "identity.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

int rh_identity(const char *path, char ret_text[RH_IDENTITY_MAX])
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? RH_ENOENT : RH_EIO;
	snprintf(ret_text, RH_IDENTITY_MAX, "%llx:%llx:%llx:%llx.%lx",
	         (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
	         (unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
	         (unsigned long)st.st_mtim.tv_nsec);
	return RH_OK;
}
