/* rule_agent - the part of an agent that lends rules to programs, and lies when told to.
 *
 * It admits everybody, remembers who asked for what, sends what the test says, and keeps
 * what came back.  It runs as a thread.
 *
 * Threads  All functions from any thread. */
#ifndef RH_TESTS_RULE_AGENT_H
#define RH_TESTS_RULE_AGENT_H

#include "../../rules/rule.h"
#include "../../wire/frame.h"

#include <stddef.h>
#include <stdint.h>

struct rule_agent;

/* What is lent; params: "A=1" ..., NULL ends. */
struct lent {
	const char *hook, *name, *mode, *policy;
	const char *params[4];
	int         object_fd; /* borrowed; -1: none goes along */
};

struct said {
	uint32_t state; /* of the last RULE_STATE of that key and revision; 0: none */
	int32_t  code;
	char     text[256];
};

struct counted {
	uint64_t calls, took_ns, failures[RH_FAILURES];
	unsigned lines;
	char     line[256]; /* the last one */
};

/* is_old: an agent that does not know frames about rules.  One that is created only lets
 * programs wait at its socket until it is opened: what is lent before, they get first. */
struct rule_agent *rule_agent_create(const char *path, int is_old);
void               rule_agent_open(struct rule_agent *agent);
struct rule_agent *rule_agent_start(const char *path, int is_old); /* both */
void               rule_agent_stop(struct rule_agent *agent);

/* From now on that is the rule of the key, also for who asks later; NULL: there is none.
 * Returns the revision. */
uint64_t rule_agent_lend(struct rule_agent *agent, const char *key,
                         const struct lent *lent);

/* Sends a frame with these records to all who asked for the key; waits until it is
 * somebody. */
void rule_agent_send(struct rule_agent *agent, const char *key, uint8_t type,
                     const void *records, size_t len, int fd);

/* Waits until a process said something of that revision; a copy. */
struct said rule_agent_await(struct rule_agent *agent, uint64_t revision);

/* What was counted for that revision so far, or all (0); waits until it is so many calls. */
struct counted rule_agent_counted(struct rule_agent *agent, uint64_t revision,
                                  uint64_t calls);

/* Waits until so many places ask. */
void rule_agent_await_askers(struct rule_agent *agent, unsigned n);

/* Waits until so many connections came so far. */
void rule_agent_await_attached(struct rule_agent *agent, unsigned n);

#endif
