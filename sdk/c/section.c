#include "section.h"

#include "../../interface/elf.h"

#include <stdlib.h>
#include <string.h>

static int copy(struct rh_elf_span section, size_t max, char **ret_bytes)
{
	char *bytes;

	if (section.len > max)
		return RH_EMSGSIZE;
	if (!(bytes = malloc(section.len + 1)))
		return RH_ENOMEM;
	memcpy(bytes, section.bytes, section.len);
	bytes[section.len] = '\0';
	*ret_bytes = bytes;
	return RH_OK;
}

int rh_section_read(const char *path, const char *name, size_t max, char **ret_bytes)
{
	struct rh_elf_span file = { 0 }, section;
	struct rh_elf      elf;
	int                r = rh_elf_map(path, &file, NULL);

	if (r == RH_OK)
		r = rh_elf_init(&elf, file.bytes, file.len, NULL);
	if (r == RH_OK)
		r = rh_elf_section(&elf, name, &section);
	if (r == RH_OK)
		r = copy(section, max, ret_bytes);
	rh_elf_unmap(&file);
	return r;
}
