#include "elf.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct rh_diag *diag, const char *reason)
{
	if (diag) {
		diag->code = RH_EPROTO;
		snprintf(diag->text, sizeof diag->text, "ELF file: %s", reason);
	}
	return RH_EPROTO;
}

static bool span_holds(struct rh_elf_span span, uint64_t at, uint64_t len)
{
	return at <= span.len && len <= span.len - at;
}

static bool span_cut(struct rh_elf_span span, uint64_t at, uint64_t len,
                     struct rh_elf_span *ret)
{
	if (!span_holds(span, at, len))
		return false;
	*ret = (struct rh_elf_span){ span.bytes + at, (size_t)len };
	return true;
}

static bool span_read(struct rh_elf_span span, uint64_t at, void *ret, size_t size)
{
	if (!span_holds(span, at, size))
		return false;
	memcpy(ret, span.bytes + at, size);
	return true;
}

/* A string that ends inside of the table, or NULL. */
static const char *span_string(struct rh_elf_span span, uint64_t at)
{
	if (at >= span.len || !memchr(span.bytes + at, 0, span.len - at))
		return NULL;
	return (const char *)span.bytes + at;
}

static bool read_section(const struct rh_elf *elf, uint32_t index, Elf64_Shdr *ret)
{
	return index < elf->section_count &&
	       span_read(elf->file, elf->section_at + index * sizeof *ret, ret,
	                 sizeof *ret);
}

static bool section_span(const struct rh_elf *elf, const Elf64_Shdr *section,
                         struct rh_elf_span *ret)
{
	return section->sh_type != SHT_NOBITS &&
	       span_cut(elf->file, section->sh_offset, section->sh_size, ret);
}

int rh_elf_init(struct rh_elf *elf, const void *bytes, size_t len,
                struct rh_diag *diag)
{
	struct rh_elf ready = { .file = { bytes, len } };
	Elf64_Ehdr    header;
	Elf64_Shdr    names;

	if (!span_read(ready.file, 0, &header, sizeof header))
		return refuse(diag, "shorter than its header");
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return refuse(diag, "not an ELF file");
	if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] !=
	    (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB))
		return refuse(diag, "not 64 bits wide, or of the other byte order");
	if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0)
		return refuse(diag, "no section table");
	ready.section_at = header.e_shoff;
	ready.section_count = header.e_shnum;
	ready.machine = header.e_machine;
	ready.is_object = header.e_type == ET_REL;
	if (!span_holds(ready.file, header.e_shoff,
	                (uint64_t)header.e_shnum * sizeof(Elf64_Shdr)))
		return refuse(diag, "the section table is outside of the file");
	if (!read_section(&ready, header.e_shstrndx, &names) ||
	    !section_span(&ready, &names, &ready.section_names))
		return refuse(diag, "no section names");
	*elf = ready;
	return RH_OK;
}

int rh_elf_section(const struct rh_elf *elf, const char *name,
                   struct rh_elf_span *ret)
{
	Elf64_Shdr section;

	for (uint32_t i = 0; read_section(elf, i, &section); i++) {
		const char *found = span_string(elf->section_names, section.sh_name);

		if (found && strcmp(found, name) == 0 &&
		    section_span(elf, &section, ret))
			return RH_OK;
	}
	return RH_ENOENT;
}

/* A section by its type, with the one that it links to (its strings). */
static bool find_type(const struct rh_elf *elf, uint32_t type,
                      struct rh_elf_span *ret, struct rh_elf_span *ret_linked)
{
	Elf64_Shdr section, linked;

	for (uint32_t i = 0; read_section(elf, i, &section); i++) {
		if (section.sh_type != type)
			continue;
		return section_span(elf, &section, ret) &&
		       read_section(elf, section.sh_link, &linked) &&
		       section_span(elf, &linked, ret_linked);
	}
	return false;
}

struct tables {
	struct rh_elf_span symbols;
	struct rh_elf_span strings;
	struct rh_elf_span versym;                     /* len 0: no versions  */
	const char        *names[RH_ELF_VERSIONS_MAX]; /* by version index    */
};

static int read_versions(struct rh_pool *pool, const struct rh_elf *elf,
                         struct tables *tables, struct rh_elf_exports *exports)
{
	struct rh_elf_span defs, strings, ignored;
	Elf64_Verdef       def;
	Elf64_Verdaux      aux, parent;
	uint64_t           at = 0;

