/* frame - the control messages: process and agent, agent and agent, agent and
 * center, supervisor and center.
 *
 * A frame is a 24-byte little-endian head and a payload of records (record.h).
 * On one node frames travel on SOCK_SEQPACKET Unix sockets, one per packet, with
 * descriptors as SCM_RIGHTS; between nodes on a stream.  request is chosen by
 * the asker and repeated in the answer; 0 in a frame that answers nothing. */
#ifndef RH_WIRE_FRAME_H
#define RH_WIRE_FRAME_H

#include "limits.h"

#include <stddef.h>
#include <stdint.h>

#define RH_FRAME_MAGIC 0x5248u /* "HR" on the wire */

/* docs/frames.md says the same by number. */
enum rh_frame_type {
	/* Any -> any. */
	RH_FRAME_ERROR = 1,  /* CODE TEXT: answer to a request that failed        */

	/* Process -> its agent, and the answers. */
	RH_FRAME_ATTACH = 16, /* VERSION ROLE [ATTACHMENT: the one this program had
	                         before its agent was restarted]                  */
	RH_FRAME_ATTACHED,    /* ATTACHMENT RESOURCE SYSTEM; to a worker also what
	                         callers may set: ENV* LOCALE_ON
	                         + eventfd that wakes the agent for this process  */
	RH_FRAME_OPEN,        /* CALLEE (a resource) or INTERFACE                 */
	RH_FRAME_OPENED,      /* EDGE CALLEE INTERFACE PROTOCOL REVISION, and what
	                         goes along with each call: ENV* LOCALE_ON        */
	RH_FRAME_PAGE_GET,    /* EDGE DEADLINE FLAGS (RH_PAGE_FLAG_EVENTS: a page
	                         on which the process is the server of events; or
	                         EDGE == RH_EDGE_EMIT: a page to emit events on)  */
	RH_FRAME_PAGE,        /* PAGE EDGE INSTANCE FLAGS
	                         + memfd, waker, companion: ends of socket pairs  */
	RH_FRAME_PAGE_PUT,    /* PAGE: the thread has ended, or left it           */
	/* Rules that run in the process.  The request of RULE_GET is the number of the
	 * place that asks, in all frames about it. */
	RH_FRAME_RULE_GET,    /* process: HOOK [KEY]                              */
	RH_FRAME_RULE,        /* agent, at once and whenever it changes: REVISION
	                         (in the answer repeated) [CODE_ITEM + object; none:
	                         there is no rule]                                */
	RH_FRAME_RULE_STATE,  /* process: REVISION STATE (active or rejected)
	                         [CODE TEXT]                                      */
	RH_FRAME_RULE_COUNTS, /* process: REVISION CALLS TOOK (ns of them), ERRORS
	                         by kind of failure, in order (rules/rule.h), all
	                         since the last one; [COUNT: instances, in all]
	                         [CODE TEXT: why it failed] TEXT*: its lines      */
	RH_FRAME_RULE_PUT,    /* process: it asks no more                         */
	RH_FRAME_GOVERN,      /* VERSION [MODE: fiber, I run under that carrier; ask,
	                         tell me only] [REVISION: answer when you have that]:
	                         schedule me, and who descends of me, by the rules */
	RH_FRAME_GOVERNED,    /* [SCHED_ITEM: in force] [CODE TEXT: why the rule is
	                         not, or what of it is not]                       */
	RH_FRAME_MISFIT,      /* process: TEXT, how a function that it called is
	                         another one now; once for each function          */

	/* On the companion, a socket pair that belongs to one page; its hang-up
	 * says that the other end of the page is gone. */
	RH_FRAME_CONTEXT = 32, /* caller: CONTEXT [UMASK LOCALE ENV*] [+ directory]*/
	RH_FRAME_FDS,          /* either: CALL (the slot's sequence) + descriptors,
	                          sent before the slot changes state              */
	RH_FRAME_WAKE,        /* agent, of a page of events, when the process
	                         says that it polls the companion                 */

