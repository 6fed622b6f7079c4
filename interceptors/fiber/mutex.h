/* mutex - locks of the program, for what waits on others with one in hand. */
#ifndef RH_FIBER_MUTEX_H
#define RH_FIBER_MUTEX_H

#include <pthread.h>

int rh_mutex_lock(pthread_mutex_t *mutex);
int rh_mutex_unlock(pthread_mutex_t *mutex);

#endif
