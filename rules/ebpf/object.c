#include "object.h"

#include "../../base/diag.h"
#include "../../model/error.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif

#define SECTIONS_MAX 1024u
#define SYMBOLS_MAX  65536u

struct file {
	const uint8_t        *bytes;
	size_t                len;
	Elf64_Ehdr            head;
	const char           *names;   /* of sections */
	size_t                names_len;
	struct rh_diag       *diag;
	struct rh_bpf_object *object;
};

static int refuse(const struct file *file, const char *why)
{
	return rh_diag_set(file->diag, RH_EINVAL, "%s", why);
}

static int is_inside(const struct file *file, uint64_t offset, uint64_t bytes)
{
	return offset <= file->len && bytes <= file->len - offset;
}

/* Sections were found to be inside. */
static Elf64_Shdr section_at(const struct file *file, unsigned i)
{
	Elf64_Shdr section;

	memcpy(&section, file->bytes + file->head.e_shoff + i * sizeof section,
	       sizeof section);
	return section;
}

/* A name that people and generated text can bear; copies it.  0: it is not one. */
static int take_name(const char *table, size_t table_len, uint32_t at, char *name)
{
	size_t room, len;

	if (at >= table_len)
		return 0;
	room = table_len - at;
	len = strnlen(table + at, room);
	if (len == room || len == 0 || len > RH_BPF_NAME_MAX)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (table[at + i] <= ' ' || table[at + i] > '~')
			return 0;
	}
	memcpy(name, table + at, len + 1);
	return 1;
}

static int read_head(struct file *file)
{
	const Elf64_Ehdr *head = &file->head;

	if (file->len < sizeof *head || memcmp(file->bytes, ELFMAG, SELFMAG) != 0)
		return refuse(file, "it is not an object: it does not begin with "
		                    "\"\\x7f" "ELF\"");
	memcpy(&file->head, file->bytes, sizeof *head);
	if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(file, "it is not an object of 64 bits, little end first");
	if (head->e_machine != EM_BPF || head->e_type != ET_REL)
		return refuse(file, "it is not an object of eBPF: build it with clang -g -O2 "
		                    "-target bpf -c");
	if (head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shnum == 0 ||
	    head->e_shnum > SECTIONS_MAX || head->e_shstrndx >= head->e_shnum ||
	    !is_inside(file, head->e_shoff, (uint64_t)head->e_shnum * sizeof(Elf64_Shdr)))
		return refuse(file, "its table of sections is cut off or not one");
	return RH_OK;
}

static int read_sections(struct file *file)
{
	Elf64_Shdr names = section_at(file, file->head.e_shstrndx);
	char       name[RH_BPF_NAME_MAX + 1];

	for (unsigned i = 0; i < file->head.e_shnum; i++) {
		Elf64_Shdr section = section_at(file, i);

		if (section.sh_type != SHT_NOBITS &&
		    !is_inside(file, section.sh_offset, section.sh_size))
			return refuse(file, "a section lies outside of it");
	}
	if (names.sh_type != SHT_STRTAB)
		return refuse(file, "its sections have no names");
	file->names = (const char *)file->bytes + names.sh_offset;
	file->names_len = names.sh_size;
	for (unsigned i = 0; i < file->head.e_shnum; i++) {
		Elf64_Shdr section = section_at(file, i);

		if (take_name(file->names, file->names_len, section.sh_name, name) &&
		    section.sh_type == SHT_PROGBITS && strcmp(name, "license") == 0)
			snprintf(file->object->license, sizeof file->object->license, "%.*s",
			         (int)(section.sh_size < 31 ? section.sh_size : 31),
			         (const char *)file->bytes + section.sh_offset);
	}
	return RH_OK;
}

/* ---- symbols ---- */

static int take_program(struct file *file, const char *name, const char *section,
                        const Elf64_Sym *symbol)
{
	struct rh_bpf_object *object = file->object;

	if (object->program_count == RH_BPF_PROGRAMS_MAX)
		return rh_diag_set(file->diag, RH_EMSGSIZE, "it has more than %u programs",
		                   RH_BPF_PROGRAMS_MAX);
	struct rh_bpf_program *program = &object->programs[object->program_count++];
	snprintf(program->name, sizeof program->name, "%s", name);
	snprintf(program->section, sizeof program->section, "%s", section);
	program->bytes = (uint32_t)symbol->st_size;
	return RH_OK;
}

