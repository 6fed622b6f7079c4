/* model_check - lets a test see that RH_CHECK stops a broken caller.
 *
 * Replaces the rh_check_failed of base/: outside of check_stops it ends the program. */
#ifndef RH_TESTS_MODEL_CHECK_H
#define RH_TESTS_MODEL_CHECK_H

/* 1 when a check failed within act(user), 0 when it returned. */
int check_stops(void (*act)(void *user), void *user);

#endif
