#include "protocol.h"

#include "msgqueue/msgqueue.h"
#include "semaphore/semaphore.h"
#include "shm/shm.h"

#include <string.h>

static const struct rh_protocol *const protocols[] = {
	&rh_msgqueue_protocol,
	&rh_semaphore_protocol,
	&rh_shm_protocol,
};

const struct rh_protocol *rh_protocol_find(const char *name)
{
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		if (strcmp(protocols[i]->name, name) == 0)
			return protocols[i];
	}
	return NULL;
}
