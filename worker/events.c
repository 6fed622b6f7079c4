#include "events.h"

#include "../base/log.h"
#include "../model/code.h"
#include "../model/interface.h"
#include "../sdk/c/rhodes-language.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static int64_t number(const void *ret, uint32_t size)
{
	switch (size) {
	case 1: return *(const int8_t *)ret;
	case 2: return *(const int16_t *)ret;
	case 4: return *(const int32_t *)ret;
	default: return *(const int64_t *)ret;
	}
}

static int is_failure(const struct rh_function *function, const void *ret)
{
	int is_number = function->ret.kind == RH_KIND_INT ||
	                function->ret.kind == RH_KIND_UINT;

	return is_number && number(ret, function->ret.size) ==
	       (function->on_error == RH_ON_ERROR_RETURN ? function->error_value : -1);
}

/* One that the library does not export comes from another program. */
static int invoke(void *user, unsigned index, void *const *args, void *ret)
{
	const struct rh_skeleton *skeleton = user;
	const struct rh_function *function = &skeleton->interface->functions[index];

	if (!skeleton->trampolines[index])
		return RH_ECANCELED;
	errno = 0;
	skeleton->trampolines[index](args, ret);
	if (!is_failure(function, ret))
		return RH_OK;
	if (errno == EINTR || errno == EAGAIN || errno == ETIMEDOUT)
		return RH_EAGAIN;
	rh_warn("no more events %s: %s", function->name, strerror(errno));
	return RH_ECANCELED;
}

int rh_events_start(const struct rh_skeleton *skeleton)
{
	return rh_language_events(skeleton->interface, invoke,
	                          (void *)(uintptr_t)skeleton);
}
