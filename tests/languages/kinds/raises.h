/* raises - functions that fail as their language has it. */
#ifndef RAISES_H
#define RAISES_H

int raises_error(const char *what);
int raises_panic(const char *what);
int raises_twice(int number);

#endif
