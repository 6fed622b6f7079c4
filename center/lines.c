#include "lines.h"

#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rh_line_ring *find(const struct rh_lines *lines, const char *rule)
{
	for (unsigned i = 0; i < lines->used; i++) {
		if (strcmp(lines->rings[i]->rule, rule) == 0)
			return lines->rings[i];
	}
	return NULL;
}

static uint64_t last_of(const struct rh_line_ring *ring)
{
	return ring->at[(ring->count - 1) % RH_LINES_MAX].time_ms;
}

static struct rh_line_ring *silent_for_longest(const struct rh_lines *lines)
{
	struct rh_line_ring *found = lines->rings[0];

	for (unsigned i = 1; i < lines->used; i++) {
		if (last_of(lines->rings[i]) < last_of(found))
			found = lines->rings[i];
	}
	return found;
}

static struct rh_line_ring *make(struct rh_lines *lines, const char *rule)
{
	struct rh_line_ring *ring;

	if (lines->used < RH_LINES_RULES) {
		ring = malloc(sizeof *ring + RH_LINES_MAX * sizeof ring->at[0]);
		if (!ring)
			return NULL;
		lines->rings[lines->used++] = ring;
	} else {
		ring = silent_for_longest(lines);
	}
	ring->before = lines->last;
	ring->count = 0;
	snprintf(ring->rule, sizeof ring->rule, "%s", rule);
	return ring;
}

int rh_lines_add(struct rh_lines *lines, const char *rule, const struct rh_said *line)
{
	struct rh_line_ring *ring = find(lines, rule);
	struct rh_said      *place;

	if (!ring && !(ring = make(lines, rule)))
		return RH_ENOMEM;
	place = &ring->at[ring->count++ % RH_LINES_MAX];
	*place = *line;
	place->number = ring->before + ring->count;
	lines->last++;
	return RH_OK;
}

uint64_t rh_lines_each(const struct rh_lines *lines, const char *rule, uint64_t after,
                       uint64_t limit, rh_lines_visit *visit, void *user)
{
	const struct rh_line_ring *ring = find(lines, rule);
	uint64_t                   first, oldest, seen;

	if (!ring)
		return 0;
	seen = after > ring->before ? after - ring->before : 0;
	if (seen >= ring->count)
		return 0;
	oldest = ring->count > RH_LINES_MAX ? ring->count - RH_LINES_MAX : 0;
	first = ring->count - seen > limit ? ring->count - limit : seen;
	if (first < oldest)
		first = oldest;
	for (uint64_t i = first; i < ring->count; i++)
		visit(user, &ring->at[i % RH_LINES_MAX]);
	return first - seen;
}

void rh_lines_fini(struct rh_lines *lines)
{
	for (unsigned i = 0; i < lines->used; i++)
		free(lines->rings[i]);
	lines->used = 0;
}
