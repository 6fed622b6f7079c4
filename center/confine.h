/* confine - what the center gives up before the first byte from outside.
 *
 * It may gain no rights, start no program, look into no other process's memory,
 * and change neither mounts, modules, namespaces nor its own user.  Files are not
 * confined by Landlock: a Landlock domain may not read /proc/PID/exe of processes
 * outside it, and the audit log names the client's executable (docs/adr).
 *
 * Threads  One: the filter holds for threads started later. */
#ifndef RH_CENTER_CONFINE_H
#define RH_CENTER_CONFINE_H

struct rh_diag;

/* RH_ENOSYS  the kernel has no filters for system calls; nothing else is lost. */
int rh_confine(struct rh_diag *diag);

#endif
