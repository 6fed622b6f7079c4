/* terminal - a process that goes on in the background gives up its standard files, or
 * whoever waits for the end of its output would wait for ever. */
#ifndef RH_SUPERVISE_TERMINAL_H
#define RH_SUPERVISE_TERMINAL_H

void rh_terminal_leave(void);

#endif
