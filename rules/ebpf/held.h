/* held - a loaded rule, and the table of those that rhodes-bpf has.
 *
 * A rule is attached exactly as long as its descriptors are open.
 *
 * Ownership   A rule owns the descriptors of its programs, maps and links; the table its rules.
 * Threads     One.
 * Invariants  H1  names in the table are different.
 *             H2  a rule without owner has a deadline. */
#ifndef RH_RULES_EBPF_HELD_H
#define RH_RULES_EBPF_HELD_H

#include "maps.h"
#include "order.h"

#include <sys/types.h>

/* A program of it that is attached, and where. */
struct rh_bpf_its_program {
	char name[RH_BPF_NAME_MAX + 1];
	char point[RH_BPF_POINT_MAX + 2];
	int  fd; /* -1: not loaded yet */
};

struct rh_bpf_rule {
	char                  name[RH_BPF_RULE_NAME_MAX + 1];
	uint8_t               sha256[32];
	uint8_t               print[32];
	uint64_t              handle;
	uint64_t              owner;       /* id of a client; 0: in its grace */
	pid_t                 pid;
	uint64_t              deadline_ns;
	unsigned              map_count, link_count, program_count;
	struct rh_bpf_its_program programs[RH_BPF_PROGRAMS_MAX];
	struct rh_bpf_its_map maps[RH_BPF_MAPS_MAX];
	int                   links[RH_BPF_LINKS_MAX];
};

struct rh_bpf_table {
	unsigned            count;
	uint64_t            handles;
	struct rh_bpf_rule *rules[RH_BPF_RULES_MAX];
};

/* NULL: out of memory. */
struct rh_bpf_rule *rh_bpf_rule_create(const struct rh_bpf_order *order);
void                rh_bpf_rule_destroy(struct rh_bpf_rule *rule);

/* Takes the descriptor, also when it fails. */
int rh_bpf_rule_add_map(struct rh_bpf_rule *rule, const char *name, const char *type,
                        int fd);
int rh_bpf_rule_add_link(struct rh_bpf_rule *rule, int fd);
/* RH_EPROTO  it is none of those that the order attaches, or came before. */
int rh_bpf_rule_add_program(struct rh_bpf_rule *rule, const char *name, int fd);

/* PROGRAM records: how often and how long each ran, by all processors. */
void rh_bpf_rule_put_runs(const struct rh_bpf_rule *rule,
                          struct rh_record_writer *writer);

const struct rh_bpf_its_map *rh_bpf_rule_map(const struct rh_bpf_rule *rule,
                                             const char *name);

struct rh_bpf_rule *rh_bpf_table_find(const struct rh_bpf_table *table, const char *name);
struct rh_bpf_rule *rh_bpf_table_handle(const struct rh_bpf_table *table, uint64_t handle);

/* Takes the rule, gives it its handle, and lets the former one of that name go.
 * RH_ENOSPC  the table is full; the rule is still the caller's. */
int rh_bpf_table_put(struct rh_bpf_table *table, struct rh_bpf_rule *rule);

void rh_bpf_table_drop(struct rh_bpf_table *table, struct rh_bpf_rule *rule);

/* Their owner has gone: until the deadline they stay. */
void rh_bpf_table_orphan(struct rh_bpf_table *table, uint64_t owner, uint64_t deadline_ns);

/* Lets go what nobody asked for again.  The next deadline, or UINT64_MAX. */
uint64_t rh_bpf_table_expire(struct rh_bpf_table *table, uint64_t now_ns);

#endif
