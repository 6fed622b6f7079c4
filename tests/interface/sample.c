#include "sample.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	char name[32];
};

const char sample_version[8] = "2.1.0";
int        sample_counter = 7;

struct sample_point sample_scale(struct sample_point point, float by)
{
	return (struct sample_point){ point.x * (double)by, point.y * by, point.n + 1 };
}

struct sample_big sample_fill(char first, struct sample_big big, double last)
{
	big.numbers[0] += first;
	big.numbers[5] += (long)last;
	big.tail++;
	return big;
}

long sample_sum(const int *values, size_t count)
{
	long sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum;
}

int sample_divide(int a, int b, int *quotient, int *rest)
{
	if (b == 0)
		return -1;
	*quotient = a / b;
	*rest = a % b;
	return 0;
}

sample_t sample_new(const char *name)
{
	sample_t sample = calloc(1, sizeof *sample);

	if (sample)
		snprintf(sample->name, sizeof sample->name, "<%s>", name);
	return sample;
}

const char *sample_name(sample_t sample)
{
	return sample->name;
}

void sample_free(sample_t sample)
{
	free(sample);
}

int sample_format(char *out, size_t room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(out, room, format, args);
	va_end(args);
	return len;
}

int sample_callback(int (*callback)(int), int value)
{
	return callback(value);
}

/* Not in the header. */
double sample_undeclared(double a, int b, const char *c);
double sample_undeclared(double a, int b, const char *c)
{
	return a * b + (double)strlen(c);
}

int sample_answer_1(void);
int sample_answer_1(void)
{
	return 41;
}

int sample_answer_2(void);
int sample_answer_2(void)
{
	return 42;
}

__asm__(".symver sample_answer_1, sample_answer@SAMPLE_1, remove");
__asm__(".symver sample_answer_2, sample_answer@@SAMPLE_2, remove");
