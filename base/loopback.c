#include "loopback.h"

#include "diag.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int parse_port(const char *text, uint16_t *ret_port)
{
	char         *end;
	unsigned long port = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || port > UINT16_MAX)
		return RH_EINVAL;
	*ret_port = (uint16_t)port;
	return RH_OK;
}

int rh_loopback_parse(const char *text, struct sockaddr_storage *ret_address,
                      socklen_t *ret_len, struct rh_diag *diag)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in     *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6    *v6 = (struct sockaddr_in6 *)&address;
	uint16_t                port;

	if (strncmp(text, "127.0.0.1:", 10) == 0 && parse_port(text + 10, &port) == 0) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*ret_len = sizeof *v4;
	} else if (strncmp(text, "[::1]:", 6) == 0 && parse_port(text + 6, &port) == 0) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		v6->sin6_addr = in6addr_loopback;
		*ret_len = sizeof *v6;
	} else {
		return rh_diag_set(diag, RH_EINVAL, "--tcp %.60s: must be 127.0.0.1:PORT or "
		                   "[::1]:PORT; the center listens on loopback only", text);
	}
	*ret_address = address;
	return RH_OK;
}
