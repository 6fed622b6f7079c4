/* place - where and as whom a call uses files: the caller's directory, umask and file
 * system user, which librhodes gives to the thread that has the call, taken over by the
 * thread of JavaScript for as long as the function itself runs.
 *
 * What the function does behind its first await, and what Node does on other threads (all of
 * fs but what ends in Sync), is done in the server's own place.
 *
 * Ownership   A place that was taken is given up by rh_js_place_fini.
 * Threads     home, enter and leave: the thread of JavaScript that serves. */
#ifndef RH_NODE_PLACE_H
#define RH_NODE_PLACE_H

#include "../../../model/interface.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RH_JS_GROUPS 64

struct rh_js_place {
	int    directory;              /* -1: there is none                     */
	mode_t umask;
	uid_t  uid;
	gid_t  gid;
	int    group_count;
	gid_t  groups[RH_JS_GROUPS];
};

/* Whether functions like this one run where and as who calls them. */
bool rh_js_place_matters(const struct rh_function *function);

/* Of the calling thread, which has a call. */
void rh_js_place_take(struct rh_js_place *ret);
void rh_js_place_fini(struct rh_js_place *place);

/* The name as any thread of this process finds it, in cap bytes: absolute, by way of the
 * directory's descriptor where the server could not come to it by its name.  Returns
 * whether it is another one than the text given, and fits. */
bool rh_js_place_name(const struct rh_js_place *place, const char *path, char *ret,
                      size_t cap);

/* From now on this thread alone has its directory and umask; those that it has now are
 * what rh_js_place_leave comes back to. */
int rh_js_place_home(void);

/* A thread that serves nothing leaves the one of JavaScript, which began it, alone. */
void rh_js_place_part(void);

/* RH_EACCES  it cannot act as that user; the thread is where it was. */
int  rh_js_place_enter(const struct rh_js_place *place);
void rh_js_place_leave(const struct rh_js_place *place);

#endif
