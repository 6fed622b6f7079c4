/* agent_kit - real agents, and everybody around them played by the test: the center,
 * processes that call, processes that serve.
 *
 * The test speaks raw frames and pages, so it can also lie.  One thread plays all
 * roles in turn; it waits for conditions, never for times, and gives up after
 * KIT_PATIENCE_S with a failed assertion.
 *
 * Ownership   kit_close ends the agents and removes the directory; peers and pages
 *             are closed by the test or by the end of the process. */
#ifndef RH_TESTS_AGENT_KIT_H
#define RH_TESTS_AGENT_KIT_H

#include "../../agent/counters.h"
#include "../../base/clock.h"
#include "../../base/socket.h"
#include "../../model/error.h"
#include "../../protocols/page/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#define KIT_PATIENCE_S 20

struct kit_agent {
	char  name[64];
	pid_t pid;
	int   center;   /* our end of its link to the center */
};

struct kit_edge {
	const char *caller;
	const char *callee;
	const char *protocol;
	int32_t     verdict;
	const char *text;
};

/* A process that is attached. */
struct kit_peer {
	int      fd;
	int      event;        /* wakes its agent */
	uint64_t attachment;
	uint64_t last_request;
	uint32_t instance;     /* when it serves  */
};

/* A page, of which the test has one end. */
struct kit_page {
	uint64_t             id;
	uint32_t             flags;
	uint64_t             instance;
	uint64_t             attachment; /* as PAGE_ADD says          */
	uint64_t             origin;     /* the same; 0 of no binding */
	void                *memory;
	int                  event;
	int                  companion;
	struct rh_caller_end caller;
	struct rh_server_end server;
};

/* When not 0, edges in views are allowed until then, and then get kit_after. */
extern uint64_t        kit_revoked_at;
extern int32_t         kit_after;
/* When not NULL, how old rules of that class may be, as SELF says. */
extern const char     *kit_stale_class;
extern uint64_t        kit_stale_ms;
/* When not NULL, adds records to an EDGE_ITEM. */
extern void          (*kit_edge_more)(struct rh_record_writer *writer,
                                      const struct kit_edge *edge);
extern char            kit_dir[];
extern struct rh_frame kit_frame;             /* the last one received */
extern char            kit_text[RH_DIAG_MAX]; /* of the last ERROR     */

