/* rhodes-stub - what generated shadow libraries and skeletons need.
 *
 * A shadow library has one static struct rh_stub_library and one small C
 * function per symbol:
 *
 *     int f(int a, const char *b)
 *     {
 *             int   ret;
 *             void *args[] = { &a, &b };
 *
 *             rh_stub_invoke(&library, 3, args, &ret);
 *             return ret;
 *     }
 *
 * Threads  Any. */
#ifndef RHODES_STUB_H
#define RHODES_STUB_H

#include "../../model/interface.h"

#define RH_STUB_ABI 1u

struct rh_stub_library {
	uint32_t                   abi;      /* RH_STUB_ABI                    */
	uint32_t                   reserved;
	const struct rh_interface *interface;
	void                      *state[8]; /* the SDK's; zero in the source  */
};

/* Carries the call of functions[index] to the callee and stores the result.  A
 * call that fails stores what on_error says, sets errno and leaves the reason to
 * rh_last_error.  Returns 0 or the negative code. */
int rh_stub_invoke(struct rh_stub_library *library, unsigned index,
                   void *const *args, void *ret);

/* The real library's symbol for functions[index], for functions that run in
 * place; loads the library of that soname from outside the shadow directory.
 * Ends the process with a message when there is none. */
void *rh_stub_local(struct rh_stub_library *library, unsigned index);

/* The same by name, for symbols that no header declares. */
void *rh_stub_local_name(struct rh_stub_library *library, const char *symbol);

/* Sends functions[index], an event, upward with these values, as if they were
 * what the function returned; see rh_event_emit.  What it hands over for good
 * (RH_PARAM_TRANSFER) is freed when the event was sent or may have been: after a failure
 * with rh_last_ran 0 it is the caller's still. */
int rh_stub_emit(const struct rh_interface *interface, unsigned index,
                 void *const *args, void *ret, uint64_t timeout_ns);

#endif
