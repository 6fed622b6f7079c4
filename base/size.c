#include "size.h"

#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 12 /* so that no unit overflows */

int rh_size_read(const char *text, uint64_t max, uint64_t *ret_bytes)
{
	static const struct {
		const char *text;
		unsigned    shift;
	} units[] = { { "", 0 }, { "Ki", 10 }, { "Mi", 20 } };
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > DIGITS_MAX)
		return RH_EINVAL;
	uint64_t number = strtoull(text, NULL, 10);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(text + digits, units[i].text) != 0)
			continue;
		if (number << units[i].shift > max)
			return RH_EINVAL;
		*ret_bytes = number << units[i].shift;
		return RH_OK;
	}
	return RH_EINVAL;
}
