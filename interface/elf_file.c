#include "elf.h"

#include "../base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse_file(struct rh_diag *diag, const char *path, int result)
{
	return rh_diag_set(diag, result, "%.150s: %s", path,
	                   result == RH_EMSGSIZE ? "too large" : strerror(errno));
}

int rh_elf_map(const char *path, struct rh_elf_span *ret, struct rh_diag *diag)
{
	struct stat status;
	int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return refuse_file(diag, path, errno == EACCES ? RH_EACCES : RH_ENOENT);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || !status.st_size) {
		errno = EINVAL;
		close(fd);
		return refuse_file(diag, path, RH_EIO);
	}
	if ((uint64_t)status.st_size > RH_ELF_BYTES_MAX) {
		close(fd);
		return refuse_file(diag, path, RH_EMSGSIZE);
	}
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return refuse_file(diag, path, RH_EIO);
	*ret = (struct rh_elf_span){ bytes, (size_t)status.st_size };
	return RH_OK;
}

void rh_elf_unmap(struct rh_elf_span *span)
{
	if (span->bytes)
		munmap((void *)(uintptr_t)span->bytes, span->len);
	*span = (struct rh_elf_span){ 0 };
}
