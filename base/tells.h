/* tells - what every program answers without a system: --help and --version, alone. */
#ifndef RH_BASE_TELLS_H
#define RH_BASE_TELLS_H

/* Prints usage, or version ("rhodes-agent 0.1"), when the only argument asks for it: 1.
 * Else 0. */
int rh_tells(int argc, char **argv, const char *version, const char *usage);

#endif
