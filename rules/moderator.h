/* moderator - asks the rule of hook `softirq` when the work of interrupts is done.
 *
 * It fills the buffer, calls the rule and checks what it says.  Without a rule, and when
 * the rule fails or says nonsense, it goes on by itself: ksoftirqd is woken at each
 * interrupt, does RH_MODERATOR_BUDGET pieces a round, and sleeps when nothing is left.
 *
 * Ownership  The caller owns struct rh_moderator; the rule is borrowed.
 * Threads    One at a time. */
#ifndef RH_RULES_MODERATOR_H
#define RH_RULES_MODERATOR_H

#include <stdint.h>

struct rh_rule;

#define RH_MODERATOR_BUDGET 64u

/* How things stand; see softirq.def. */
struct rh_softirq_state {
	uint64_t now_ns, told_ns, interrupts, done;
	uint32_t pending, ran, budget;
};

enum rh_on_interrupt { RH_INTERRUPT_WAKE, RH_INTERRUPT_HOLD, RH_INTERRUPT_INLINE };
enum rh_after_round { RH_ROUND_SLEEP, RH_ROUND_AGAIN, RH_ROUND_POLL };

struct rh_moderator {
	struct rh_rule *rule; /* NULL: none */
};

/* *ret_delay_us is set with HOLD, and with POLL. */
enum rh_on_interrupt rh_moderator_interrupt(struct rh_moderator *moderator,
                                            const struct rh_softirq_state *state,
                                            uint32_t *ret_delay_us);

/* 1 to RH_SOFTIRQ_BUDGET_MAX. */
uint32_t rh_moderator_budget(struct rh_moderator *moderator,
                             const struct rh_softirq_state *state);

/* left: tasklets that still wait.  Never SLEEP while there are any. */
enum rh_after_round rh_moderator_next(struct rh_moderator *moderator,
                                      const struct rh_softirq_state *state, uint32_t left,
                                      uint32_t *ret_delay_us);

#endif