	/* A worker and its agent. */
	RH_FRAME_SERVE = 48,  /* worker: INTERFACE HASH FUNCTION* THREADS PID
	                         INSTANCE (0, or the one it had before)
	                         [COUNT: pages that it serves at most]            */
	RH_FRAME_SERVING,     /* INSTANCE                                         */
	RH_FRAME_PAGE_ADD,    /* agent: PAGE ATTACHMENT CALLER UID GID* FLAGS, of a
	                         bound one ORIGIN
	                         + memfd, what wakes the caller: a socket or an
	                         eventfd, companion, pidfd of the caller          */
	RH_FRAME_PAGE_ADDED,  /* PAGE                                             */
	RH_FRAME_PAGE_DROP,   /* agent: PAGE                                      */
	RH_FRAME_PAGE_HELD,   /* worker, to an agent that was restarted: PAGE ORIGIN
	                         ATTACHMENT CALLER as PAGE_ADD said, of a bound page
	                         that it still serves; an ERROR means drop it.  A
	                         worker also says PAGE_PUT, of a bound page whose
	                         caller let go of it                             */

	/* Agent -> agent of the callee, and the answers. */
	RH_FRAME_LINK = 80,   /* VERSION RESOURCE (the caller's) [COUNT: instances it
	                         can be told of]                                  */
	RH_FRAME_LINKED,      /* REVISION VERSION                                 */
	RH_FRAME_CHANNEL,     /* PROTOCOL CALL (id of the channel) OFFER
	                         + descriptors                                    */
	RH_FRAME_CHANNEL_UP,  /*                                                  */
	RH_FRAME_BIND,        /* ATTACHMENT PAGE DEADLINE
	                         + memfd, waker, companion: the callee's ends     */
	RH_FRAME_BOUND,       /* PAGE INSTANCE                                    */
	RH_FRAME_UNBIND,      /* PAGE [INSTANCE]                                  */
	RH_FRAME_PEER,        /* ATTACHMENT UID GID* + pidfd; before its first use */
	RH_FRAME_PEER_GONE,   /* ATTACHMENT: free what it owned; also to workers  */
	RH_FRAME_PEER_CONTEXT,/* ATTACHMENT CONTEXT [UMASK LOCALE ENV*] [+ dir]   */
	RH_FRAME_CALL_FDS,    /* either: CALL (of the message) + descriptors      */
	RH_FRAME_HELD,        /* callee's: ATTACHMENT PAGE INSTANCE [+ memfd]: bound
	                         on a former link and still served; UNBIND takes it
	                         away, as any other                               */
	RH_FRAME_HOLD,        /* caller's: PAGE + memfd, which HELD did not bring  */
	/* The two-phase swap of an edge's protocol; both said RH_LINK_VERSION 2. */
	RH_FRAME_PREPARE,     /* caller's: PROTOCOL CALL (id of the swap) REVISION
	                         [OFFER + descriptors; none: bind without events] */
	RH_FRAME_READY,       /* callee's answer, or ERROR: it stays as it was     */
	RH_FRAME_COMMIT,      /* caller's: CALL MESSAGES (sent by the old channel) */
	RH_FRAME_DRAINED,     /* callee's: CALL MESSAGES (sent by the old channel) */
	RH_FRAME_ABORT,       /* either, before COMMIT: CALL [REVISION CODE TEXT PREV:
	                         that rule cannot be obeyed; also without PREPARE] */
	RH_FRAME_CHOICES,     /* callee's, after LINKED and whenever it changes, to who
	                         said COUNT in LINK: INSTANCE* (that serve, the oldest
	                         first), as of RH_LINK_VERSION 3                   */

