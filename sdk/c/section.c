#include "section.h"

#include "../../model/error.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64u

static int read_at(int fd, void *to, size_t len, uint64_t at)
{
	return at <= INT64_MAX && pread(fd, to, len, (off_t)at) == (ssize_t)len
	       ? RH_OK : RH_EINVAL;
}

static int read_head(int fd, const Elf64_Ehdr *head, unsigned index, Elf64_Shdr *ret)
{
	if (index >= head->e_shnum || head->e_shentsize != sizeof *ret)
		return RH_EINVAL;
	return read_at(fd, ret, sizeof *ret, head->e_shoff + (uint64_t)index * sizeof *ret);
}

/* Names are compared where they stand. */
static int is_called(int fd, const Elf64_Shdr *names, uint32_t at, const char *name)
{
	char   text[NAME_MAX_BYTES];
	size_t len = strlen(name) + 1;

	return len <= sizeof text && at < names->sh_size && len <= names->sh_size - at &&
	       read_at(fd, text, len, names->sh_offset + at) == RH_OK &&
	       memcmp(text, name, len) == 0;
}

static int find(int fd, const char *name, Elf64_Shdr *ret_section)
{
	Elf64_Ehdr head;
	Elf64_Shdr names;
	int        r;

	if (read_at(fd, &head, sizeof head, 0) < 0 ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    read_head(fd, &head, head.e_shstrndx, &names) < 0)
		return RH_EINVAL;
	for (unsigned i = 0; i < head.e_shnum; i++) {
		if ((r = read_head(fd, &head, i, ret_section)) < 0)
			return r;
		if (is_called(fd, &names, ret_section->sh_name, name))
			return RH_OK;
	}
	return RH_ENOENT;
}

static int copy(int fd, const Elf64_Shdr *section, size_t max, char **ret_bytes)
{
	char *bytes;
	int   r;

	if (section->sh_size > max)
		return RH_EMSGSIZE;
	if (!(bytes = malloc(section->sh_size + 1)))
		return RH_ENOMEM;
	r = read_at(fd, bytes, section->sh_size, section->sh_offset);
	bytes[section->sh_size] = '\0';
	if (r < 0)
		free(bytes);
	else
		*ret_bytes = bytes;
	return r;
}

int rh_section_read(const char *path, const char *name, size_t max, char **ret_bytes)
{
	int        fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Shdr section;
	int        r = fd < 0 ? RH_ENOENT : find(fd, name, &section);

	if (r == RH_OK)
		r = copy(fd, &section, max, ret_bytes);
	if (fd >= 0)
		close(fd);
	return r;
}
