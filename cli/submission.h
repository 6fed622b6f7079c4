/* submission - manifests on their way to the center: read, built, sent as one batch.
 *
 * What `rhodes apply` and `rhodes diff` have in common.  Files are those given with -f
 * and as words.
 *
 * Ownership   *ret_answer and *ret_objects are the caller's.
 * Threads     One. */
#ifndef RH_CLI_SUBMISSION_H
#define RH_CLI_SUBMISSION_H

#include "manifest.h"

#include <jansson.h>
#include <stdbool.h>

struct rh_cli;

/* Reads what the command names into the manifest, builds what it needs, sends it, and
 * gives the center's answer and the objects that were sent (NULL: not wanted).  What is
 * wrong is told on err, with its place.  Returns an enum rh_exit; only RH_EXIT_OK sets
 * what is returned. */
int rh_submit(struct rh_cli *cli, struct rh_manifest *manifest, bool is_dry,
              json_t **ret_answer, json_t **ret_objects);

#endif
