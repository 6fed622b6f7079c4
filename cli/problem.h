/* problem - why the center refused, told to a person.
 *
 *   rhodes apply: system.yaml:12:14: Resource/net_driver: a driver may not call a
 *   service (net_driver -> file_system)
 *       rule        hierarchy, revision 7
 *       what to do  `rhodes explain net_driver file_system` tells more; ...
 *
 * Ownership   A struct rh_problem borrows from the JSON it was read from. */
#ifndef RH_CLI_PROBLEM_H
#define RH_CLI_PROBLEM_H

#include <jansson.h>
#include <stdio.h>

struct rh_problem {
	long        status;
	int         code;      /* RH_E..., or RH_EIO when it is not known */
	const char *detail;    /* never NULL                              */
	const char *rule;      /* or NULL, as those that follow           */
	const char *pointer;
	const char *caller;
	const char *callee;
	json_int_t  revision;  /* 0 not known                             */
	char        object[160]; /* "Resource/file", or ""                */
};

/* Reads application/problem+json; also an answer that is none. */
void rh_problem_read(struct rh_problem *ret_problem, long status, const json_t *json);

/* Prints it; who is "rhodes apply"; where is "file:line:column" or NULL. */
void rh_problem_print(const struct rh_problem *problem, FILE *file, const char *who,
                      const char *where);

/* An enum rh_exit. */
int rh_problem_exit(const struct rh_problem *problem);

#endif
