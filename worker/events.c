#include "events.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../model/error.h"
#include "../model/interface.h"
#include "../sdk/c/rhodes-stub.h"
#include "../sdk/c/rhodes.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_MS 50

/* One event function and the memory that it fills. */
struct source {
	const struct rh_interface *interface;
	const struct rh_function  *function;
	rh_trampoline             *call;
	unsigned                   index;
	void                      *args[RH_PARAMS_MAX];     /* to pointees         */
	void                      *pointees[RH_PARAMS_MAX]; /* what the C side gets */
	alignas(max_align_t) unsigned char ret[64];
	alignas(max_align_t) unsigned char memory[];
};

static size_t rounded(uint32_t size)
{
	return (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
}

/* NULL when out of memory. */
static struct source *source_of(const struct rh_skeleton *skeleton, unsigned index)
{
	const struct rh_function *function = &skeleton->interface->functions[index];
	struct source            *source;
	size_t                    bytes = 0;

	for (unsigned i = 0; i < function->param_count; i++)
		bytes += rounded(function->params[i].size);
	if (function->ret.size > sizeof source->ret ||
	    !(source = calloc(1, sizeof *source + bytes)))
		return NULL;
	source->interface = skeleton->interface;
	source->function = function;
	source->call = skeleton->trampolines[index];
	source->index = index;
	bytes = 0;
	for (unsigned i = 0; i < function->param_count; i++) {
		source->pointees[i] = source->memory + bytes;
		source->args[i] = &source->pointees[i];
		bytes += rounded(function->params[i].size);
	}
	return source;
}

static int64_t number(const struct source *source)
{
	switch (source->function->ret.size) {
	case 1: return *(const int8_t *)source->ret;
	case 2: return *(const int16_t *)source->ret;
	case 4: return *(const int32_t *)source->ret;
	default: return *(const int64_t *)source->ret;
	}
}

static int is_failure(const struct source *source)
{
	const struct rh_function *function = source->function;
	int is_number = function->ret.kind == RH_KIND_INT ||
	                function->ret.kind == RH_KIND_UINT;

	return is_number && number(source) == (function->on_error == RH_ON_ERROR_RETURN
	                                       ? function->error_value : -1);
}

/* Until it is delivered, or may have been: twice would be worse than lost. */
static int deliver(struct source *source)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * (long)RH_NS_PER_MS };

	for (int is_told = 0;; is_told = 1) {
		int r = rh_stub_emit(source->interface, source->index, source->args,
		                     source->ret, 0);

		if (r == RH_OK || rh_last_ran())
			return r;
		if (!is_told)
			rh_info("event %s waits: %s", source->function->name,
			        rh_last_error());
		/* Nobody listens yet; that is no time that anybody counts. */
		nanosleep(&pause, NULL);
	}
}

static void *run(void *user)
{
	struct source *source = user;

	for (;;) {
		errno = 0;
		source->call(source->args, source->ret);
		if (is_failure(source)) {
			if (errno == EINTR || errno == EAGAIN || errno == ETIMEDOUT)
				continue;
			rh_warn("no more events %s: %s", source->function->name,
			        strerror(errno));
			break;
		}
		if (deliver(source) < 0)
			rh_warn("event %s may be lost: %s", source->function->name,
			        rh_last_error());
	}
	free(source);
	return NULL;
}

int rh_events_start(const struct rh_skeleton *skeleton)
{
	const struct rh_interface *interface = skeleton->interface;

	for (unsigned i = 0; i < interface->function_count; i++) {
		struct source *source;
		pthread_t      thread;

		if (!(interface->functions[i].flags & RH_FUNCTION_EVENT) ||
		    !skeleton->trampolines[i])
			continue;
		source = source_of(skeleton, i);
		if (!source || pthread_create(&thread, NULL, run, source) != 0) {
			free(source);
			return RH_ENOMEM;
		}
		pthread_detach(thread);
	}
	return RH_OK;
}
