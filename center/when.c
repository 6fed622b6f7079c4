#include "when.h"

#include "../model/error.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t rh_when_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static int digits(const char *text, size_t count, int *ret_value)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return RH_EINVAL;
		value = value * 10 + (text[i] - '0');
	}
	*ret_value = value;
	return RH_OK;
}

/* "Z", "+02:00" or "-02:00" to minutes east. */
static int parse_offset(const char *text, int *ret_minutes)
{
	int hours, minutes;

	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
		*ret_minutes = 0;
		return RH_OK;
	}
	if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
	    digits(text + 1, 2, &hours) || digits(text + 4, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return RH_EINVAL;
	*ret_minutes = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
	return RH_OK;
}

/* Milliseconds of ".123456"; *text goes behind it. */
static int parse_fraction(const char **text, int *ret_ms)
{
	int ms = 0, scale = 100;

	*ret_ms = 0;
	if (**text != '.')
		return RH_OK;
	const char *at = *text + 1;
	for (; *at >= '0' && *at <= '9'; at++, scale /= 10)
		ms += (*at - '0') * scale;
	if (at == *text + 1)
		return RH_EINVAL;
	*text = at;
	*ret_ms = ms;
	return RH_OK;
}

static int parse_date(const char *text, struct tm *ret_tm)
{
	struct tm tm = { 0 };

	if (strlen(text) < 20 || text[4] != '-' || text[7] != '-' ||
	    !strchr("Tt ", text[10]) || text[13] != ':' || text[16] != ':' ||
	    digits(text, 4, &tm.tm_year) || digits(text + 5, 2, &tm.tm_mon) ||
	    digits(text + 8, 2, &tm.tm_mday) || digits(text + 11, 2, &tm.tm_hour) ||
	    digits(text + 14, 2, &tm.tm_min) || digits(text + 17, 2, &tm.tm_sec))
		return RH_EINVAL;
	if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return RH_EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_tm = tm;
	return RH_OK;
}

int rh_when_parse(const char *text, uint64_t *ret_ms)
{
	struct tm   tm, back;
	int         ms, minutes;
	const char *rest = text + 19;

	if (parse_date(text, &tm) || parse_fraction(&rest, &ms) ||
	    parse_offset(rest, &minutes))
		return RH_EINVAL;
	back = tm;
	time_t seconds = timegm(&back);
	if (back.tm_mday != tm.tm_mday) /* a 30th of February */
		return RH_EINVAL;
	seconds -= minutes * 60;
	if (seconds < 0)
		return RH_EINVAL;
	*ret_ms = (uint64_t)seconds * 1000u + (uint64_t)ms;
	return RH_OK;
}

void rh_when_text(uint64_t ms, char text[RH_WHEN_TEXT_MAX])
{
	time_t    seconds = (time_t)(ms / 1000);
	struct tm tm;
	char      date[24] = "";

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, RH_WHEN_TEXT_MAX, "%s.%03uZ", date, (unsigned)(ms % 1000));
}

int rh_when_duration(const char *text, uint64_t max_ms, uint64_t *ret_ms)
{
	static const struct { const char *unit; uint64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	};
	size_t len = strspn(text, "0123456789");
	int    value;

	if (len == 0 || len > 8 || digits(text, len, &value) < 0)
		return RH_EINVAL;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(text + len, units[i].unit) != 0)
			continue;
		if ((uint64_t)value * units[i].ms > max_ms)
			return RH_EINVAL;
		*ret_ms = (uint64_t)value * units[i].ms;
		return RH_OK;
	}
	return RH_EINVAL;
}
