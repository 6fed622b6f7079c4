/* news - what happened lately that is no object of the store: a rule became active at
 * an agent, or was rejected by it; a roll-out went on; an edge is being revoked.
 *
 * A ring of lines, each a JSON object, numbered from 1 without gaps while the center
 * runs.  Watchers read it with a cursor; one that falls behind the ring hears how many
 * it missed.
 *
 * Ownership   The center's; lines are copied in and borrowed until the next add.
 * Threads     One.
 * Limits      RH_NEWS_MAX lines, the oldest go. */
#ifndef RH_CENTER_NEWS_H
#define RH_CENTER_NEWS_H

#include "limits.h"
#include "object.h"

#include <jansson.h>
#include <stdint.h>

#define RH_NEWS_MAX 4096u

struct rh_center;

struct rh_news_line {
	enum rh_object_kind kind;    /* that it is about                   */
	char                name[RH_OBJECT_NAME_MAX + 1]; /* ... "" if none */
	char               *text;
};

struct rh_news {
	struct rh_news_line lines[RH_NEWS_MAX];
	uint64_t            next;    /* number of the next line; 0 is as 1 */
};

/* Adds an event {"type", "name", ...} about the object of that kind and name, which it
 * steals, with the time and the number.  Watchers hear of it in this turn of the loop. */
void rh_news_add(struct rh_center *center, enum rh_object_kind kind, json_t *event);

/* Number of the next line to come. */
uint64_t rh_news_next(const struct rh_news *news);

/* The line of that number, or NULL when it is gone or not there yet. */
const struct rh_news_line *rh_news_line(const struct rh_news *news, uint64_t number);

void rh_news_fini(struct rh_news *news);

#endif
