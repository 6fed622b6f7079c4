#include "endpoint.h"

#include "../model/error.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_port(const char *text, uint16_t *ret_port)
{
	char         *end;
	unsigned long port = strtoul(text, &end, 10);

	if (text[0] < '1' || text[0] > '9' || *end || port > UINT16_MAX)
		return RH_EINVAL;
	*ret_port = (uint16_t)port;
	return RH_OK;
}

static int read_address(const char *text, size_t len, uint8_t address[16])
{
	char plain[INET6_ADDRSTRLEN];

	if (len == 1 && text[0] == '*')
		return RH_OK;
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		snprintf(plain, sizeof plain, "%.*s", (int)(len - 2), text + 1);
		return inet_pton(AF_INET6, plain, address) == 1 ? RH_OK : RH_EINVAL;
	}
	snprintf(plain, sizeof plain, "%.*s", (int)len, text);
	address[10] = address[11] = 0xff;
	return len < INET_ADDRSTRLEN && inet_pton(AF_INET, plain, address + 12) == 1
	       ? RH_OK : RH_EINVAL;
}

int rh_endpoint_read(const char *text, struct rh_endpoint *ret_endpoint)
{
	struct rh_endpoint endpoint = { .port = 0 };
	const char        *colon = strrchr(text, ':');

	if (!colon || strlen(text) > INET6_ADDRSTRLEN + 8 ||
	    read_port(colon + 1, &endpoint.port) < 0 ||
	    read_address(text, (size_t)(colon - text), endpoint.address) < 0)
		return RH_EINVAL;
	*ret_endpoint = endpoint;
	return RH_OK;
}
