#include "own.h"

int calc_add(int a, int b)
{
	return b ? calc_add(a + 1, b - 1) : a;   /* its own calls of itself stay its own */
}

int kept(int a)
{
	return a + 1;
}
