/* mini_agent - the least agent that the SDK can be tested against alone: callers and
 * callees of one resource, protocol bind, no rules.  It runs as a thread.
 *
 * A callee is known by the interface it serves, which is also its name.  A page asked
 * for before its callee is up waits until it is; the oldest instance that lives gets
 * it.  A frame of another process than the one that connected is refused.
 *
 * Threads  All functions from one thread. */
#ifndef RH_TESTS_MINI_AGENT_H
#define RH_TESTS_MINI_AGENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mini_agent;

/* What attached processes are told. */
struct mini_options {
	const char *env[4];      /* names of variables; NULL ends           */
	int         locale_on;
	int         event_full;  /* emitted events are answered RH_EAGAIN   */
	uint32_t    first_edge;  /* edges are numbered from there           */
	int         tells_gone;  /* callees hear of callers that hang up    */
	int         refuse_held; /* pages of a former agent are not taken on*/
};

/* What has been seen; a copy. */
struct mini_counts {
	unsigned workers;        /* instances that are up                   */
	unsigned served;         /* instances that came up so far           */
	unsigned pages;          /* handed out and not given back           */
	unsigned given;          /* handed out so far                       */
	unsigned waiting;        /* asked for, and not handed out           */
	unsigned attached;       /* callers that attached so far            */
	unsigned refused;        /* frames of a process that is not the peer*/
	unsigned listeners;      /* event pages                             */
	unsigned emitted;        /* events that came from callees           */
	unsigned held;           /* pages of a former agent, as callees say */
	unsigned gone;           /* pages that callees let go of            */
};

/* Listens on path; returns when it does. */
struct mini_agent *mini_agent_start(const char *path, const struct mini_options *options);

/* Hangs up on everybody. */
void mini_agent_stop(struct mini_agent *agent);

struct mini_counts mini_agent_counts(struct mini_agent *agent);

/* Waits until a count at that offset of struct mini_counts is n; 0, or -1 when it was
 * not so for 20 seconds. */
int mini_agent_await(struct mini_agent *agent, size_t offset, unsigned n);
#define MINI_AWAIT(agent, what, n) \
	mini_agent_await(agent, offsetof(struct mini_counts, what), n)

/* Sends an event to every listener.  Returns how many took it with success. */
int mini_agent_emit(struct mini_agent *agent, uint64_t event, const void *bytes,
                    uint32_t len);

/* The same, and does not wait.  Returns how many have it in their page. */
int mini_agent_place(struct mini_agent *agent, uint64_t event, const void *bytes,
                     uint32_t len);

/* Sends every listener an event whose bytes are said to be in a memfd. */
void mini_agent_emit_lie(struct mini_agent *agent, uint64_t event);

/* Retires every page that is handed out, and takes those away that are empty; returns
 * how many that were. */
unsigned mini_agent_retire(struct mini_agent *agent);

/* Takes every page away from the callee that serves it. */
void mini_agent_cut(struct mini_agent *agent);

/* Breaks the connections of the callees of that pid as a restart of the agent does. */
void mini_agent_hang_up(struct mini_agent *agent, pid_t pid);

#endif