	if (!find_type(elf, SHT_GNU_versym, &tables->versym, &ignored))
		tables->versym.len = 0;
	if (!find_type(elf, SHT_GNU_verdef, &defs, &strings))
		return RH_OK;
	exports->versions = rh_pool_take(pool, RH_ELF_VERSIONS_MAX,
	                                 sizeof *exports->versions);
	if (!exports->versions)
		return RH_ENOMEM;
	for (uint32_t n = 0; n < RH_ELF_VERSIONS_MAX; n++) {
		if (!span_read(defs, at, &def, sizeof def) ||
		    !span_read(defs, at + def.vd_aux, &aux, sizeof aux))
			return RH_EPROTO;
		const char *name = span_string(strings, aux.vda_name);
		uint16_t    index = def.vd_ndx & 0x7fff;
		if (!name || index >= RH_ELF_VERSIONS_MAX)
			return RH_EPROTO;
		if (!(def.vd_flags & VER_FLG_BASE)) {
			struct rh_elf_version version = { .name = name };

			if (def.vd_cnt > 1 &&
			    span_read(defs, at + def.vd_aux + aux.vda_next, &parent,
			              sizeof parent))
				version.parent = span_string(strings, parent.vda_name);
			tables->names[index] = name;
			exports->versions[exports->version_count++] = version;
		}
		if (!def.vd_next)
			return RH_OK;
		at += def.vd_next;
	}
	return RH_EPROTO;
}

