/* tool - where the other programs and libraries of Rhodes are.
 *
 * Beside this program, in the folders of a build tree, in the libexec folder that
 * belongs to it, or where the installation put them. */
#ifndef RH_CLI_TOOL_H
#define RH_CLI_TOOL_H

#include "../model/error.h"

#include <limits.h>

/* Writes the absolute path of this program. */
int rh_tool_self(char path[PATH_MAX], struct rh_diag *diag);

/* Writes the absolute path of a program: "rhodes-agent".
 * RH_ENOENT  it is nowhere; diag tells where was looked. */
int rh_tool_find(const char *name, char path[PATH_MAX], struct rh_diag *diag);

/* Writes the folder of what a language needs at run time: "python".
 * RH_ENOENT  it is not there; diag tells where was looked. */
int rh_tool_folder(const char *language, char path[PATH_MAX], struct rh_diag *diag);

/* Writes the folder that holds librhodes.so.0, which shadow libraries need.
 * RH_ENOENT  it is where the loader looks anyway, or nowhere. */
int rh_tool_library(char path[PATH_MAX]);

#endif
