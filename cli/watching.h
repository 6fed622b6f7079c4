/* watching - follows what changes, and prints it as it happens.
 *
 * Reads a stream of the center (docs/api.md, "Streams") from a revision on.  When the
 * connection is lost it waits, longer each time, and goes on from the last revision that
 * it was told.  News of agents are kept by nobody: what was missed of them is made up for
 * by reading how the objects stand.  When the center no longer knows what changed since
 * then, or has another store, everything is read anew and told as it stands.
 *
 *   {"type": "resumed", "revision"}              the connection is back
 *   {"type": "standing", "revision", "object"}   how an object stands after that
 *   {"type": "reset", "revision", "detail"}      forget everything: all there is follows
 *
 * are its own lines, beside those of the stream.
 *
 * Ownership   Everything is borrowed from the struct rh_cli.
 * Threads     One; run blocks.
 * Limits      RH_WATCHING_MOST_MS between two attempts; a center that says nothing for
 *             RH_WATCHING_SILENCE_MS is taken for lost. */
#ifndef RH_CLI_WATCHING_H
#define RH_CLI_WATCHING_H

#include "cli.h"
#include "kind.h"

#include <jansson.h>

#define RH_WATCHING_FIRST_MS   50
#define RH_WATCHING_MOST_MS    2000
#define RH_WATCHING_SILENCE_MS 20000

struct rh_watching_order {
	const struct rh_kind *kind; /* NULL: every kind    */
	const char           *name; /* NULL: every name    */
	json_int_t            from; /* a revision, -1: now */
	bool                  is_json;
};

/* Until SIGINT or SIGTERM, or until nobody reads what is printed; an enum rh_exit.
 * Only a center that is not there at the start is a failure. */
int rh_watching_run(struct rh_cli *cli, const struct rh_watching_order *order);

#endif
