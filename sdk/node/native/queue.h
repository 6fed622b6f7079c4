/* queue - what other threads have done for a thread of JavaScript.
 *
 * Any thread puts an item; the loop of the thread that the queue belongs to takes all
 * that are there and runs them.  When that thread ends, items run without JavaScript
 * (env NULL), on whatever thread put them, to free what they have.
 *
 * Ownership   Counted: of the state, and of each item that will be put.
 * Threads     put, ref, unref: any; everything else: its own. */
#ifndef RH_NODE_QUEUE_H
#define RH_NODE_QUEUE_H

#include "addon.h"

struct rh_js_item {
	struct rh_js_item *next;
	void (*done)(struct rh_js_item *item, struct rh_js_state *state); /* or NULL */
};

struct rh_js_queue *rh_js_queue_create(struct rh_js_state *state);
void rh_js_queue_close(struct rh_js_queue *queue);

struct rh_js_queue *rh_js_queue_ref(struct rh_js_queue *queue);
void rh_js_queue_unref(struct rh_js_queue *queue);

/* The loop goes on while items are expected. */
void rh_js_queue_expect(struct rh_js_queue *queue);
void rh_js_queue_expected(struct rh_js_queue *queue);

void rh_js_queue_put(struct rh_js_queue *queue, struct rh_js_item *item);

#endif
