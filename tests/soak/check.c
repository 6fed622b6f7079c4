/* check - makes an empty history, and reads a full one.
 *
 *   soak-check make FILE LINES PER_LINE DEADLINE_MS
 *   soak-check FILE      says what is wrong; ends with 1 when something is */
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000ull

static int make(char **words)
{
	if (history_create(words[0], (uint32_t)strtoul(words[1], NULL, 10),
	                   (uint32_t)strtoul(words[2], NULL, 10),
	                   strtoull(words[3], NULL, 10) * NS_PER_MS))
		return 0;
	perror(words[0]);
	return 2;
}

static void print_example(const struct history *history, uint64_t id)
{
	const struct history_call *call = &history->call[id];
	const struct history_line *line = &history->line[id / history->per_line];
	uint32_t                   told = atomic_load(&call->told);

	printf("    id %" PRIu64 " (line %" PRIu64 ", call %" PRIu64 "): kind %u, life %u of %u,"
	       " told %s (code %d) after %.3f s, began %u times, ended %u times,"
	       " %016" PRIx64 " instead of %016" PRIx64 "\n",
	       id, id / history->per_line, id % history->per_line, call->kind,
	       atomic_load(&call->life), atomic_load(&line->life),
	       told < HISTORY_TOLDS ? verdict_told_text(told) : "?", call->code,
	       (double)(call->ended - call->began) / 1e9, atomic_load(&call->entered),
	       atomic_load(&call->left), call->got, call->expected);
}

static void print_faults(const struct history *history, const struct verdict *verdict)
{
	for (int fault = 0; fault < VERDICT_FAULTS; fault++) {
		uint64_t count = verdict->faults[fault];

		if (count == 0)
			continue;
		printf("%" PRIu64 " x %s\n", count,
		       verdict_fault_text((enum verdict_fault)fault));
		for (uint64_t i = 0; i < count && i < VERDICT_EXAMPLES; i++)
			print_example(history, verdict->examples[fault][i]);
	}
	if (verdict->strays > 0)
		printf("%" PRIu64 " bodies ran with an id that nobody has\n",
		       verdict->strays);
}

static void print_sums(const struct verdict *verdict)
{
	printf("%" PRIu64 " calls:", verdict->calls);
	for (int told = 0; told < HISTORY_TOLDS; told++)
		printf(" %" PRIu64 " %s,", verdict->told[told],
		       verdict_told_text((enum history_told)told));
	printf(" %" PRIu64 " ran more than once, %" PRIu64 " bodies cut, longest %.3f s\n",
	       verdict->again, verdict->cut, (double)verdict->longest_ns / 1e9);
}

static int check(const char *path)
{
	struct history *history = history_open(path);
	struct verdict  verdict;

	if (!history) {
		perror(path);
		return 2;
	}
	verdict_find(history, &verdict);
	print_sums(&verdict);
	print_faults(history, &verdict);
	printf("%s\n", verdict_is_good(&verdict) ? "nothing is wrong" : "WRONG");
	return !verdict_is_good(&verdict);
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "make") == 0)
		return make(argv + 2);
	if (argc == 2)
		return check(argv[1]);
	fprintf(stderr, "usage: soak-check make FILE LINES PER_LINE DEADLINE_MS\n"
	        "       soak-check FILE\n");
	return 2;
}
