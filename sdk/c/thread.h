/* thread - the call pages of the calling thread, one for each callee.
 *
 * Leaving     A page that its agent retired is left for another one: by the next call,
 *             or at the end of the last, whichever comes first (P6 of wire/page.h).
 *             Calls stay in order: those under way are waited for before one goes over
 *             the next page, and one that is begun and not submitted keeps the page.  A
 *             call that was given up holds up nothing.
 * Ownership   A page belongs to its thread; flights hold claims, so a page that was
 *             lost or left stays mapped until the last of them has ended.
 * Threads     Pages are never shared.  A list of all, under the session's lock,
 *             serves fork alone. */
#ifndef RH_SDK_THREAD_H
#define RH_SDK_THREAD_H

#include "session.h"

#include "../../protocols/page/page.h"

struct rh_thread_page {
	struct rh_thread_page *next;         /* all pages of the process   */
	struct rh_thread_page *previous;
	struct rh_callee      *callee;
	struct rh_caller_end   end;
	void                  *memory;
	int                    waker;        /* readable: we are woken     */
	int                    companion;
	int                    server_event; /* wakes the agent, or -1     */
	uint64_t               id;
	uint32_t               instance;     /* bind: who serves it        */
	uint32_t               generation;   /* of the session             */
	uint32_t               context;      /* last one sent              */
	uint32_t               unsent;       /* calls begun and not submitted */
	uint8_t                is_bind;
	uint8_t                is_dead;
	uint8_t                is_foreign;   /* the parent's: a fork since */
	uint32_t               calls;        /* for sampling latencies     */
	struct rh_fd_stash    *stash;        /* descriptors for slots      */
};

/* The thread's page for the callee, claimed for one call; made when there is none, or
 * none that may be used.  deadline 0: the default timeout. */
int rh_thread_page(struct rh_callee *callee, uint64_t deadline,
                   struct rh_thread_page **ret_page);

/* The server of the page is gone: the next call gets another page. */
void rh_thread_page_lost(struct rh_thread_page *page);

/* 1 when the server has hung up. */
int rh_thread_page_is_cut(const struct rh_thread_page *page);

/* Sleeps until the slot is done, the server is gone (RH_ELOST) or the deadline passed,
 * or for no reason. */
int rh_thread_page_sleep(struct rh_thread_page *page, int slot, uint64_t deadline);

/* A call is over: takes back its claim, and leaves a retired page with the last. */
void rh_thread_page_unclaim(struct rh_thread_page *page);

#endif
