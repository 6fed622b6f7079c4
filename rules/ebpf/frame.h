/* frame - what is said between an agent and rhodes-bpf on <run>/bpf.sock.
 *
 * The frames and records are those of wire/frame.h in form (base/socket.h); their
 * numbers are of this socket alone, and begin where those of wire/ never come.
 * docs/bpf-frames.md says the same by number.  Every request is answered by its answer
 * or by REFUSED; the head repeats the request. */
#ifndef RH_RULES_EBPF_FRAME_H
#define RH_RULES_EBPF_FRAME_H

enum rh_bpf_frame {
	RH_BPF_LOAD = 192, /* NAME HASH POINT* PARAM* KEEP* [BYTES] + frozen memfd:
	                      a name that this client has: takes the place of that
	                      rule once the new one is attached                     */
	RH_BPF_LOADED,     /* HANDLE COUNT (maps handed over)                       */
	RH_BPF_REFUSED,    /* CODE TEXT [LOG]: nothing changed                      */
	RH_BPF_UNLOAD,     /* HANDLE                                                */
	RH_BPF_UNLOADED,   /* nothing                                               */
	RH_BPF_MAPS,       /* HANDLE                                                */
	RH_BPF_MAP_LIST,   /* MAP*                                                  */
	RH_BPF_READ,       /* HANDLE NAME [KEY: go on after it]                     */
	RH_BPF_ENTRIES,    /* ENTRY* LAST (0: go on after the last key)             */
	RH_BPF_WRITE,      /* HANDLE NAME ENTRY* (without VALUE: away)              */
	RH_BPF_WRITTEN,    /* nothing                                               */
	RH_BPF_LIST,       /* nothing                                               */
	RH_BPF_RULES,      /* RULE*                                                 */
	/* A child of rhodes-bpf that loads, to it, on a pair of their own. */
	RH_BPF_CHILD_MAP,  /* MAP + descriptor                                      */
	RH_BPF_CHILD_LINK, /* NAME (of the program) + descriptors                   */
	RH_BPF_CHILD_DONE, /* COUNT                                                 */
	RH_BPF_CHILD_PROGRAM, /* NAME + descriptor                                  */

	RH_BPF_RUNS,       /* HANDLE                                                */
	RH_BPF_RAN,        /* PROGRAM*                                              */
};

enum rh_bpf_tag {
	RH_BPF_TAG_NAME = 1024, /* text                                             */
	RH_BPF_TAG_HASH,        /* 32 bytes: SHA-256 of the object                  */
	RH_BPF_TAG_POINT,       /* records: NAME (of a program) TEXT (point.h)      */
	RH_BPF_TAG_PARAM,       /* records: NAME (of a variable in .rodata) TEXT    */
	RH_BPF_TAG_KEEP,        /* text: a map that is handed over                  */
	RH_BPF_TAG_BYTES,       /* u64: of all maps                                 */
	RH_BPF_TAG_HANDLE,      /* u64                                              */
	RH_BPF_TAG_COUNT,       /* u32                                              */
	RH_BPF_TAG_CODE,        /* i32                                              */
	RH_BPF_TAG_TEXT,        /* text                                             */
	RH_BPF_TAG_LOG,         /* text: the end of what the verifier said          */
	RH_BPF_TAG_MAP,         /* records: NAME TYPE KEY_BYTES VALUE_BYTES COUNT   */
	RH_BPF_TAG_TYPE,        /* text                                             */
	RH_BPF_TAG_KEY_BYTES,   /* u32                                              */
	RH_BPF_TAG_VALUE_BYTES, /* u32                                              */
	RH_BPF_TAG_ENTRY,       /* records: KEY [VALUE]                             */
	RH_BPF_TAG_KEY,         /* bytes                                            */
	RH_BPF_TAG_VALUE,       /* bytes: of a map for each processor, their sum    */
	RH_BPF_TAG_LAST,        /* u32                                              */
	RH_BPF_TAG_RULE,        /* records: NAME HANDLE HASH COUNT (links) PID (of
	                           its client; 0: in its grace)                     */
	RH_BPF_TAG_PID,         /* u32                                              */
	RH_BPF_TAG_PROGRAM,     /* records: NAME TEXT (where it goes) CALLS TOOK (ns of
	                           them) MISSED; CALLS and TOOK are missing where the
	                           kernel does not count them                       */
	RH_BPF_TAG_CALLS,       /* u64                                              */
	RH_BPF_TAG_TOOK,        /* u64                                              */
	RH_BPF_TAG_MISSED,      /* u64                                              */
};

#define RH_BPF_SOCKET "bpf.sock"

#endif
