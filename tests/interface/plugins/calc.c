/* The resource: its answers are others than those of the program's own functions. */
#include "calc.h"

int calc_twice(int a)
{
	return 1000 + 2 * a;
}

int calc_add(int a, int b)
{
	return 2000 + a + b;
}
