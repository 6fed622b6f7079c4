/* away - why nobody answers where the center should.
 *
 * Threads     One. */
#ifndef RH_CLI_AWAY_H
#define RH_CLI_AWAY_H

struct rh_diag;
struct rh_dirs;

/* There is no system, or it is there without its center.  RH_EDOWN. */
int rh_away_explain(const struct rh_dirs *dirs, struct rh_diag *diag);

#endif
