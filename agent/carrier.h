/* carrier - the rule of hook `protocol` that carries the messages of an edge, at one of
 * its ends: which one it is, and instances of it for channels.
 *
 * Each channel has an instance of its own, which goes with it.  One that failed while it
 * carried is not taken again until the rule is another one.
 *
 * Ownership   Part of what stands for the edge at this end, which stays while the agent
 *             lives: channels refer to it.
 * Threads     The loop's. */
#ifndef RH_AGENT_CARRIER_H
#define RH_AGENT_CARRIER_H

#include "code.h"

#include "../protocols/module/framing.h"
#include "../rules/codec.h"

#define RH_CARRIER_PROTOCOL "module"

struct rh_carrier {
	struct rh_code_place place;
	uint64_t             failed;   /* which; 0: none, or another one         */
	uint64_t             failing;  /* which one failed last, in a channel    */
	struct rh_diag       why;      /* ... and how                            */
};

void rh_carrier_init(struct rh_carrier *carrier, struct rh_agent *agent,
                     const char *caller, const char *callee,
                     const struct rh_code_ops *ops);
void rh_carrier_fini(struct rh_carrier *carrier);

/* Both ends know a generation of a rule by the same number, which is not 0. */
uint64_t rh_carrier_id(const struct rh_code *code);

/* What calls are to be carried by: the rule that is to be, if it can be loaded, else the
 * one in force.  NULL: none, or it failed. */
const struct rh_code *rh_carrier_wanted(const struct rh_carrier *carrier);

/* Looks whether it can be loaded; for ops->start. */
int rh_carrier_try(struct rh_code *code, struct rh_diag *why);

/* An instance for a channel, to be given to the protocol. */
int rh_carrier_frame(struct rh_carrier *carrier, const struct rh_code *code,
                     enum rh_codec_side side, struct rh_framing *ret_framing,
                     struct rh_diag *diag);

/* A channel ended with RH_ERULE: what failed is not taken again.  Returns the item's
 * revision that is to be rejected over it, or 0: it is another one by now. */
uint64_t rh_carrier_fail(struct rh_carrier *carrier);

#endif
