/* jail_rights - what a program of a build gives up, for jail.c's child only.
 *
 * Called between fork and exec: nothing but system calls.  -1: a right that the kernel
 * could have taken was not; bits of what it cannot take are in *ret_missing. */
#ifndef RH_RULES_WASM_JAIL_RIGHTS_H
#define RH_RULES_WASM_JAIL_RIGHTS_H

int rh_jail_rights(const char *folder, unsigned *ret_missing);

#endif
