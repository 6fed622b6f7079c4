#include "code.h"

#include "latch.h"
#include "switch.h"

#include <link.h>
#include <string.h>

#define RANGES_MAX 32

static struct {
	uintptr_t from, to;
} ranges[RANGES_MAX];
static _Atomic int count;
static uintptr_t own_from, own_to; /* set before anything else */
static struct rh_latch latch;

static bool is_deferred_object(const char *name)
{
	static const char *const parts[] = {"/libc.so", "/ld-linux", "/libpthread",
					    "/libstdc++", "/libgcc_s", "/libc++",
					    "/libunwind", "linux-vdso"};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

static void add(uintptr_t from, uintptr_t to)
{
	int n = atomic_load(&count);

	for (int i = 0; i < n; i++)
		if (ranges[i].from == from)
			return;
	if (n == RANGES_MAX)
		return;
	ranges[n].from = from;
	ranges[n].to = to;
	atomic_store(&count, n + 1);
}

static int look_at(struct dl_phdr_info *object, size_t size, void *none)
{
	uintptr_t inside = (uintptr_t)rh_switch_begin;

	(void)size;
	(void)none;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + part->p_vaddr;
		uintptr_t to = from + part->p_memsz;
		bool own = inside >= from && inside < to;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		if (own) {
			own_from = from;
			own_to = to;
		}
		if (own || is_deferred_object(object->dlpi_name))
			add(from, to);
	}
	return 0;
}

void rh_code_look(void)
{
	rh_latch_lock(&latch);
	dl_iterate_phdr(look_at, NULL);
	rh_latch_unlock(&latch);
}

void rh_code_forget(void)
{
	atomic_store(&latch.word, 0);
}

bool rh_code_is_own(uintptr_t pc)
{
	return pc >= own_from && pc < own_to;
}

bool rh_code_is_deferred(uintptr_t pc)
{
	int n = atomic_load(&count);

	for (int i = 0; i < n; i++)
		if (pc >= ranges[i].from && pc < ranges[i].to)
			return true;
	return false;
}
