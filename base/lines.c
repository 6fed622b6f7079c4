#include "lines.h"

#include <stdint.h>
#include <stdlib.h>

/* Where the memory really begins stands before the first line. */
void *rh_lines_create(size_t bytes)
{
	size_t    more = RH_LINE + sizeof(void *);
	char     *begin = bytes <= SIZE_MAX - more ? calloc(1, bytes + more) : NULL;
	uintptr_t at = (uintptr_t)begin + more;

	if (!begin)
		return NULL;
	at -= at % RH_LINE;
	((void **)at)[-1] = begin;
	return (void *)at;
}

void rh_lines_destroy(void *at)
{
	if (at)
		free(((void **)at)[-1]);
}