static bool kind_of(const Elf64_Sym *symbol, uint8_t *ret)
{
	switch (ELF64_ST_TYPE(symbol->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		*ret = RH_ELF_FUNCTION;
		return true;
	case STT_OBJECT:
	case STT_COMMON:
		*ret = RH_ELF_OBJECT;
		return true;
	case STT_TLS:
		*ret = RH_ELF_THREAD_LOCAL;
		return true;
	default:
		return false;
	}
}

static bool is_exported(const Elf64_Sym *symbol)
{
	unsigned bind = ELF64_ST_BIND(symbol->st_info);
	unsigned seen = ELF64_ST_VISIBILITY(symbol->st_other);

	/* an absolute symbol is the name of a version, as old linkers wrote it */
	return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
	       (seen == STV_DEFAULT || seen == STV_PROTECTED);
}

static bool set_version(const struct tables *tables, uint32_t index,
                        struct rh_elf_symbol *symbol)
{
	uint16_t version;

	symbol->is_default = true;
	if (!tables->versym.len)
		return true;
	if (!span_read(tables->versym, (uint64_t)index * sizeof version, &version,
	               sizeof version))
		return false;
	uint16_t place = version & 0x7fff;
	if (place >= RH_ELF_VERSIONS_MAX)
		return false;
	symbol->version = tables->names[place];
	symbol->is_default = !symbol->version || !(version & 0x8000);
	return true;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct rh_elf_symbol *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (order == 0)
		order = strcmp(a->version ? a->version : "", b->version ? b->version : "");
	return order;
}

/* Old linkers export them; every library has its own. */
static bool belongs_to_loader(const char *name)
{
	return strcmp(name, "_init") == 0 || strcmp(name, "_fini") == 0;
}

static int read_symbols(struct rh_pool *pool, const struct tables *tables,
                        struct rh_elf_exports *exports)
{
	Elf64_Sym raw;
	size_t    count = tables->symbols.len / sizeof raw;

	if (count > RH_ELF_SYMBOLS_MAX)
		return RH_EPROTO;
	exports->symbols = rh_pool_take(pool, count, sizeof *exports->symbols);
	if (!exports->symbols)
		return RH_ENOMEM;
	for (uint32_t i = 1; i < count; i++) {
		struct rh_elf_symbol symbol = { 0 };

		memcpy(&raw, tables->symbols.bytes + i * sizeof raw, sizeof raw);
		if (!is_exported(&raw) || !kind_of(&raw, &symbol.kind))
			continue;
		symbol.name = span_string(tables->strings, raw.st_name);
		symbol.value = raw.st_value;
		symbol.size = raw.st_size;
		symbol.section = raw.st_shndx;
		symbol.is_weak = ELF64_ST_BIND(raw.st_info) == STB_WEAK;
		if (!symbol.name || !symbol.name[0] || !set_version(tables, i, &symbol))
			return RH_EPROTO;
		if (belongs_to_loader(symbol.name))
			continue;
		exports->symbols[exports->symbol_count++] = symbol;
	}
	qsort(exports->symbols, exports->symbol_count, sizeof *exports->symbols,
	      compare_symbols);
	return RH_OK;
}

static int read_soname(const struct rh_elf *elf, struct rh_elf_exports *exports)
{
	struct rh_elf_span dynamic, strings;
	Elf64_Dyn          entry;

	if (!find_type(elf, SHT_DYNAMIC, &dynamic, &strings))
		return RH_OK;
	for (uint64_t at = 0; span_read(dynamic, at, &entry, sizeof entry);
	     at += sizeof entry) {
		if (entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag != DT_SONAME)
			continue;
		exports->soname = span_string(strings, entry.d_un.d_val);
		return exports->soname ? RH_OK : RH_EPROTO;
	}
	return RH_OK;
}

int rh_elf_exports(struct rh_pool *pool, const struct rh_elf *elf,
                   struct rh_elf_exports *ret, struct rh_diag *diag)
{
	struct rh_elf_exports exports = { 0 };
	struct tables         tables = { 0 };

	if (!find_type(elf, SHT_DYNSYM, &tables.symbols, &tables.strings))
		return refuse(diag, "no table of dynamic symbols");
	int result = read_soname(elf, &exports);
	if (result >= 0)
		result = read_versions(pool, elf, &tables, &exports);
	if (result >= 0)
		result = read_symbols(pool, &tables, &exports);
	if (result == RH_EPROTO)
		return refuse(diag, "a symbol, version or name is outside of its table");
	if (result >= 0)
		*ret = exports;
	return result;
}

int rh_elf_globals(struct rh_pool *pool, const struct rh_elf *elf,
                   struct rh_elf_exports *ret, struct rh_diag *diag)
{
	struct rh_elf_exports exports = { 0 };
	struct tables         tables = { 0 };

	if (!find_type(elf, SHT_SYMTAB, &tables.symbols, &tables.strings))
		return refuse(diag, "no table of symbols");
	int result = read_symbols(pool, &tables, &exports);
	if (result == RH_EPROTO)
		return refuse(diag, "a symbol or name is outside of its table");
	if (result >= 0)
		*ret = exports;
	return result;
}

const struct rh_elf_symbol *rh_elf_find(const struct rh_elf_exports *exports,
                                        const char *name)
{
	uint32_t low = 0, high = exports->symbol_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(exports->symbols[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < exports->symbol_count; low++) {
		const struct rh_elf_symbol *symbol = &exports->symbols[low];

		if (strcmp(symbol->name, name) != 0)
			break;
		if (symbol->is_default)
			return symbol;
	}
	return NULL;
}

/* Whether a relocation writes into [value, value + size). */
static bool is_relocated(const struct rh_elf *elf, uint64_t value, uint64_t size)
{
	Elf64_Shdr         section;
	struct rh_elf_span span;
	Elf64_Rela         entry;

	for (uint32_t i = 0; read_section(elf, i, &section); i++) {
		/* a packed table cannot be searched here: assume the worst */
		if (section.sh_type == SHT_REL || section.sh_type == 19 /* RELR */)
			return true;
		if (section.sh_type != SHT_RELA || !section_span(elf, &section, &span))
			continue;
		for (uint64_t at = 0; span_read(span, at, &entry, sizeof entry);
		     at += sizeof entry)
			if (entry.r_offset + 8 > value && entry.r_offset < value + size)
				return true;
	}
	return false;
}

int rh_elf_data(const struct rh_elf *elf, uint64_t value, uint64_t size,
                struct rh_elf_span *ret, bool *ret_writable)
{
	Elf64_Shdr section;

	for (uint32_t i = 0; read_section(elf, i, &section); i++) {
		if (!(section.sh_flags & SHF_ALLOC) || section.sh_flags & SHF_TLS ||
		    value < section.sh_addr || size > section.sh_size ||
		    value - section.sh_addr > section.sh_size - size)
			continue;
		struct rh_elf_span span;
		*ret = (struct rh_elf_span){ 0 };
		*ret_writable = (section.sh_flags & SHF_WRITE) != 0;
		if (section_span(elf, &section, &span) && !is_relocated(elf, value, size))
			span_cut(span, value - section.sh_addr, size, ret);
		return RH_OK;
	}
	return RH_ENOENT;
}
