/* problem - why a request was refused, for a person and for a program.
 *
 * It becomes application/problem+json: the code of errors.def, a sentence, and as
 * far as known the object, the element (JSON pointer), the edge, the rule and the
 * rule's revision.
 *
 * Ownership   A plain value of the caller's; rh_problem_json gives a new value.
 * Threads     Any. */
#ifndef RH_CENTER_PROBLEM_H
#define RH_CENTER_PROBLEM_H

#include "limits.h"

#include <jansson.h>
#include <stdint.h>

#define RH_PROBLEM_DETAIL_MAX 1024

struct rh_diag;

struct rh_problem {
	int      code;      /* negative, of errors.def                        */
	int      status;    /* HTTP; 0: the one of errors.def                 */
	uint64_t revision;  /* of rule, or of the object; 0 unknown           */
	char     kind[16];
	char     name[RH_OBJECT_NAME_MAX + 1];
	char     rule[RH_OBJECT_NAME_MAX + 1];
	char     caller[RH_OBJECT_NAME_MAX + 1];
	char     callee[RH_OBJECT_NAME_MAX + 1];
	char     pointer[RH_POINTER_MAX];
	char     detail[RH_PROBLEM_DETAIL_MAX];
};

/* Forgets everything in it, then sets code and detail.  Always returns code. */
int rh_problem_set(struct rh_problem *problem, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same from a diag. */
int rh_problem_diag(struct rh_problem *problem, int code,
                    const struct rh_diag *diag);

/* Says which object it concerns.  kind and name may be NULL. */
void rh_problem_object(struct rh_problem *problem, const char *kind,
                       const char *name);

/* The HTTP status. */
int rh_problem_status(const struct rh_problem *problem);

/* NULL when there is no memory. */
json_t *rh_problem_json(const struct rh_problem *problem);

/* A JSON string of any bytes: those that are not UTF-8 become '?'. */
json_t *rh_json_text(const char *text);

#endif
