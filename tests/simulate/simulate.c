/* simulate [--seed N] [--seeds N] [--steps N] [--verbose]: runs of live change, each from
 * a seed; the first that cannot be is shown and ends the program.  A run of one seed is
 * the same each time.  From 250 seeds on, everything that can happen must have. */
#include "sim.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define MANY 250u /* seeds */

static uint64_t the_seed;

/* A check of the code under test failed: of which seed? */
static void on_abort(int signal)
{
	char text[64];
	int  len = snprintf(text, sizeof text, "seed %lu: aborted\n", the_seed);

	(void)!write(STDOUT_FILENO, text, (size_t)len);
	_exit(128 + signal);
}

static uint64_t number(const char *text)
{
	char    *end;
	uint64_t value = strtoull(text, &end, 10);

	if (end == text || *end) {
		fprintf(stderr, "simulate: %s is no number\n", text);
		exit(2);
	}
	return value;
}

/* Everything that can happen has, in so many runs. */
static int has_happened(void)
{
	int all = 1;

	for (int i = 0; i < SIM_COUNTS; i++) {
		printf("%8lu %s\n", sim_counts[i], sim_count_names[i]);
		if (sim_counts[i] == 0) {
			printf("%s: never\n", sim_count_names[i]);
			all = 0;
		}
	}
	return all;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "steps", required_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	uint64_t seed = 1, seeds = 1, steps = 0;
	FILE    *verbose = NULL;
	int      option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 's')
			seed = number(optarg);
		else if (option == 'n')
			seeds = number(optarg);
		else if (option == 't')
			steps = number(optarg);
		else if (option == 'v')
			verbose = stdout;
		else
			return 2;
	}
	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
	setlinebuf(stdout);
	for (uint64_t i = seed; i < seed + seeds; i++) {
		the_seed = i;
		if (sim_run(i, steps, verbose) == 0)
			continue;
		printf("again: simulate --seed %lu --verbose", i);
		if (steps > 0)
			printf(" --steps %lu", steps);
		printf("\n");
		return 1;
	}
	printf("seeds %lu to %lu hold\n", seed, seed + seeds - 1);
	return seeds >= MANY && !has_happened();
}
