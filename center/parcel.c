#include "parcel.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../wire/limits.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH sizeof(uint32_t)

int rh_parcel_add(struct rh_parcel *parcel, const unsigned char *part, size_t len)
{
	size_t   need = parcel->len + LENGTH + len;
	uint32_t length = (uint32_t)len;

	RH_CHECK(len <= RH_FRAME_MAX); /* A1 */
	if (need > parcel->cap) {
		unsigned char *bytes = realloc(parcel->bytes, need);

		if (!bytes)
			return RH_ENOMEM;
		parcel->bytes = bytes;
		parcel->cap = need;
	}
	memcpy(parcel->bytes + parcel->len, &length, LENGTH);
	memcpy(parcel->bytes + parcel->len + LENGTH, part, len);
	parcel->len = need;
	return RH_OK;
}

void rh_parcel_fini(struct rh_parcel *parcel)
{
	free(parcel->bytes);
	*parcel = (struct rh_parcel){ 0 };
}

size_t rh_parcel_next(const struct rh_parcel *parcel, const unsigned char **ret_part)
{
	uint32_t length;

	if (parcel->sent == parcel->len)
		return 0;
	memcpy(&length, parcel->bytes + parcel->sent, LENGTH);
	*ret_part = parcel->bytes + parcel->sent + LENGTH;
	return length;
}

void rh_parcel_advance(struct rh_parcel *parcel)
{
	const unsigned char *part;
	size_t               len = rh_parcel_next(parcel, &part);

	RH_CHECK(len > 0);
	parcel->sent += LENGTH + len;
}
