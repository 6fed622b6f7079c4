/* verdict - the answer to "may this resource call that one", with its reason.
 *
 * Registration, explain, can-i and the judgement of an event all answer with
 * one.  It is complete in itself: it can be stored, sent and printed long after
 * the registry changed.
 *
 * Ownership   A plain value; it borrows nothing.
 * Threads     Any; there is no state. */
#ifndef RH_MODEL_VERDICT_H
#define RH_MODEL_VERDICT_H

#include "name.h"
#include "type.h"

#include <stddef.h>
#include <stdint.h>

/* What holds for an edge.  Stored and sent: never renumber. */
enum rh_outcome {
	RH_OUTCOME_NONE,     /* there is no such edge (before it was declared,
	                        after it was dropped)                          */
	RH_OUTCOME_PENDING,  /* declared; the callee is not registered         */
	RH_OUTCOME_ALLOWED,  /* declared; calls may pass                       */
	RH_OUTCOME_REFUSED,  /* declared or asked for; calls may not pass      */
	RH_OUTCOMES
};

/* Why. */
enum rh_reason {
	RH_REASON_HIERARCHY,  /* the table says so, allowed or refused         */
	RH_REASON_EXCEPTION,  /* allowed: the table refuses, an exception lets */
	RH_REASON_PENDING,    /* the callee is not registered                  */
	RH_REASON_UNDECLARED, /* the caller does not reference the callee      */
	RH_REASON_UNKNOWN,    /* the caller is not registered                  */
	RH_REASON_SELF,       /* a resource may not reference itself           */
	RH_REASON_DUPLICATE,  /* the spec names the reference twice            */
	RH_REASONS
};

enum rh_exempt {
	RH_EXEMPT_NONE,       /* there is no exception for the edge            */
	RH_EXEMPT_ACTIVE,     /* there is one, whether it was needed or not    */
	RH_EXEMPT_EXPIRED,    /* there was one, and its time is over           */
};

struct rh_verdict {
	struct rh_name caller;
	struct rh_name callee;           /* empty: it concerns no one edge     */
	struct rh_name rule;             /* the rule that decides, or would, were
	                                    the edge declared: "hierarchy" or the
	                                    one of the exception; empty when a
	                                    type is not known                  */
	uint64_t       revision;         /* of that rule                       */
	uint64_t       expires_ms;       /* of the exception; 0 never          */
	uint8_t        outcome;          /* enum rh_outcome                    */
	uint8_t        reason;           /* enum rh_reason                     */
	uint8_t        caller_type;      /* RH_TYPES while it is unregistered  */
	uint8_t        callee_type;      /* likewise                           */
	uint8_t        is_declared;      /* the edge stands in the matrix      */
	uint8_t        hierarchy_allows; /* what the table alone says          */
	uint8_t        exempt;           /* enum rh_exempt                     */
	uint8_t        reserved;
	char           text[RH_REASON_MAX + 1]; /* reason of the exception     */
};

/* The code a refusal is answered with: RH_OK (allowed), RH_ELAYER (hierarchy),
 * RH_EPENDING, RH_ENOEDGE (undeclared), RH_ENOENT (unknown caller) or RH_EINVAL
 * (self, duplicate). */
int rh_verdict_error(const struct rh_verdict *verdict);

/* Writes one English sentence without a full stop, and a NUL; returns its
 * length.  RH_VERDICT_TEXT_MAX bytes always hold it.
 *   driver nic_driver may not call service magic: rule hierarchy, revision 3
 * RH_EMSGSIZE  it does not fit cap; text holds what fitted. */
#define RH_VERDICT_TEXT_MAX 640u
int rh_verdict_text(const struct rh_verdict *verdict, char *text, size_t cap);

/* "none", "pending", "allowed", "refused"; "unknown" for other numbers. */
const char *rh_outcome_text(int outcome);

/* "hierarchy", "exception", ...; "unknown" for other numbers. */
const char *rh_reason_text(int reason);

#endif
