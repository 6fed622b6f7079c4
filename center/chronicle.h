/* chronicle - at debug level, lines of what was committed: "history center ...", which
 * push_history checks against those of agents (tests/simulate/history.h has the format).
 *
 * A center begins with its store and every item in it, since one that was killed may have
 * committed a change without a line.  At other levels nothing is done but one test where
 * something changed. */
#ifndef RH_CENTER_CHRONICLE_H
#define RH_CENTER_CHRONICLE_H

struct rh_link;
struct rh_store;

/* The store was opened, and nothing was written to it yet. */
void rh_chronicle_store(struct rh_store *store);

/* From now on changes are told, after all there is. */
void rh_chronicle_begin(struct rh_link *link);

/* A publication is over: what nobody watches is told too. */
void rh_chronicle_published(struct rh_link *link);

#endif
