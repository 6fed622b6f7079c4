/* stop - SIGINT and SIGTERM as something to poll.
 *
 * Threads     One. */
#ifndef RH_CLI_STOP_H
#define RH_CLI_STOP_H

/* Blocks both and returns a descriptor, for the caller to close, that is readable when
 * one has come; negative when there is none. */
int rh_stop_open(void);

/* The same, but they stay unblocked: one of them also ends a write that waits for
 * somebody to read.  Once a process. */
int rh_stop_open_unblocked(void);

#endif
