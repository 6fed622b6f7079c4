/* What the resource offers: the interface is made of this. */
#ifndef CALC_H
#define CALC_H

int calc_twice(int a);
int calc_add(int a, int b);

#endif
