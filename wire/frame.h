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

enum rh_frame_type {
	/* Any -> any. */
	RH_FRAME_ERROR = 1,  /* CODE TEXT: answer to a request that failed        */

	/* Process -> its agent, and the answers. */
	RH_FRAME_ATTACH = 16, /* VERSION ROLE                                     */
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
	                         + memfd, caller's eventfd, companion             */
	RH_FRAME_PAGE_PUT,    /* PAGE: the thread has ended                       */

	/* On the companion, a socket pair that belongs to one page; its hang-up
	 * says that the other end of the page is gone. */
	RH_FRAME_CONTEXT = 32, /* caller: CONTEXT [UMASK LOCALE ENV*] [+ directory]*/
	RH_FRAME_FDS,          /* either: CALL (the slot's sequence) + descriptors,
	                          sent before the slot changes state              */

	/* A worker and its agent. */
	RH_FRAME_SERVE = 48,  /* worker: INTERFACE HASH FUNCTION* THREADS PID
	                         INSTANCE (0, or the one it had before)           */
	RH_FRAME_SERVING,     /* INSTANCE                                         */
	RH_FRAME_PAGE_ADD,    /* agent: PAGE ATTACHMENT CALLER UID GID* FLAGS
	                         + memfd, caller's eventfd, companion, pidfd of
	                         the caller                                       */
	RH_FRAME_PAGE_ADDED,  /* PAGE                                             */
	RH_FRAME_PAGE_DROP,   /* agent: PAGE                                      */

	/* Agent -> agent of the callee, and the answers. */
	RH_FRAME_LINK = 80,   /* VERSION RESOURCE (the caller's)                  */
	RH_FRAME_LINKED,      /* REVISION                                         */
	RH_FRAME_CHANNEL,     /* PROTOCOL CALL (id of the channel) OFFER
	                         + descriptors                                    */
	RH_FRAME_CHANNEL_UP,  /*                                                  */
	RH_FRAME_BIND,        /* ATTACHMENT PAGE DEADLINE
	                         + memfd, caller's eventfd, companion             */
	RH_FRAME_BOUND,       /* PAGE INSTANCE                                    */
	RH_FRAME_UNBIND,      /* PAGE                                             */
	RH_FRAME_PEER,        /* ATTACHMENT UID GID* + pidfd; before its first use */
	RH_FRAME_PEER_GONE,   /* ATTACHMENT: free what it owned                   */
	RH_FRAME_PEER_CONTEXT,/* ATTACHMENT CONTEXT [UMASK LOCALE ENV*] [+ dir]   */
	RH_FRAME_CALL_FDS,    /* either: CALL (of the message) + descriptors      */

	/* Agent or supervisor -> center and back. */
	RH_FRAME_HELLO = 112, /* VERSION ROLE RESOURCE PID REVISION               */
	RH_FRAME_VIEW,        /* REVISION SYSTEM SELF EDGE_ITEM* LAST: a frame for
	                         each part, all with the same REVISION; what is
	                         new holds when the part with LAST 1 came         */
	RH_FRAME_STATS,       /* COUNT_ITEM* (cumulative since the agent started) */
	RH_FRAME_INSTANCES,   /* INSTANCE_ITEM* (all of them)                     */
	RH_FRAME_PLAN,        /* REVISION JSON LAST: parts as of VIEW             */

	/* Observer -> agent and back. */
	RH_FRAME_TRACE = 144, /* COUNT [CALLEE] [FLAGS: RH_PAGE_FLAG_TRACE, only
	                         calls that the caller's agent traces too]        */
	RH_FRAME_STEP,        /* STEP TIME TEXT FUNCTION CALL CALLER CALLEE BODY  */
};

#define RH_EDGE_EMIT 0xffffffffu

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
	                       FUNCTION*: of the registered interface];
	                       none in a view: it is not registered    */
	RH_TAG_EDGE_ITEM,   /* records: CALLER CALLEE TYPE (of the other end;
	                       none: unregistered), of the callee:
	                       [INTERFACE] ENV* LOCALE_ON,
	                       VERDICT PROTOCOL [RULE REVISION] TEXT   */
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
	RH_TAGS
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
