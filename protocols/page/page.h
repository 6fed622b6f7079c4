/* page - both ends of a call page (wire/page.h tells its layout and pairs).
 *
 * The caller's end reserves a slot, writes the arguments in place, submits,
 * waits, reads the reply in place and releases.  The server's end takes the next
 * submitted slot, checks it, and finishes it with a reply.
 *
 * The other end is hostile: a taken call is a private copy of the slot's head
 * whose offsets and lengths were checked; the argument bytes themselves stay in
 * the page and may change at any time, so whoever parses them copies first.
 *
 * Ownership   The page's memory is the user's and must outlive the end.
 * Threads     Each end belongs to one thread at a time.
 * Invariants  E1  caller: a slot is free, or in flight, or abandoned; an
 *                 abandoned one becomes free when the server has let go of it.
 *             E2  server: slots are taken in ring order; slot i holds sequence
 *                 numbers congruent to i.
 *             E3  arena extents of slots in flight do not overlap. */
#ifndef RH_PROTOCOLS_PAGE_H
#define RH_PROTOCOLS_PAGE_H

#include "../../model/error.h"
#include "../../wire/page.h"

#include <stddef.h>
#include <stdint.h>

/* Looks without a pause when a spin begins, for an answer that is there already.  Not
 * more: where both processors are threads of one core, every look takes a turn from the
 * other side, which is at work (256 of them cost a call 20 ns, a sixth of it), and
 * between cores, where a line takes half a microsecond, a pause costs nothing. */
#define RH_EAGER_LOOKS 16

struct rh_page {
	struct rh_page_head *head;
	struct rh_slot      *slots;
	unsigned char       *base;
};

struct rh_extent {
	uint32_t off;
	uint32_t len; /* 0: none */
};

/* How long a side has lately waited, to decide how long to spin. */
struct rh_spin {
	uint32_t budget_ns;
	uint32_t misses;
};

struct rh_caller_end {
	struct rh_page   page;
	int              server_event; /* wakes the server, or -1 (futex)    */
	uint32_t         next;         /* sequence of the next call          */
	uint16_t         in_flight;    /* bit per slot                       */
	uint16_t         abandoned;    /* bit per slot                       */
	uint32_t         claims;       /* as written to the page: busy       */
	uint32_t         cpu;          /* as written to the page             */
	struct rh_spin   spin;
	uint32_t         sequences[RH_PAGE_SLOTS]; /* of what is in flight   */
	struct rh_extent args[RH_PAGE_SLOTS];
	struct rh_extent replies[RH_PAGE_SLOTS];
};

struct rh_server_end {
	struct rh_page page;
	int            caller_waker;   /* wakes a caller that polls          */
	int            is_socket;      /* what it is                         */
	uint32_t       next;           /* sequence expected next             */
	uint32_t       cpu;
	_Alignas(16) unsigned char near[RH_SLOT_INLINE_MAX];
};

/* What the caller says of a call. */
struct rh_request {
	uint64_t function;
	uint64_t deadline;  /* monotonic ns; 0 none */
	uint32_t args_len;
	uint32_t context;
	uint32_t instance;
	uint16_t flags;     /* RH_SLOT_* */
	uint16_t fds;
};

/* What came back; reply borrows from the page until release. */
struct rh_reply {
	int32_t              status;
	int32_t              err_no;
	uint32_t             len;
	uint32_t             instance;
	uint16_t             flags;
	uint16_t             fds;
	const unsigned char *bytes;
};

/* A checked call; args and reply places lie in the page. */
struct rh_taken {
	uint32_t             slot;
	uint32_t             sequence;
	uint64_t             function;
	uint64_t             deadline;
	uint32_t             context;
	uint32_t             instance;
	uint16_t             flags;
	uint16_t             fds;
	uint32_t             args_len;
	uint32_t             reply_cap;  /* of reply_far                     */
	const unsigned char *args;
	unsigned char       *reply_near; /* RH_SLOT_INLINE_MAX bytes; of the end,
	                                    so used from here to finish only */
	unsigned char       *reply_far;  /* NULL when the caller gave none   */
};

/* Writes the constant part of a fresh page. */
void rh_page_format(void *memory, uint64_t id, uint64_t attachment,
                    uint64_t instance, uint16_t flags);

/* RH_EPROTO    it is not a page.
 * RH_EVERSION  it is a page of another version. */
int rh_page_check(const void *memory);

/* The page is not to be used for new calls, for good.  P6 */
void rh_page_retire(struct rh_page_head *head);

/* After rh_page_retire and rh_page_barrier: 1 when the page has no call and will never
 * have one.  The word is the caller's own: a lie costs the liar its calls.  P6 */
int rh_page_is_idle(const struct rh_page_head *head);

/* Every processor that runs one of the processes which joined passes a full barrier
 * before this returns; some microseconds.  0 where the system has no such call. */
int  rh_page_barrier(void);
void rh_page_join_barrier(void);

void rh_caller_init(struct rh_caller_end *end, void *memory, int server_event);

/* Before a call is reserved: from now on the page counts as in use.  0 when it is
 * retired; the claim counts all the same, and is to be taken back.  The process has
 * joined the barrier.  P6 */
