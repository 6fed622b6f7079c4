/* top_threads - `rhodes top --threads RESOURCE`: how its governed threads do. */
#ifndef RH_CLI_VERBS_TOP_THREADS_H
#define RH_CLI_VERBS_TOP_THREADS_H

#include "../output.h"

/* Again and again, so many seconds apart; 0: once.  Returns an enum rh_exit. */
int rh_top_threads(struct rh_cli *cli, const char *resource, enum rh_format format,
                   long interval_s);

#endif
