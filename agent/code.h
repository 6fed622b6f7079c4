/* code - a place where a rule of code runs: the one in force, and the one that is to be.
 *
 *   NONE --set--> WAITING --the module is here--> (ops->start) --> IN FORCE
 *                    \----------refused------------> REJECTED
 *
 * The one that is to be is made beside the one in force, which goes on until the other
 * can take over; what is refused leaves all as it was, and is not tried again until
 * something changed.
 *
 * Ownership   A place owns both; it is part of what it belongs to (an edge, ...).
 * Threads     The loop's.
 * Invariants  D1  next is NULL, or not the same as active. */
#ifndef RH_AGENT_CODE_H
#define RH_AGENT_CODE_H

#include "codespec.h"
#include "floor.h"
#include "list.h"
#include "module.h"

struct rh_agent;
struct rh_code_place;

/* How it does. */
struct rh_code_told {
	uint64_t                calls;
	uint64_t                ns;
	uint64_t                differences;
	struct rh_rule_counters counters;
};

/* One generation of a rule, at one place. */
struct rh_code {
	struct rh_code_place *place;
	struct rh_codespec   *spec;
	struct rh_module_want want;
	int                   object_fd; /* a frozen memfd; -1: not here yet       */
	struct rh_rule       *rule;      /* loaded into this process, or NULL      */
	uint64_t              calls;     /* ... and how often and long it ran here */
	uint64_t              ns;
	struct rh_rule_counters counters; /* of what runs elsewhere: rule is NULL   */
	uint64_t              differences; /* a shadow: other answers than obeyed  */
	struct rh_floor       floor;     /* successor.c: which module it is        */
	int                   is_noted;  /* ... and that is remembered             */
	/* codetell.c */
	struct rh_list        in_agent;  /* in force: among those that are told of */
	struct rh_code_told   told;      /* what the center knows of it ...        */
	int                   is_told;   /* ... if it knows anything               */
};

struct rh_code_ops {
	/* next->object_fd is its object: begin to run it.  RH_OK: it is in force;
	 * RH_EAGAIN: rh_code_started or rh_code_refuse says later; else it is rejected,
	 * why says why. */
	int (*start)(struct rh_code_place *place, struct rh_code *next,
	             struct rh_diag *why);
	/* It is in force no more, and is freed next; place->active is what follows it,
	 * or NULL.  May be NULL. */
	void (*stop)(struct rh_code_place *place, struct rh_code *code);
	/* The next one was refused, place->rejected is its spec; may be NULL. */
	void (*refused)(struct rh_code_place *place);
};

struct rh_code_place {
	struct rh_agent          *agent;
	const struct rh_code_ops *ops;
	const char               *caller;   /* the key of the item that says so, */
	const char               *callee;   /* borrowed                          */
	uint64_t                  item;     /* its revision                      */
	struct rh_code           *active;
	struct rh_code           *next;
	struct rh_codespec       *rejected; /* NULL: the last was not            */
};

void rh_code_place_init(struct rh_code_place *place, struct rh_agent *agent,
                        const char *caller, const char *callee,
                        const struct rh_code_ops *ops);
void rh_code_place_fini(struct rh_code_place *place);

/* The item of that revision wants this rule here; NULL: none. */
void rh_code_place_set(struct rh_code_place *place, const struct rh_codespec *wanted,
                       uint64_t item);

/* 1 when what is wanted is in force, or was rejected. */
int rh_code_is_settled(const struct rh_code_place *place);

/* The next one runs: it is in force. */
void rh_code_started(struct rh_code_place *place);

/* The next one cannot be run. */
void rh_code_refuse(struct rh_code_place *place, const struct rh_diag *why);

/* It was asked since began (monotonic ns): counted. */
void rh_code_ran(struct rh_code *code, uint64_t began);

/* It failed, and its policy applies: said in the log, not too often. */
void rh_code_failed(const struct rh_code *code);

/* As rh_code_load, and hands it the state of the one in force, if there is one and both
 * can. */
int rh_code_follow(struct rh_code *code, struct rh_diag *why);

/* Loads the object into this process: code->rule.  For ops->start.
 * As rh_rule_load; RH_ENOSYS a mode that does not run here. */
int rh_code_load(struct rh_code *code, struct rh_diag *why);

/* Another instance of it, which is the caller's, with a log of its own. */
int rh_code_instance(const struct rh_code *code, rh_rule_log *log, void *log_user,
                     struct rh_rule **ret_rule, struct rh_diag *why);

#endif
