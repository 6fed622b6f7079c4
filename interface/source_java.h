/* source_java - a class file, or the classes of a jar.
 *
 * Of a class with native methods those; of an interface its methods; of any other its
 * public ones.  Of a jar: all classes with native methods, else its public interfaces;
 * FILE.jar!package/Class is that class alone.  Classes that a type names are looked for
 * in the jar, or beside the class file: a record is a struct, an enum a number.
 *
 * Ownership, errors  As source.h; places are bytes of the class file. */
#ifndef RH_INTERFACE_SOURCE_JAVA_H
#define RH_INTERFACE_SOURCE_JAVA_H

#include "source.h"

/* Whether the name ends in .class or .jar, or names a class in a jar. */
bool rh_source_java_is(const char *path);

/* *ret is text that the caller may write to. */
int rh_source_java(struct rh_pool *pool, const char *path, char **ret,
                   struct rh_diag *diag);

#endif
