#include "order.h"

#include "../wire/limits.h"

#include <stdio.h>

void rh_order_digest(const char *caller, const char *callee, const char *content,
                     char hex[RH_SHA256_HEX])
{
	char text[2 * RH_NAME_MAX + RH_SHA256_HEX + 2];
	int  len = snprintf(text, sizeof text, "%.*s %.*s %.64s", (int)RH_NAME_MAX, caller,
	                    (int)RH_NAME_MAX, callee, content);

	rh_sha256_hex(text, (unsigned long long)len, hex);
}
