/* jail - runs one program of a build where it can hurt nobody.
 *
 * It may read and run what the system installed, and write into one folder; it has no
 * network, no rights beyond a plain user's, and limits of processor time, memory, size
 * of files and time.  What the kernel cannot take away is told, not refused.
 *
 * Blocks until the program ended; everything it started ends with it. */
#ifndef RH_RULES_WASM_JAIL_H
#define RH_RULES_WASM_JAIL_H

#include <stdint.h>

struct rh_diag;

/* What the kernel does not offer here. */
enum { RH_JAIL_NO_LANDLOCK = 1, RH_JAIL_NO_SECCOMP = 2 };

struct rh_jail {
	const char *folder;   /* absolute; the working directory, and the only one to write */
	uint64_t    memory_bytes;
	uint64_t    file_bytes;
	uint32_t    cpu_seconds;
	uint32_t    wall_ms;  /* left for this program */
};

/* argv[0] is an absolute path.  What it prints goes to the file "output" in the folder.
 * RH_ENOENT     there is no such program.
 * RH_ETIMEDOUT  it took too long and was ended.
 * RH_ENOMEM     it could not be started.
 * RH_EIO        somebody killed it.
 * RH_EINVAL     it ended with an error; diag says with which signal or status. */
int rh_jail_run(const struct rh_jail *jail, const char *const argv[],
                unsigned *ret_missing, struct rh_diag *diag);

#endif
