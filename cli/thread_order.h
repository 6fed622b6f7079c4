/* thread_order - where the threads of one program stand in the order that they run in, as far as
 * it is told: clocks of the kernel and of rules begin anywhere, so that only differences
 * say something.
 *
 * Ownership   Nothing is kept.
 * Threads     Any. */
#ifndef RH_CLI_THREAD_ORDER_H
#define RH_CLI_THREAD_ORDER_H

#include "thread_rows.h"

#define RH_THREAD_ORDER_TEXT 40u

/* Fills in order and order_ns of the rows, all of which are of one process.  now_ns is of
 * CLOCK_MONOTONIC, as deadlines under `fiber` are. */
void rh_thread_order_put(struct rh_thread_row *rows, size_t count, double now_ns);

/* "+3.0ms", "in 2.0ms", "2.0ms ago", or "": nothing is told.  Returns text. */
const char *rh_thread_order_text(const struct rh_thread_row *row,
                                 char                        text[RH_THREAD_ORDER_TEXT]);

#endif
