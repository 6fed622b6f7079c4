/* offered - an interface that a resource names by the file that says it:
 * "interface: pricing.py".
 *
 * The file is beside the manifest and is read here, by `rhodes interface new`, with the
 * rights of who applies the manifest; it is parsed and never run.  Header and side file
 * come into <state>/interface/.source, and what goes to the center is what goes there of
 * every side file: canonical text, shadow library, skeleton.  Neither the file nor its
 * path does.
 *
 * Ownership   As noted per function.
 * Threads     One. */
#ifndef RH_CLI_OFFERED_H
#define RH_CLI_OFFERED_H

#include "cli.h"
#include "manifest.h"

#include <limits.h>

/* Whether the word is a file and no name: it has a / or ends as sources and headers do
 * (.py, .go, .rs, .ts, .class, .jar, .h, .so, .o, or CLASS behind .jar!). */
bool rh_offered_is_file(const char *interface);

/* Makes the side file of the object's interface and puts the interface's name into the
 * object instead of the file's.  A header goes with the library that serves it, if that
 * is told.  Returns an enum rh_exit; tells on err, with the place. */
int rh_offered_make(struct rh_cli *cli, struct rh_manifest *manifest, size_t index,
                    char side[PATH_MAX]);

#endif
