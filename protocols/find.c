#include "protocol.h"

#include "bind/bind.h"
#include "lossy/lossy.h"
#include "module/module.h"
#include "msgqueue/msgqueue.h"
#include "null/null.h"
#include "semaphore/semaphore.h"
#include "shm/shm.h"

#include <string.h>

static const struct rh_protocol *const protocols[] = {
	&rh_bind_protocol,
	&rh_lossy_protocol,
	&rh_module_protocol,
	&rh_msgqueue_protocol,
	&rh_null_protocol,
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
