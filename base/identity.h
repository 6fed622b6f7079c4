/* identity - which file stands at a path: another one, or one written anew, has another.
 *
 * Device, inode, size and time of the last change, as text without blanks.
 *
 * Threads     Any. */
#ifndef RH_BASE_IDENTITY_H
#define RH_BASE_IDENTITY_H

#include "../model/error.h"

#define RH_IDENTITY_MAX 96

/* RH_ENOENT  nothing stands there.  RH_EIO the rest. */
int rh_identity(const char *path, char ret_text[RH_IDENTITY_MAX]);

#endif
