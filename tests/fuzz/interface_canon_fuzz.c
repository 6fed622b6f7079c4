#include "../../interface/canon.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rh_canon_line line;
	char                *text = malloc(len + 1);

	memcpy(text, bytes, len);
	text[len] = '\0';
	if (rh_canon_split(text, &line) >= 0)
		for (uint8_t i = 0; i < line.count; i++)
			if (!line.types[i][0] || strlen(line.ret) == 0)
				__builtin_trap();
	free(text);
	return 0;
}
