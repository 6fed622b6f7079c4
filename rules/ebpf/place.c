#include "place.h"

#include "../../base/diag.h"
#include "../../model/error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX    (1ull << 32)
#define NOTE_STAPSDT 3u
#define PROVIDER    "rhodes"

struct file {
	const uint8_t *bytes;
	size_t         len;
	Elf64_Ehdr     head;
};

static int is_inside(const struct file *file, uint64_t offset, uint64_t bytes)
{
	return offset <= file->len && bytes <= file->len - offset;
}

static int read_head(struct file *file)
{
	Elf64_Ehdr *head = &file->head;

	if (file->len < sizeof *head)
		return 0;
	memcpy(head, file->bytes, sizeof *head);
	return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
	       head->e_ident[EI_CLASS] == ELFCLASS64 &&
	       (head->e_type == ET_DYN || head->e_type == ET_EXEC) &&
	       head->e_phentsize == sizeof(Elf64_Phdr) &&
	       head->e_shentsize == sizeof(Elf64_Shdr) &&
	       is_inside(file, head->e_phoff, (uint64_t)head->e_phnum * sizeof(Elf64_Phdr)) &&
	       is_inside(file, head->e_shoff, (uint64_t)head->e_shnum * sizeof(Elf64_Shdr));
}

/* Where in the file the code at that address is. */
static int offset_of(const struct file *file, uint64_t address, uint64_t *ret_offset)
{
	for (unsigned i = 0; i < file->head.e_phnum; i++) {
		Elf64_Phdr part;

		memcpy(&part, file->bytes + file->head.e_phoff + i * sizeof part, sizeof part);
		if (part.p_type == PT_LOAD && part.p_flags & PF_X && address >= part.p_vaddr &&
		    address - part.p_vaddr < part.p_filesz) {
			*ret_offset = address - part.p_vaddr + part.p_offset;
			return 1;
		}
	}
	return 0;
}

/* A note: pc, base, semaphore, "provider\0name\0arguments\0". */
static int is_site(const uint8_t *note, size_t len, const char *name)
{
	const char *text = (const char *)note + 24;
	size_t      provider = sizeof PROVIDER, own = strlen(name) + 1;

	return len >= 24 + provider + own && memcmp(text, PROVIDER, provider) == 0 &&
	       memcmp(text + provider, name, own) == 0;
}

static unsigned find_in(const struct file *file, const Elf64_Shdr *notes,
                        const char *name, uint64_t *offsets, unsigned cap)
{
	uint64_t at = notes->sh_offset, end = at + notes->sh_size;
	unsigned count = 0;

	while (count < cap && end - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr head;

		memcpy(&head, file->bytes + at, sizeof head);
		at += sizeof head;
		uint64_t name_bytes = ((uint64_t)head.n_namesz + 3) & ~3ull;
		uint64_t note_bytes = ((uint64_t)head.n_descsz + 3) & ~3ull;
		if (name_bytes > end - at || note_bytes > end - at - name_bytes)
			break;
		const uint8_t *note = file->bytes + at + name_bytes;
		uint64_t       address;
		if (head.n_type == NOTE_STAPSDT && is_site(note, head.n_descsz, name)) {
			memcpy(&address, note, sizeof address);
			count += (unsigned)offset_of(file, address, &offsets[count]);
		}
		at += name_bytes + note_bytes;
	}
	return count;
}

/* ---- functions ---- */

static int is_function(const struct file *file, const Elf64_Sym *symbol,
                       const Elf64_Shdr *strings, const char *name)
{
	size_t len = strlen(name) + 1;

	return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_name < strings->sh_size &&
	       strings->sh_size - symbol->st_name >= len &&
	       memcmp(file->bytes + strings->sh_offset + symbol->st_name, name, len) == 0;
}

static unsigned find_symbol(const struct file *file, const Elf64_Shdr *table,
                            const char *name, uint64_t *offset)
{
	Elf64_Shdr strings;

	if (table->sh_link >= file->head.e_shnum)
		return 0;
	memcpy(&strings, file->bytes + file->head.e_shoff + table->sh_link * sizeof strings,
	       sizeof strings);
	if (strings.sh_type != SHT_STRTAB ||
	    !is_inside(file, strings.sh_offset, strings.sh_size))
		return 0;
	for (uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
		Elf64_Sym symbol;

		memcpy(&symbol, file->bytes + table->sh_offset + i * sizeof symbol,
		       sizeof symbol);
		if (is_function(file, &symbol, &strings, name))
			return (unsigned)offset_of(file, symbol.st_value, offset);
	}
	return 0;
}

/* ---- both ---- */

typedef unsigned search_fn(const struct file *file, const Elf64_Shdr *section,
                           const char *name, uint64_t *offsets, unsigned cap);

static unsigned search_notes(const struct file *file, const Elf64_Shdr *section,
                             const char *name, uint64_t *offsets, unsigned cap)
{
	return section->sh_type == SHT_NOTE ? find_in(file, section, name, offsets, cap) : 0;
}

static unsigned search_symbols(const struct file *file, const Elf64_Shdr *section,
                               const char *name, uint64_t *offsets, unsigned cap)
{
	return cap > 0 && (section->sh_type == SHT_SYMTAB || section->sh_type == SHT_DYNSYM)
	       ? find_symbol(file, section, name, offsets) : 0;
}

static unsigned find(const struct file *file, search_fn *search, const char *name,
                     uint64_t *offsets, unsigned cap)
{
	unsigned count = 0;

	for (unsigned i = 0; i < file->head.e_shnum && count < cap; i++) {
		Elf64_Shdr section;

		memcpy(&section, file->bytes + file->head.e_shoff + i * sizeof section,
		       sizeof section);
		if (section.sh_type != SHT_NOBITS &&
		    is_inside(file, section.sh_offset, section.sh_size))
			count += search(file, &section, name, offsets + count, cap - count);
	}
	return count;
}

static int map(const char *path, struct file *file, struct rh_diag *diag)
{
	int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return rh_diag_set(diag, errno == ENOENT ? RH_ENOENT : RH_EACCES, "%.120s: %s",
		                   path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > FILE_MAX) {
		close(fd);
		return rh_diag_set(diag, RH_EINVAL, "%.120s is not a file of a program", path);
	}
	file->len = (size_t)st.st_size;
	void *at = mmap(NULL, file->len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return rh_diag_set(diag, RH_ENOMEM, "%.120s cannot be mapped", path);
	file->bytes = at;
	if (read_head(file))
		return RH_OK;
	munmap(at, file->len);
	return rh_diag_set(diag, RH_EINVAL, "%.120s is neither a program nor a library", path);
}

static int find_at(const char *path, search_fn *search, const char *name, uint64_t *offsets,
                   unsigned cap, struct rh_diag *diag)
{
	struct file file;
	int         err = map(path, &file, diag);

	if (err)
		return err;
	unsigned count = find(&file, search, name, offsets, cap);
	munmap((void *)(uintptr_t)file.bytes, file.len);
	if (count)
		return (int)count;
	return rh_diag_set(diag, RH_ENOENT, search == search_notes
		? "%.120s has no site %s (`readelf -n` shows those it has)"
		: "%.120s has no function %s in its tables of symbols", path, name);
}

int rh_bpf_sites(const char *path, const char *name, uint64_t *offsets, unsigned cap,
                 struct rh_diag *diag)
{
	return find_at(path, search_notes, name, offsets, cap, diag);
}

int rh_bpf_function(const char *path, const char *name, uint64_t *offset,
                    struct rh_diag *diag)
{
	return find_at(path, search_symbols, name, offset, 1, diag);
}