static int take_variable(struct file *file, const char *name, const Elf64_Sym *symbol,
                         struct rh_bpf_variable *list, unsigned *count, const char *what)
{
	if (*count == RH_BPF_MAPS_MAX)
		return rh_diag_set(file->diag, RH_EMSGSIZE, "it has more than %u %s",
		                   RH_BPF_MAPS_MAX, what);
	snprintf(list[*count].name, sizeof list[*count].name, "%s", name);
	list[*count].bytes = (uint32_t)symbol->st_size;
	++*count;
	return RH_OK;
}

static int take_symbol(struct file *file, const Elf64_Sym *symbol, const char *strings,
                       size_t strings_len)
{
	struct rh_bpf_object *object = file->object;
	unsigned char         type = ELF64_ST_TYPE(symbol->st_info);
	char                  name[RH_BPF_NAME_MAX + 1], section[RH_BPF_NAME_MAX + 1];

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= file->head.e_shnum ||
	    ELF64_ST_BIND(symbol->st_info) != STB_GLOBAL ||
	    (type != STT_FUNC && type != STT_OBJECT))
		return RH_OK;
	Elf64_Shdr home = section_at(file, symbol->st_shndx);
	if (!take_name(strings, strings_len, symbol->st_name, name) ||
	    !take_name(file->names, file->names_len, home.sh_name, section))
		return rh_diag_set(file->diag, RH_EINVAL, "a name in it is not one, or longer "
		                   "than %u bytes", RH_BPF_NAME_MAX);
	if (symbol->st_value > home.sh_size || symbol->st_size > home.sh_size - symbol->st_value)
		return rh_diag_set(file->diag, RH_EINVAL, "%s lies outside of its section %s",
		                   name, section);
	/* .text holds functions that programs call. */
	if (type == STT_FUNC && strcmp(section, ".text") != 0)
		return take_program(file, name, section, symbol);
	if (type == STT_OBJECT && strcmp(section, ".maps") == 0)
		return take_variable(file, name, symbol, object->maps, &object->map_count,
		                     "maps");
	if (type == STT_OBJECT && strcmp(section, ".rodata") == 0)
		return take_variable(file, name, symbol, object->params, &object->param_count,
		                     "parameters");
	return RH_OK;
}

static int read_symbols(struct file *file)
{
	for (unsigned i = 0; i < file->head.e_shnum; i++) {
		Elf64_Shdr table = section_at(file, i);

		if (table.sh_type != SHT_SYMTAB)
			continue;
		if (table.sh_entsize != sizeof(Elf64_Sym) || table.sh_link >= file->head.e_shnum ||
		    table.sh_size / sizeof(Elf64_Sym) > SYMBOLS_MAX)
			return refuse(file, "its table of symbols is not one");
		Elf64_Shdr strings = section_at(file, table.sh_link);
		for (size_t j = 0; j < table.sh_size / sizeof(Elf64_Sym); j++) {
			Elf64_Sym symbol;

			memcpy(&symbol, file->bytes + table.sh_offset + j * sizeof symbol,
			       sizeof symbol);
			int err = strings.sh_type != SHT_STRTAB
				? refuse(file, "its table of symbols has no names")
				: take_symbol(file, &symbol, (const char *)file->bytes +
				              strings.sh_offset, strings.sh_size);
			if (err)
				return err;
		}
	}
	return RH_OK;
}

int rh_bpf_object_read(const uint8_t *bytes, size_t len, struct rh_bpf_object *ret_object,
                       struct rh_diag *diag)
{
	struct rh_bpf_object object = { .program_count = 0 };
	struct file          file = { .bytes = bytes, .len = len, .diag = diag,
	                              .object = &object };
	int                  err;

	if (len > RH_BPF_OBJECT_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE, "an object of eBPF has at most 1 MiB; "
		                   "leave out what is not needed with llvm-strip -g");
	err = read_head(&file);
	if (!err)
		err = read_sections(&file);
	if (!err)
		err = read_symbols(&file);
	if (err)
		return err;
	if (object.program_count == 0)
		return refuse(&file, "it has no program: a global function in a section such "
		                     "as SEC(\"tracepoint\")");
	*ret_object = object;
	return RH_OK;
}

const struct rh_bpf_program *rh_bpf_object_program(const struct rh_bpf_object *object,
                                                   const char *name)
{
	for (unsigned i = 0; i < object->program_count; i++) {
		if (strcmp(object->programs[i].name, name) == 0)
			return &object->programs[i];
	}
	return NULL;
}
