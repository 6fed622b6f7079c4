#include "listing.h"

#include "../../model/error.h"

#include <stdlib.h>
#include <string.h>

static int copy_word(char *to, size_t cap, const char **at, char end)
{
	const char *stop = strchr(*at, end);
	size_t      len = stop ? (size_t)(stop - *at) : 0;

	if (!stop || len >= cap)
		return RH_EINVAL;
	memcpy(to, *at, len);
	to[len] = '\0';
	*at = stop + 1;
	return RH_OK;
}

const char *rh_listing_text(void)
{
	return secure_getenv("RHODES_INTERFACES");
}

int rh_listing_next(const char **at, struct rh_listing *ret_listing)
{
	size_t len;

	if (!**at ||
	    copy_word(ret_listing->resource, sizeof ret_listing->resource, at, '=') < 0 ||
	    copy_word(ret_listing->interface, sizeof ret_listing->interface, at, '=') < 0)
		return 0;
	len = strcspn(*at, ":");
	if (len == 0 || len >= sizeof ret_listing->path)
		return 0;
	memcpy(ret_listing->path, *at, len);
	ret_listing->path[len] = '\0';
	*at += len;
	*at += **at == ':';
	return 1;
}

int rh_listing_find(const char *resource, struct rh_listing *ret_listing)
{
	const char *list = rh_listing_text();

	while (list && rh_listing_next(&list, ret_listing)) {
		if (strcmp(ret_listing->resource, resource) == 0)
			return RH_OK;
	}
	return RH_ENOENT;
}
