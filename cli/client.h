/* client - the center as the verbs use it: ask, and tell the user what went wrong.
 *
 * Ownership   The connection belongs to the struct rh_cli and is opened by the
 *             first question; rh_client_close closes it.
 * Threads     One. */
#ifndef RH_CLI_CLIENT_H
#define RH_CLI_CLIENT_H

#include "cli.h"
#include "http.h"

/* Asks.  An answer of 400 and more, or none, is told on err.  Returns an enum
 * rh_exit; only RH_EXIT_OK sets *ret_reply, which the caller then finishes. */
int rh_client_ask(struct rh_cli *cli, const struct rh_ask *ask,
                  struct rh_reply *ret_reply);

/* The same without telling: *ret_reply is set for every answer.  Returns an RH_E
 * code of rh_http_ask.  A center that is away is awaited as long as --wait said. */
int rh_client_try(struct rh_cli *cli, const struct rh_ask *ask,
                  struct rh_reply *ret_reply, struct rh_diag *diag);

/* Tells on err what the center refused, for an answer of 400 and more; an enum
 * rh_exit. */
int rh_client_tell(const struct rh_cli *cli, const struct rh_reply *reply);

/* GET path -> *ret_json, which the caller gives back with json_decref. */
int rh_client_get(struct rh_cli *cli, const char *path, json_t **ret_json);

/* All that stands under key ("items") in the pages of a list, a new array. */
int rh_client_list(struct rh_cli *cli, const char *path, const char *key,
                   json_t **ret_items);

void rh_client_close(struct rh_cli *cli);

#endif
