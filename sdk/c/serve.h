/* serve - the callee's side: pages, callers, threads.
 *
 * The control thread speaks with the agent and watches for pages and callers that
 * end; serving threads sleep on the futexes of their pages and run the calls.
 *
 *   serve.c          control: the agent, pages come and go
 *   serve_thread.c   one thread's loop: take, spin, sleep
 *   serve_lookout.c  sleeping on more pages than one system call can wait for
 *   serve_relief.c   pages of a thread that is held in a call go to others
 *   serve_call.c     one call: unpack, apply the context, run, answer
 *   serve_offer.c    the functions: found by hash, run
 *   serve_caller.c   a caller: its handles and its credentials
 *   serve_context.c  a caller's context: received, applied
 *   serve_report.c   what an agent is told of bound pages
 *   serve_events.c   what a program tells its listeners
 *
 * Ownership   A page belongs to its thread from hand-over to hand-back, or until the
 *             control thread takes it in the middle of a call of another page; a caller
 *             is counted by its pages and by the control thread.
 * Limits      RH_SERVE_THREADS threads of RH_PAGES_PER_THREAD pages. */
#ifndef RH_SDK_SERVE_H
#define RH_SDK_SERVE_H

#include "marshal.h"
#include "rhodes-language.h"
#include "rhodes.h"
#include "session.h"
#include "stash.h"
#include "turn.h"

#include "../../base/socket.h"
#include "../../protocols/page/page.h"

#include <pthread.h>
#include <sys/types.h>

#define RH_SERVE_THREADS   64u
#define RH_SERVE_GROUPS    64u
#define RH_PAGES_PER_SLEEP 120u  /* futexes of one futex_waitv, with reserve */
#define RH_LOOKOUTS        8u    /* more pages than that: others watch them  */
#define RH_PAGES_PER_THREAD (RH_PAGES_PER_SLEEP * (1 + RH_LOOKOUTS))

/* What is served: a skeleton's functions, one invoke for all of an interface, or one
 * handler of bytes. */
struct rh_offer_table {
	const struct rh_interface *interface;   /* NULL with a handler          */
	rh_trampoline *const      *trampolines; /* NULL with an invoke          */
	rh_language_invoke        *invoke;
	rh_handler                *handler;
	void                      *user;        /* of invoke or handler         */
	uint32_t                   count;
	uint32_t                   mask;        /* of the hash table            */
	uint32_t                  *slots;       /* function index + 1, 0 empty  */
	const uint64_t            *hashes;
};

/* An object that a caller holds. */
struct rh_object {
	void    *pointer;
	uint32_t generation;
	uint16_t type;
	uint16_t is_used;
};

struct rh_serve_caller {
	struct rh_serve_caller *next;
	uint64_t                attachment;
	char                    name[RH_NAME_MAX + 1];
	int                     pidfd;        /* -1 unknown                     */
	uint32_t                pages;        /* control thread only            */
	uint8_t                 has_ended;
	pthread_mutex_t         lock;         /* of the objects                 */
	struct rh_object       *objects;
	uint32_t                capacity;
	uint32_t                used;
	uint32_t                hint;
};

/* As whom files are accessed for a page.  Of the page and not of its caller, which may
 * have changed them and attached again while other pages are in use. */
struct rh_serve_who {
	uid_t    uid;
	gid_t    gid;
	unsigned group_count;
	gid_t    groups[RH_SERVE_GROUPS];
};

struct rh_serve_context {
	uint32_t       id;                    /* 0: unused                      */
	uint64_t       serial;                /* unlike any other of the process*/
	int            directory;             /* -1 none                        */
	uint32_t       umask;                 /* UINT32_MAX none                */
	size_t         texts_len;
	unsigned char *texts;                 /* records ENV and LOCALE         */
};

struct rh_serve_page {
	struct rh_serve_page    *next;        /* control thread's list          */
	struct rh_serve_page    *next_incoming;
	uint64_t                 id;
	uint64_t                 origin;      /* bound: as the caller's agent says;
	                                         else 0                         */
	uint64_t                 serial;      /* unlike any other of the process*/
	uint32_t                 flags;
	uint8_t                  owes_report; /* the agent does not know of it  */
	uint8_t                  owes_put;    /* nor that it has gone           */
	void                    *memory;
	int                      companion;
	int                      event;
	struct rh_server_end     end;
	struct rh_serve_caller  *caller;
	struct rh_serve_who      who;
	struct rh_serve_thread  *thread;
	struct rh_fd_stash      *stash;
	struct rh_serve_context  contexts[RH_CONTEXTS_PER_PEER];
	uint32_t                 last_context; /* index last written            */
	_Atomic uint32_t         is_dropped;  /* control -> thread              */
	_Atomic uint32_t         is_let_go;   /* thread -> control              */
};

