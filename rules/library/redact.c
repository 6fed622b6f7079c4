/* redact - a transform: what must not be seen is not carried.
 *
 * Every place of a part that holds `pattern` is filled with `with`, byte for byte, so
 * that nothing around it moves.
 *
 * params  pattern  1 to 64 bytes that are looked for
 *         with     the byte that is put there (*)
 *         where    calls, replies or both (both) */
#include <rhodes/hook/transform.h>

RH_RULE(transform);

enum { CALLS = 1, REPLIES = 2 };

static uint8_t  pattern[64], with[1];
static uint32_t length;
static uint32_t where;

/* There is no libc in a module. */
static int32_t is_word(const char *word, int32_t len, const char *other)
{
	for (int32_t i = 0; i < len; i++)
		if (!other[i] || word[i] != other[i])
			return 0;
	return !other[len];
}

static int32_t where_of(const char *word, int32_t len)
{
	if (len <= 0 || is_word(word, len, "both"))
		return CALLS | REPLIES;
	if (is_word(word, len, "calls"))
		return CALLS;
	return is_word(word, len, "replies") ? REPLIES : 0;
}

int32_t rh_init(void)
{
	char    word[8];
	int32_t len = rh_param("pattern", 7, (char *)pattern, sizeof pattern);

	length = len > 0 ? (uint32_t)len : 0;
	if (rh_param("with", 4, (char *)with, 1) != 1)
		with[0] = '*';
	where = (uint32_t)where_of(word, rh_param("where", 5, word, sizeof word));
	return length == 0 || where == 0;
}

static uint32_t is_here(const uint8_t *at)
{
	for (uint32_t i = 0; i < length; i++)
		if (at[i] != pattern[i])
			return 0;
	return 1;
}

int32_t rh_transform_run(int32_t len)
{
	uint8_t *bytes = rh_transform.bytes;
	uint32_t end = (uint32_t)len, found = 0;

	if (!(where & (rh_transform.kind == RH_TRANSFORM_CALL ? CALLS : REPLIES)))
		return (int32_t)RH_TRANSFORM_SAME;
	for (uint32_t i = 0; i + length <= end; i++) {
		if (!is_here(bytes + i))
			continue;
		for (uint32_t j = 0; j < length; j++)
			bytes[i + j] = with[0];
		i += length - 1;
		found++;
	}
	return found ? len : (int32_t)RH_TRANSFORM_SAME;
}
