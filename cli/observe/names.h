/* names - which resource a program, or a place where something listens, belongs to.
 *
 * What can be known of an ungoverned process is the file that it runs and its user; of a
 * connection, the address and port it goes to.  A resource tells both: allow.exe and
 * allow.uid, and listen.  A file that several resources allow to that user belongs to
 * none of them: nobody can tell.
 *
 * Ownership   rh_names_fini frees all; texts that are given live until then.
 * Threads     One. */
#ifndef RH_CLI_OBSERVE_NAMES_H
#define RH_CLI_OBSERVE_NAMES_H

#include "../../base/endpoint.h"

#include <jansson.h>
#include <stdint.h>

/* As rules/library/ebpf/kernel.h has it. */
struct rh_program_key {
	uint64_t inode;
	uint32_t major, minor;
};

struct rh_named_program {
	struct rh_program_key key;
	const char           *resource;
	const json_t         *uids;      /* an array; NULL or empty: everybody's */
};

struct rh_named_endpoint {
	struct rh_endpoint at;
	const char        *resource;
};

struct rh_names {
	json_t                   *resources; /* that everything borrows from */
	struct rh_named_program  *programs;
	size_t                    program_count;
	struct rh_named_endpoint *endpoints;
	size_t                    endpoint_count;
};

/* Takes the list of resources.  A file that is not there belongs to nobody.  RH_ENOMEM. */
int  rh_names_init(struct rh_names *names, json_t *resources);
void rh_names_fini(struct rh_names *names);

/* NULL: none, or more than one. */
const char *rh_names_program(const struct rh_names *names,
                             const struct rh_program_key *key, uint32_t uid);

/* Of that address, or else of every address; NULL: none. */
const char *rh_names_endpoint(const struct rh_names *names, const struct rh_endpoint *at);

#endif
