/* magic_walk - asks libmagic about every name on standard input, in three ways.
 *
 * The library comes as a table, so that the same walk serves a program linked against
 * libmagic and one that finds it with dlopen. */
#ifndef TOUR_MAGIC_WALK_H
#define TOUR_MAGIC_WALK_H

#include <magic.h>
#include <stddef.h>

struct magic_library {
	magic_t (*open)(int);
	void (*close)(magic_t);
	int (*load)(magic_t, const char *);
	const char *(*error)(magic_t);
	int (*error_number)(magic_t);
	int (*setflags)(magic_t, int);
	int (*setparam)(magic_t, int, const void *);
	int (*getparam)(magic_t, int, void *);
	const char *(*by_name)(magic_t, const char *);
	const char *(*by_descriptor)(magic_t, int);
	const char *(*by_buffer)(magic_t, const void *, size_t);
	int (*version)(void);
};

/* Names end with NUL.  One record a name on standard output: the name and what the
 * library says by name, by descriptor and by the first bytes, each ended with NUL, then
 * a line end.  Returns the exit code. */
int magic_walk(const struct magic_library *library);

#endif
