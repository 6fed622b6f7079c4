/* limits - every bound of dynamic rules. */
#ifndef RH_RULES_LIMITS_H
#define RH_RULES_LIMITS_H

/* Of a WebAssembly module, as it is read (module.h). */
#define RH_MODULE_BYTES_MAX     (8u << 20)
#define RH_MODULE_TYPES_MAX     4096u
#define RH_MODULE_TYPE_BYTES_MAX 65536u /* of all types */
#define RH_MODULE_FUNCTIONS_MAX 65536u
#define RH_MODULE_BODY_MAX      (1u << 20) /* bytes of one function */
#define RH_MODULE_LOCALS_MAX    20000u     /* of one function */
#define RH_MODULE_IMPORTS_MAX   64u
#define RH_MODULE_EXPORTS_MAX   1024u
#define RH_MODULE_GLOBALS_MAX   4096u
#define RH_MODULE_SEGMENTS_MAX  4096u
#define RH_MODULE_TABLES_MAX    16u
#define RH_MODULE_NAME_MAX      256u

/* Of a running instance. */
#define RH_RULE_PAGE          65536u
#define RH_RULE_MEMORY        (16u << 20) /* bytes, when the rule does not say */
#define RH_RULE_MEMORY_MAX    (256u << 20)
#define RH_RULE_TIME_US       10000u /* of processor time in one call */
#define RH_RULE_TIME_US_MIN   1000u
#define RH_RULE_TIME_US_MAX   1000000u
#define RH_RULE_ELEMENTS_MAX  65536u /* of all tables of an instance */
#define RH_RULE_STACK         (512u << 10)
#define RH_RULE_STACK_IMPORT  (64u << 10) /* of it kept free for an import */
#define RH_RULE_PARAMS_MAX    16u
#define RH_RULE_PARAM_MAX     64u  /* bytes of a name */
#define RH_RULE_VALUE_MAX     1024u
#define RH_RULE_LOG_MAX       200u /* bytes of a line */
#define RH_RULE_LOG_SECOND    20u  /* lines in a second */
#define RH_RULE_FAILURES_MAX  8u  /* running, then it rests */
#define RH_RULE_REST_MS       1000u
#define RH_RULE_DELAY_US_MAX  10000000u

/* Of a build: the second number is what each MiB of the module, or of its code, adds. */
#define RH_BUILD_SECONDS      60u /* of all steps */
#define RH_BUILD_SECONDS_MIB  60u
#define RH_BUILD_MEMORY       (2ull << 30) /* of one step */
#define RH_BUILD_MEMORY_MIB   (768ull << 20)
#define RH_BUILD_LARGE        (256u << 10) /* bytes of code that gcc is no longer to take
                                              all its time over */
#define RH_BUILT_MAX          (32u << 20)  /* bytes of an object */
#define RH_BUILD_ROOM         (2ull << 20) /* free in the folder before it is begun */
#define RH_BUILD_ROOM_EACH    16u          /* ... and for each byte of the module    */
#define RH_BUILD_FILE_BYTES   (256ull << 20)

/* Of a rule of eBPF (ebpf/). */
#define RH_BPF_OBJECT_MAX     (1u << 20) /* bytes of an object */
#define RH_BPF_PROGRAMS_MAX   16u
#define RH_BPF_MAPS_MAX       32u
#define RH_BPF_NAME_MAX       63u  /* bytes of a program's, map's or parameter's name */
#define RH_BPF_POINT_MAX      511u /* bytes of an attach point's text */
#define RH_BPF_LINKS_MAX      1024u /* attached things of one rule: perf is one a processor */
#define RH_BPF_MEMORY         (16u << 20) /* bytes of all maps, when the rule does not say */
#define RH_BPF_MEMORY_MAX     (256u << 20)
#define RH_BPF_KEY_MAX        256u
#define RH_BPF_VALUE_MAX      4096u
#define RH_BPF_HZ_MAX         1000u
#define RH_BPF_LOG_MAX        8192u /* of what the verifier said */
#define RH_BPF_CLIENTS_MAX    512u
#define RH_BPF_RULES_MAX      256u  /* a list of them fits a frame */
#define RH_BPF_RULE_NAME_MAX  127u
#define RH_BPF_LOAD_MS        20000u /* verifying and attaching */
#define RH_BPF_GRACE_MS       5000u  /* a rule outlives its client by so much */
#define RH_BPF_GRACE_MS_MAX   600000u

#endif
