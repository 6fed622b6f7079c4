/* Every way to name a function: calls, an address inside, one at file scope, in a table,
 * and behind a macro and a conditional. */
#include "own.h"

#include <stdio.h>

#define TWICE(a) calc_twice(a)

static int (*at_file_scope)(int, int) = calc_add;
static int (*const table[])(int) = { kept, calc_twice };

int main(int argc, char **argv)
{
	int (*inside)(int) = calc_twice;

	(void)argv;
	printf("%d %d %d %d %d %d %d %d\n", calc_twice(4), calc_add(1, 2), at_file_scope(3, 4),
	       inside(5), table[1](6), TWICE(7), (argc ? calc_twice : kept)(8), kept(9));
	return 0;
}
