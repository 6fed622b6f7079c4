/* foreman - keeps the builder running: the child of the center, and the parent of who
 * builds (builder_child.h).
 *
 *   center ---> foreman ---> builder ---> a tool in its jail
 *
 * A builder that is killed is followed by another one at once; one that is killed again
 * and again before it built anything, up to five seconds later.  What it had started is
 * ended before, as all is when the center ends.  The foreman reads nothing of what a
 * stranger wrote.
 *
 * Threads     One. */
#ifndef RH_CENTER_FOREMAN_H
#define RH_CENTER_FOREMAN_H

#include <signal.h>

/* Has it end, with all that it started; the kernel sends it when the center ended. */
#define RH_FOREMAN_END SIGUSR1

/* What the two tell each other, in memory that both have. */
struct rh_foreman_board {
	unsigned long built; /* orders that a builder answered */
};

/* A builder: ends with 0 when nobody gives orders any more. */
typedef int rh_foreman_builder(struct rh_foreman_board *board, const char *state);

/* In a process of its own, a child of parent; died is called in it each time that a
 * builder was killed, before there is another.  Both may use the descriptors that stand
 * below 4. */
_Noreturn void rh_foreman_run(int parent, rh_foreman_builder *builder, void (*died)(void),
                              const char *state);

#endif
