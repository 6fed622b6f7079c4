/* canon - reads canonical text back: one line of interface.txt.
 *
 *   <function>, <type>|<name>, ..., <return type>
 *
 * Ownership   Words point into the caller's buffer, which rh_canon_split cuts up.
 * Threads     Any.
 * Limits      RH_PARAMS_MAX parameters. */
#ifndef RH_INTERFACE_CANON_H
#define RH_INTERFACE_CANON_H

#include "../model/interface.h"

struct rh_canon_line {
	const char *function;
	const char *types[RH_PARAMS_MAX];
	const char *names[RH_PARAMS_MAX];
	const char *ret;
	uint8_t     count;
};

/* Cuts line, a NUL-terminated text without its line end.
 * RH_EINVAL  it is no canonical text. */
int rh_canon_split(char *line, struct rh_canon_line *ret);

#endif
