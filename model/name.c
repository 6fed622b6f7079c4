#include "name.h"

#include "error.h"
#include "interface.h"

#include <string.h>

static int is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* extra: what may stand in it besides [a-z0-9_]. */
static int check(const char *text, size_t len, const char *extra, size_t extra_len)
{
	if (len == 0 || len > RH_NAME_MAX || !is_lower(text[0]))
		return RH_EINVAL;
	for (size_t i = 1; i < len; i++) {
		if (is_lower(text[i]) || is_digit(text[i]) || text[i] == '_')
			continue;
		if (extra_len == 0 || !memchr(extra, text[i], extra_len))
			return RH_EINVAL;
	}
	return RH_OK;
}

int rh_name_check(const char *text, size_t len)
{
	return check(text, len, "", 0);
}

int rh_name_check_rule(const char *text, size_t len)
{
	return check(text, len, ".-", 2);
}

static void fill(struct rh_name *ret_name, const char *text, size_t len)
{
	struct rh_name name;

	memset(&name, 0, sizeof name); /* N1: also the bytes of padding */
	name.hash = rh_fnv1a(RH_FNV_SEED, text, len); /* N2 */
	name.len = (uint8_t)len;
	memcpy(name.text, text, len);
	memcpy(ret_name, &name, sizeof name);
}

int rh_name_init(struct rh_name *ret_name, const char *text, size_t len)
{
	int result = rh_name_check(text, len);

	if (result == RH_OK)
		fill(ret_name, text, len);
	return result;
}

int rh_name_init_rule(struct rh_name *ret_name, const char *text, size_t len)
{
	int result = rh_name_check_rule(text, len);

	if (result == RH_OK)
		fill(ret_name, text, len);
	return result;
}

int rh_name_equal(const struct rh_name *a, const struct rh_name *b)
{
	return a->hash == b->hash && a->len == b->len &&
	       memcmp(a->text, b->text, a->len) == 0;
}

int rh_name_compare(const struct rh_name *a, const struct rh_name *b)
{
	/* The NULs behind a shorter name order it first (N1). */
	return memcmp(a->text, b->text, sizeof a->text);
}
