/* survey - how a roll-out stands: its edges, and what the agents of their ends say.
 *
 * An edge belongs to the roll-out of a rule when the rule decides its protocol, before
 * or after.  It is settled when the item that it became is in force at the agents of
 * both ends, or was rejected.
 *
 * Ownership   rh_survey_fini ends one in any case.
 * Threads     One.  The realm must not change while a survey is used.
 * Limits      RH_SURVEY_PLACES_MAX places are told. */
#ifndef RH_CENTER_SURVEY_H
#define RH_CENTER_SURVEY_H

#include "rollout.h"

#include "../model/delta.h"

#include <jansson.h>

struct rh_center;

/* An edge that was rejected at one of its ends. */
typedef void rh_survey_visit(void *user, const struct rh_item_key *key);

#define RH_SURVEY_PLACES_MAX 1000u
#define RH_SURVEY_TEXT_MAX   400

struct rh_survey {
	const struct rh_center  *center;
	const struct rh_rollout *rollout;
	struct rh_rollout_tally  tally;
	uint64_t                *places;    /* of all edges in the order of the rule, */
	size_t                   count;     /* not sorted; when they were asked for   */
	size_t                   cap;
	int                      wants_places;
	int                      is_short;  /* no memory for all of them              */
	rh_survey_visit         *on_rejected; /* may be NULL                          */
	void                    *user;
	json_t                  *agents;    /* Standing of each; NULL: not asked for  */
	char                     rejected[RH_SURVEY_TEXT_MAX]; /* one of them, in words */
	char                     waits[RH_SURVEY_TEXT_MAX];    /* one not settled       */
};

/* Looks at every edge.  Set wants_places, on_rejected and agents before. */
void rh_survey_make(struct rh_survey *survey);
void rh_survey_fini(struct rh_survey *survey);

/* The reach of a step that takes the first upto edges.  RH_ENOMEM. */
int rh_survey_reach(struct rh_survey *survey, uint64_t upto, uint64_t *ret_reach);

/* Does the rule decide the protocol of that edge, before or after? */
int rh_survey_concerns(const struct rh_center *center, const struct rh_rollout *rollout,
                       const char *caller, const char *callee);

#endif
