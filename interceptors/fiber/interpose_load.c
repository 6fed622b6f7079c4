/* Loading: functions of other objects run meanwhile, under locks of the loader.
 *
 * Some of these locks are needed to make a thread, so also a carrier.  When all carriers
 * sleep for a lock whose owner waits for a carrier, nothing would go on: who is in here goes
 * on until it is out.  Constructors run here, too, and may wait for other threads: there is
 * an end to that. */
#include "code.h"
#include "real.h"
#include "runtime.h"

#include "fiber.h"

#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rh_fiber *hold(void)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (fiber && !fiber->held++)
		fiber->ticks = 0;
	return fiber;
}

static void let_go(struct rh_fiber **fiber)
{
	if (!*fiber || --(*fiber)->held)
		return;
	if ((*fiber)->governed)
		rh_fiber_point(*fiber);
}

#define HELD struct rh_fiber *held __attribute__((cleanup(let_go), unused)) = hold()

static void *looked(void *handle)
{
	if (handle && rh_runtime_runs())
		rh_code_look();
	return handle;
}

RH_INTERPOSED int dl_iterate_phdr(int (*see)(struct dl_phdr_info *, size_t, void *), void *user)
{
	HELD;

	return rh_real_get()->dl_iterate_phdr(see, user);
}

/* The object that has that code, if it says where its own libraries are; else NULL. */
static struct link_map *with_path(const void *code)
{
	struct link_map *map = NULL;
	Dl_info info;

	if (!dladdr1(code, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
		return NULL;
	for (const ElfW(Dyn) *entry = map->l_ld; entry && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_RUNPATH || entry->d_tag == DT_RPATH)
			return map;
	return NULL;
}

/* Where all look in the end. */
static bool is_of_the_system(const char *folder)
{
	static const char *const all[] = {"/lib", "/usr/lib", "/lib64", "/usr/lib64",
					  "/lib/x86_64-linux-gnu",
					  "/usr/lib/x86_64-linux-gnu"};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(folder, all[i]))
			return true;
	return false;
}

static Dl_serinfo *folders_of(struct link_map *map)
{
	Dl_serinfo size, *folders;

	if (dlinfo(map, RTLD_DI_SERINFOSIZE, &size) || !(folders = malloc(size.dls_size)))
		return NULL;
	*folders = size;
	if (!dlinfo(map, RTLD_DI_SERINFO, folders))
		return folders;
	free(folders);
	return NULL;
}

/* Where the caller says; the C library would look where this library says, which is what
 * calls it. */
static void *load_of(struct link_map *map, const char *name, int flags)
{
	void *handle = rh_real.dlopen(name, flags | RTLD_NOLOAD);
	Dl_serinfo *folders = handle ? NULL : folders_of(map);
	char path[PATH_MAX];

	for (unsigned i = 0; folders && !handle && i < folders->dls_cnt; i++) {
		const char *folder = folders->dls_serpath[i].dls_name;

		if (is_of_the_system(folder))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, name);
		if (access(path, R_OK) == 0)
			handle = rh_real.dlopen(path, flags);
	}
	free(folders);
	return handle ? handle : rh_real.dlopen(name, flags);
}

static void *load_for(const void *caller, const char *name, int flags)
{
	struct link_map *map = NULL;

	if (name && *name && !strchr(name, '/'))
		map = with_path(caller);
	return map ? load_of(map, name, flags) : rh_real_get()->dlopen(name, flags);
}

RH_INTERPOSED void *dlopen(const char *name, int flags)
{
	HELD;

	rh_real_get();
	return looked(load_for(__builtin_return_address(0), name, flags));
}

RH_INTERPOSED void *dlmopen(Lmid_t space, const char *name, int flags)
{
	HELD;

	return looked(rh_real_get()->dlmopen(space, name, flags));
}

RH_INTERPOSED int dlclose(void *handle)
{
	HELD;

	return rh_real_get()->dlclose(handle);
}
