/* header - the functions that C headers declare, read with libclang.
 *
 * rh_header_read parses one synthetic source that includes the headers of an
 * interface, and behind them one typedef for every C type that the side file
 * names; so `in size_t|val` means what size_t means to that header.
 *
 * Ownership   All tables are taken from the caller's pool; libclang's own
 *             memory is freed before the call returns.
 * Threads     Any; no state is shared.
 * Errors      RH_EINVAL with the compiler's first error in the diag. */
#ifndef RH_INTERFACE_HEADER_H
#define RH_INTERFACE_HEADER_H

#include "../model/error.h"
#include "ctype.h"
#include "pool.h"

/* Whether the caller is interested in a function or variable of that symbol. */
typedef bool rh_header_wants(void *user, const char *symbol);

/* Before everything: headers there are that use size_t or FILE as if they had it. */
#define RH_HEADER_PRELUDE \
	"#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n" \
	"#include <stdio.h>\n#include <sys/types.h>\n"
#define RH_HEADER_PRELUDE_LINES 5u

struct rh_header_request {
	const char *const *headers;      /* as in #include                     */
	const char *const *cflags;
	const char *const *types;        /* C types to resolve                 */
	const char        *folder;       /* where "relative" headers are       */
	uint32_t           header_count;
	uint32_t           cflag_count;
	uint32_t           type_count;
	rh_header_wants   *wants;        /* NULL: what the named headers declare
	                                    themselves, not what they include */
	void              *user;
};

struct rh_header {
	struct rh_cfunction    *functions;
	const struct rh_ctype **types;   /* beside request.types               */
	const char            **variables; /* declared extern                  */
	uint32_t                function_count;
	uint32_t                type_count;
	uint32_t                variable_count;
};

/* Reads the declarations that the request wants, in the headers' order.
 * RH_EINVAL  the headers do not compile, or do not know types[*ret_unknown].
 * RH_ENOMEM  the pool is full. */
int rh_header_read(struct rh_pool *pool, const struct rh_header_request *request,
                   struct rh_header *ret, uint32_t *ret_unknown,
                   struct rh_diag *diag);

/* The source that declares what a request names; NULL when the pool is full. */
const char *rh_header_source(struct rh_pool *pool,
                             const struct rh_header_request *request);

#endif
