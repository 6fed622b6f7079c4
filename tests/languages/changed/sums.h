/* sums - functions that become others under programs that call them. */
#ifndef SUMS_H
#define SUMS_H

int sums_add(int a, int b);
int sums_gone(int a);
int sums_same(int a);

#endif
