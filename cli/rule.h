/* rule - a rule that its user writes: its project, its module at the center.
 *
 * A project is a folder with RH_RULE_FILE, which says what is built how:
 *
 *   name: limiter
 *   hook: filter
 *   abi: 1
 *   mode: wasm
 *   build: clang ... -o limiter.wasm limiter.c
 *   native: gcc ... -o limiter.so limiter.c
 *   file: limiter.wasm
 *
 * native makes the same rule as a shared object, named as file is but for .so, for
 * `rhodes rule test` to compare with; ebpf, if it is there, as an object for the kernel's
 * machine, .o (rule_kernel.h).  RH_RULE_INPUTS and RH_RULE_RECORDED are what it
 * is tested with (rule_inputs.h).
 *
 * Ownership   As noted.
 * Threads     One. */
#ifndef RH_CLI_RULE_H
#define RH_CLI_RULE_H

#include "cli.h"

#include <jansson.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define RH_RULE_FILE     "rule.yaml"
#define RH_RULE_INPUTS   "inputs.jsonl"
#define RH_RULE_RECORDED "recorded.jsonl" /* by `rhodes rule record`; never published */

/* What a new rule is written with; the last has no path. */
struct rh_rule_text {
	const char          *path; /* "rhodes/rule.h" */
	const unsigned char *bytes;
	size_t               len;
};

extern const struct rh_rule_text rh_rule_texts[];
/* The same for the sources of other languages: "filter_new.rs". */
extern const struct rh_rule_text rh_rule_starts[];

/* What is to be published; rh_rule_project_fini finishes it, also when reading failed. */
struct rh_rule_project {
	json_t *manifest;           /* without parts                          */
	char    folder[PATH_MAX];   /* "" for a file alone                    */
	char    file[PATH_MAX];     /* the module or object                   */
	char    rule_file[PATH_MAX]; /* "limiter/rule.yaml"; "" likewise      */
	char    native_file[PATH_MAX]; /* "limiter/limiter.so"                */
	char    build[4096];        /* run by a shell in folder; "" for none  */
	char    native[4096];       /* likewise                               */
	char    ebpf_file[PATH_MAX]; /* "limiter/limiter.o"                   */
	char    ebpf[4096];         /* likewise                               */
};

/* Each returns an enum rh_exit and tells on err. */
int  rh_rule_project_read(struct rh_cli *cli, const char *path,
                          struct rh_rule_project *ret_project);
void rh_rule_project_fini(struct rh_rule_project *project);

/* Runs a line of the project in its folder, as `make` would; "" is fine. */
int rh_rule_project_build(struct rh_cli *cli, const struct rh_rule_project *project,
                          const char *line);

/* What the project wants beyond its hook: 1 << enum rh_capability of rules/wasi.h. */
uint32_t rh_rule_project_capabilities(const struct rh_rule_project *project);

int rh_rule_new(struct rh_cli *cli, const char *name);
int rh_rule_record(struct rh_cli *cli, const char *edge);
int rh_rule_test(struct rh_cli *cli, const char *path);
int rh_rule_publish(struct rh_cli *cli, const char *path);
int rh_rule_pull(struct rh_cli *cli, const char *what);
int rh_rule_list(struct rh_cli *cli, const char *word);
int rh_rule_top(struct rh_cli *cli, const char *rule); /* NULL: all */
int rh_rule_lines(struct rh_cli *cli, const char *rule);
int rh_rule_maps(struct rh_cli *cli, const char *rule);

/* Where a rule of eBPF is attached on this node, and its maps. */
int rh_rule_attached(struct rh_cli *cli, const char *rule);

#endif
