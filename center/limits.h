/* limits - every bound of the center, in one place.
 *
 * Too large is RH_EMSGSIZE (413), too many is RH_ENOSPC (507); nothing grows. */
#ifndef RH_CENTER_LIMITS_H
#define RH_CENTER_LIMITS_H

/* What the registry can hold.  Memory is touched as it is needed. */
#define RH_CENTER_RESOURCES   (1u << 17)
#define RH_CENTER_EDGES       (1u << 20)
#define RH_CENTER_EXCEPTIONS  (1u << 14)

/* A request. */
#define RH_BODY_MAX           (1u << 20)   /* bytes                            */
#define RH_MODULE_MAX         (8u << 20)   /* bytes of a module                */
#define RH_BODIES_MAX         (64u << 20)  /* bytes of all bodies being read   */
#define RH_REPLIES_MAX        (64u << 20)  /* ... of all replies being sent, before
                                              a stranger gets one more         */
#define RH_DISCARD_MAX        (16u << 20)  /* of a refused body, read over    */
#define RH_CONNECTIONS_MAX    512u
#define RH_STRANGERS_MAX      128u         /* ... of those who may not write  */
#define RH_CONNECTION_BYTES   32768u       /* request line and headers         */
#define RH_IDLE_S             30u          /* a silent connection is closed    */
#define RH_QUERY_MAX          8u           /* query parameters                 */
#define RH_OBJECTS_MAX        4096u        /* objects in one apply             */
#define RH_LIST_DEFAULT       1000u        /* items of a list without limit=   */
#define RH_LIST_MAX           1000u
#define RH_READS_MS           20u          /* of strangers, in one turn        */
#define RH_WATCHERS_MAX       128u         /* streams of REST watch            */
#define RH_WATCHING_STRANGERS 32u          /* ... of those who may not write   */
#define RH_WATCH_BATCH        64u          /* changes encoded at once          */
#define RH_WATCH_BEAT_MS      5000u        /* a bookmark when nothing changes  */
#define RH_MATRIX_ROWS_MAX    512u         /* larger ones as edges only        */
#define RH_AUDIT_LIST_DEFAULT 100u
#define RH_AUDIT_LIST_MAX     5000u

/* An object. */
#define RH_JSON_DEPTH_MAX     16u
#define RH_POINTER_MAX        256u         /* bytes of a JSON pointer shown    */
#define RH_OBJECT_NAME_MAX    64u          /* a module's is a SHA-256 in hex   */
#define RH_LABELS_MAX         64u
#define RH_LABEL_MAX          63u          /* bytes of a label's key           */
#define RH_LABEL_VALUE_MAX    255u
#define RH_DESCRIPTION_MAX    1024u
#define RH_ALLOW_MAX          32u          /* uids; executables                */
#define RH_EXE_MAX            1023u        /* bytes of an executable's path    */
#define RH_ENDPOINT_MAX       64u          /* bytes of an address and port    */
#define RH_ENV_MAX            64u          /* names of variables               */
#define RH_ARGV_MAX           64u
#define RH_ARG_MAX            4096u
#define RH_WORKERS_MAX        64u
#define RH_THREADS_MAX        64u
#define RH_INTERFACE_TEXT_MAX (512u << 10)
#define RH_SONAME_MAX         255u
#define RH_CALLS_UNDER_WAY_MAX 65535u      /* that a rule may name             */
#define RH_CONDITIONS_MAX     32u          /* of one type, then "and n more"   */

/* A rule of code. */
#define RH_CODE_ABI_MAX       65535u
#define RH_CODE_POLICY        "keep-last"  /* onFailure, unless the rule says    */
#define RH_CODE_PAGE          65536u       /* of memory                        */
#define RH_CODE_MEMORY_MAX    (256u << 20)
#define RH_RUNS_MAX           16384u       /* rules, at places of agents       */
#define RH_LINES_MAX          256u         /* that a rule said                 */
#define RH_LINES_RULES        128u         /* ... of so many rules             */
#define RH_CODE_TIME_MAX_MS   1000u        /* of one call                      */
#define RH_CODE_PARAMS_MAX    16u
#define RH_CODE_ORDER_MAX     65535u
#define RH_CODE_PARAM_MAX     63u          /* bytes of a name                  */
#define RH_CODE_VALUE_MAX     1023u

/* The link. */
#define RH_LINK_PEERS_MAX     4096u        /* agents and supervisors           */
#define RH_LINK_OBSERVERS_MAX 8u
#define RH_LINK_INSTANCES_MAX 256u         /* instances of one agent           */
#define RH_LINK_STALL_MS      10000u       /* a peer that does not read        */
#define RH_LINK_HELLO_MS      5000u        /* a peer that does not say hello   */
#define RH_LINK_AWAY_MS       60000u       /* ... of RH_PUSH_VERSION: GOAWAY   */
#define RH_LINK_RETRY_MS      5000u        /* after too many peers             */
#define RH_LINK_CREDIT_MAX    (64u << 20)  /* bytes that a peer may grant      */
#define RH_WATCHES_MAX        8u           /* of one subscriber                */
#define RH_SNAPSHOTS_MAX      16u          /* encoded at once                  */
#define RH_SNAPSHOT_STALL_MS  10000u       /* a half-sent one is given up      */
#define RH_RING_DELTAS        (1u << 14)
#define RH_RING_BYTES         (8u << 20)
#define RH_TOUCHED_MAX        (1u << 16)   /* items of one publication         */
#define RH_VIEW_BYTES_MAX     (4u << 20)
#define RH_PLAN_BYTES_MAX     (64u << 20)

#endif
