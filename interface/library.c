#include "library.h"

#include "../base/diag.h"
#include "elf.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#else
#error "name the ELF machine of this processor here"
#endif

#define CACHE_PATH "/etc/ld.so.cache"

struct search {
	const char *name;
	char       *ret;
	size_t      cap;
};

/* A library for this machine, and none of our shadows. */
static bool is_real(const char *path)
{
	struct rh_elf_span file, mark;
	struct rh_elf      elf;

	if (rh_elf_map(path, &file, NULL) < 0)
		return false;
	bool is_good = rh_elf_init(&elf, file.bytes, file.len, NULL) >= 0 &&
	               elf.machine == OWN_MACHINE &&
	               rh_elf_section(&elf, RH_LIBRARY_SHADOW_SECTION, &mark) < 0;
	rh_elf_unmap(&file);
	return is_good;
}

static bool try_in(const struct search *search, const char *folder, size_t len)
{
	int used = snprintf(search->ret, search->cap, "%.*s/%s", (int)len, folder,
	                    search->name);

	return used > 0 && (size_t)used < search->cap && is_real(search->ret);
}

/* Folders parted by colons or semicolons. */
static bool try_list(const struct search *search, const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, ":;");

		if (len && try_in(search, list, len))
			return true;
		list += len + (list[len] != '\0');
	}
	return false;
}

struct cache_head {
	char     magic[20];      /* "glibc-ld.so.cache1.1" */
	uint32_t count;
	uint32_t string_bytes;
	uint32_t unused[5];
};

struct cache_entry {
	int32_t  flags;
	uint32_t name;
	uint32_t path;
	uint32_t os;
	uint64_t hardware;
};

static const char *cache_string(struct rh_elf_span file, uint32_t at)
{
	if (at >= file.len || !memchr(file.bytes + at, 0, file.len - at))
		return NULL;
	return (const char *)file.bytes + at;
}

/* Every folder that the cache knows, once for each run of entries. */
static bool try_cached(const struct search *search, struct rh_elf_span file)
{
	struct cache_head  head;
	struct cache_entry entry;
	const char        *last = "";
	size_t             last_len = 0;

	if (file.len < sizeof head)
		return false;
	memcpy(&head, file.bytes, sizeof head);
	if (memcmp(head.magic, "glibc-ld.so.cache1.1", sizeof head.magic) != 0 ||
	    head.count > (file.len - sizeof head) / sizeof entry)
		return false;
	for (uint32_t i = 0; i < head.count; i++) {
		memcpy(&entry, file.bytes + sizeof head + i * sizeof entry, sizeof entry);
		const char *path = cache_string(file, entry.path);
		const char *slash = path ? strrchr(path, '/') : NULL;
		size_t      len = slash ? (size_t)(slash - path) : 0;

		if (!slash || (len == last_len && memcmp(path, last, len) == 0))
			continue;
		last = path;
		last_len = len;
		if (try_in(search, path, len))
			return true;
	}
	return false;
}

static bool try_cache(const struct search *search)
{
	struct rh_elf_span file;

	if (rh_elf_map(CACHE_PATH, &file, NULL) < 0)
		return false;
	bool found = try_cached(search, file);
	rh_elf_unmap(&file);
	return found;
}

static int find_path(const char *name, const char *folder, char *ret, size_t cap,
                     struct rh_diag *diag)
{
	bool is_absolute = name[0] == '/' || !folder;
	int  used = snprintf(ret, cap, "%s%s%s", is_absolute ? "" : folder,
	                     is_absolute ? "" : "/", name);

	if (used < 0 || (size_t)used >= cap)
		return rh_diag_set(diag, RH_EMSGSIZE, "library path is too long");
	if (!is_real(ret))
		return rh_diag_set(diag, RH_ENOENT, "%.200s is no library for this machine",
		                   ret);
	return RH_OK;
}

int rh_library_find(const char *name, const char *folder, char *ret, size_t cap,
                    struct rh_diag *diag)
{
	struct search search = { name, ret, cap };

	if (strchr(name, '/'))
		return find_path(name, folder, ret, cap, diag);
	if (try_list(&search, getenv("LD_LIBRARY_PATH")) || try_cache(&search) ||
	    try_list(&search, "/usr/local/lib:/lib64:/usr/lib64:/lib:/usr/lib"))
		return RH_OK;
	return rh_diag_set(diag, RH_ENOENT, "the library %.100s is not installed", name);
}
