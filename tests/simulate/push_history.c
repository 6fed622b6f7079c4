/* push_history FILE...: reads the history of real runs out of logs ("-": standard input)
 * and says what cannot have been.  Exits 1 when there is something, 2 when a line is
 * malformed or there is no history at all. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

static int read_log(struct history *history, const char *path)
{
	FILE  *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char  *line = NULL;
	size_t cap = 0;
	int    number = 0, bad = 0;

	if (!file) {
		perror(path);
		return -1;
	}
	while (!bad && getline(&line, &cap, file) >= 0) {
		number++;
		bad = history_line(history, line) < 0;
	}
	if (bad)
		fprintf(stderr, "%s:%d: malformed: %s", path, number, line);
	free(line);
	if (file != stdin)
		fclose(file);
	return bad ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct history *history = history_create();
	int             status = 0;

	for (int i = 1; i < argc && status == 0; i++)
		status = read_log(history, argv[i]) < 0 ? 2 : 0;
	if (status == 0 && history_count(history) == 0) {
		fprintf(stderr, "usage: push_history FILE...; no history was found\n");
		status = 2;
	}
	if (status == 0) {
		int count = history_check(history, stdout);

		printf("%zu events, %d that cannot be\n", history_count(history), count);
		status = count > 0;
	}
	history_destroy(history);
	return status;
}
