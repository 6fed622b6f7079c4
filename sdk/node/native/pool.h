/* pool - threads that wait for callees, so that no loop of JavaScript does.
 *
 * Threads belong to the process, for its main thread and all Workers; each has pages of
 * its own in librhodes.  As many as there are processors are started at once when there
 * is work; another one only when no work was taken for a millisecond, as all wait for
 * slow calls then: at most RHODES_NODE_THREADS (64).  One without work ends after a while.
 *
 * Ownership   Work is given away and frees itself. */
#ifndef RH_NODE_POOL_H
#define RH_NODE_POOL_H

#define RH_JS_THREADS     64u  /* unless RHODES_NODE_THREADS says another number */
#define RH_JS_THREADS_MAX 256u

struct rh_js_work {
	struct rh_js_work *next;
	void (*run)(struct rh_js_work *work);
};

/* Has it run, in the order given, on a thread of the pool.  Where no thread can be
 * started it runs at once. */
void rh_js_pool_give(struct rh_js_work *work);

#endif