int rh_caller_claim(struct rh_caller_end *end);

/* The call is over.  1 when it was the last and the page is retired.  P6 */
int rh_caller_unclaim(struct rh_caller_end *end);

/* A slot in flight that is wanted and not done, or -1. */
int rh_caller_pending(const struct rh_caller_end *end);

/* Reserves the next slot with room for args_len bytes of arguments and reply_cap
 * bytes of reply, and returns its number; *ret_args is where to write.  args_len
 * 0 is fine (arguments in a memfd, or none).
 * RH_EAGAIN    the next slot, or the arena, is still in use.
 * RH_EMSGSIZE  over RH_PAYLOAD_ARENA_MAX. */
int rh_caller_reserve(struct rh_caller_end *end, uint32_t args_len,
                      uint32_t reply_cap, unsigned char **ret_args);

/* Gives a reserved slot back that was not submitted, also in the middle of others. */
void rh_caller_unreserve(struct rh_caller_end *end, int slot);

/* Publishes the call and wakes the server when it sleeps.  The server takes calls in
 * the order in which they were reserved: one that is submitted before its elders
 * waits for them.  P1, P3 */
void rh_caller_submit(struct rh_caller_end *end, int slot,
                      const struct rh_request *request);

/* After rh_caller_submit: 1 when the server polls a descriptor that only the caller's
 * user knows, and is to be woken by it.  P3 */
int rh_caller_server_polls(const struct rh_caller_end *end);

/* RH_OK with the reply when the call is done, RH_EAGAIN while it is not,
 * RH_EPROTO when the server wrote nonsense (the slot counts as done).  P2 */
int rh_caller_collect(struct rh_caller_end *end, int slot,
                      struct rh_reply *ret_reply);

/* The reply has been read: the slot is free again. */
void rh_caller_release(struct rh_caller_end *end, int slot);

/* The caller no longer wants the answer.  RH_OK: it certainly never runs.
 * RH_EBUSY: the server has taken it; it may run.  The slot comes back by itself.
 * server_is_gone: its process has ended, so that nothing need be waited for; with
 * a living server this may take milliseconds (P5). */
int rh_caller_abandon(struct rh_caller_end *end, int slot, int server_is_gone);

/* Spins a bounded, adaptive time when the server runs on another core.  1 when the
 * slot is done. */
int rh_caller_spin(struct rh_caller_end *end, int slot);

/* Waits until the slot is done, the bell rang for another slot, or until_ns
 * passed, asleep on the futex; fd as in rh_await_word, or -1.  Returns RH_OK when done,
 * else RH_EAGAIN. */
int rh_caller_wait(struct rh_caller_end *end, int slot, uint64_t until_ns, int fd);

/* Declares that the caller is about to poll its eventfd.  RH_EAGAIN: the slot is
 * done already (slot < 0: any in flight).  rh_caller_woken takes it back.  P4 */
int  rh_caller_arm(struct rh_caller_end *end, int slot);
void rh_caller_woken(struct rh_caller_end *end);

/* caller_waker: the near end of a socket pair, or an eventfd that nobody hostile has;
 * borrowed; -1: the caller never polls. */
void rh_server_init(struct rh_server_end *end, void *memory, int caller_waker);

/* 1 and the next call; RH_EAGAIN when there is none; RH_EPROTO when the page is
 * corrupt beyond this slot (drop it).  A slot with bad lengths is finished with
 * RH_EPROTO here and the next one is looked at.  P1, P5 */
int rh_server_take(struct rh_server_end *end, struct rh_taken *ret_taken);

/* Finishes a taken call and wakes the caller when it sleeps.  reply->len bytes
 * stand at reply_near when they fit there, else at reply_far; from reply_near,
 * which all calls of the end share, they are copied into the page.  P2, P4 */
void rh_server_finish(struct rh_server_end *end, const struct rh_taken *taken,
                      const struct rh_reply *reply);

/* Declares that the server is about to sleep that way.  RH_EAGAIN: a call is
 * there already and the server counts as awake.  P3 */
int  rh_server_arm(struct rh_server_end *end, enum rh_asleep how);
void rh_server_woken(struct rh_server_end *end);

/* 1 when the caller gave up a call that was taken; what is not begun need not run. */
int rh_server_is_unwanted(const struct rh_server_end *end, const struct rh_taken *taken);

/* 1 when a call waits to be taken; cheap. */
int rh_server_has_call(const struct rh_server_end *end);

/* 1 when spinning for this caller makes sense: it is awake on another core. */
int rh_server_may_spin(const struct rh_server_end *end);

/* Writes where the server's thread runs, when that changed. */
void rh_server_on_cpu(struct rh_server_end *end, uint32_t cpu);

/* Adds one to a bell and wakes who sleeps on it. */
void rh_bell_ring(_Atomic uint32_t *bell);

/* Sleeps while *bell == seen, at most until the time (0: no limit). */
void rh_bell_sleep(_Atomic uint32_t *bell, uint32_t seen, uint64_t until_ns);

#endif