	/* Agent or supervisor -> center and back. */
	RH_FRAME_HELLO = 112, /* VERSION ROLE RESOURCE PID REVISION; of version 1:
	                         answered by VIEW; of RH_PUSH_VERSION: by WELCOME  */
	RH_FRAME_VIEW,        /* REVISION SYSTEM SELF EDGE_ITEM* LAST: a frame for
	                         each part, all with the same REVISION; what is
	                         new holds when the part with LAST 1 came         */
	RH_FRAME_STATS,       /* COUNT_ITEM* (cumulative since the agent started) */
	RH_FRAME_INSTANCES,   /* INSTANCE_ITEM* (all of them)                     */
	RH_FRAME_PLAN,        /* REVISION JSON LAST: parts as of VIEW             */
	/* Push, RH_PUSH_VERSION 2; docs/wire.md has the order and the states.    */
	RH_FRAME_WELCOME,     /* center: VERSION STORE REVISION SYSTEM            */
	RH_FRAME_SUBSCRIBE,   /* agent: PREFIX* STORE REVISION (what it has; 0:
	                         nothing) BYTES (credit)                          */
	RH_FRAME_SNAP_BEGIN,  /* center: REVISION                                 */
	RH_FRAME_SNAP_ITEM,   /* center: REVISION ITEM*                           */
	RH_FRAME_SNAP_END,    /* center: REVISION                                 */
	RH_FRAME_DELTA,       /* center: PREV REVISION ITEM* LAST: parts as of VIEW */
	RH_FRAME_BOOKMARK,    /* center: PREV REVISION: nothing changed for you    */
	RH_FRAME_RESULT,      /* agent: REVISION (all up to it is settled)
	                         RESULT_ITEM* (what changed its state)            */
	RH_FRAME_CREDIT,      /* agent: BYTES more may be sent                    */
	RH_FRAME_GOAWAY,      /* center: CODE TEXT DELAY (come back no sooner)    */
	RH_FRAME_REPORT,      /* agent: REPORT_ITEM*: what it had to do by force   */
	RH_FRAME_MODULE_GET,  /* agent: MODULE OFFSET: what of its bytes is wanted  */
	RH_FRAME_MODULE_DATA, /* center: MODULE OFFSET BYTES (of all) BODY [SIGNATURE:
	                         with OFFSET 0, of a module that is signed], when
	                         nothing else waits; or MODULE CODE TEXT          */
	/* agent -> center: how its rules of code do, and what they say. */
	RH_FRAME_RULE_STATS = 136, /* ITEM*: CALLER [CALLEE] RULE REVISION CALLS TOOK
	                         (ns in all of them) ERRORS* (by enum
	                         rh_rule_failure) COUNT (instances made) BYTES (lines
	                         of its log that were dropped) LAST (1: it runs there
	                         no more) [DIFFERENCES: of a shadow]              */
	RH_FRAME_RULE_LOG,    /* ITEM*: CALLER [CALLEE] RULE TIME TEXT            */

	/* Observer -> agent or center, and back. */
	RH_FRAME_TRACE = 144, /* to an agent: COUNT [CALLEE] [FLAGS: RH_PAGE_FLAG_TRACE,
	                         only calls that the caller's agent traces too; or
	                         RH_TRACE_PUSH, no calls but how rules reach it; or
	                         RH_TRACE_WHOLE, calls as RECORDED; or
	                         RH_TRACE_SCHED, nothing, but programs under the
	                         carrier `fiber` write down what happens to their
	                         threads while the observer is there];
	                         to the center: [RESOURCE: only that subscriber]  */
	RH_FRAME_STEP,        /* STEP TIME TEXT FUNCTION CALL CALLER CALLEE BODY  */
	RH_FRAME_PUSH_STEP,   /* FLAGS (enum rh_push_process) STEP TIME TEXT [TOOK
	                         REVISION PREV BYTES RESOURCE CALLER CALLEE COUNT]:
	                         push_step.h                                      */
	RH_FRAME_RECORDED,    /* STEP (3 a call, 10 its reply) TIME FUNCTION CALL
	                         ATTACHMENT (who calls) BYTES (all of them) COUNT
	                         (calls that were left out before), of a reply CODE;
	                         then those that can be seen, in parts: OFFSET BODY
	                         LAST                                             */
};

#define RH_TRACE_PUSH  0x100u
#define RH_TRACE_WHOLE 0x200u
#define RH_TRACE_SCHED 0x400u

#define RH_EDGE_EMIT 0xffffffffu

#define RH_CODE_SHADOW 1u /* it is asked, and not obeyed */

enum rh_role {
	RH_ROLE_CALLER = 1, RH_ROLE_CALLEE, RH_ROLE_OBSERVER, RH_ROLE_AGENT,
	RH_ROLE_SUPERVISOR,
};

