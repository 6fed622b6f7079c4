/* swap - the two-phase change of an edge's channel, as two tables: the caller's agent
 * leads, the callee's follows.
 *
 *   caller's:  IDLE --want--> PREPARING --ready--> COMMITTED --drained--> IDLE
 *                                |  refused, unable, late, unwanted: IDLE, the old one stays
 *                                |  not yet: the same, and another try soon
 *
 *   callee's:  IDLE --prepare--> PREPARED --commit--> DRAINING --drained--> IDLE
 *                                   |  abort: IDLE, the old one stays
 *
 * An ABORT that says why rejects the rule at the callee's agent too, also one that no
 * PREPARE went ahead of.
 *
 * From COMMIT on the caller's agent sends by the new channel.  COMMIT says how many
 * messages went by the old one: the callee's agent takes exactly so many before it reads
 * the new one, answers how many it sent itself, and closes its end; the caller's agent
 * takes exactly those before it reads the new one.  So nothing is lost, nothing comes
 * twice, and what is sent later comes later, in both directions; and nobody waits for
 * the reply of a call.  A lost link ends every swap: the next link begins with the
 * protocol in force.
 *
 * The tables decide; the callers act: edge_swap.c, inlink_swap.c. */
#ifndef RH_AGENT_SWAP_H
#define RH_AGENT_SWAP_H

enum rh_swap_state { RH_SWAP_IDLE, RH_SWAP_PREPARING, RH_SWAP_COMMITTED,
                     RH_SWAP_STATES };

enum rh_swap_event {
	RH_SWAP_WANT,      /* the rule names another protocol               */
	RH_SWAP_UNWANT,    /* it names the one in force again, or a third    */
	RH_SWAP_READY,     /* the callee's agent is ready                    */
	RH_SWAP_REFUSED,   /* it is not                                      */
	RH_SWAP_NOT_YET,   /* it cannot know: its rules are older, or newer  */
	RH_SWAP_UNABLE,    /* our own end cannot be made                     */
	RH_SWAP_LATE,      /* it does not answer                             */
	RH_SWAP_DRAINED,   /* all of the old channel was taken, by both      */
	RH_SWAP_LOST,      /* the link broke                                 */
	RH_SWAP_EVENTS
};

enum rh_swap_action {
	RH_SWAP_PREPARE,   /* make the new channel and offer it              */
	RH_SWAP_ABORT,     /* say so, drop the new channel                   */
	RH_SWAP_COMMIT,    /* say so, send by the new channel                */
	RH_SWAP_REJECT,    /* drop the new channel, report why               */
	RH_SWAP_GIVE_UP,   /* say so, drop the new channel, report why       */
	RH_SWAP_FINISH,    /* close the old channel, read the new one        */
	RH_SWAP_FORGET,    /* close what there is                            */
	RH_SWAP_TRY_LATER, /* drop the new channel, ask again soon           */
};

enum rh_swapped_state { RH_SWAPPED_IDLE, RH_SWAPPED_PREPARED, RH_SWAPPED_DRAINING,
                            RH_SWAPPED_STATES };

enum rh_swapped_event {
	RH_SWAPPED_PREPARE, RH_SWAPPED_COMMIT, RH_SWAPPED_ABORT, RH_SWAPPED_DRAINED,
	RH_SWAPPED_LOST, RH_SWAPPED_EVENTS
};

enum rh_swapped_action {
	RH_SWAPPED_ACCEPT,  /* join the new channel, do not read it; answer    */
	RH_SWAPPED_DRAIN,   /* take what is left of the old channel            */
	RH_SWAPPED_DROP,    /* drop the new channel                            */
	RH_SWAPPED_SWITCH,  /* close the old channel, use the new one; answer  */
};

/* Each moves *state and returns the action.  An event that makes no sense in the
 * current state is RH_EINVAL and moves nothing. */
int rh_swap_step(enum rh_swap_state *state, enum rh_swap_event event);
int rh_swapped_step(enum rh_swapped_state *state,
                        enum rh_swapped_event event);

#endif
