/* Calls every function of the sample library and prints what came back; the same
 * program runs with the real library, its shadow, and the static shadow. */
#include "sample.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

double sample_undeclared(double a, int b, const char *c);

static int twice(int value)
{
	return value * 2;
}

/* The static shadow has no versions. */
static void call_versions(void)
{
	union {
		void *symbol;
		int (*call)(void);
	} old = { dlvsym(RTLD_DEFAULT, "sample_answer", "SAMPLE_1") };

	printf("old answer %d\n", old.symbol ? old.call() : 0);
}

static void call_structs(void)
{
	struct sample_point point = sample_scale((struct sample_point){ 1.5, 2.5f, 3 },
	                                         2.0f);
	struct sample_big   big = { { 1, 2, 3, 4, 5, 6 }, 7 };

	big = sample_fill(10, big, 20.5);
	printf("point %g %g %d\n", point.x, (double)point.y, point.n);
	printf("big %ld %ld %d\n", big.numbers[0], big.numbers[5], big.tail);
}

static void call_pointers(void)
{
	int  values[] = { 1, 2, 3, -10 };
	int  quotient = -1, rest = -1;
	char text[64];

	printf("sum %ld\n", sample_sum(values, 4));
	printf("divide %d\n", sample_divide(17, 5, &quotient, &rest));
	printf("%d rest %d\n", quotient, rest);
	printf("format %d\n", sample_format(text, sizeof text, "%d %s %g %g %g %ld", 1,
	                                    "two", 3.0, 4.5, 6.25, 7L));
	printf("%s\n", text);
}

int main(int argc, char **argv)
{
	sample_t sample = sample_new("it");

	printf("name %s\n", sample_name(sample));
	sample_free(sample);
	call_structs();
	call_pointers();
	printf("undeclared %g\n", sample_undeclared(2.5, 4, "abc"));
	printf("answer %d\n", sample_answer());
	printf("version %s counter %d\n", sample_version, sample_counter);
	if (argc < 2 || strcmp(argv[1], "static") != 0)
		call_versions();
	/* the one function that cannot be carried fails, and says why in errno */
	errno = 0;
	int result = sample_callback(twice, 21);
	printf("callback %d errno %d\n", result, errno);
	return 0;
}
