/* The program's own: one function has its body here, the other is in the same link. */
#ifndef OWN_H
#define OWN_H

#ifdef __cplusplus
extern "C" {
#endif

static inline int calc_twice(int a)
{
	return 2 * a;
}

int calc_add(int a, int b);
int kept(int a);

#ifdef __cplusplus
}
#endif
#endif
