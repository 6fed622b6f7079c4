#include "code.h"

#include "latch.h"
#include "real.h"
#include "switch.h"

#include "../../base/gonote.h"

#include <stdatomic.h>
#include <string.h>

#define RANGES_MAX 32

static struct {
	uintptr_t from, to;
} ranges[RANGES_MAX];
static _Atomic int count;
static _Atomic bool has_go;
static _Atomic unsigned long long seen; /* how much was ever loaded */
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
	atomic_store(&seen, object->dlpi_adds);
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + part->p_vaddr;
		uintptr_t to = from + part->p_memsz;
		bool own = inside >= from && inside < to;

		if (part->p_type == PT_NOTE && rh_gonote_is_in((const unsigned char *)from, part->p_filesz))
			atomic_store(&has_go, true);
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
	rh_real_get()->dl_iterate_phdr(look_at, NULL);
	rh_latch_unlock(&latch);
}

static int compare(struct dl_phdr_info *first, size_t size, void *ret_is_new)
{
	(void)size;
	*(bool *)ret_is_new = first->dlpi_adds != atomic_load(&seen);
	return 1; /* all say the same */
}

void rh_code_look_anew(void)
{
	bool is_new = false;

	rh_real_get()->dl_iterate_phdr(compare, &is_new);
	if (is_new)
		rh_code_look();
}

bool rh_code_has_go(void)
{
	return atomic_load(&has_go);
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
