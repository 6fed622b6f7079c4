/* ask - a call of a caller in another process, on its way through JavaScript.
 *
 * A thread of librhodes begins it, hands it over, sleeps, and ends it; what it is answered
 * is its own, whatever else runs meanwhile: results, what callers see of objects, errno.
 *
 * Ownership   Of the thread of librhodes, on its stack; the thread of JavaScript has it
 *             from when it is put until it says that it is answered.
 * Threads     begin, end: the one that has the call.  answer: that of JavaScript. */
#ifndef RH_NODE_ASK_H
#define RH_NODE_ASK_H

#include "frame.h"
#include "place.h"
#include "queue.h"

struct rh_js_ask {
	struct rh_js_item       item;
	struct rh_js_ask       *next, *before; /* among those that promises answer    */
	uint32_t                number;        /* of the call; none has 0             */
	uintptr_t               round;         /* of the serving it belongs to        */
	const struct rh_js_plan *plan;
	struct rh_js_frame      frame;         /* over the C objects of the call     */
	struct rh_js_place      place;         /* if has_place: of who calls          */
	bool                    has_place;
	struct rh_js_fault      fault;         /* what the function threw            */
	void                  **lent[RH_PARAMS_MAX + 1]; /* results to be copied     */
	size_t                  lent_bytes[RH_PARAMS_MAX + 1];
	unsigned                lent_count;
	void                   *owned[RH_PARAMS_MAX + 1]; /* of malloc, the caller's  */
	unsigned                owned_count;
	void                   *seen[RH_PARAMS_MAX + 1]; /* what callers see of an
	                                          object, or NULL; the result's last */
	int                     r;
	int                     err_no;        /* for the caller's errno             */
	void                   *answered;      /* a semaphore                        */
};

/* item, plan, round, answered and the frame's library are set; args and ret as
 * rh_language_invoke has them. */
void rh_js_ask_begin(struct rh_js_ask *ask, void *const *args, void *ret);

/* Hands over what came of it: what the invoke returns. */
int rh_js_ask_end(struct rh_js_ask *ask);

/* answer.c: stores what the function returned into the C objects of the call. */
int rh_js_answer(struct rh_js_ask *ask, napi_value answer);

#endif
