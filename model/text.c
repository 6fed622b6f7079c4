#include "text.h"

#include "check.h"
#include "error.h"

#include <string.h>

void rh_text_init(struct rh_text *text, char *buffer, size_t cap)
{
	RH_CHECK(cap > 0);
	*text = (struct rh_text){ .buffer = buffer, .cap = cap };
	buffer[0] = '\0';
}

void rh_text_add_bytes(struct rh_text *text, const char *bytes, size_t len)
{
	size_t room = text->cap - text->len - 1;

	RH_CHECK(text->len < text->cap); /* T1 */
	if (len > room) {
		len = room;
		text->is_cut = 1;
	}
	memcpy(text->buffer + text->len, bytes, len);
	text->len += len;
	text->buffer[text->len] = '\0'; /* T1 */
}

void rh_text_add(struct rh_text *text, const char *string)
{
	size_t len = 0;

	while (string[len] != '\0')
		len++;
	rh_text_add_bytes(text, string, len);
}

void rh_text_add_u64(struct rh_text *text, uint64_t number)
{
	char   digits[20];
	size_t first = sizeof digits;

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	rh_text_add_bytes(text, digits + first, sizeof digits - first);
}

int rh_text_end(const struct rh_text *text)
{
	RH_CHECK(text->len <= INT32_MAX);
	return text->is_cut ? (int)RH_EMSGSIZE : (int)text->len;
}
