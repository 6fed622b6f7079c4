/* Any bytes: refused with a place inside the text, or documents that survive being
 * written and read again. */
#include "../../base/yaml.h"
#include "../../model/check.h"
#include "../../model/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines_of(const uint8_t *data, size_t size)
{
	size_t lines = 1;

	/* More than YAML counts, never less. */
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
	return lines;
}

static void write_and_read(const json_t *value)
{
	char           *text = rh_yaml_text(value);
	struct rh_yaml *again = NULL;
	struct rh_diag  diag;

	RH_CHECK(text);
	/* A text of quotes may grow over the limit; anything else must come back. */
	int r = rh_yaml_parse(text, strlen(text), &again, NULL, &diag);
	RH_CHECK(r == RH_OK || r == RH_EMSGSIZE);
	if (r == RH_OK) {
		RH_CHECK(rh_yaml_count(again) == 1);
		RH_CHECK(json_equal(value, rh_yaml_document(again, 0)));
	}
	rh_yaml_destroy(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const pointers[] = {
		"", "/", "/kind", "/spec/reference/0", "/a~1b/~0", "//", "x", "/0/0/0/0",
	};
	struct rh_yaml     *yaml = NULL;
	struct rh_yaml_mark mark = { 0, 0 };
	struct rh_diag      diag = { 0 };

	if (rh_yaml_parse((const char *)data, size, &yaml, &mark, &diag) < 0) {
		RH_CHECK(!yaml && diag.code < 0 && diag.text[0]);
		RH_CHECK(mark.line <= lines_of(data, size) + 1);
		return 0;
	}
	for (size_t i = 0; i < rh_yaml_count(yaml); i++) {
		for (size_t p = 0; p < sizeof pointers / sizeof pointers[0]; p++)
			RH_CHECK(rh_yaml_where(yaml, i, pointers[p]).line > 0);
		write_and_read(rh_yaml_document(yaml, i));
	}
	rh_yaml_destroy(yaml);
	return 0;
}
