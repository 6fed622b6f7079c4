/* limits - every bound that two processes agree on, in one place.
 *
 * Full means RH_ENOSPC or RH_EAGAIN and too large means RH_EMSGSIZE; nothing
 * grows.  docs/wire.md repeats these for other implementations. */
#ifndef RH_WIRE_LIMITS_H
#define RH_WIRE_LIMITS_H

#define RH_WIRE_VERSION       1u           /* pages, messages, frames       */
#define RH_PUSH_VERSION       2u           /* center and agent: HELLO       */
#ifndef RH_LINK_VERSION       /* a test has an agent of the version before */
#define RH_LINK_VERSION       3u           /* agent and agent: LINK, LINKED */
#endif

#define RH_NAME_MAX           63u          /* bytes of a resource name      */
#define RH_FRAME_MAX          65536u       /* bytes of a frame, with head   */
#define RH_FRAME_FDS_MAX      8u           /* descriptors with one frame    */

#define RH_PAGE_SLOTS         16u          /* calls in flight per page      */
#define RH_PAGE_SLOT_BYTES    512u
#define RH_SLOT_INLINE_MAX    384u         /* slot without its two heads    */
#define RH_SLOT_SMALL_MAX      32u          /* reply in the answer's own line*/
/* 4 MiB and what stands around them; larger goes by a one-shot memfd. */
#define RH_PAYLOAD_ARENA_MAX  ((4u << 20) + 4096u)
#define RH_ARENA_BYTES        (4u * RH_PAYLOAD_ARENA_MAX) /* per page         */
#define RH_BYTES_MAX          (64u << 20)  /* one text or buffer of a call  */
/* Arguments or reply of a call: one of these, and what stands around it. */
#define RH_PAYLOAD_MAX        ((64u << 20) + 65536u)
#define RH_CALL_FDS_MAX       8u           /* descriptors with one call     */

#define RH_QUEUE_MESSAGE_MAX  512u         /* msgqueue: bytes of a message  */

#define RH_PAGES_PER_PEER     1024u        /* pages of one attachment       */
#define RH_PEERS_PER_AGENT    4096u        /* attachments of one agent      */
#define RH_EDGES_PER_AGENT    1024u        /* references in and out         */
#define RH_MISFIT_MAX         3072u        /* text of MISFIT, with its NUL    */
#define RH_HELD_MAX           4096u        /* bound pages that outlived an agent:
                                              of an instance, of an edge    */
#define RH_CHOICES_MAX        256u         /* instances that a rule chooses from */
#define RH_CONTEXTS_PER_PEER  16u          /* remembered contexts           */
#define RH_CREDIT_BYTES       (256u << 10) /* what an agent grants at once  */
#define RH_PUSH_BEAT_MS       5000u        /* a center says something so often ... */
#define RH_PUSH_SILENT_MS     12500u       /* ... or is taken for away      */
#define RH_HANDLES_PER_PEER   65536u       /* live handles of one caller    */

#endif
