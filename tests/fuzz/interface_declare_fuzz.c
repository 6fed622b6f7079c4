#include "../../interface/declare.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char                     *text = malloc(len + 1);
	struct rh_declare_request request = {
		.text = text, .name = "fuzz", .header = "fuzz.h", .soname = "libfuzz.so",
		.origin = "fuzz",
	};
	struct rh_declare made;
	struct rh_pool    pool;

	memcpy(text, bytes, len);
	text[len] = '\0';
	rh_pool_init(&pool);
	if (rh_declare_make(&pool, &request, &made, NULL) >= 0 &&
	    (!strstr(made.header, "#endif") || !strstr(made.side, "\ninterface ")))
		__builtin_trap();
	rh_pool_fini(&pool);
	free(text);
	return 0;
}
