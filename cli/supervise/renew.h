/* renew - restarts the workers whose library was replaced on the disk.
 *
 * The folder of every library that a worker told of is watched (inotify).  When another
 * file stands there, `rhodes serve --check` loads it in a process of its own; when it
 * would be served, the workers of the resource are asked to end and started again, one
 * after the other: each finishes the calls that it runs, and the next one is not touched
 * before the one in its place serves.  Workers whose callers may hold objects that
 * nobody can make anew are left alone.
 *
 * Ownership   The crew and the setting are borrowed.
 * Threads     The loop's.
 * Limits      A folder that is removed and made anew is not watched again before the
 *             worker starts. */
#ifndef RH_SUPERVISE_RENEW_H
#define RH_SUPERVISE_RENEW_H

#include "crew.h"

struct rh_renewal {
	struct rh_crew                  *crew;
	const struct rh_process_setting *setting;
	const char                      *self;    /* this program            */
	const char                      *system;
	int                              watch;
	struct rh_poll                  *poll;
	struct rh_process               *check;   /* one at a time, or NULL  */
	char                             checked[RH_IDENTITY_MAX];
};

/* Without inotify nothing is noticed; the journal tells. */
void rh_renewal_init(struct rh_renewal *renewal);
void rh_renewal_fini(struct rh_renewal *renewal);

/* In each turn of the loop in which something changed. */
void rh_renewal_turn(struct rh_renewal *renewal);

/* Whether it waits for that process itself. */
bool rh_renewal_owns(const struct rh_renewal *renewal, pid_t pid);

#endif
