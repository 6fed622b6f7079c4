/* builder_child - what builder.h starts, and what the two say to each other.
 *
 * One packet each way for a build: the order with the module as a memfd, then the
 * outcome, with the object as a memfd when there is one.  An order without a module has
 * what former builders left there thrown away, and is not answered.  An outcome without a
 * number: the builder was killed, and another one takes the orders that come (foreman.h). */
#ifndef RH_CENTER_BUILDER_CHILD_H
#define RH_CENTER_BUILDER_CHILD_H

#include <stddef.h>
#include <stdint.h>

struct rh_build_order {
	uint32_t hook;   /* index of rh_hooks */
	uint32_t memory;
	uint32_t capabilities;
	uint32_t variant;
	uint64_t len;      /* 0: throw away */
	uint64_t number;
};

struct rh_build_outcome {
	int32_t  err;
	uint32_t is_confined; /* fully: Landlock and seccomp */
	uint32_t is_kept;     /* from before */
	uint32_t reserved;
	uint64_t len;
	uint64_t number;      /* of the order; 0: the builder was killed */
	char     tools[65];
	char     why[240];
};

/* fd -1: none.  0, or -1 with errno. */
int rh_builder_send(int socket, const void *bytes, size_t len, int fd);

/* Exactly len bytes; *ret_fd is the caller's, or -1.  1, 0 at the end or for what is of
 * another size, -1 with errno. */
int rh_builder_receive(int socket, void *bytes, size_t len, int *ret_fd);

/* The child, a foreman; never returns. */
_Noreturn void rh_builder_child(int socket, int parent, const char *state);

#endif
