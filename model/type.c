#include "type.h"

#include "error.h"

static const char *const types[RH_TYPES] = {
	[RH_TYPE_APPLICATION] = "application",
	[RH_TYPE_SERVICE]     = "service",
	[RH_TYPE_DRIVER]      = "driver",
	[RH_TYPE_HARDWARE]    = "hardware",
};

static const char *const privileges[RH_PRIVILEGES] = {
	[RH_PRIVILEGE_USER]   = "user",
	[RH_PRIVILEGE_KERNEL] = "kernel",
};

static int is_same(const char *word, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\0' || word[i] != text[i])
			return 0;
	}
	return word[len] == '\0';
}

static int parse(const char *const *words, int count, const char *text, size_t len)
{
	for (int i = 0; i < count; i++) {
		if (is_same(words[i], text, len))
			return i;
	}
	return RH_EINVAL;
}

int rh_type_parse(const char *text, size_t len)
{
	return parse(types, RH_TYPES, text, len);
}

const char *rh_type_text(int type)
{
	return type >= 0 && type < RH_TYPES ? types[type] : "unregistered";
}

char rh_type_set(int type)
{
	return type >= 0 && type < RH_TYPES ? "ASDH"[type] : '?';
}

int rh_privilege_parse(const char *text, size_t len)
{
	return parse(privileges, RH_PRIVILEGES, text, len);
}

const char *rh_privilege_text(int privilege)
{
	int is_known = privilege >= 0 && privilege < RH_PRIVILEGES;

	return is_known ? privileges[privilege] : "unknown";
}
