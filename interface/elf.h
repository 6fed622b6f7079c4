/* elf - what a shared library exports, read from its file.
 *
 * The bytes are foreign: every offset, count and name is checked against the
 * file before it is used, and a broken file is refused, never trusted.
 *
 * Ownership   struct rh_elf borrows the bytes; tables are taken from the
 *             caller's pool, the names in them point into the bytes.
 * Threads     Any.
 * Limits      RH_ELF_SYMBOLS_MAX symbols, RH_ELF_BYTES_MAX of file; 64-bit
 *             files in the byte order of this machine only.
 * Errors      RH_EPROTO  the file breaks the format, with the reason.
 *             RH_ENOMEM  the pool is full. */
#ifndef RH_INTERFACE_ELF_H
#define RH_INTERFACE_ELF_H

#include "../model/error.h"
#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

#define RH_ELF_SYMBOLS_MAX  (1u << 20)
#define RH_ELF_VERSIONS_MAX 1024u
#define RH_ELF_BYTES_MAX    ((size_t)1 << 31)

struct rh_elf_span {
	const uint8_t *bytes;
	size_t         len;
};

struct rh_elf {
	struct rh_elf_span file;
	uint64_t           section_at;
	uint16_t           section_count;
	uint16_t           machine;
	bool               is_object;  /* .o: not linked yet                  */
	struct rh_elf_span section_names;
};

enum rh_elf_kind { RH_ELF_FUNCTION, RH_ELF_OBJECT, RH_ELF_THREAD_LOCAL };

struct rh_elf_symbol {
	const char *name;
	const char *version;     /* NULL: none                                 */
	uint64_t    value;
	uint64_t    size;
	uint16_t    section;
	uint8_t     kind;        /* enum rh_elf_kind                           */
	bool        is_default;  /* foo@@VERSION, or no version                */
	bool        is_weak;
};

struct rh_elf_version {
	const char *name;
	const char *parent;      /* NULL: none                                 */
};

struct rh_elf_exports {
	const char            *soname;    /* NULL: none                        */
	struct rh_elf_symbol  *symbols;   /* ordered by name, then version     */
	struct rh_elf_version *versions;  /* without the file's own name       */
	uint32_t               symbol_count;
	uint32_t               version_count;
};

/* Checks the file header and the section table. */
int rh_elf_init(struct rh_elf *elf, const void *bytes, size_t len,
                struct rh_diag *diag);

/* RH_ENOENT  there is no section of that name (with contents in the file). */
int rh_elf_section(const struct rh_elf *elf, const char *name,
                   struct rh_elf_span *ret);

/* Lists what the library offers to others. */
int rh_elf_exports(struct rh_pool *pool, const struct rh_elf *elf,
                   struct rh_elf_exports *ret, struct rh_diag *diag);

/* The same for an object (.o), of which others get what is global in it. */
int rh_elf_globals(struct rh_pool *pool, const struct rh_elf *elf,
                   struct rh_elf_exports *ret, struct rh_diag *diag);

/* The default symbol of that name, or NULL. */
const struct rh_elf_symbol *rh_elf_find(const struct rh_elf_exports *exports,
                                        const char *name);

/* The bytes that the loader puts at [value, value + size): those of the file, or
 * len 0 when they are zero (.bss) or changed by relocations.
 * RH_ENOENT  no segment holds them.  *ret_writable tells the segment's rights. */
int rh_elf_data(const struct rh_elf *elf, uint64_t value, uint64_t size,
                struct rh_elf_span *ret, bool *ret_writable);

/* Maps a file read-only.
 * RH_ENOENT, RH_EACCES, RH_EIO  it cannot be opened or mapped.
 * RH_EMSGSIZE  larger than RH_ELF_BYTES_MAX. */
int rh_elf_map(const char *path, struct rh_elf_span *ret, struct rh_diag *diag);
void rh_elf_unmap(struct rh_elf_span *span);

#endif
