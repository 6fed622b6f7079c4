/* fork - a child of fork starts unattached. */
#ifndef RH_SDK_FORK_H
#define RH_SDK_FORK_H

/* Installs the handlers, once. */
void rh_fork_watch(void);

/* For the child: closes what belongs to the parent's pages. */
void rh_threads_forget(void);
void rh_handles_forget(void);
void rh_context_forget(void);

#endif
