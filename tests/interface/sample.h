/* sample - a small library with what makes a shadow library hard: symbol versions,
 * variables, variable arguments, structs by value, symbols no header declares. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stddef.h>

struct sample_point {
	double x;
	float  y;
	int    n;
};

struct sample_big {
	long  numbers[6];
	short tail;
};

typedef struct sample *sample_t;

extern const char sample_version[8];
extern int        sample_counter;

struct sample_point sample_scale(struct sample_point point, float by);
struct sample_big   sample_fill(char first, struct sample_big big, double last);
long                sample_sum(const int *values, size_t count);
int                 sample_divide(int a, int b, int *quotient, int *rest);
sample_t            sample_new(const char *name);
const char         *sample_name(sample_t sample);
void                sample_free(sample_t sample);
int                 sample_format(char *out, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int                 sample_answer(void);
int                 sample_callback(int (*callback)(int), int value);

#endif
