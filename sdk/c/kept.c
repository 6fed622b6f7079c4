#include "kept.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t  keys[RH_KEPT_COUNT];
static int            has_keys;

static void make_keys(void)
{
	has_keys = 1;
	for (unsigned i = 0; i < RH_KEPT_COUNT; i++)
		has_keys = has_keys && pthread_key_create(&keys[i], free) == 0;
}

void rh_kept_put(enum rh_kept kept, char *text)
{
	pthread_once(&once, make_keys);
	if (!has_keys) {
		free(text);
		return;
	}
	free(pthread_getspecific(keys[kept]));
	if (pthread_setspecific(keys[kept], text) != 0)
		free(text);
}

const char *rh_kept_get(enum rh_kept kept)
{
	pthread_once(&once, make_keys);
	return has_keys ? pthread_getspecific(keys[kept]) : NULL;
}
