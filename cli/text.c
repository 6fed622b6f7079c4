#include "text.h"

#include <stdint.h>
#include <string.h>

static const char *const styles[] = {
	[RH_PLAIN] = "", [RH_BOLD] = "\033[1m", [RH_GOOD] = "\033[32m",
	[RH_BAD] = "\033[31m", [RH_DIM] = "\033[2m",
};

/* The bytes of the character at text: 0 when it is not well-formed UTF-8 or is a
 * control character (C0, DEL, C1). */
static size_t character(const unsigned char *text)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t                count;
	uint32_t              code;

	if (text[0] < 0x80)
		return text[0] >= 0x20 && text[0] != 0x7f;
	count = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	code = text[0] & (0x7fu >> count);
	for (size_t i = 1; i < count; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3fu);
	}
	if (code < least[count] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
	    code < 0xa0)
		return 0;
	return count;
}

char *rh_text_clean(const char *text, char *result, size_t cap)
{
	size_t used = 0;

	while (*text) {
		size_t count = character((const unsigned char *)text);
		size_t step = count ? count : 1;

		if (used + step >= cap)
			break;
		if (count)
			memcpy(result + used, text, count);
		else
			result[used] = '?';
		used += step;
		text += step;
	}
	result[used] = '\0';
	return result;
}

size_t rh_text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void rh_text_print(FILE *file, const char *text, enum rh_style style, int has_color)
{
	char buffer[1024];
	int  is_styled = has_color && style != RH_PLAIN;

	if (is_styled)
		fputs(styles[style], file);
	fputs(rh_text_clean(text, buffer, sizeof buffer), file);
	if (is_styled)
		fputs("\033[0m", file);
}

char *rh_text_count(double count, char *result, size_t cap)
{
	static const char units[] = " kMGTP";
	size_t            unit = 0;

	while (count >= 9999.5 && unit + 2 < sizeof units) {
		count /= 1000;
		unit++;
	}
	if (unit == 0)
		snprintf(result, cap, "%.0f", count);
	else
		snprintf(result, cap, "%.*f%c", count < 99.95 ? 1 : 0, count,
		         units[unit]);
	return result;
}

char *rh_text_duration(double nanoseconds, char *result, size_t cap)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t                   unit = 0;

	while (nanoseconds >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
		nanoseconds /= 1000;
		unit++;
	}
	snprintf(result, cap, "%.*f%s", unit && nanoseconds < 99.95 ? 1 : 0, nanoseconds,
	         units[unit]);
	return result;
}
