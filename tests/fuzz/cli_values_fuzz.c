/* A line of canonical text up to the first NUL, then the bytes of a call. */
#include "../../cli/values.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static FILE   *null;
	const uint8_t *end = memchr(bytes, 0, len);
	char          *line;
	void          *body;
	size_t         body_len;

	if (!null && !(null = fopen("/dev/null", "w")))
		abort();
	if (!end)
		return 0;
	line = strdup((const char *)bytes);
	body_len = len - (size_t)(end + 1 - bytes);
	/* Its own block, so that a look beyond the end is seen. */
	body = malloc(body_len);
	memcpy(body, end + 1, body_len);
	(void)rh_values_hash(line);
	rh_values_print_args(null, line, body, body_len);
	rh_values_print_reply(null, line, body, body_len);
	free(body);
	free(line);
	return 0;
}