/* Record tags.  Numbers little-endian; texts without a NUL. */
enum rh_tag {
	RH_TAG_CODE = 1,    /* i32                                     */
	RH_TAG_TEXT,        /* text                                    */
	RH_TAG_VERSION,     /* u32                                     */
	RH_TAG_ROLE,        /* u32                                     */
	RH_TAG_RESOURCE,    /* name                                    */
	RH_TAG_SYSTEM,      /* name                                    */
	RH_TAG_CALLEE,      /* name                                    */
	RH_TAG_CALLER,      /* name                                    */
	RH_TAG_INTERFACE,   /* name                                    */
	RH_TAG_ATTACHMENT,  /* u64                                     */
	RH_TAG_EDGE,        /* u32: index given by the agent           */
	RH_TAG_PAGE,        /* u64                                     */
	RH_TAG_INSTANCE,    /* u64; 0 none                             */
	RH_TAG_PROTOCOL,    /* text                                    */
	RH_TAG_REVISION,    /* u64                                     */
	RH_TAG_FLAGS,       /* u32                                     */
	RH_TAG_DEADLINE,    /* u64 monotonic ns                        */
	RH_TAG_CONTEXT,     /* u32                                     */
	RH_TAG_UMASK,       /* u32                                     */
	RH_TAG_LOCALE,      /* text                                    */
	RH_TAG_ENV,         /* text NAME or NAME=value                 */
	RH_TAG_CALL,        /* u64                                     */
	RH_TAG_HASH,        /* u64                                     */
	RH_TAG_THREADS,     /* u32                                     */
	RH_TAG_PID,         /* u32                                     */
	RH_TAG_OFFER,       /* bytes, of the protocol                  */
	RH_TAG_SELF,        /* records: RESOURCE TYPE [INTERFACE] UID* EXE*
	                       ENV* LOCALE_ON [LIBRARY | PROGRAM] [HASH
	                       FUNCTION*: of the registered interface]
	                       CODE_ITEM* [SCHED_ITEM];
	                       none in a view: it is not registered    */
	RH_TAG_EDGE_ITEM,   /* records: CALLER CALLEE TYPE (of the other end;
	                       none: unregistered), of the callee:
	                       [INTERFACE] ENV* LOCALE_ON,
	                       VERDICT PROTOCOL [RULE REVISION] TEXT
	                       [LIMIT_ITEM] CODE_ITEM*                 */
	RH_TAG_TYPE,        /* text                                    */
	RH_TAG_UID,         /* u32                                     */
	RH_TAG_GID,         /* u32                                     */
	RH_TAG_EXE,         /* text, absolute                          */
	RH_TAG_VERDICT,     /* i32: 0 allowed or a negative code       */
	RH_TAG_RULE,        /* name                                    */
	RH_TAG_COUNT_ITEM,  /* records: CALLER CALLEE CALLS ERRORS BYTES */
	RH_TAG_CALLS,       /* u64                                     */
	RH_TAG_ERRORS,      /* u64                                     */
	RH_TAG_BYTES,       /* u64                                     */
	RH_TAG_INSTANCE_ITEM, /* records: INSTANCE PID                 */
	RH_TAG_JSON,        /* text                                    */
	RH_TAG_LAST,        /* u32                                     */
	RH_TAG_COUNT,       /* u32                                     */
	RH_TAG_STEP,        /* u32                                     */
	RH_TAG_TIME,        /* u64 monotonic ns                        */
	RH_TAG_FUNCTION,    /* u64 hash                                */
	RH_TAG_BODY,        /* bytes                                   */
	RH_TAG_LOCALE_ON,   /* u32                                     */
	RH_TAG_LIBRARY,     /* text                                    */
	RH_TAG_OFFSET,      /* u32                                     */
	RH_TAG_PROGRAM,     /* text: argv[0] of serve.program          */
	RH_TAG_STORE,       /* 16 bytes: which store revisions are of  */
	RH_TAG_PREV,        /* u64: the revision sent before           */
	RH_TAG_PREFIX,      /* text: a watch, model/watch.h            */
	RH_TAG_ITEM,        /* records: CALLER [CALLEE] REVISION, then
	                       SELF or EDGE_ITEM; neither: it is gone  */
	RH_TAG_CALLER_TYPE, /* text; in an EDGE_ITEM within an ITEM, whose
	                       TYPE is the callee's: both ends get the
	                       same bytes                              */
	RH_TAG_AFTER,       /* i32: in an EDGE_ITEM that has a DEADLINE:
	                       the verdict from then on                */
	RH_TAG_RESULT_ITEM, /* records: CALLER [CALLEE] REVISION STATE
	                       [CODE TEXT: why not, or of one that is
	                       active what of it is not in force]      */
	RH_TAG_STATE,       /* u32: enum rh_item_state                 */
	RH_TAG_DELAY,       /* u64 ms                                  */
	RH_TAG_REPORT_ITEM, /* records: CALLER CALLEE COUNT TEXT       */
	RH_TAG_STALE_ITEM,  /* records: RULE (the class) DELAY (ms that a
	                       cache may be old; none: for ever)       */
	RH_TAG_MESSAGES,    /* u64                                     */
	RH_TAG_ORIGIN,      /* u64: PAGE as the caller's agent says    */
	RH_TAG_TOOK,        /* u64 ns                                  */
	RH_TAG_LIMIT_ITEM,  /* records: RULE REVISION COUNT (calls that may be
	                       under way); in an EDGE_ITEM             */
	RH_TAG_CODE_ITEM,   /* records: RULE REVISION HOOK MODULE MODE [KEY:
	                       by which programs ask, or the event] [COUNT: place
	                       in its chain] POLICY [FLAGS (RH_CODE_SHADOW)
	                       BYTES (of memory) TOOK (ns a call) FUEL ENV*
	                       (parameters, NAME=value) ROLLBACK] [SIGNATURE: of
	                       all before it, base/order.h; nothing follows] */
	RH_TAG_HOOK,        /* text                                    */
	RH_TAG_MODULE,      /* text: SHA-256, 64 hex digits            */
	RH_TAG_MODE,        /* text                                    */
	RH_TAG_POLICY,      /* text: onFailure                         */
	RH_TAG_FUEL,        /* u64                                     */
	RH_TAG_SIGNATURE,   /* text: Ed25519, 128 hex digits           */
	RH_TAG_KEY,         /* text                                    */
	RH_TAG_DIFFERENCES, /* u64                                     */
	RH_TAG_SCHED_ITEM,  /* records: RULE REVISION POLICY (cfs, eevdf,
	                       deadline, fifo, rr) MODE (host, fiber) ENV*
	                       (what the rule says of it, NAME=number) */
	RH_TAG_ROLLBACK,    /* u64: what was in force up to that revision may be
	                       left for an older module                */
	RH_TAG_FLOOR_ITEM,  /* records: CALLER [CALLEE] RULE TEXT (name of the
	                       module) PUBLISHED REVISION (of the rule); in an
	                       agent's cache                           */
	RH_TAG_PUBLISHED,   /* u64: version of a module                */
	RH_TAGS
};

/* How far a rule has come at an agent; an agent that rejected one keeps the former. */
enum rh_item_state {
	RH_ITEM_RECEIVED = 1, RH_ITEM_VERIFIED, RH_ITEM_VALIDATED, RH_ITEM_STAGED,
	RH_ITEM_ACTIVE, RH_ITEM_REJECTED, RH_ITEM_STATES
};

struct rh_frame_head {
	uint16_t magic;
	uint8_t  version;     /* RH_WIRE_VERSION                        */
	uint8_t  type;        /* enum rh_frame_type                     */
	uint16_t flags;       /* zero                                   */
	uint16_t head_len;    /* 24; a longer head is skipped over      */
	uint32_t stream;      /* zero on a node                         */
	uint32_t payload_len;
	uint64_t request;
};

_Static_assert(sizeof(struct rh_frame_head) == 24, "wire");
_Static_assert(offsetof(struct rh_frame_head, payload_len) == 12, "wire");

#endif
