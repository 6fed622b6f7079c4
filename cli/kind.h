/* kind - the kinds of objects, in the words of the user and of the API. */
#ifndef RH_CLI_KIND_H
#define RH_CLI_KIND_H

#include <stdbool.h>
#include <stddef.h>

struct rh_kind {
	const char *plural;     /* "resources": the list's path and the verb's word  */
	const char *singular;   /* "resource"                                        */
	const char *object;     /* "Resource", as in "kind"; NULL: not an object     */
	bool        is_deletable;
};

/* Ends with an entry without a name. */
extern const struct rh_kind rh_kinds[];

/* By plural, singular or object name; NULL when there is none. */
const struct rh_kind *rh_kind_find(const char *word);

/* Writes "/apis/v1/resources" or, with a name, "/apis/v1/resources/<name>". */
void rh_kind_path(const struct rh_kind *kind, const char *name, char *path, size_t cap);

#endif
