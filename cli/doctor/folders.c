#include "doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ROOM_KIB 1024ull

/* Rights alone do not tell: a disk may be read-only, or no disk at all. */
static bool can_write(const char *folder)
{
	char probe[RH_DIR_MAX + 24];

	snprintf(probe, sizeof probe, "%s/.rhodes-doctor-XXXXXX", folder);
	return mkdtemp(probe) && rmdir(probe) == 0;
}

/* A folder can be made on a disk that takes no byte more. */
static void check_room(struct rh_doctor *doctor, const char *what, const char *path,
                       const char *there)
{
	struct statvfs     at;
	unsigned long long kib = ROOM_KIB;

	if (statvfs(there, &at) == 0)
		kib = (unsigned long long)at.f_bavail * at.f_frsize / 1024;
	if (kib >= ROOM_KIB)
		rh_doctor_ok(doctor, what, "%s", path);
	else
		rh_doctor_fail(doctor, what,
		               "the disk of %s has room for %llu KiB only: when it is "
		               "full, changes are refused, roll-outs stand still and "
		               "agents of new resources do not start; make room there",
		               path, kib);
}

/* The folder itself or, when it is not made yet, the first parent that is there. */
static void check_folder(struct rh_doctor *doctor, const char *what, const char *path)
{
	char  there[RH_DIR_MAX];
	char *slash;

	snprintf(there, sizeof there, "%s", path);
	while (access(there, F_OK) < 0 && (slash = strrchr(there, '/')) && slash != there)
		*slash = '\0';
	if (can_write(there))
		check_room(doctor, what, path, there);
	else
		rh_doctor_fail(doctor, what,
		               "%s cannot be used: nothing can be made in %s (%s); set "
		               "RHODES_RUN_DIR and RHODES_STATE_DIR, or XDG_RUNTIME_DIR",
		               path, there, strerror(errno));
}

void rh_doctor_folders(struct rh_doctor *doctor)
{
	struct rh_dirs *dirs = &doctor->cli->dirs;
	struct rh_diag  diag = { 0 };
	char            longest[RH_NAME_MAX + 1], path[RH_SOCKET_PATH_MAX + 1];

	if (!dirs->run[0] && rh_dirs_find(NULL, dirs, &diag) < 0) {
		rh_doctor_fail(doctor, "directories", "%s", diag.text);
		return;
	}
	if (rh_dirs_trust(dirs, &diag) < 0)
		rh_doctor_fail(doctor, "run", "%s", diag.text);
	else
		check_folder(doctor, "run", dirs->run);
	check_folder(doctor, "state", dirs->state);
	memset(longest, 'x', RH_NAME_MAX);
	longest[RH_NAME_MAX] = '\0';
	if (rh_dirs_agent(dirs, longest, path, NULL) == RH_OK)
		rh_doctor_ok(doctor, "sockets",
		             "names of %u bytes fit a socket path",
		             RH_NAME_MAX);
	else if (rh_dirs_socket(dirs, "center.sock", path, &diag) == RH_OK)
		rh_doctor_warn(doctor, "sockets",
		               "resource names over %zu bytes do not fit a socket "
		               "path; set RHODES_RUN_DIR to a shorter directory",
		               RH_SOCKET_PATH_MAX - strlen(dirs->run) -
		               strlen("/agent/.sock"));
	else
		rh_doctor_fail(doctor, "sockets", "%s", diag.text);
}
