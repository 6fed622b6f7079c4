/* loopback - the only addresses that TCP is spoken on here.
 *
 * "127.0.0.1:PORT" or "[::1]:PORT"; port 0 is any free one.  Names are not looked up.
 *
 * Threads     Pure. */
#ifndef RH_BASE_LOOPBACK_H
#define RH_BASE_LOOPBACK_H

#include "../model/error.h"

#include <sys/socket.h>

struct rh_diag;

/* RH_EINVAL  it is no such address; diag says what would be. */
int rh_loopback_parse(const char *text, struct sockaddr_storage *ret_address,
                      socklen_t *ret_len, struct rh_diag *diag);

#endif
