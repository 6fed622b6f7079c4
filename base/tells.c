#include "tells.h"

#include <stdio.h>
#include <string.h>

int rh_tells(int argc, char **argv, const char *version, const char *usage)
{
	if (argc != 2)
		return 0;
	if (strcmp(argv[1], "--version") == 0)
		puts(version);
	else if (strcmp(argv[1], "--help") == 0)
		fputs(usage, stdout);
	else
		return 0;
	return 1;
}
