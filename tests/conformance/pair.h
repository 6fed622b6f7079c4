/* pair - both ends of one channel, for tests: made in one process, or in two. */
#ifndef RH_TESTS_PAIR_H
#define RH_TESTS_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocols/protocol.h"

enum { MESSAGE = RH_WANTS_MESSAGE, ROOM = RH_WANTS_ROOM, BOTH = MESSAGE | ROOM };
enum { WATCHDOG_MS = 20000 }; /* a wake-up that takes this long was lost */

struct pair {
	const struct rh_protocol *protocol;
	struct rh_channel_config  config;
	void                     *caller; /* states */
	void                     *callee;
	struct rh_diag            diag;
};

/* The protocol under test, and what it can do. */
struct traits {
	const struct rh_protocol *protocol;
	int only_calls;   /* bind: no events, the callee only answers   */
	int one_process;  /* null                                       */
	int is_lossy;     /* says RH_EAGAIN without a reason             */
	int has_framing;  /* module: a rule makes bytes of messages      */
};

extern struct traits traits;

/* Fills traits for the protocol of that name; 0 when there is none. */
int traits_init(const char *name);

void *pair_state(const struct rh_protocol *protocol);

/* Names unlike those of any other process, so that tests may run at once. */
void pair_config(struct rh_channel_config *config);

void pair_open(struct pair *pair);
void pair_close(struct pair *pair);

/* Opens the caller's half only; *ret_offer is the test's. */
void pair_offer(struct pair *pair, struct rh_offer *ret_offer);
/* The same with states and names that are there. */
int  pair_offer_again(struct pair *pair, struct rh_offer *ret_offer);
int  pair_accept(struct pair *pair, struct rh_offer *offer);

/* A message number `call` with a body of len bytes that depends on call. */
struct rh_msg_head message(uint8_t kind, uint64_t call, uint32_t len);
const void        *message_body(uint64_t call);

/* Fails the test unless the body is the one of that call. */
void message_verify(const struct rh_msg_head *head, const void *body);

/* submit and poll that must work at once; under lossy, after some tries. */
void pair_send(struct pair *pair, void *state, uint8_t kind, uint64_t call,
               uint32_t len);
void pair_receive(struct pair *pair, void *state, uint8_t kind, uint64_t call,
                  uint32_t len);

/* 1 when one of the descriptors of watch is ready within the time. */
int pair_is_ready(struct pair *pair, void *state, int wants, int timeout_ms);

/* A size as traffic has them: most are small, one in 500 is up to 1 MiB. */
uint32_t size_random(uint64_t *seed);
uint64_t number_random(uint64_t *seed);

int count_fds(void);

#endif
