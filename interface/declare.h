/* declare - canonical text back as what it can be made from: a C header and a side file.
 *
 * So an interface that was read from a Python file or from a binary's debug data gets
 * what every other one has, and the generator needs to know nothing of it.  The plan
 * made from the two has the functions of the text, with the same hashes;
 * rh_declare_check says whether that is so.
 *
 * Ownership   Texts are taken from the caller's pool.
 * Threads     Any.
 * Errors      RH_EINVAL  it is no canonical text.  RH_ENOMEM.
 *             A function that C cannot declare is left out, and noted in the side
 *             file with the reason. */
#ifndef RH_INTERFACE_DECLARE_H
#define RH_INTERFACE_DECLARE_H

#include "plan.h"

struct rh_declare_request {
	const char *text;      /* canonical, a function a line                */
	const char *name;      /* of the interface                            */
	const char *header;    /* file name that the side file names          */
	const char *soname;
	const char *library;   /* NULL: none                                  */
	const char *origin;    /* of the text, for people                     */
};

struct rh_declare {
	const char *header;
	const char *side;
	uint32_t    carried;
	uint32_t    left_out;  /* canonical text has them, C cannot           */
};

int rh_declare_make(struct rh_pool *pool, const struct rh_declare_request *request,
                    struct rh_declare *ret, struct rh_diag *diag);

/* Compares each function of the text that the plan carries.
 * RH_EINTERFACE  the plan has another type for it, or `carried` are not there. */
int rh_declare_check(const struct rh_plan *plan, const char *text,
                     const struct rh_declare *made, struct rh_diag *diag);

#endif