/* Waits for a condition. */
#define KIT_UNTIL(condition)                                             \
	do {                                                             \
		uint64_t kit_end = kit_deadline();                       \
		while (!(condition)) {                                   \
			if (rh_clock_ns() > kit_end)                     \
				fail_msg("never: %s", #condition);       \
			kit_pause();                                     \
		}                                                        \
	} while (0)

uint64_t kit_deadline(void);
void     kit_pause(void);

/* cmocka's set-up and tear-down: a run directory with the center's socket. */
int kit_open(void **state);
int kit_close(void **state);

/* ---- agents */

extern char kit_state_dir[128]; /* of agents started from now on; "": none */
extern int kit_log; /* where agents started from now on log; -1: as the test */

/* The file of the executable of agents started from now on becomes that one, as an
 * update does it; all have one path. */
void kit_agent_install(const char *executable);

/* Starts one and takes its HELLO. */
void kit_agent_start(struct kit_agent *agent, const char *name);
void kit_agent_kill(struct kit_agent *agent, int signal);

/* The same, and leaves its connection to the center in the queue. */
void kit_agent_start_alone(struct kit_agent *agent, const char *name);

/* Writes another boot id into a file of a cache, and the hash that fits. */
void kit_cache_forge(const char *dir, const char *name, const char *boot);

/* Takes the next connection of that agent to the center. */
void kit_center_accept(struct kit_agent *agent);

/* A push frame with that revision; items holds ITEM records, or is NULL. */
void kit_push(struct kit_agent *agent, uint8_t type, uint64_t revision,
              const struct rh_record_writer *items);

/* Sends a snapshot: the agent's resource with that interface ("": none), and edges. */
void kit_view(struct kit_agent *agent, uint64_t revision, const char *interface,
              const struct kit_edge *edges, unsigned count);

/* The same, and waits until it is in force. */
void kit_apply(struct kit_agent *agent, uint64_t revision, const char *interface,
               const struct kit_edge *edges, unsigned count);

/* The counters of the running agent, mapped; the mapping stays. */
const struct rh_counters_head *kit_counters(const struct kit_agent *agent);
const struct rh_counters_edge *kit_counters_edge(const struct kit_agent *agent,
                                                 const char *callee);

/* ---- frames */

int  kit_connect(const char *resource);
void kit_send(int fd, uint8_t type, uint64_t request,
              const struct rh_record_writer *writer, const int *fds, unsigned count);

/* Receives into kit_frame and returns its type, or RH_ELOST. */
int kit_receive(int fd);

/* Receives; asserts the type. */
void kit_expect(int fd, int type);

/* Sends a request and takes its answer: RH_OK with kit_frame of that type, or the
 * code of an ERROR with kit_text. */
int kit_ask(struct kit_peer *peer, uint8_t type, const struct rh_record_writer *writer,
            int expected);

uint64_t kit_u64(uint16_t tag);  /* of kit_frame */
uint32_t kit_u32(uint16_t tag);

/* ---- processes */

int  kit_attach(struct kit_peer *peer, const char *resource, uint32_t role);
/* Starts the agents of "file", which calls, and of "magic", which offers "bytes", with
 * these edges, and attaches a program as "file". */
void kit_pair(struct kit_agent *caller, struct kit_agent *callee,
              const struct kit_edge *edges, unsigned count, struct kit_peer *client);
/* The same as a program that had that attachment before. */
int  kit_attach_again(struct kit_peer *peer, const char *resource, uint32_t role,
                      uint64_t attachment);
void kit_detach(struct kit_peer *peer);
int  kit_open_edge(struct kit_peer *peer, const char *callee, uint32_t *ret_edge);

/* PAGE_GET: asks, or asks and takes the answer. */
void kit_page_ask(struct kit_peer *peer, uint32_t edge, uint32_t flags,
                  uint64_t deadline);
int  kit_page_take(struct kit_peer *peer, struct kit_page *page);
int  kit_page_get(struct kit_peer *peer, uint32_t edge, uint32_t flags,
                  struct kit_page *page);
void kit_page_close(struct kit_page *page);

/* PAGE_PUT: gives it back. */
void kit_page_put(struct kit_peer *peer, const struct kit_page *page);

/* How many pages the next instances say that they serve; 0: they say nothing. */
extern uint32_t kit_pages_max;

/* Attaches as a callee and serves.  RH_OK or the code of the refusal. */
int kit_serve(struct kit_peer *peer, const char *resource, const char *interface,
              uint32_t instance);

/* Says PAGE_HELD of a page, to an agent that does not know it. */
void kit_page_held(struct kit_peer *peer, const struct kit_page *page,
                   const char *caller);

/* Takes the next PAGE_ADD and answers PAGE_ADDED. */
void kit_page_added(struct kit_peer *peer, struct kit_page *page);

/* ---- calls */

/* Submits text as the arguments; returns the slot. */
int kit_submit(struct kit_page *page, uint64_t function, const char *text,
               uint64_t deadline);
int kit_submit_request(struct kit_page *page, struct rh_request *request,
                       const void *bytes);

/* Waits for the reply. */
void kit_collect(struct kit_page *page, int slot, struct rh_reply *reply);

/* Waits for a call and takes it. */
void kit_take(struct kit_page *page, struct rh_taken *taken);
void kit_answer(struct kit_page *page, const struct rh_taken *taken, int status,
                const char *text);

/* The whole way: submits, serves, collects; asserts that the text comes back. */
void kit_echo(struct kit_page *caller, struct kit_page *callee, const char *text);

/* How many descriptors a process has. */
int kit_descriptors(pid_t pid);

#endif
