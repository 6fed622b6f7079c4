/* http - the REST interface on its sockets: libmicrohttpd inside the loop.
 *
 * A request is read whole, suspended and put into the turn.  When everything that
 * was ready is read, the turn runs: first the writes, one by one; then one commit
 * for all of them; then the reads; then the answers go out.  So a write that is
 * answered is durable, and a read never shows what is not.
 *
 * On the Unix socket the client is who SO_PEERCRED says; only root and the
 * center's own user may write.  On TCP every request needs the token and a Host
 * header of this server, and then is the center's own user.
 *
 * Ownership   The server owns its sockets once open succeeded.
 * Threads     One, the loop's.
 * Limits      RH_CONNECTIONS_MAX, RH_CONNECTION_BYTES, RH_BODY_MAX, RH_BODIES_MAX,
 *             RH_IDLE_S. */
#ifndef RH_CENTER_API_HTTP_H
#define RH_CENTER_API_HTTP_H

#include <uv.h>

struct rh_center;
struct rh_diag;
struct rh_http;

/* Serves on a listening socket, which it takes.  token and port are those of TCP;
 * token is NULL on a Unix socket and borrowed otherwise.
 * RH_EIO, RH_ENOMEM. */
int rh_http_open(struct rh_center *center, uv_loop_t *loop, int listen_fd,
                 const char *token, unsigned port, struct rh_http **ret_http,
                 struct rh_diag *diag);

/* What parked requests wait for may have come: run them again. */
void rh_http_unpark(struct rh_http *http);

/* A suspended connection was resumed outside the server's own turn: run, soon. */
void rh_http_kick(struct rh_http *http);

/* Ends every connection; the memory goes when the loop has run once more.  NULL is
 * accepted. */
void rh_http_close(struct rh_http *http);

#endif
