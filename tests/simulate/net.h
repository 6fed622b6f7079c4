/* net - connections between simulated processes: frames in order, each after a delay,
 * in a buffer of so many bytes; and cut at any byte.
 *
 * Ownership   Each end closes its own; the wire is freed with the second.
 * Threads     One.
 * Invariants  N1  bytes of a pipe <= its cap. */
#ifndef RH_TESTS_NET_H
#define RH_TESTS_NET_H

#include <stddef.h>
#include <stdint.h>

struct sim;
struct rh_record_writer;

enum wire_end { WIRE_AGENT, WIRE_CENTER };

struct wire_frame {
	struct wire_frame *next;
	uint64_t           at;      /* arrives                                */
	size_t             len;     /* with the head; fewer: it was cut off   */
	unsigned char      bytes[];
};

struct pipe {
	struct wire_frame *first;
	struct wire_frame *last;
	size_t             bytes;
	uint64_t           last_at;
	int                is_ended;
};

/* up carries what the agent sends. */
struct wire {
	struct pipe pipes[2];    /* by the end that writes                      */
	int         is_open[2];
	size_t      cap;
	uint64_t    granted;     /* bytes that the agent granted on it ...      */
	uint64_t    received;    /* ... that the agent took in ...              */
	uint64_t    spent;       /* ... and that the center sent for it         */
	int         is_liar;     /* nobody is to blame when it is dropped       */
};

struct wire *wire_open(size_t cap);

/* The end is closed: the other one reads what was sent, then the end.  cut: only up to
 * some byte of it. */
void wire_close(struct sim *sim, struct wire *wire, enum wire_end end, int cut);

/* 0; -1: there is no room now; -2: the other end is closed. */
int wire_send(struct sim *sim, struct wire *wire, enum wire_end end, uint8_t type,
              const struct rh_record_writer *writer);

/* A whole frame that has arrived, the caller's to free: 1; 0 nothing yet; -1 the end,
 * or a frame that is cut off. */
int wire_read(const struct sim *sim, struct wire *wire, enum wire_end end,
              struct wire_frame **ret_frame);

/* Nothing is under way to that end. */
int wire_is_quiet(const struct wire *wire, enum wire_end end);

#endif
