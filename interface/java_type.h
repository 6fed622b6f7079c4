/* java_type - a type of Java as canonical text.  Inside of source_java.c only. */
#ifndef RH_INTERFACE_JAVA_TYPE_H
#define RH_INTERFACE_JAVA_TYPE_H

#include "../model/interface.h"
#include "classfile.h"

/* Finds a class by its name; RH_ENOENT: it is not here. */
typedef int rh_java_find(void *user, const char *name, struct rh_class *ret);

enum rh_java_kind {
	RH_JAVA_PLAIN,     /* text, size and align                             */
	RH_JAVA_VOID,
	RH_JAVA_WORD,      /* string, path                                     */
	RH_JAVA_BYTES,
	RH_JAVA_HANDLE,    /* text is the name                                 */
};

struct rh_java_type {
	char     text[RH_TEXT_MAX];
	uint32_t kind;
	uint32_t size;
	uint32_t align;
};

struct rh_java_types {
	struct rh_pool *pool;
	rh_java_find   *find;
	void           *user;
	const char     *reason;   /* of the last RH_EINVAL                     */
};

/* Reads the type at *at of a descriptor and moves behind it.
 * RH_EINVAL  it cannot be carried; *at is behind it all the same, or at the end. */
int rh_java_type(struct rh_java_types *types, const char **at,
                 struct rh_java_type *ret);

#endif
