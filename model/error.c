#include "error.h"

#include <stddef.h>

struct entry {
	int         err;
	int         status;
	const char *name;
	const char *text;
};

static const struct entry entries[] = {
	{ RH_OK, 200, "OK", "no error" },
#define RH_ERROR(name, code, status, text) { -(code), status, #name, text },
#include "errors.def"
#undef RH_ERROR
};

static const struct entry *find(int err)
{
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		if (entries[i].err == err)
			return &entries[i];
	}
	return NULL;
}

const char *rh_error_text(int err)
{
	const struct entry *entry = find(err);

	return entry ? entry->text : "an error this version does not know";
}

const char *rh_error_name(int err)
{
	const struct entry *entry = find(err);

	return entry ? entry->name : "EUNKNOWN";
}

int rh_error_status(int err)
{
	const struct entry *entry = find(err);

	return entry ? entry->status : 500;
}
