/* fork - a child of fork starts unattached. */
#ifndef RH_SDK_FORK_H
#define RH_SDK_FORK_H

/* Installs the handlers, once. */
void rh_fork_watch(void);

/* Around the fork, so that the child finds tables that no thread is changing. */
void rh_handles_hold(void);
void rh_handles_let_go(void);
void rh_contexts_hold(void);
void rh_contexts_let_go(void);

/* For the child: closes what belongs to the parent's pages.  What the parent had
 * mapped is not mapped here, and something else may be by now: it is not unmapped. */
void rh_threads_forget(void);
void rh_handles_forget(void);
void rh_inboxes_forget(void);

#endif
