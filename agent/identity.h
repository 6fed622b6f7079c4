/* identity - the number by which agents and callees know one program in a process.
 *
 *   time of its first attachment << 22 | pid
 *
 * Objects in the callee, contexts and pages belong to that number.  A program that
 * comes back, because its agent was restarted, says which number it had and keeps
 * it; one that took another's place in the process (execve) has none to say and gets
 * a new one, so that nothing of the former counts for it.
 *
 * What a process says is checked against what the kernel says of it: a number is its
 * own only when it has its pid and a time since it began, for then no other process
 * was ever given it.
 *
 * Threads  The loop's. */
#ifndef RH_AGENT_IDENTITY_H
#define RH_AGENT_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>

#define RH_IDENTITY_PID_BITS 22u /* as many as the kernel uses at most */

/* Times count in this many ns since the machine was started; 42 bits of them are
 * nine years. */
#define RH_IDENTITY_TICK_NS 65536u

/* The number of a process that began at start and attaches now, and says that it had
 * the number claimed (0: none).  last is the time of the last one given; it moves on,
 * so that no two are the same. */
uint64_t rh_identity_choose(pid_t pid, uint64_t start, uint64_t now, uint64_t claimed,
                            uint64_t *last);

/* The same for a process as the kernel knows it.  RH_EIDENT it has ended. */
int rh_identity_of(pid_t pid, int pidfd, uint64_t claimed, uint64_t *last,
                   uint64_t *ret_identity);

/* The pid in it. */
pid_t rh_identity_pid(uint64_t identity);

/* A pidfd of the process that has that number.  RH_EIDENT it has ended, or nobody
 * ever had it. */
int rh_identity_open(uint64_t identity);

#endif