/* A thread that sleeps on the bells of pages that its owner cannot sleep on, and
 * wakes the owner; it serves nothing. */
struct rh_lookout {
	pthread_t               id;
	struct rh_serve_thread *owner;
	pthread_mutex_t         lock;         /* of pages and count             */
	uint32_t                count;
	struct rh_serve_page   *pages[RH_PAGES_PER_SLEEP];
	uint32_t                seen[RH_PAGES_PER_SLEEP];
	_Atomic uint32_t        commands;
	_Atomic uint32_t        is_stopping;
};

struct rh_serve_thread {
	pthread_t               id;
	struct rh_server       *server;
	pthread_mutex_t         lock;         /* of incoming                    */
	struct rh_serve_page   *incoming;     /* handed over, not yet taken     */
	struct rh_serve_caller *leaving;      /* ended: free what they owned    */
	_Atomic uint32_t        commands;     /* futex: something changed       */
	_Atomic uint32_t        obeyed;       /* thread -> control: up to there */
	struct rh_turn          turn;
	struct rh_serve_page   *current;      /* of the call that it is in      */
	uint32_t                assigned;     /* these four: control thread only*/
	uint32_t                seen_turn;    /* at the last look               */
	uint32_t                held_turn;    /* of the call that it is held in */
	uint32_t                is_given;     /* pages that it was not told of  */
	uint32_t                count;
	struct rh_serve_page   *pages[RH_PAGES_PER_THREAD];
	struct rh_lookout      *lookouts[RH_LOOKOUTS];
	struct rh_scratch       scratch;
	uint64_t                context_page; /* serial; whose context's direc- */
	uint32_t                context_id;   /* tory, umask, locale we have    */
	uint64_t                context_serial;
	_Atomic uint32_t        is_stopping;
};

/* The answer to PAGE_ADD, until the agent took it. */
struct rh_serve_answer {
	uint8_t       type;    /* 0: there is none */
	uint64_t      request;
	size_t        len;
	unsigned char bytes[128];
};

struct rh_server {
	struct rh_offer_table   table;
	const char             *interface_name;
	uint64_t                interface_hash;
	_Atomic uint32_t        instance;
	unsigned                thread_count;
	struct rh_serve_thread *threads;
	_Atomic uint32_t        is_watching;  /* the clock runs; C3             */
	int                     clock;        /* -1: pages stay where they are  */
	int                     wake;         /* wakes the control thread, or -1*/
	uint64_t                last_serial;  /* of pages                       */
	pthread_mutex_t         process_lock; /* environment, descriptors 0-2   */
	uint64_t                env_serial;   /* context that the environment is*/
	int                     null_fd;
	int                     agent;        /* -1: away                       */
	struct rh_serve_answer  answer;
	pthread_mutex_t         env_lock;     /* of the next three              */
	uint32_t                locale_on;    /* callers may set the locale     */
	unsigned                env_count;    /* and these variables            */
	char                    env[RH_ENV_MAX][RH_NAME_MAX + 1];
	struct rh_serve_page   *pages;
	struct rh_serve_caller *callers;
	unsigned char          *buffer;
};

/* serve_thread.c.  The first is pthread_create of a thread that takes no SIGTERM and no
 * SIGINT: RH_ENOMEM without one. */
int  rh_serve_thread_create(pthread_t *ret_id, void *(*run)(void *), void *user);
int  rh_serve_thread_start(struct rh_server *server, struct rh_serve_thread *thread);
void rh_serve_thread_give(struct rh_serve_thread *thread, struct rh_serve_page *page);
/* The same without telling it. */
void rh_serve_thread_put(struct rh_serve_thread *thread, struct rh_serve_page *page);
/* Lets the thread run the destructors of what the caller left behind: a library
 * that is served by one thread is not entered by a second one. */
void rh_serve_thread_bury(struct rh_serve_thread *thread,
                          struct rh_serve_caller *caller);

/* Makes the thread look at what changed.  tell is for the control thread, which
 * repeats it (nag) for as long as the thread lags; poke is for lookouts. */
