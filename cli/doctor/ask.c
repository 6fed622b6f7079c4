#include "doctor.h"

#include "../show.h"
#include "../stream.h"

#include "../../base/clock.h"
#include "../../base/diag.h"

#include <stdio.h>

/* A new reference, or NULL: no answer in time, or a refusal. */
static json_t *get(struct rh_stream *stream, const char *path)
{
	uint64_t until = rh_clock_ns() + RH_DOCTOR_ANSWER_MS * RH_NS_PER_MS;
	int      error = RH_OK;

	if (rh_stream_begin(stream, path) < 0)
		return NULL;
	while (!rh_stream_is_over(stream, &error)) {
		uint64_t now = rh_clock_ns();

		if (now >= until)
			return NULL;
		rh_stream_wait(stream, NULL, 0, (int)((until - now) / RH_NS_PER_MS) + 1);
	}
	return error == RH_OK && rh_stream_status(stream) == 200 ? rh_stream_json(stream)
	                                                         : NULL;
}

/* All pages of a list; NULL when one does not come. */
static json_t *get_all(struct rh_stream *stream, const char *path)
{
	json_t     *all = json_array(), *page;
	char        next[200];
	const char *more;

	snprintf(next, sizeof next, "%s", path);
	do {
		page = get(stream, next);
		if (!page) {
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, json_object_get(page, "items"));
		more = rh_show_text(json_object_get(page, "metadata"), "continue");
		snprintf(next, sizeof next, "%s?continue=%s", path, more ? more : "");
		json_decref(page);
	} while (more);
	return all;
}

void rh_doctor_ask(struct rh_doctor *doctor)
{
	struct rh_stream *stream = NULL;

	if (rh_stream_create(&doctor->cli->dirs, &stream, NULL) < 0)
		return;
	doctor->system = get(stream, "/apis/v1/system");
	if (doctor->system) {
		doctor->resources = get_all(stream, "/apis/v1/resources");
		doctor->agents = get_all(stream, "/apis/v1/agents");
		doctor->rollouts = get_all(stream, "/apis/v1/rollouts");
	}
	if (!doctor->resources || !doctor->agents || !doctor->rollouts) {
		json_decref(doctor->system);
		doctor->system = NULL;
	}
	rh_stream_destroy(stream);
}
