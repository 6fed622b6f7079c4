/* listen - the sockets on which HTTP is spoken.
 *
 * Ownership   The caller owns the descriptors.
 * Threads     Any. */
#ifndef RH_CENTER_API_LISTEN_H
#define RH_CENTER_API_LISTEN_H

#include <stdint.h>

struct rh_diag;

#define RH_TOKEN_BYTES 32
#define RH_TOKEN_HEX   (2 * RH_TOKEN_BYTES + 1)

/* Listens on a Unix socket of mode 0666: who may write is decided by peer
 * credentials.  An old socket file is replaced.  Returns the descriptor, or
 * RH_EMSGSIZE, RH_EIO. */
int rh_listen_unix(const char *path, struct rh_diag *diag);

/* Listens on "127.0.0.1:PORT" or "[::1]:PORT"; port 0 takes a free one, which
 * *ret_port tells.  Returns the descriptor, or
 * RH_EINVAL  not an address of the loopback interface.  RH_EIO. */
int rh_listen_tcp(const char *address, uint16_t *ret_port, struct rh_diag *diag);

/* Reads the token from dir/token, or makes it (mode 0600).
 * RH_EACCES  others may read the file.  RH_EINVAL, RH_EIO. */
int rh_token_load(const char *dir, char token[RH_TOKEN_HEX], struct rh_diag *diag);

/* 1 when an Authorization header carries the token; takes the same time however
 * much of it is right. */
int rh_token_matches(const char *token, const char *authorization);

#endif
