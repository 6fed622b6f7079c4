#include "memory.h"

#include "../model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

#define SIZE_SEALS   (F_SEAL_SHRINK | F_SEAL_GROW)
#define FROZEN_SEALS (SIZE_SEALS | F_SEAL_WRITE)

static int create_memfd(const char *name)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int      fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	return fd < 0 ? RH_ENOMEM : fd;
}

static int map(int fd, size_t bytes, int protection, void **ret_at)
{
	void *at = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return RH_ENOMEM;
	if (madvise(at, bytes, MADV_DONTFORK) < 0) {
		munmap(at, bytes);
		return RH_ENOMEM;
	}
	*ret_at = at;
	return RH_OK;
}

int rh_memory_create(const char *name, size_t bytes, int *ret_fd, void **ret_at)
{
	int fd = create_memfd(name);
	int r;

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)bytes) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SIZE_SEALS | F_SEAL_SEAL) < 0) {
		close(fd);
		return RH_ENOMEM;
	}
	r = map(fd, bytes, PROT_READ | PROT_WRITE, ret_at);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return RH_OK;
}

static int check_memfd(int fd, int wanted_seals, size_t bytes, int exact)
{
	struct stat st;
	int         seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & wanted_seals) != wanted_seals || fstat(fd, &st) < 0)
		return RH_EPROTO;
	if (st.st_size < 0 || (uint64_t)st.st_size < bytes ||
	    (exact && (uint64_t)st.st_size != bytes))
		return RH_EPROTO;
	return RH_OK;
}

int rh_memory_map(int fd, size_t bytes, void **ret_at)
{
	int r = check_memfd(fd, SIZE_SEALS, bytes, 1);

	return r < 0 ? r : map(fd, bytes, PROT_READ | PROT_WRITE, ret_at);
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return RH_ENOMEM;
		bytes += n;
		len -= (size_t)n;
	}
	return RH_OK;
}

int rh_memory_freeze(const void *bytes, size_t len)
{
	int fd = create_memfd("rhodes-payload");

	if (fd < 0)
		return fd;
	if (write_all(fd, bytes, len) < 0 ||
	    fcntl(fd, F_ADD_SEALS, FROZEN_SEALS | F_SEAL_SEAL) < 0) {
		close(fd);
		return RH_ENOMEM;
	}
	return fd;
}

int rh_memory_map_frozen(int fd, size_t len, const void **ret_at)
{
	void *at;
	int   r = check_memfd(fd, FROZEN_SEALS, len, 0);

	if (r < 0)
		return r;
	if (len == 0)
		return RH_EPROTO;
	r = map(fd, len, PROT_READ, &at);
	if (r == RH_OK)
		*ret_at = at;
	return r;
}

void rh_memory_unmap(const void *at, size_t bytes)
{
	if (at)
		munmap((void *)(uintptr_t)at, bytes);
}
