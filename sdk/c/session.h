/* session - the process's attachment to its agent.
 *
 * One per process, made by the first call, made anew after a fork and after the
 * agent was restarted.  Requests of several threads share the socket: one of the
 * waiting threads receives for all.
 *
 * Threads     All functions lock; a caller holds no lock of the SDK.
 * Invariants  S1  generation changes whenever fd does; a callee or a page of an
 *                 older generation is looked up again.
 *             S2  at most one thread receives (is_receiving), without the lock.  The
 *                 descriptor that it polls is closed by nobody else, as poll(2)
 *                 looks its number up again when it wakes: it would go on to wait,
 *                 deaf, for what got that number since.
 *             S3  at most one thread attaches (is_attaching); fd is -1 meanwhile,
 *                 and the buffer is that thread's.
 *             S4  an edge means something to the agent of its generation alone: the
 *                 two are read and written together, under the lock, and sent to
 *                 no other agent.
 *             S5  at most one thread waits for room in the socket, without the lock
 *                 (is_waiting_for_room), at a descriptor of its own.  It reads, too: an
 *                 agent whose answers nobody takes would take no requests. */
#ifndef RH_SDK_SESSION_H
#define RH_SDK_SESSION_H

#include "../../base/socket.h"
#include "../../wire/frame.h"

#include <pthread.h>

#define RH_CALLEES_MAX  64u
#define RH_ENV_MAX      16u
#define RH_ANSWER_MAX   4096u

/* An edge, as the agent of that generation numbers it. */
struct rh_opened {
	uint32_t edge;
	uint32_t generation;
};

struct rh_callee {
	char     name[RH_NAME_MAX + 1];      /* "" until known, then constant */
	char     interface[RH_NAME_MAX + 1];
	uint32_t index;                      /* in the thread's pages      */
	struct rh_opened opened;             /* S4                         */
	uint8_t  by_interface;
	_Atomic uint8_t  is_emitter;         /* the page for own events    */
	_Atomic uint32_t locale_on;          /* the locale goes along      */
	_Atomic uint32_t env_count;          /* and these variables ...    */
	char     env[RH_ENV_MAX][RH_NAME_MAX + 1]; /* ... see context.c    */
	struct rh_context *context;          /* the latest sent            */
	uint32_t           instance;         /* that served last           */
	pthread_mutex_t    revival;          /* see revive.c               */
};

struct rh_session {
	pthread_mutex_t   lock;
	pthread_cond_t    changed;
	pthread_cond_t    room;             /* for who wants to send      */
	int               fd;               /* -1: not attached           */
	int               agent_event;      /* wakes the agent            */
	_Atomic uint32_t  generation;
	int               is_receiving;
	int               left_fd;          /* S2: the receiver closes it; or -1 */
	int               is_attaching;
	uint32_t          role;
	uint64_t          attachment;       /* the latest; 0: none yet    */
	uint64_t          last_request;
	struct rh_answer *waiting;
	int               is_waiting_for_room;
	int               room_fd;          /* S5: what is looked at; or -1 */
	struct rh_untold *untold;           /* the first of them          */
	struct rh_untold **untold_end;
	char              resource[RH_NAME_MAX + 1];
	unsigned          callee_count;
	struct rh_callee *callees[RH_CALLEES_MAX];
	unsigned char    *buffer;           /* one frame                  */
};

/* A frame without an answer for which there was no room. */
struct rh_untold {
	struct rh_untold *next;
	size_t            len;
	uint8_t           type;
	unsigned char     bytes[];
};

/* The answer to a request: records copied, descriptors owned by the asker. */
struct rh_answer {
	struct rh_answer *next;
	uint64_t          request;
	int               is_done;
	pthread_cond_t    arrived;          /* it is, or nobody receives  */
	int               result;           /* 0, or a negative code      */
	struct rh_frame   frame;
	unsigned char     bytes[RH_ANSWER_MAX];
};

extern struct rh_session rh_session;

/* Attaches when not attached; deadline in monotonic ns.  One thread does it, without
 * the lock; the others wait for it no longer than they want to. */
int rh_session_attach(uint64_t deadline);

/* A copy of the eventfd that wakes the agent, for a page of that generation; -1 when
 * that is over.  A descriptor that is closed may be another file's number, so every
 * page has its own. */
int rh_session_dup_event(uint32_t generation);

/* Moves a descriptor out of the low numbers, which programs like to close and reuse. */
int rh_move_up(int fd);

/* Makes the condition anew, for a child of fork. */
void rh_session_init_changed(void);

/* Sends a request to the agent of that generation and waits for its answer.  On success
 * the descriptors of answer->frame are the caller's: rh_frame_drop closes what it does
 * not take.  RH_EDETACHED: that agent is gone, and maybe another one there (S4). */
int rh_session_ask(uint32_t generation, uint8_t type,
                   const struct rh_record_writer *writer, uint8_t expected,
                   uint64_t deadline, struct rh_answer *answer);

/* Sends a frame that has no answer, when there is room: at the latest before the next one.
 * Failures show later. */
void rh_session_tell(uint8_t type, const struct rh_record_writer *writer);

/* The callee's edge in this generation, asked for when it is not known yet. */
int rh_session_open(struct rh_callee *callee, uint64_t deadline,
                    struct rh_opened *ret_opened);

/* Finds or makes the callee of that name (or interface); no talk with the agent. */
int rh_session_callee(const char *name, int by_interface,
                      struct rh_callee **ret_callee);

/* Makes the lock of the callee's revivals, or makes it anew in a child of fork. */
void rh_callee_unlock(struct rh_callee *callee);

/* The agent hung up: forget it, unless that was noticed already. */
void rh_session_lost(uint32_t generation);

/* now + timeout, or the default timeout when that is 0. */
uint64_t rh_deadline(uint64_t timeout_ns);

/* Milliseconds until then for poll(2); 0 when it has passed. */
int rh_until_ms(uint64_t deadline);

/* Reads ENV* and LOCALE_ON of a frame; returns how many names. */
unsigned rh_frame_env(const struct rh_frame *frame, char env[][RH_NAME_MAX + 1],
                      uint32_t *ret_locale_on);

/* Reads CODE and TEXT of an error frame into the last error; returns the code. */
int rh_frame_error(const struct rh_frame *frame);

/* Sets the thread's last error and returns code. */
int rh_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of a text of any length, which it takes over. */
int rh_fail_long(int code, char *text);
void rh_set_ran(int may_have_run);

#endif
