#include "news.h"

#include "center.h"
#include "when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t rh_news_next(const struct rh_news *news)
{
	return news->next ? news->next : 1;
}

const struct rh_news_line *rh_news_line(const struct rh_news *news, uint64_t number)
{
	uint64_t next = rh_news_next(news);

	if (number == 0 || number >= next || next - number > RH_NEWS_MAX)
		return NULL;
	return &news->lines[number % RH_NEWS_MAX];
}

void rh_news_add(struct rh_center *center, enum rh_object_kind kind, json_t *event)
{
	struct rh_news *news = &center->news;
	uint64_t        number = rh_news_next(news);
	struct rh_news_line *place = &news->lines[number % RH_NEWS_MAX];
	const char     *name = json_string_value(json_object_get(event, "name"));
	char            time[RH_WHEN_TEXT_MAX];

	rh_when_text(rh_when_now(), time);
	json_object_set_new(event, "time", json_string(time));
	json_object_set_new(event, "number", json_integer((json_int_t)number));
	char *line = json_dumps(event, JSON_COMPACT);
	if (!line) { /* no memory: nobody hears of it, and nothing depends on it */
		json_decref(event);
		return;
	}
	free(place->text);
	*place = (struct rh_news_line){ .kind = kind, .text = line };
	snprintf(place->name, sizeof place->name, "%s", name ? name : "");
	json_decref(event);
	news->next = number + 1;
	rh_watchers_wake(&center->watchers);
}

void rh_news_fini(struct rh_news *news)
{
	for (unsigned i = 0; i < RH_NEWS_MAX; i++)
		free(news->lines[i].text);
	memset(news, 0, sizeof *news);
}
