/* raises - functions that fail as their language has it, and an event. */
#ifndef RAISES_H
#define RAISES_H

int raises_error(const char *what);
int raises_panic(const char *what);
int raises_twice(int number);

/* Each is told so often; an event says it with its number, counted from 1. */
int raises_tell(int what, int count);
int raises_told(int *what, int *number);

#endif