void rh_serve_thread_tell(struct rh_serve_thread *thread);
void rh_serve_thread_nag(struct rh_serve_thread *thread);
int  rh_serve_thread_lags(const struct rh_serve_thread *thread);
void rh_serve_thread_poke(struct rh_serve_thread *thread);

/* serve_lookout.c: spreads the pages beyond the first over lookouts.  RH_ENOMEM. */
int  rh_lookouts_spread(struct rh_serve_thread *thread);
void rh_lookouts_stop(struct rh_serve_thread *thread);

/* serve_relief.c.  Control thread: the clock rang; a thread came back from a call that
 * it was held in.  Any thread: somebody may have to be relieved. */
int  rh_relief_init(struct rh_server *server);
void rh_relief_fini(struct rh_server *server);
void rh_relief_watch(struct rh_server *server);
void rh_relief_tick(struct rh_server *server);
void rh_relief_came_back(struct rh_server *server);
/* The thread that is to have one more page; is_relief: one that is not held, an idle one
 * first.  NULL: all that may have it are full. */
struct rh_serve_thread *rh_relief_pick(struct rh_server *server, int is_relief);

/* serve.c: the control thread looks at what changed. */
void rh_server_wake(const struct rh_server *server);

/* Adds to a bell that only this process knows and wakes its sleeper. */
void rh_private_ring(_Atomic uint32_t *bell);

/* serve_call.c: runs the taken call and finishes it. */
void rh_serve_call(struct rh_serve_thread *thread, struct rh_serve_page *page,
                   const struct rh_taken *taken);

/* serve_offer.c */
int rh_offer_init(struct rh_offer_table *table);

/* The index of the function with that hash, or RH_EFUNC. */
int rh_offer_find(const struct rh_offer_table *table, uint64_t hash);

/* Whether a call of the function can run here; not asked of a handler. */
int rh_offer_runs(const struct rh_offer_table *table, uint32_t index);

/* What a call of an invoke has of librhodes meanwhile. */
struct rh_lending {
	struct rh_scratch        *scratch;  /* of rh_language_memory             */
	const struct rh_function *function;
	const void *mirrors[RH_PARAMS_MAX + 1]; /* of rh_language_mirror         */
};

/* Runs it.  lending is set up but for its scratch when an invoke runs; NULL: nothing is
 * lent.  Returns 0, or the negative code of an invoke. */
int rh_offer_run(const struct rh_offer_table *table, uint32_t index, void *const *args,
                 void *ret, struct rh_lending *lending);

/* serve_caller.c */
struct rh_serve_caller *rh_serve_caller_create(uint64_t attachment);
/* The object of that id if it is of that type: RH_EHANDLE otherwise. */
int  rh_serve_object_find(struct rh_serve_caller *caller, uint16_t type, uint64_t id,
                          void **ret_pointer);
/* The id of the object, given when it is new.  RH_ENOSPC over the limit. */
int  rh_serve_object_id(struct rh_serve_caller *caller, uint16_t type, void *pointer,
                        uint64_t *ret_id);
/* Calls the destructor of that type, when it has one that takes nothing else. */
void rh_serve_object_destroy(const struct rh_offer_table *table, uint16_t type,
                             void *pointer);
void rh_serve_object_forget(struct rh_serve_caller *caller, void *pointer);
/* Calls the destructors of what the caller left behind, and frees it. */
void rh_serve_caller_destroy(struct rh_serve_caller *caller,
                             const struct rh_offer_table *table);

/* serve_report.c: the agent is a new one and knows nothing. */
void rh_serve_report_all(struct rh_server *server);
/* The page goes, and not because the agent says so. */
void rh_serve_report_gone(struct rh_server *server, struct rh_serve_page *page);
/* Sends what is owed, as far as the agent takes it; 1 when something is left. */
int  rh_serve_report(struct rh_server *server);

/* serve_context.c */
void rh_serve_context_receive(void *page, struct rh_frame *frame);
/* Makes this thread work as the caller does.  RH_EPROTO: no such context. */
int  rh_serve_context_apply(struct rh_serve_thread *thread,
                            struct rh_serve_page *page, uint32_t id);
void rh_serve_context_fini(struct rh_serve_page *page);
/* The thread's file access acts for the caller.  RH_EACCES: this process may not. */
int  rh_serve_act_as(const struct rh_serve_who *who);
void rh_serve_act_as_self(const struct rh_serve_who *who);

#endif
