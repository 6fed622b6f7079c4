/* Users and groups, which are the whole process's. */
#include "everywhere.h"
#include "real.h"
#include "runtime.h"

#include <grp.h>
#include <sys/syscall.h>

static int set(long number, long a, long b, long c)
{
	return rh_real_answer(rh_everywhere(number, a, b, c)) < 0 ? -1 : 0;
}

#define ON_ONE(name, type) \
	RH_INTERPOSED int name(type id) \
	{ \
		if (!rh_runtime_runs()) \
			return rh_real_get()->name(id); \
		return set(SYS_##name, (long)id, 0, 0); \
	}
ON_ONE(setuid, uid_t)
ON_ONE(setgid, gid_t)

#define ON_TWO(name, type) \
	RH_INTERPOSED int name(type real, type effective) \
	{ \
		if (!rh_runtime_runs()) \
			return rh_real_get()->name(real, effective); \
		return set(SYS_##name, (long)real, (long)effective, 0); \
	}
ON_TWO(setreuid, uid_t)
ON_TWO(setregid, gid_t)

#define ON_THREE(name, type) \
	RH_INTERPOSED int name(type real, type effective, type saved) \
	{ \
		if (!rh_runtime_runs()) \
			return rh_real_get()->name(real, effective, saved); \
		return set(SYS_##name, (long)real, (long)effective, (long)saved); \
	}
ON_THREE(setresuid, uid_t)
ON_THREE(setresgid, gid_t)

RH_INTERPOSED int seteuid(uid_t id)
{
	if (!rh_runtime_runs())
		return rh_real_get()->seteuid(id);
	return set(SYS_setresuid, -1, (long)id, -1);
}

RH_INTERPOSED int setegid(gid_t id)
{
	if (!rh_runtime_runs())
		return rh_real_get()->setegid(id);
	return set(SYS_setresgid, -1, (long)id, -1);
}

RH_INTERPOSED int setgroups(size_t count, const gid_t *groups)
{
	if (!rh_runtime_runs())
		return rh_real_get()->setgroups(count, groups);
	return set(SYS_setgroups, (long)count, (long)groups, 0);
}
