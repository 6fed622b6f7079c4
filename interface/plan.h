/* plan - an interface, read completely and ready to be written out.
 *
 * rh_plan_make reads the side file, the headers and the library's symbols, and
 * joins them: every function that the library exports becomes one row, whether
 * the header declares it or not.
 *
 * Ownership   rh_plan_fini frees everything; struct rh_interface points into it.
 * Threads     One.
 * Invariants  N1  functions[i] belongs to interface.functions[i].
 *             N2  rows stand in this order: declared in the header and in its
 *                 order; exported without a declaration, by name; older
 *                 versions of a symbol, by name. */
#ifndef RH_INTERFACE_PLAN_H
#define RH_INTERFACE_PLAN_H

#include "carry.h"
#include "elf.h"
#include "header.h"

#define RH_PLAN_PATH_MAX 4096u

struct rh_plan_function {
	const struct rh_cfunction  *c;       /* NULL: not declared             */
	const struct rh_elf_symbol *symbol;  /* NULL: no library has it         */
	bool                        is_old;  /* an older version of a symbol   */
	bool                        is_ignored; /* does nothing, silently      */
};

struct rh_plan_variable {
	const struct rh_elf_symbol *symbol;
	struct rh_elf_span          bytes;   /* len 0: zero                    */
	bool                        is_writable;
	bool                        is_exact; /* bytes are what the library has */
};

struct rh_plan {
	struct rh_pool            pool;
	struct rh_side            side;
	struct rh_header_request  request;
	struct rh_header          header;
	struct rh_elf_span        library;      /* len 0: none                 */
	const char               *library_path; /* NULL: none                  */
	const char               *folder;       /* of the side file            */
	struct rh_elf_exports     exports;
	struct rh_interface       interface;
	struct rh_plan_function  *functions;
	struct rh_plan_variable  *variables;
	uint32_t                  variable_count;
};

/* Reads <path>.side and what it names.
 * RH_ENOENT  a file is missing.
 * RH_EINVAL  the side file or the headers are wrong.
 * RH_EPROTO  the library is no ELF file that can be read.
 * Everything is freed on failure. */
int rh_plan_make(struct rh_plan *plan, const char *side_path, struct rh_diag *diag);
void rh_plan_fini(struct rh_plan *plan);

/* The same for a side file that is not written yet; path tells its folder. */
int rh_plan_make_text(struct rh_plan *plan, const char *side_path, const char *text,
                      size_t len, struct rh_diag *diag);

/* Rows that cross to the callee. */
bool rh_plan_is_carried(const struct rh_function *function);

#endif
