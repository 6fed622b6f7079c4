/* page - the call page: memory that a caller's thread shares with the server of
 * its calls, which is its agent or, under the protocol bind, the callee itself.
 *
 *   0      struct rh_page_head      16 lines: who sleeps, counters
 *   1024   struct rh_slot [16]      a ring; 512 bytes each
 *   12288  arena                    bodies that do not fit a slot
 *
 * The page is a memfd sealed against resizing.  Its geometry is fixed by this
 * version, so neither side trusts a size or an offset it reads from the page.
 *
 * A slot has a line that only the caller writes (the request), a line that only
 * the server writes (the answer), and a body between them.  The two words that the
 * sides look at carry the call's sequence number, so nothing is ever reset:
 *
 *   request.word   sequence << 2 | SUBMITTED, or CANCELLED
 *   answer.word    sequence << 2 | DONE
 *   taken          how many calls the server has taken, in order; in a line that
 *                  nobody polls
 *
 *            caller                server
 *   free ----submit---> SUBMITTED --take (counts)--> taken --finish--> DONE
 *                           |                                           |
 *                         cancel                                        |
 *                           v                                           |
 *                       CANCELLED ------------skip--------------------->|
 *   free again <------------------ collect (caller) --------------------+
 *
 * The caller submits slots in ring order, so the server looks at one word.  Calls
 * may finish in any order.
 *
 * Ordering, by pairs (R release, A acquire, S sequentially consistent):
 *   P1  submit: body, request -> R request.word   with  take:    A request.word
 *   P2  finish: reply, answer -> R answer.word    with  collect: A answer.word
 *   P3  submit: S request.word then S server.asleep
 *       sleep:  S server.asleep then S request.word   one of the two sees the other
 *   P4  finish: S answer.word then S caller.asleep
 *       wait:   S caller.asleep then S answer.word    the same, other direction
 *   P5  take:   taken then request.word again, in program order and no more
 *       cancel: request.word, then membarrier(2) on every processor, then taken.
 *               A take that read the word before the barrier has counted itself
 *               before it, and one that reads it afterwards finds CANCELLED; so a
 *               call that the caller finds not taken never runs.  The rare side
 *               pays for the frequent one.
 *   P6  claim:  busy, then life, in program order and no more
 *       retire: life, then membarrier(2) as in P5, then busy.
 *               A claim that found the page LIVE has said so in busy before the
 *               barrier, and any later one finds RETIRED; so a retired page whose busy
 *               is 0 never has another call and can be taken away at once.  Whoever
 *               takes the last claim back looks at life too: either the retirer sees
 *               0, or the caller sees that it is to give the page back.
 *
 * Each line has one writer, but for life, which only ever goes from LIVE to RETIRED:
 * the server's line has it because both ends look there anyway.  An asleep word is cleared only by the side that
 * sleeps: a signaller that cleared it would lose the wake-up of the next one. */
#ifndef RH_WIRE_PAGE_H
#define RH_WIRE_PAGE_H

#include "limits.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RH_PAGE_MAGIC      0x45474150u /* "PAGE" */
#define RH_PAGE_SLOTS_OFF  1024u
#define RH_PAGE_ARENA_OFF  12288u
#define RH_PAGE_BYTES      (RH_PAGE_ARENA_OFF + RH_ARENA_BYTES)

/* How a sleeping side wants to be woken. */
enum rh_asleep {
	RH_AWAKE         = 0,
	RH_ASLEEP_FUTEX  = 1, /* add one to its bell and futex-wake it */
	RH_ASLEEP_EVENT  = 2, /* write its eventfd; of a process that takes
	                         events: send WAKE on the companion    */
};

/* What the agents say of the page; read by the caller before each call. */
enum rh_page_life {
	RH_PAGE_LIVE    = 0,
	RH_PAGE_RETIRED = 1, /* finish what is in flight, then ask for another: for
	                        good, also when the reason goes away */
	RH_PAGE_DEAD    = 2, /* the server is gone                             */
};

/* Written by the maker before anyone else maps it; constant afterwards. */
struct rh_page_fixed {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;      /* RH_PAGE_FLAG_*                        */
	uint64_t id;         /* of the page, unique within its agent  */
	uint64_t attachment; /* of the caller                         */
	uint64_t instance;   /* bind: the callee's instance; else 0   */
	char     reserved[32];
};

#define RH_PAGE_FLAG_BIND   1u /* shared by caller and callee         */
#define RH_PAGE_FLAG_TRACE  2u
#define RH_PAGE_FLAG_EVENTS 4u /* the agent calls, the process serves */

/* Written by the server. */
struct rh_page_server {
	_Atomic uint32_t asleep;      /* enum rh_asleep                      */
	_Atomic uint32_t life;        /* enum rh_page_life                   */
	_Atomic uint32_t cpu;         /* where its thread runs, + 1; 0 unknown */
	_Atomic uint32_t caller_bell; /* the caller's futex                  */
	char             reserved[48];
};

/* Written by the caller. */
struct rh_page_caller {
	_Atomic uint32_t asleep;
	_Atomic uint32_t cpu;
	_Atomic uint32_t server_bell; /* the server's futex                  */
	char             reserved[52];
};

/* The word of one side about the calls; agents read both and compare. */
struct rh_page_counters {
	_Atomic uint64_t calls;
	_Atomic uint64_t errors;
	_Atomic uint64_t bytes_in;  /* arguments */
	_Atomic uint64_t bytes_out; /* replies   */
	_Atomic uint64_t lost;
	_Atomic uint32_t taken;     /* server: calls taken so far */
	_Atomic uint32_t busy;      /* caller: calls it has in hand, P6 */
	char             reserved[16];
};

