#include "duration.h"

#include <stdio.h>

#define NS_PER_MS 1000000u
#define NS_PER_S  1000000000u

static uint64_t round_up(uint64_t ns, uint64_t unit)
{
	return ns / unit + (ns % unit != 0);
}

char *rh_duration_text(uint64_t ns, char text[RH_DURATION_TEXT_MAX])
{
	uint64_t ms = round_up(ns, NS_PER_MS), s = round_up(ns, NS_PER_S);
	struct {
		unsigned long long count;
		char               unit;
	} parts[] = { { s / 3600, 'h' }, { s / 60 % 60, 'm' }, { s % 60, 's' } };
	int used = 0;

	if (ms < 1000) {
		snprintf(text, RH_DURATION_TEXT_MAX, "%llums", (unsigned long long)ms);
		return text;
	}
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (parts[i].count)
			used += snprintf(text + used, RH_DURATION_TEXT_MAX - (size_t)used,
			                 "%s%llu%c", used ? " " : "", parts[i].count,
			                 parts[i].unit);
	}
	return text;
}
