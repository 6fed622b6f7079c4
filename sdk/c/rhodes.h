/* rhodes - call resources in other processes, and serve calls.
 *
 * A process is attached to the agent of the resource it runs as, which `rhodes
 * run` and `rhodes up` name in its environment (RHODES_AGENT).  The first call
 * attaches.  Unmodified programs never see this header: their shadow libraries
 * use it for them.
 *
 * Ownership   What a function returns through ret_ pointers is borrowed unless
 *             it says otherwise.  A callee lives until the process ends.
 * Threads     Any thread may call; a ticket belongs to the thread that got it.
 *             Each thread has a page of its own, given back when it ends.
 * Fork        A child starts unattached and attaches afresh when it calls.
 * Errors      0 or a count, or a negative code of model/code.h; the reason in words
 *             from rh_last_error.
 *   RH_ELOST      the callee was lost: the call ran zero or one time
 *   RH_EGONE      it was lost before the call ran: calling again is safe
 *   RH_ETIMEDOUT  the deadline passed; rh_last_ran tells whether it may have run
 *   RH_ENOEDGE    the resource does not declare that reference
 *   RH_ELAYER     the hierarchical rule forbids it
 *   RH_EFUNC      the callee has no such function
 *   RH_EMSGSIZE   over RH_PAYLOAD_MAX, or the reply over the room given
 *   RH_EIDENT     this process is not the one that was registered
 *   RH_EDETACHED  no RHODES_AGENT: started without `rhodes run`
 * Limits      16 calls in flight per thread and callee; 64 MiB and 64 KiB a payload. */
#ifndef RHODES_H
#define RHODES_H

#include "../../model/code.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RH_SDK_ABI 1u

struct rh_callee;
struct rh_skeleton;

/* Attaches now instead of at the first call.  timeout_ns 0: the default, 30 s or
 * RHODES_TIMEOUT_MS. */
int rh_attach(uint64_t timeout_ns);

/* Finds a callee among the references of this resource, by its name. */
int rh_open(const char *callee, uint64_t timeout_ns, struct rh_callee **ret_callee);

/* The same by the name of the interface that it offers. */
int rh_open_interface(const char *interface, uint64_t timeout_ns,
                      struct rh_callee **ret_callee);

/* The 64-bit hash of "name(type,...)return", as rhodes interface show prints. */
uint64_t rh_function_id(const char *signature);

/* Calls and waits.  reply may be NULL with cap 0.  Returns 0 and the reply's
 * length, or a negative code. */
int rh_call(struct rh_callee *callee, uint64_t function, const void *args,
            size_t args_len, void *reply, size_t reply_cap, size_t *ret_len,
            uint64_t timeout_ns);

/* A call in three steps, like a system call without the trap: reserve room and
 * write the arguments in place, submit, collect when it is done.
 * rh_reserve returns RH_EAGAIN when 16 calls are in flight.  Calls are taken in the
 * order in which they were reserved: one that is submitted before an elder waits
 * until that one is submitted or released.  When the rules of the edge have changed,
 * rh_reserve waits for the calls under way before it takes another way. */
int rh_reserve(struct rh_callee *callee, size_t args_len, size_t reply_cap,
               uint64_t timeout_ns, void **ret_args, uint64_t *ret_ticket);
int rh_submit(uint64_t ticket, uint64_t function, size_t args_len);

/* RH_EAGAIN while the call runs; else its result, with the reply in place, valid
 * until rh_release.  A function's own RH_EAGAIN is told as RH_EBUSY.  The deadline
 * and the loss of the callee end a call that is only polled, too. */
int rh_poll(uint64_t ticket, const void **ret_reply, size_t *ret_len);

/* rh_poll that sleeps until the call's deadline. */
int rh_wait(uint64_t ticket, const void **ret_reply, size_t *ret_len);

/* Ends a ticket in any state; a call not collected is abandoned. */
void rh_release(uint64_t ticket);

/* Several calls at once: all are submitted, then all collected. */
struct rh_batch_item {
	uint64_t    function;
	const void *args;
	size_t      args_len;
	void       *reply;
	size_t      reply_cap;
	size_t      reply_len; /* filled */
	int32_t     status;    /* filled */
	int32_t     reserved;
};

/* Returns how many succeeded. */
int rh_batch(struct rh_callee *callee, struct rh_batch_item *items, size_t count,
             uint64_t timeout_ns);

/* The words and the code of the calling thread's last failure; never NULL. */
const char *rh_last_error(void);
int         rh_last_code(void);

/* 1 when the thread's last failed call may have run, 0 when it certainly did not.  A
 * call that was repeated may have run when any attempt may have. */
int rh_last_ran(void);

/* Serves the functions of a skeleton until SIGTERM; 0 then.  Attaches as callee,
 * comes back by itself when the agent is restarted.  threads 1..64: calls run on
 * at most so many threads at once.  A thread serves several callers; those of one that
 * a long call holds are taken over by the others. */
int rh_serve(const struct rh_skeleton *skeleton, unsigned threads);

/* The same with a handler instead of a skeleton, for programs that speak bytes:
 * functions are those of the table of signatures.  The handler returns 0 with
 * *ret_len bytes in reply (cap of them at most, which is about 4 MiB at most), or a negative code.
 * args lie in memory that the caller shares and can change at any time: copy what
 * you check before you use it. */
typedef int rh_handler(void *user, unsigned function, const void *args,
                       size_t args_len, void *reply, size_t cap, size_t *ret_len);
int rh_serve_bytes(const char *interface, const char *const *signatures,
                   unsigned count, rh_handler *handler, void *user,
                   unsigned threads);

/* Ends rh_serve from any thread or signal handler. */
void rh_serve_stop(void);

/* Sends an event to every caller of this resource that listens.  RH_EDOWN when
 * nobody does; RH_EAGAIN when a listener is full, after timeout_ns. */
int rh_event_emit(uint64_t event, const void *bytes, size_t len, uint64_t timeout_ns);

/* Takes the next event of that kind from the callee; 0 with its bytes, RH_EAGAIN
 * when none came within timeout_ns (0: do not wait).  The first call subscribes. */
int rh_event_take(struct rh_callee *callee, uint64_t event, void *bytes, size_t cap,
                  size_t *ret_len, uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif

#endif