#define RH_LATENCY_BUCKETS 40u /* bucket b counts calls of [2^b, 2^(b+1)) ns */

/* Lines that both sides look at share no pair of lines (128 bytes, which some
 * processors fetch at once) with lines that one side writes at each call.  What was
 * counted is for the next agent, should this one be restarted: it goes on from there. */
struct rh_page_head {
	struct rh_page_fixed    fixed;
	struct rh_page_server   server;
	struct rh_page_caller   caller;
	struct rh_page_counters counted;    /* of by_caller, by the caller's agent */
	struct rh_page_counters by_caller;
	_Atomic uint64_t        latency[RH_LATENCY_BUCKETS]; /* caller, sampled */
	struct rh_page_counters by_server;
	_Atomic uint64_t        latency_counted[RH_LATENCY_BUCKETS];
};

enum rh_slot_state {
	RH_SLOT_SUBMITTED = 1, RH_SLOT_CANCELLED = 2, RH_SLOT_DONE = 3,
};

/* The word for a call in that state; sequence numbers wrap at 2^30. */
#define RH_SLOT_WORD(sequence, state) ((uint32_t)(sequence) << 2 | (uint32_t)(state))

enum {
	RH_SLOT_EVENT      = 1 << 0, /* an event: upward, no reply body          */
	RH_SLOT_ARGS_MEMFD = 1 << 1, /* arguments are in a sealed memfd, sent as
	                                the first descriptor of the call         */
	RH_SLOT_REPLY_MEMFD = 1 << 2, /* the same for the reply                  */
	RH_SLOT_SURE       = 1 << 3, /* with an error: the call certainly did
	                                not run                                  */
	RH_SLOT_TRACE      = 1 << 4,
	RH_SLOT_CHOSEN     = 1 << 5, /* between agents: a rule chose the instance;
	                                any other will do                        */
};

/* Written by the caller. */
struct rh_slot_request {
	_Atomic uint32_t word;
	uint16_t         flags;     /* RH_SLOT_*                                */
	uint16_t         fds;       /* descriptors sent along beforehand        */
	uint64_t         function;  /* hash                                     */
	uint64_t         deadline;  /* monotonic ns; 0 none                     */
	uint32_t         args_len;
	uint32_t         args_off;  /* from the start of the page               */
	uint32_t         reply_off; /* room for a reply that fits no slot       */
	uint32_t         reply_cap;
	uint32_t         context;   /* id of the caller's context; 0 none       */
	uint32_t         instance;  /* wanted; 0 any                            */
	char             reserved[16];
};

/* Written by the server. */
struct rh_slot_answer {
	_Atomic uint32_t word;
	int32_t          status;    /* 0 or a negative code                     */
	uint32_t         len;
	uint32_t         off;       /* from the start of the page               */
	int32_t          err_no;    /* errno after the call                     */
	uint32_t         instance;  /* who served                               */
	uint16_t         flags;     /* RH_SLOT_*                                */
	uint16_t         fds;
	uint32_t         reserved;
	unsigned char    small[RH_SLOT_SMALL_MAX];
};

struct rh_slot {
	struct rh_slot_request request;
	unsigned char          body[RH_SLOT_INLINE_MAX];
	struct rh_slot_answer  answer;
};

_Static_assert(sizeof(struct rh_page_fixed) == 64, "one line");
_Static_assert(sizeof(struct rh_page_server) == 64, "one line");
_Static_assert(sizeof(struct rh_page_caller) == 64, "one line");
_Static_assert(sizeof(struct rh_page_counters) == 64, "one line");
_Static_assert(sizeof(struct rh_page_head) == RH_PAGE_SLOTS_OFF, "sixteen lines");
_Static_assert(offsetof(struct rh_page_head, server) == 64, "wire");
_Static_assert(offsetof(struct rh_page_head, caller) == 128, "wire");
_Static_assert(offsetof(struct rh_page_head, counted) == 192, "wire");
_Static_assert(offsetof(struct rh_page_head, by_caller) == 256, "wire");
_Static_assert(offsetof(struct rh_page_head, latency) == 320, "wire");
_Static_assert(offsetof(struct rh_page_head, by_server) == 640, "wire");
_Static_assert(offsetof(struct rh_page_head, latency_counted) == 704, "wire");
_Static_assert(offsetof(struct rh_page_counters, taken) == 40, "wire");
_Static_assert(offsetof(struct rh_page_counters, busy) == 44, "wire");
_Static_assert(sizeof(struct rh_slot_request) == 64, "one line");
_Static_assert(offsetof(struct rh_slot_request, function) == 8, "wire");
_Static_assert(offsetof(struct rh_slot_request, args_len) == 24, "wire");
_Static_assert(offsetof(struct rh_slot_request, instance) == 44, "wire");
_Static_assert(sizeof(struct rh_slot_answer) == 64, "one line");
_Static_assert(offsetof(struct rh_slot_answer, flags) == 24, "wire");
_Static_assert(offsetof(struct rh_slot_answer, small) == 32, "wire");
_Static_assert(offsetof(struct rh_slot, answer) == 448, "wire");
_Static_assert(sizeof(struct rh_slot) == RH_PAGE_SLOT_BYTES, "wire");
_Static_assert(RH_PAGE_SLOTS_OFF + RH_PAGE_SLOTS * RH_PAGE_SLOT_BYTES <=
               RH_PAGE_ARENA_OFF, "slots end before the arena");
_Static_assert((RH_PAGE_SLOTS & (RH_PAGE_SLOTS - 1)) == 0, "a ring");

#endif
